// Softmax, its logarithm, and losses made of them.
#include <cmath>

#include "core/autograd/rules.h"
#include "core/cpu/pool.h"
#include "core/ops/calls.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {

DimsView view(const Dims& d) { return {d.data(), size_t(d.size())}; }

constexpr int64_t kPiece = 1024;  // elements whose exponentials are taken at once, where they are not kept

template <class T> T larger(T most, T x) { return (x > most) | (x != x) ? x : most; }

// The exponentials by the loop of `exp`; what it would warn of cannot happen below zero, or is there already.
template <class T> void exponentials(const T* x, T* y, int64_t n) {
    static const Loop& loop = *MINPY_OP("exp").loops[int(dtype_of<T>)];
    char* args[] = {reinterpret_cast<char*>(const_cast<T*>(x)), reinterpret_cast<char*>(y)};
    loop.run(args, 0, n);
}

// Eight side by side, whatever the position.
template <class T, class F> T fold(const T* x, int64_t n, F&& f) {
    T lanes[8];
    int64_t i = 8;
    if (n < 8) {
        T result = x[0];
        for (int64_t j = 1; j < n; ++j) result = f(result, x[j]);
        return result;
    }
    std::copy_n(x, 8, lanes);
    for (; i + 8 <= n; i += 8)
        for (int64_t j = 0; j < 8; ++j) lanes[j] = f(lanes[j], x[i + j]);
    for (; i < n; ++i) lanes[i % 8] = f(lanes[i % 8], x[i]);
    for (int64_t half = 4; half; half /= 2)
        for (int64_t j = 0; j < half; ++j) lanes[j] = f(lanes[j], lanes[j + half]);
    return lanes[0];
}
template <class T> T sum_of(const T* x, int64_t n) {
    return fold(x, n, [](T a, T b) { return a + b; });
}

// Rows of n elements, one after the other.
template <class T> void softmax_rows(const T* x, T* y, int64_t rows, int64_t n, bool logarithm) {
    for (int64_t r = 0; r < rows; ++r) {
        T most = fold(x + r * n, n, larger<T>);
        for (int64_t i = 0; i < n; ++i) y[r * n + i] = x[r * n + i] - most;
    }
    if (!logarithm) {
        exponentials(y, y, rows * n);
        for (int64_t r = 0; r < rows; ++r) {
            T scale = 1 / sum_of(y + r * n, n);
            for (int64_t i = 0; i < n; ++i) y[r * n + i] *= scale;
        }
        return;
    }
    T piece[kPiece];
    int64_t together = std::max<int64_t>(1, kPiece / n);
    for (int64_t from = 0; from < rows; from += together) {
        int64_t count = std::min(together, rows - from);
        if (n <= kPiece) exponentials(y + from * n, piece, count * n);
        for (int64_t r = from; r < from + count; ++r) {
            T* row = y + r * n;
            T sum = n <= kPiece ? sum_of(piece + (r - from) * n, n) : 0;
            for (int64_t i = 0; n > kPiece && i < n; i += kPiece) {
                exponentials(row + i, piece, std::min(kPiece, n - i));
                sum += sum_of(piece, std::min(kPiece, n - i));
            }
            T last = std::log(sum);
            for (int64_t i = 0; i < n; ++i) row[i] -= last;
        }
    }
}

// n lines of `width` neighbours, `step` elements from one line to the next: along the lines.
template <class T> void softmax_lines(const T* x, T* y, int64_t n, int64_t step, int64_t width, bool logarithm) {
    T most[kPiece], sum[kPiece], piece[kPiece];
    std::copy_n(x, width, most);
    for (int64_t i = 1; i < n; ++i)
        for (int64_t j = 0; j < width; ++j) most[j] = larger(most[j], x[i * step + j]);
    std::fill_n(sum, width, T(0));
    for (int64_t i = 0; i < n; ++i) {
        T *to = y + i * step, *power = logarithm ? piece : to;
        for (int64_t j = 0; j < width; ++j) to[j] = x[i * step + j] - most[j];
        exponentials(to, power, width);
        for (int64_t j = 0; j < width; ++j) sum[j] += power[j];
    }
    for (int64_t j = 0; j < width; ++j) sum[j] = logarithm ? std::log(sum[j]) : 1 / sum[j];
    for (int64_t i = 0; i < n; ++i)
        for (int64_t j = 0; j < width; ++j) {
            T& to = y[i * step + j];
            to = logarithm ? to - sum[j] : to * sum[j];
        }
}

