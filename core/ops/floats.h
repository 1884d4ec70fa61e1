// What kernels of fused layers share: they compute in float32 or float64, on contiguous memory.
#pragma once
#include "core/registry/call.h"

namespace minpy {

// The operands' common dtype, which must be floating.
inline DType floating(const Call& c) {
    DType t = c.promoted();
    if (!in(t, kFloating)) throw type_error(c.op.name, " needs floating-point arrays, got ", name(t));
    return t;
}

struct Floats {  // contiguous operands and results in the dtype that is computed in
    DType t;
    Arrays in, out;
    explicit Floats(const Call& c) : t(minpy::in(c.out[0].dtype(), kShortFloat) ? DType::float32 : c.out[0].dtype()) {
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
