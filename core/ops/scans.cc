// Rows of running sums and products, and of the linear recurrence that their derivatives are made of.
#include "core/cpu/pool.h"
#include "core/cpu/scan.h"
#include "core/ops/axes.h"
#include "core/registry/device.h"
#include "core/registry/registry.h"
#include "core/registry/thread_state.h"

namespace minpy {
namespace {

constexpr int64_t kParallel = 1 << 17;  // elements from which threads pay
constexpr int64_t kColumns = 512;       // of one task

DType sum_dtype(DType t) {
    if (in(t, kUnsigned)) return DType::uint64;
    return in(t, kBool | kSigned) ? DType::int64 : t;
}

// A C-contiguous array as [outer, n, inner] around one axis.
struct Along {
    int64_t outer = 1, n, inner = 1;
    Along(DimsView shape, int64_t axis) : n(shape[size_t(axis)]) {
        for (int64_t i = 0; i < int64_t(shape.size()); ++i)
            (i < axis ? outer : inner) *= i == axis ? 1 : shape[size_t(i)];
    }
    // Calls f(first, columns): element i of column j is at first + i * inner + j.
    template <class F> void for_columns(F&& f) const {
        int64_t chunks = (inner + kColumns - 1) / kColumns, tasks = outer * chunks;
        int64_t batch = outer * n * inner < kParallel
                            ? tasks
                            : std::max<int64_t>(1, (1 << 15) / std::max<int64_t>(1, n * std::min(inner, kColumns)));
        if (n == 0 || tasks == 0) return;
        parallel_for((tasks + batch - 1) / batch, [&](int64_t b) {
            for (int64_t t = b * batch; t < std::min(tasks, (b + 1) * batch); ++t) {
                int64_t from = t % chunks * kColumns;
                f(t / chunks * n * inner + from, std::min(kColumns, inner - from));
            }
        });
    }
};

// The operand, flattened for axis None, in the dtype that is worked in; then the results over it.
void cumulate(Call& c, int64_t axis, bool product, bool backwards) {
    Array to = c.out[0], a = c.in[0];
    if (a.ndim() != to.ndim()) {
        Array flat = reshape_window(a, to.shape());
        a = flat ? flat : reshape_window(copy_of(a), to.shape());
    }
    Array work = in(to.dtype(), kShortFloat) ? empty(to.shape(), DType::float32) : to;
    bool as_it_lies = a.dtype() == work.dtype() && a.is_contiguous() && work.is_contiguous();
    if (!as_it_lies) copy_into(work, a);
    Along along(to.shape(), axis);
    thread_state().fp_status |= scan(product, work.dtype(), as_it_lies ? a.raw() : work.raw(), work.raw(),
                                     {along.outer, along.n, along.inner}, backwards);
    if (!work.is(to)) copy_into(to, work);
}

int64_t axis_of(Call& c) { return c.is_none(1) ? 0 : c.axis(1, std::max<int64_t>(1, c.in[0].ndim())); }

void infer_cumulative(Call& c) {
    const Array& a = c.in[0];
    Dims shape = a.dims();
    if (c.is_none(1) || a.ndim() == 0) shape = {a.size()};
    axis_of(c);
    c.output(shape, c.dtype(2, sum_dtype(a.dtype())));
}

int64_t axis_of(Reverse& c) {
    return c.is_none(1) || c.in_shape(0).empty() ? 0 : normalize_axis(c.integer(1), c.in_shape(0).size());
}

// s[i] = b[i] + a[i] * s[i - 1]; transposed: s[i] = b[i] + a[i + 1] * s[i + 1].
void scan_kernel(Call& c) {
    Array to = c.out[0];
    DType t = in(to.dtype(), kShortFloat) ? DType::float32 : to.dtype();
    Array a = copy_of(c.in[0], t), s = t == to.dtype() ? to : empty(to.shape(), t);
    copy_into(s, c.in[1]);
    Along along(to.shape(), c.axis(2, to.ndim()));
    bool transposed = c.flag(3);
    int64_t inner = along.inner, n = along.n;
    for_dtype<kFloat | kComplex>(t, [&]<class T> {
        along.for_columns([&](int64_t first, int64_t columns) {
            T *x = a.raw_as<T>() + first, *y = s.raw_as<T>() + first;
            for (int64_t i = 1; i < n; ++i)
                for (int64_t j = 0; j < columns; ++j) {
                    if (transposed) y[(n - 1 - i) * inner + j] += x[(n - i) * inner + j] * y[(n - i) * inner + j];
                    else y[i * inner + j] += x[i * inner + j] * y[(i - 1) * inner + j];
                }
        });
    });
    if (!s.is(to)) copy_into(to, s);
}

// The same rule serves both directions: the operator is its own transpose but for the direction.
void scan_reverse(Reverse& c) {
    bool transposed = c.flag(3);
    Array s = call(MINPY_OP("_scan"), c.in(0), c.g(), c.arg(2), !transposed);
    if (c.needs(1)) c.set(1, s);
    if (c.needs(0)) {
        Array before = call(MINPY_OP("_shift"), transposed ? s : c.out(), c.arg(2), 1, 0.0);
        c.set(0, before * (transposed ? c.out() : s));
    }
}

// Elements move `by` places along the axis; `fill` comes in.
void shift_kernel(Call& c) {
    const Array &a = c.in[0], &to = c.out[0];
    int64_t axis = c.axis(1, a.ndim()), by = c.integer(2), n = a.dim(axis);
    copy_into(to, full_scalar(c.number(3), to.dtype()));
    int64_t count = n - std::min(n, std::abs(by));
    if (count == 0) return;
    auto part = [&](const Array& x, int64_t from) {
        Dims shape = x.dims();
        shape[axis] = count;
        return window(x, from * x.strides()[size_t(axis)], shape, x.strides());
    };
    copy_into(part(to, std::max<int64_t>(by, 0)), part(a, std::max<int64_t>(-by, 0)));
}

// With one element of `initial` before the first.
void cumulative(Call& c, const char* name, double initial) {
    const Array& a = c.in[0];
    if (c.is_none(1) && a.ndim() != 1) {
        if (a.ndim() == 0) throw value_error("Input array must be at least 1-dimensional.");  // as NumPy
        throw value_error("For arrays which have more than one dimension ``axis`` argument is required.");
    }
    int64_t axis = c.is_none(1) ? 0 : c.axis(1, a.ndim());
    Array y = c.call(find_op(name), a, axis, c.args[2]);
    if (c.flag(3)) {
        Dims shape = y.dims();
        shape[axis] = 1;
        Array parts[] = {ops::broadcast_to(minpy::to_device(full_scalar(initial, y.dtype()), y.device()), shape), y};
        y = c.call(find_op("concatenate"), std::span<const Array>(parts), axis);
    }
    c.out.push_back(y);
}

}  // namespace

void register_scans(Registry& r) {
    r.op("cumsum(a, axis: axis = None, dtype: dtype = None)")
        .infer(infer_cumulative)
        .kernel([](Call& c) { cumulate(c, axis_of(c), false, false); })
        .linear([](Reverse& c) {
            c.set(0, ops::reshape(call(MINPY_OP("_cumsum_backwards"), c.g(), axis_of(c)), c.in_shape(0)));
        })
        .sample("f64(3), axis=0")
        .sample("f64(2,3), axis=-1")
        .sample("f64(2,3)")
        .c_function("a axis")
        .doc("Running sum along an axis, or of the flattened array.");
    r.op("cumprod(a, axis: axis = None, dtype: dtype = None)")
        .infer(infer_cumulative)
        .kernel([](Call& c) { cumulate(c, axis_of(c), true, false); })
        .reverse([](Reverse& c) {
            int64_t axis = axis_of(c);
            Dims shape = c.out_shape();
            Array x = ops::astype(ops::reshape(c.in(0), shape), c.out_dtype());
            Array behind = call(MINPY_OP("_scan"), x, c.g(), axis, true);
            Array before = call(MINPY_OP("_shift"), c.out(), axis, 1, 1.0);
            c.set(0, ops::reshape(before * behind, c.in_shape(0)));
        })
        .sample("f64(3), axis=0")
        .sample("f64(2,3), axis=-1")
        .sample("f64(2,3)")
        .doc("Running product along an axis, or of the flattened array.");
    r.op("cumulative_sum(x, /, axis: axis = None, dtype: dtype = None, include_initial: bool = False)")
        .composite([](Call& c) { cumulative(c, "cumsum", 0); })
        .sample("f64(2,3), axis=1, include_initial=True")
        .doc("Running sum along an axis; with include_initial, a zero before the first element.");
    r.op("cumulative_prod(x, /, axis: axis = None, dtype: dtype = None, include_initial: bool = False)")
        .composite([](Call& c) { cumulative(c, "cumprod", 1); })
        .sample("f64(2,3), axis=1, include_initial=True")
        .doc("Running product along an axis; with include_initial, a one before the first element.");

    r.op("_cumsum_backwards(a, axis: int)")
        .infer([](Call& c) { c.output(c.in[0].shape(), c.in[0].dtype()); })
        .kernel([](Call& c) { cumulate(c, axis_of(c), false, true); })
        .linear([](Reverse& c) { c.set(0, call(MINPY_OP("cumsum"), c.g(), axis_of(c))); })
        .sample("f64(2,3), 1")
        .doc("Running sum from the end of an axis: the transpose of cumsum.");
    r.op("_scan(a, b, axis: int, transposed: bool)")
        .infer([](Call& c) {
            DType t = c.promoted();
            if (!same(c.in[0].shape(), c.in[1].shape())) throw shape_error("a and b must have one shape");
            c.axis(2, c.in[0].ndim());
            c.cast_all(t);
            c.output(c.in[1].shape(), t);
        })
        .kernel(scan_kernel)
        .reverse(scan_reverse)
        .sample("f64(2,4), f64(2,4), 1, False")
        .sample("f64(3,2), f64(3,2), 0, True")
        .doc("The recurrence s[i] = b[i] + a[i] s[i-1] along an axis; transposed, s[i] = b[i] + a[i+1] s[i+1].");
    r.op("_shift(a, axis: int, by: int, fill: float)")
        .infer([](Call& c) {
            c.axis(1, c.in[0].ndim());
            c.output(c.in[0].shape(), c.in[0].dtype());
        })
        .kernel(shift_kernel)
        .linear([](Reverse& c) { c.set(0, call(MINPY_OP("_shift"), c.g(), c.arg(1), -c.integer(2), 0.0)); })
        .sample("f64(2,3), 1, 1, 1.0")
        .sample("f64(2,3), 0, -1, 0.0")
        .doc("Elements moved along an axis; what comes in is `fill`.");
}

}  // namespace minpy
