// What fused layers share: they compute in float32 or float64, on contiguous memory; their parameters are vectors.
#pragma once
#include "core/ops/calls.h"
#include "core/registry/call.h"

namespace minpy {

// The operands' common dtype, which must be floating.
inline DType floating(const Call& c) {
    DType t = c.promoted();
    if (!in(t, kFloating)) throw type_error(c.op.name, " needs floating-point arrays, got ", name(t));
    return t;
}

inline void check_vector(const Array& a, int64_t channels, const char* what) {
    if (a && (a.ndim() != 1 || a.dim(0) != channels))
        throw shape_error(what, " must have shape (", channels, ",), got ", to_string(a.shape())).in_argument(what);
}

// A vector of one number per channel against the data.
inline Array column(const Array& v, int64_t ndim, int64_t axis) {
    Dims shape(ndim, 1);
    shape[axis] = v.size();
    return ops::reshape(v, {shape.data(), size_t(shape.size())});
}

inline DType computed_in(const Call& c) {
    return in(c.out[0].dtype(), kShortFloat) ? DType::float32 : c.out[0].dtype();
}

struct Floats {  // contiguous operands and results in the dtype that is computed in
    DType t;
    Arrays in, out;
    explicit Floats(const Call& c) : t(computed_in(c)) {
        for (const Array& a : c.in) in.push_back(!a ? a : a.dtype() == t ? contiguous(a) : copy_of(a, t));
        for (const Array& a : c.out) out.push_back(a.dtype() == t ? a : empty(a.shape(), t));
    }
    void finish(const Call& c) {
        for (int64_t i = 0; i < out.size(); ++i)
            if (!out[i].is(c.out[i])) copy_into(c.out[i], out[i]);
    }
    template <class T> T* at(const Arrays& of, int64_t i) const { return of[i] ? of[i].raw_as<T>() : nullptr; }
};

}  // namespace minpy
