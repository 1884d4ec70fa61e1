// Rows of positions of extremes.
#include "core/cpu/reduce.h"
#include "core/ops/axes.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {

DimsView view(const Dims& d) { return {d.data(), size_t(d.size())}; }

void infer(Call& c) {
    const Array& a = c.in[0];
    Dims axes;
    if (c.is_none(1)) {
        for (int64_t i = 0; i < a.ndim(); ++i) axes.push_back(i);
    } else {
        // A 0-d array has the axis 0 here, as in NumPy.
        int64_t axis = c.axis(1, std::max(a.ndim(), 1));
        if (a.ndim()) axes.push_back(axis);
    }
    Dims shape = shape_without(a.shape(), axes, c.flag(2));
    if (size_of(view(shape)) != 0 && size_along(a.shape(), axes) == 0)
        throw value_error("attempt to get ", c.op.name, " of an empty sequence");
    c.output(view(shape), DType::int64);
}

void position(Call& c, Fold functor) {
    Array a = c.in[0];
    DType t = in(a.dtype(), kShortFloat) ? DType::float32 : a.dtype();
    int64_t axis = 0;
    if (c.is_none(1) || a.ndim() == 0) {
        int64_t flat[] = {a.size()};
        Array window = reshape_window(a, flat);
        a = window ? window : reshape_window(copy_of(a), flat);
    } else {
        axis = c.axis(1, a.ndim());
    }
    find_along(reduce_loop(functor, t), c.out[0], a, axis);
}

}  // namespace

void register_arg_reductions(Registry& r) {
    r.op("argmax(a, axis: axis = None, keepdims: bool = False)")
        .infer(infer)
        .kernel([](Call& c) { position(c, Fold::max); })
        .no_gradient()
        .scalar_result()
        .sample("f64(2,3), axis=1")
        .c_function("a axis keepdims")
        .doc(
            "Where the first largest element is, along an axis or in the flattened array; the first NaN, if there is "
            "one.");
    r.op("argmin(a, axis: axis = None, keepdims: bool = False)")
        .infer(infer)
        .kernel([](Call& c) { position(c, Fold::min); })
        .no_gradient()
        .scalar_result()
        .sample("f64(2,3), axis=1")
        .c_function("a axis keepdims")
        .doc(
            "Where the first smallest element is, along an axis or in the flattened array; the first NaN, if there is "
            "one.");
}

}  // namespace minpy