// Along one axis of contiguous data; `step` elements lie between neighbours.
template <class T> void softmax_along(const T* x, T* y, int64_t outer, int64_t n, int64_t step, bool logarithm) {
    if (step == 1) {
        int64_t chunk = std::max<int64_t>(1, 16384 / std::max<int64_t>(n, 1));
        parallel_for((outer + chunk - 1) / chunk, [&](int64_t task) {
            int64_t from = task * chunk, rows = std::min(chunk, outer - from);
            softmax_rows(x + from * n, y + from * n, rows, n, logarithm);
        });
        return;
    }
    int64_t pieces = (step + kPiece - 1) / kPiece,
            together = std::max<int64_t>(1, 16384 / (n * std::min(step, kPiece)));
    int64_t all = outer * pieces;
    parallel_for((all + together - 1) / together, [&](int64_t task) {
        for (int64_t i = task * together; i < std::min(all, (task + 1) * together); ++i) {
            int64_t first = i % pieces * kPiece, at = i / pieces * n * step + first;
            softmax_lines(x + at, y + at, n, step, std::min(kPiece, step - first), logarithm);
        }
    });
}

template <bool logarithm> void softmax_kernel(Call& c) {
    const Array& out = c.out[0];
    if (out.size() == 0) return;
    DType t = in(out.dtype(), kShortFloat) ? DType::float32 : out.dtype();
    Array x = c.in[0].dtype() == t ? contiguous(c.in[0]) : copy_of(c.in[0], t),
          y = out.dtype() == t ? out : empty(out.shape(), t);
    int64_t axis = c.axis(1, x.ndim()), outer = 1, step = 1;
    for (int64_t i = 0; i < x.ndim(); ++i) (i < axis ? outer : step) *= i == axis ? 1 : x.dim(i);
    for_dtype<kFloat>(
        t, [&]<class T> { softmax_along(x.raw_as<T>(), y.raw_as<T>(), outer, x.dim(axis), step, logarithm); });
    if (!y.is(out)) copy_into(out, y);
}

void infer_softmax(Call& c) {
    DType t = c.in[0].dtype();
    if (in(t, kComplex)) throw type_error(c.op.name, " needs real numbers, got ", name(t));
    if (in(t, kBool | kInteger)) t = DType::float64;
    if (c.in[0].ndim() == 0) throw axis_error(c.integer(1), 0);
    c.axis(1, c.in[0].ndim());
    c.cast(0, t);
    c.output(c.in[0].shape(), t);
}

Dims axis_of(Reverse& c) { return {normalize_axis(c.integer(1), int64_t(c.in_shape(0).size()))}; }

}  // namespace

void register_softmax(Registry& r) {
    r.op("softmax(x, axis: axis = -1)")
        .infer(infer_softmax)
        .kernel(softmax_kernel<false>)
        .reverse([](Reverse& c) {
            Array y = c.out(), gy = c.g() * y;
            c.set(0, gy - y * ops::sum(gy, view(axis_of(c)), true));
        })
        .saves(false, true)
        .sample("f64(2,3)")
        .sample("f64(2,3,2), axis=1")
        .c_function("x axis")
        .doc("exp(x) / sum(exp(x)) along an axis.");
    r.op("log_softmax(x, axis: axis = -1)")
        .infer(infer_softmax)
        .kernel(softmax_kernel<true>)
        .reverse([](Reverse& c) {
            Array g = c.g();
            c.set(0, g - call(MINPY_OP("exp"), c.out()) * ops::sum(g, view(axis_of(c)), true));
        })
        .saves(false, true)
        .sample("f64(2,3)")
        .sample("f64(2,3,2), axis=1")
        .c_function("x axis")
        .doc("The logarithm of softmax, without overflow.");
    r.op("softmax_cross_entropy(x, label)")
        .composite([](Call& c) {
            const Array &x = c.in[0], &label = c.in[1];
            if (x.ndim() != 2)
                throw shape_error("the data must have shape (batch, classes), got ", to_string(x.shape()))
                    .in_argument("x");
            Array log_p = call(MINPY_OP("log_softmax"), x), target = label;
            if (label.ndim() == 1) {
                if (label.dim(0) != x.dim(0))
                    throw shape_error("there are ", label.dim(0), " labels for ", x.dim(0), " rows")
                        .in_argument("label");
                target = call(MINPY_OP("one_hot"), label, x.dim(1), 1.0, 0.0, log_p.dtype());
            } else if (!same(label.shape(), x.shape())) {
                throw shape_error("the label must have shape (batch,) or the data's, got ", to_string(label.shape()))
                    .in_argument("label");
            }
            Dims all{0, 1};
            c.out.push_back(-ops::sum(log_p * target, view(all)));
        })
        .scalar_result()
        .sample("f64(3,4), f64(3,4)")
        .doc(
            "The sum of the rows' cross entropies: labels are class numbers (batch,) or probabilities (batch, "
            "classes).");
}

}  // namespace minpy
