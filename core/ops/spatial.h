// What convolution and pooling share: attributes with a number for each spatial axis.
#pragma once
#include "core/ops/calls.h"

namespace minpy {

// One number for every spatial axis, or one for all.
inline Dims spread(const minpy_value& v, int64_t n, int64_t otherwise, const char* what, int64_t least) {
    Dims d = v.tag == MINPY_V_NONE ? Dims() : ints_from(v);
    if (d.empty()) d = Dims(n, otherwise);
    if (d.size() == 1 && n > 1) d = Dims(n, d[0]);
    if (d.size() != n)
        throw value_error(what, " needs one number for each of the ", n, " spatial axes, got ", d).in_argument(what);
    for (int64_t i : d)
        if (i < least || i > INT32_MAX)
            throw value_error(what, " must be at least ", least, ", got ", d).in_argument(what);
    return d;
}

inline void check_floating(const Call& c) {
    DType t = c.promoted();
    if (!in(t, kFloating)) throw type_error(c.op.name, " needs floating-point arrays, got ", name(t));
}

}  // namespace minpy
