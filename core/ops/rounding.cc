// Rows of whole parts, and of the parts of floating-point numbers; the arithmetic itself is in rounding.h.
#include <cmath>

#include "core/ops/calls.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {

using P = Partial&;

void round_to(Call& c) {
    int64_t decimals = c.integer(1);
    DType t = c.in[0].dtype();
    if (in(t, kInteger)) {
        if (decimals >= 0) {
            c.out.push_back(call(MINPY_OP("positive"), c.args[0]));
            return;
        }
        double scale = std::pow(10.0, double(-decimals));
        Array whole = call(MINPY_OP("rint"), call(MINPY_OP("divide"), c.args[0], scale));
        c.out.push_back(ops::astype(whole * scale, t));
        return;
    }
    if (decimals == 0) {
        c.out.push_back(call(MINPY_OP("rint"), c.args[0]));
        return;
    }
    if (t == DType::boolean)
        throw Error(
            MINPY_E_TYPE, "UFuncTypeError",
            "Cannot cast ufunc 'multiply' output from dtype('float64') to dtype('bool') with casting rule 'same_kind'");
    double scale = std::pow(10.0, double(std::abs(decimals)));
    const Op& first = decimals > 0 ? MINPY_OP("multiply") : MINPY_OP("divide");
    const Op& last = decimals > 0 ? MINPY_OP("divide") : MINPY_OP("multiply");
    c.out.push_back(call(last, call(MINPY_OP("rint"), call(first, c.args[0], scale)), scale));
}

void frexp(Call& c) {
    Array exponent = call(MINPY_OP("_frexp_exponent"), c.args[0]);
    c.out.push_back(call(MINPY_OP("ldexp"), c.args[0], -exponent));
    c.out.push_back(exponent);
}

}  // namespace

void register_rounding(Registry& r) {
    r.elementwise("floor(x, /)", "Floor")
        .no_gradient()
        .c_function()
        .doc("The largest whole number not above x, element by element.");
    r.elementwise("ceil(x, /)", "Ceil")
        .no_gradient()
        .c_function()
        .doc("The smallest whole number not below x, element by element.");
    r.elementwise("trunc(x, /)", "Trunc").no_gradient().doc("The whole part of x, towards zero, element by element.");
    r.elementwise("fix(x)", "Trunc").no_gradient().doc("The whole part of x, towards zero, element by element.");
    r.elementwise("rint(x, /)", "Rint")
        .no_gradient()
        .doc("The nearest whole number, the even one of two, element by element.");
    r.op("round(a, decimals: int = 0)")
        .composite(round_to)
        .no_gradient()
        .scalar_result()
        .sample("f64(2,3)")
        .sample("f64(2,3), 1")
        .doc("The nearest number with so many decimals, the even one of two, element by element.");
    r.alias("around", "round");
    r.elementwise("signbit(x, /)", "SignBit")
        .no_gradient()
        .doc("Whether the sign is minus, also of zero and NaN, element by element.");
    r.elementwise("copysign(x1, x2, /)", "CopySign")
        .partial([](P c) { return ops::sign(c.in(0)) * call(MINPY_OP("copysign"), ops::constant(c, 1), c.in(1)); },
                 nullptr)
        .saves(true, false)
        .domain("(0.5, 3)")
        .doc("|x1| with the sign of x2, element by element.");
    r.elementwise("heaviside(x1, x2, /)", "Heaviside")
        .partial(nullptr, [](P c) { return ops::astype(ops::equal(c.in(0), 0.0), c.in(1).dtype()); })
        .saves(true, false)
        .domain("(0.5, 3)")
        .doc("0, x2 or 1 as x1 is negative, zero or positive.");
    r.elementwise("_fraction(x, /)", "Fraction")
        .partial([](P) { return Array(); })
        .saves(false, false)
        .domain("(0.1, 0.9)")
        .doc("x - trunc(x), with the sign of x.");
    r.op("modf(x, /)")
        .outputs(2)
        .composite([](Call& c) {
            c.out.push_back(call(MINPY_OP("_fraction"), c.args[0]));
            // As a float: trunc leaves integers alone.
            c.out.push_back(ops::astype(call(MINPY_OP("trunc"), c.args[0]), c.out[0].dtype()));
        })
        .scalar_result()
        .sample("f64(2,3)")
        .domain("(0.1, 0.9)")
        .doc("The fraction and the whole part, element by element.");
    r.elementwise("ldexp(x1, x2, /)", "Ldexp")
        .partial([](P c) { return call(MINPY_OP("ldexp"), ops::constant(c, 1), c.in(1)); }, nullptr)
        .saves(true, false)
        .sample("f64(2,3), i64(3)")
        .doc("x1 * 2**x2, element by element; x2 is an integer.");
    r.elementwise("_frexp_exponent(x, /)", "FrexpExponent").no_gradient().doc("The exponent that frexp gives.");
    r.op("frexp(x, /)")
        .outputs(2)
        .composite(frexp)
        .scalar_result()
        .sample("f64(2,3)")
        .domain("(0.55, 0.95)")
        .doc("m and e of x = m * 2**e with 0.5 <= |m| < 1, element by element.");
    r.elementwise("nextafter(x1, x2, /)", "NextAfter")
        .not_differentiable("the next number is a property of the format, no smooth function")
        .doc("The number after x1 in the direction of x2, element by element.");
    r.elementwise("spacing(x, /)", "Spacing")
        .not_differentiable("the distance to the next number is a property of the format, no smooth function")
        .doc("The distance to the next number away from zero, element by element.");
}

}  // namespace minpy
