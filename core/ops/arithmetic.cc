// Rows of + - * / and what is made of them; the arithmetic itself is in arithmetic.h.
#include "core/autograd/rules.h"
#include "core/ops/calls.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {

using P = Partial&;

DType true_division(DType common) { return in(common, kBool | kInteger) ? DType::float64 : common; }

DType no_boolean_subtract(DType common) {
    if (common == DType::boolean)
        throw type_error(
            "numpy boolean subtract, the `-` operator, is not supported, use the bitwise_xor, the `^` operator, or "
            "the logical_xor function instead.");
    return common;
}

DType no_boolean_negative(DType common) {
    if (common == DType::boolean)
        throw type_error(
            "The numpy boolean negative, the `-` operator, is not supported, use the `~` operator or the "
            "logical_not function instead.");
    return common;
}

}  // namespace

void register_arithmetic(Registry& r) {
    r.elementwise("add(x1, x2, /)", "Add")
        .partial([](P) { return Array(); }, [](P) { return Array(); })
        .saves(false, false)
        .c_function()
        .doc("Sum, element by element; of bools, the logical or.");
    r.elementwise("subtract(x1, x2, /)", "Subtract")
        .types(no_boolean_subtract)
        .partial([](P) { return Array(); }, [](P c) { return ops::constant(c, -1); })
        .saves(false, false)
        .c_function()
        .doc("Difference, element by element.");
    r.elementwise("multiply(x1, x2, /)", "Multiply")
        .partial([](P c) { return c.in(1); }, [](P c) { return c.in(0); })
        .saves(true, false)
        .c_function()
        .doc("Product, element by element; of bools, the logical and.");
    r.elementwise("divide(x1, x2, /)", "Divide")
        .types(true_division)
        .partial([](P c) { return 1.0 / c.in(1); }, [](P c) { return -c.out() / c.in(1); })
        .domain("(0.5, 3)")
        .c_function()
        .doc("Quotient, element by element; of integers, in float64.");
    r.alias("true_divide", "divide");
    r.elementwise("negative(x, /)", "Negative")
        .types(no_boolean_negative)
        .partial([](P c) { return ops::constant(c, -1); })
        .saves(false, false)
        .c_function()
        .doc("-x, element by element.");
    r.elementwise("square(x, /)", "Square")
        .partial([](P c) { return 2.0 * c.in(0); })
        .saves(true, false)
        .c_function()
        .doc("x*x, element by element.");
    r.elementwise("sqrt(x, /)", "Sqrt")
        .partial([](P c) { return ops::safe_divide(0.5, c.out()); })  // zero at zero
        .saves(false, true)
        .domain("(0.5, 4)")
        .c_function()
        .doc("The non-negative square root, element by element.");
    r.elementwise("positive(x, /)", "Positive")
        .partial([](P) { return Array(); })
        .saves(false, false)
        .doc("A copy of x; bools are refused.");
    r.elementwise("absolute(x, /)", "Absolute")
        .reverse([](Reverse& c) {
            // Of complex z: conj(z) / |z|, the gradient u_x - i u_y of |z|. Zero at zero.
            c.set(0, ops::scale_cotangent(c.g(), ops::conj(ops::sign(c.in(0)))));
        })
        .saves(true, false)
        .domain("(0.5, 3)")
        .c_function()
        .doc("|x|, element by element; of complex numbers the modulus, which is real.");
    r.alias("abs", "absolute");
    r.elementwise("sign(x, /)", "Sign")
        .reverse([](Reverse& c) {
            if (!in(c.in_dtype(0), kComplex)) return;  // piecewise constant
            // w = z/|z| turns only: dw = (dz - w Re(conj(w) dz)) / |z|.
            Array w = c.out(), g = c.g();
            Array along = ops::astype(call(MINPY_OP("real"), g * w), g.dtype());
            c.set(0, ops::safe_divide(g - along * ops::conj(w), ops::astype(ops::absolute(c.in(0)), g.dtype())));
        })
        .domain("(0.5, 3)")
        .doc("-1, 0 or 1 as x is negative, zero or positive; of complex numbers x / |x|.");
    r.elementwise("_safe_divide(x1, x2, /)", "SafeDivide")
        .partial([](P c) { return ops::safe_divide(1.0, c.in(1)); },
                 [](P c) { return -ops::safe_divide(c.out(), c.in(1)); })
        .domain("(0.5, 3)")
        .doc("x1 / x2, and zero where x2 is zero: derivatives where there is none.");
    r.elementwise("_scale_cotangent(g, d, /)", "ScaleCotangent")
        .partial([](P c) { return c.in(1); }, [](P c) { return c.in(0); })
        .saves(true, false)
        .doc("g*d, and zero where g is zero whatever d is: how derivatives are chained.");
}

}  // namespace minpy
