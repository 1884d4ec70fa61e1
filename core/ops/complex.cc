// Rows that take complex numbers apart; the arithmetic itself is in complex.h. The gradient of a real function of x + iy is
// u_x - i u_y.
#include <numbers>

#include "core/ops/calls.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {

const std::complex<double> kMinusI{0, -1};

// One part of every element of a complex array, on the same memory.
Array part(const Array& a, int64_t which) {
    return window(a, which * a.itemsize() / 2, a.shape(), a.strides(), real_of(a.dtype()));
}

void angle(Call& c) {
    bool degrees = c.flag(1);
    Array a;
    if (in(c.in[0].dtype(), kComplex)) {
        Array z = c.in[0];
        a = call(MINPY_OP("arctan2"), call(MINPY_OP("imag"), z), call(MINPY_OP("real"), z));
    } else {
        a = call(MINPY_OP("arctan2"), 0, c.args[0]);
    }
    c.out.push_back(degrees ? a * (180 / std::numbers::pi) : a);
}

}  // namespace

void register_complex(Registry& r) {
    r.elementwise("conjugate(x, /)", "Conjugate")
        .linear([](Reverse& c) { c.set(0, ops::conj(c.g())); })
        .c_function()
        .doc("The complex conjugate, element by element.");
    r.alias("conj", "conjugate");
    r.op("real(val)")
        .view([](Call& c) {
            const Array& a = c.in[0];
            return in(a.dtype(), kComplex) ? part(a, 0) : window(a, 0, a.shape(), a.strides());
        })
        .linear([](Reverse& c) { c.set(0, c.g()); })
        .sample("c128(2,3)")
        .doc("The real parts, on the same memory.");
    r.op("imag(val)")
        .view([](Call& c) {
            const Array& a = c.in[0];
            return in(a.dtype(), kComplex) ? part(a, 1) : ops::zeros(a.shape(), a.dtype(), a.device());
        })
        .linear([](Reverse& c) {
            if (in(c.in_dtype(0), kComplex)) c.set(0, call(MINPY_OP("multiply"), c.g(), kMinusI));
        })
        .sample("c128(2,3)")
        .doc("The imaginary parts, on the same memory; of real numbers, zeros.");
    r.op("angle(z, deg: bool = False)")
        .composite(angle)
        .scalar_result()
        .sample("c128(2,3)")
        .sample("c128(3), True")
        .doc("The angle of complex numbers, between -pi and pi.");
}

}  // namespace minpy
