// Softmax, its logarithm, and losses made of them.
#include "core/cpu/layer_loops.h"
#include "core/cpu/pool.h"
#include "core/ops/floats.h"
#include "core/ops/fused.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {

DimsView view(const Dims& d) { return {d.data(), size_t(d.size())}; }

// Contiguous data as (outer, n, step), along the middle: rows(first, number) of them where step is 1, else
// lines(first element, step, width) of up to kLayerPiece neighbours.
template <class Rows, class Lines> void along(const Array& x, int64_t axis, Rows&& rows, Lines&& lines) {
    int64_t outer = 1, step = 1, n = x.dim(axis);
    for (int64_t i = 0; i < x.ndim(); ++i) (i < axis ? outer : step) *= i == axis ? 1 : x.dim(i);
    if (step == 1) {
        int64_t chunk = std::max<int64_t>(1, 16384 / std::max<int64_t>(n, 1));
        parallel_for((outer + chunk - 1) / chunk,
                     [&](int64_t task) { rows(task * chunk, std::min(chunk, outer - task * chunk)); });
        return;
    }
    int64_t pieces = (step + kLayerPiece - 1) / kLayerPiece,
            together = std::max<int64_t>(1, 16384 / (n * std::min(step, kLayerPiece)));
    int64_t all = outer * pieces;
    parallel_for((all + together - 1) / together, [&](int64_t task) {
        for (int64_t i = task * together; i < std::min(all, (task + 1) * together); ++i) {
            int64_t first = i % pieces * kLayerPiece;
            lines(i / pieces * n * step + first, step, std::min(kLayerPiece, step - first));
        }
    });
}

template <bool logarithm> void softmax_kernel(Call& c) {
    if (c.out[0].size() == 0) return;
    Floats f(c);
    int64_t axis = c.axis(1, c.out[0].ndim()), n = c.out[0].dim(axis);
    for_dtype<kFloat>(f.t, [&]<class T> {
        const LayerLoops<T>& loops = layer_loops<T>();
        const T* x = f.in[0].raw_as<T>();
        T* y = f.out[0].raw_as<T>();
        along(
            f.out[0], axis,
            [&](int64_t first, int64_t rows) { loops.softmax_rows(x + first * n, y + first * n, rows, n, logarithm); },
            [&](int64_t at, int64_t step, int64_t width) {
                loops.softmax_lines(x + at, y + at, n, step, width, logarithm);
            });
    });
    f.finish(c);
}

void softmax_backward_kernel(Call& c) {
    if (c.out[0].size() == 0) return;
    Floats f(c);
    int64_t axis = c.axis(2, c.out[0].ndim()), n = c.out[0].dim(axis);
    bool logarithm = c.flag(3);
    for_dtype<kFloat>(f.t, [&]<class T> {
        const LayerLoops<T>& loops = layer_loops<T>();
        const T *g = f.in[0].raw_as<T>(), *y = f.in[1].raw_as<T>();
        T* dx = f.out[0].raw_as<T>();
        along(
            f.out[0], axis,
            [&](int64_t first, int64_t rows) {
                int64_t at = first * n;
                loops.softmax_rows_backward(g + at, y + at, dx + at, rows, n, logarithm);
            },
            [&](int64_t at, int64_t step, int64_t width) {
                loops.softmax_lines_backward(g + at, y + at, dx + at, n, step, width, logarithm);
            });
    });
    f.finish(c);
}

// The transpose in terms of operators.
Array backward_of(const Array& g, const Array& y, int64_t axis, bool logarithm) {
    Dims axes{axis};
    if (logarithm) return g - call(MINPY_OP("exp"), y) * ops::sum(g, view(axes), true);
    Array gy = g * y;
    return gy - y * ops::sum(gy, view(axes), true);
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

void pull_back(Reverse& c, bool logarithm) {
    c.set(0, call(MINPY_OP("_softmax_backward"), c.g(), c.out(), c.arg(1), logarithm));
}

}  // namespace

void register_softmax(Registry& r) {
    r.op("softmax(x, axis: axis = -1)")
        .infer(infer_softmax)
        .kernel(softmax_kernel<false>)
        .reverse([](Reverse& c) { pull_back(c, false); })
        .saves(false, true)
        .sample("f64(2,3)")
        .sample("f64(2,3,2), axis=1")
        .c_function("x axis")
        .doc("exp(x) / sum(exp(x)) along an axis.");
    r.op("log_softmax(x, axis: axis = -1)")
        .infer(infer_softmax)
        .kernel(softmax_kernel<true>)
        .reverse([](Reverse& c) { pull_back(c, true); })
        .saves(false, true)
        .sample("f64(2,3)")
        .sample("f64(2,3,2), axis=1")
        .c_function("x axis")
        .doc("The logarithm of softmax, without overflow.");
    r.op("_softmax_backward(g, y, axis: axis, logarithm: bool)")
        .infer([](Call& c) {
            DType t = floating(c);
            if (!same(c.in[0].shape(), c.in[1].shape()))
                throw shape_error("the cotangent has shape ", to_string(c.in[0].shape()), ", the result ",
                                  to_string(c.in[1].shape()))
                    .in_argument("g");
            c.axis(2, c.in[1].ndim());
            c.cast_all(t);
            c.output(c.in[1].shape(), t);
        })
        .kernel(softmax_backward_kernel)
        .reverse([](Reverse& c) {
            int64_t axis = normalize_axis(c.integer(2), int64_t(c.in_shape(1).size()));
            bool logarithm = c.flag(3);
            reverse_of(c, 2, [&](const Arrays& a) { return Arrays{backward_of(a[0], a[1], axis, logarithm)}; });
        })
        .saves(true, false)
        .sample("f64(2,3), f64(2,3), -1, False")
        .doc("The transpose of softmax, or of its logarithm, where its result is y.");
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
