// Softmax, its logarithm, and losses made of them.
#include "core/autograd/rules.h"
#include "core/cpu/layer_loops.h"
#include "core/cpu/pool.h"
#include "core/ops/calls.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {

DimsView view(const Dims& d) { return {d.data(), size_t(d.size())}; }

// Along one axis of contiguous data; `step` elements lie between neighbours.
template <class T> void softmax_along(const T* x, T* y, int64_t outer, int64_t n, int64_t step, bool logarithm) {
    const LayerLoops<T>& loops = layer_loops<T>();
    if (step == 1) {
        int64_t chunk = std::max<int64_t>(1, 16384 / std::max<int64_t>(n, 1));
        parallel_for((outer + chunk - 1) / chunk, [&](int64_t task) {
            int64_t from = task * chunk, rows = std::min(chunk, outer - from);
            loops.softmax_rows(x + from * n, y + from * n, rows, n, logarithm);
        });
        return;
    }
    int64_t pieces = (step + kLayerPiece - 1) / kLayerPiece,
            together = std::max<int64_t>(1, 16384 / (n * std::min(step, kLayerPiece)));
    int64_t all = outer * pieces;
    parallel_for((all + together - 1) / together, [&](int64_t task) {
        for (int64_t i = task * together; i < std::min(all, (task + 1) * together); ++i) {
            int64_t first = i % pieces * kLayerPiece, at = i / pieces * n * step + first;
            loops.softmax_lines(x + at, y + at, n, step, std::min(kLayerPiece, step - first), logarithm);
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
