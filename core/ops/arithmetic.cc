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

DType no_boolean(DType common) {
    if (common == DType::boolean)
        throw Error(
            MINPY_E_TYPE, "UFuncTypeError",
            "the ufunc did not contain a loop with signature matching types <class 'numpy.dtypes.BoolDType'> -> None");
    return common;
}

DType at_least_double(DType common) { return in(common, kComplex) ? DType::complex128 : DType::float64; }

void refuse_negative_exponents(const Call& c) {
    Array y = contiguous(copy_of(ops::to_device(c.in[1], kCpu), DType::int64));
    const int64_t* p = y.raw_as<int64_t>();
    int64_t least = 0;
    for (int64_t i = 0; i < y.size(); ++i) least = std::min(least, p[i]);
    if (least < 0) throw value_error("Integers to negative integer powers are not allowed.");
}

// y x**(y - 1): zero where y is, whatever the power there.
Array power_of_base(P c) {
    Array x = c.in(0), y = c.in(1);
    return ops::scale_cotangent(y, ops::power(x, ops::where(ops::equal(y, 0), 1, y - 1.0)));
}

// x**y log(x): zero where the logarithm has no finite real value.
Array power_of_exponent(P c) {
    Array x = c.in(0);
    Array usable = in(x.dtype(), kComplex) ? ops::not_equal(x, 0) : ops::greater(x, 0);
    return c.out() * ops::log(ops::where(usable, x, 1));
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
    r.elementwise("floor_divide(x1, x2, /)", "FloorDivide")
        .no_gradient()
        .sample("f64(2,3), f64(3)")
        .domain("(0.5, 3)")
        .c_function()
        .doc("The largest whole number not above x1/x2, element by element; integers by zero give 0.");
    r.elementwise("remainder(x1, x2, /)", "Remainder")
        .partial([](P) { return Array(); }, [](P c) { return -call(MINPY_OP("floor_divide"), c.in(0), c.in(1)); })
        .saves(true, false)
        .domain("(0.5, 3)")
        .c_function()
        .doc("x1 - x2*floor(x1/x2), element by element: with the sign of x2, as Python's %.");
    r.alias("mod", "remainder");
    r.elementwise("fmod(x1, x2, /)", "Fmod")
        .partial([](P) { return Array(); }, [](P c) { return -call(MINPY_OP("trunc"), c.in(0) / c.in(1)); })
        .saves(true, false)
        .domain("(0.5, 3)")
        .doc("The remainder of x1/x2 with the sign of x1, as C's fmod, element by element.");
    r.op("divmod(x1, x2, /)")
        .outputs(2)
        .composite([](Call& c) {
            c.out.push_back(call(MINPY_OP("floor_divide"), c.args[0], c.args[1]));
            c.out.push_back(call(MINPY_OP("remainder"), c.args[0], c.args[1]));
        })
        .scalar_result()
        .sample("f64(2,3), f64(3)")
        .domain("(0.5, 3)")
        .doc("floor_divide and remainder, element by element.");
    r.elementwise("power(x1, x2, /)", "Power")
        .check(kSigned, refuse_negative_exponents)
        .partial(power_of_base, power_of_exponent)
        .domain("(0.5, 3)")
        .c_function()
        .doc("x1**x2, element by element; integers to negative integer powers are refused.");
    r.alias("pow", "power");
    r.elementwise("float_power(x1, x2, /)", "FloatPower")
        .types(at_least_double)
        .partial(power_of_base, power_of_exponent)
        .domain("(0.5, 3)")
        .doc("x1**x2, element by element, in float64 or complex128.");
    r.elementwise("gcd(x1, x2, /)", "Gcd")
        .types(no_boolean)
        .no_gradient()
        .sample("i64(2,3), i64(3)")
        .doc("The greatest common divisor of |x1| and |x2|, element by element.");
    r.elementwise("lcm(x1, x2, /)", "Lcm")
        .types(no_boolean)
        .no_gradient()
        .sample("i64(2,3), i64(3)")
        .doc("The lowest common multiple of |x1| and |x2|, element by element.");
    r.elementwise("negative(x, /)", "Negative")
        .types(no_boolean_negative)
        .partial([](P c) { return ops::constant(c, -1); })
        .saves(false, false)
        .c_function()
        .doc("-x, element by element.");
    r.elementwise("square(x, /)", "Square")
        .slope_from_operand({{"multiply", SlopeStep::left, 2}})
        .c_function()
        .doc("x*x, element by element.");
    r.elementwise("sqrt(x, /)", "Sqrt")
        .slope_from_result({{"_safe_divide", SlopeStep::left, 0.5}})  // zero at zero
        .domain("(0.5, 4)")
        .c_function()
        .doc("The non-negative square root, element by element.");
    r.elementwise("cbrt(x, /)", "Cbrt")
        .slope_from_result({{"square"}, {"_safe_divide", SlopeStep::left, 1.0 / 3}})  // zero at zero
        .domain("(0.5, 4)")
        .doc("The cube root, element by element.");
    r.elementwise("reciprocal(x, /)", "Reciprocal")
        .slope_from_result({{"square"}, {"negative"}})
        .domain("(0.5, 3)")
        .doc("1/x, element by element; of integers the whole part.");
    r.elementwise("fabs(x, /)", "Fabs")
        .slope_from_operand({{"sign"}})
        .domain("(0.5, 3)")
        .doc("|x| as a float, element by element.");
    r.elementwise("positive(x, /)", "Positive")
        .types(no_boolean)
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
        .types(no_boolean)
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
