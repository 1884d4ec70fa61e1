// Shapes of operators that work along axes: results without them, and cotangents back with them.
#pragma once
#include "core/ops/calls.h"

namespace minpy {

// The shape without `axes`, or with ones in their places.
inline Dims shape_without(DimsView shape, const Dims& axes, bool keepdims) {
    Dims result;
    for (int64_t i = 0; i < int64_t(shape.size()); ++i) {
        bool gone = std::find(axes.begin(), axes.end(), i) != axes.end();
        if (!gone || keepdims) result.push_back(gone ? 1 : shape[size_t(i)]);
    }
    return result;
}

// How many elements one result is made of.
inline int64_t size_along(DimsView shape, const Dims& axes) {
    int64_t n = 1;
    for (int64_t axis : axes) n *= shape[size_t(axis)];
    return n;
}

// `a` is a result or cotangent without `axes`: with ones in their places, as one that kept them has.
inline Array with_axes(const Array& a, DimsView shape, const Dims& axes, bool kept) {
    return kept || axes.empty() ? a : ops::reshape(a, shape_without(shape, axes, true));
}

}  // namespace minpy
