// Rows of circular functions and their inverses; the arithmetic itself is in trigonometric.h.
#include <numbers>

#include "core/ops/calls.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {

using P = Partial&;
constexpr double kPi = std::numbers::pi;

// a / hypot(x, y)**2 without overflow of the square; zero at the origin, where the angle jumps.
Array over_square(const Array& a, P c) {
    Array r = ops::hypot(c.in(0), c.in(1));
    return ops::safe_divide(ops::safe_divide(a, r), r);
}

// sin(pi x) / (pi x). Near zero by its series, so that the derivatives there are right too.
void sinc(Call& c) {
    Array x = call(MINPY_OP("multiply"), c.args[0], kPi);
    if (in(x.dtype(), kComplex)) {
        Array y = ops::where(ops::equal(x, 0.0), 1e-20, x);
        c.out.push_back(ops::sin(y) / y);
        return;
    }
    // The first term left out, x**6 / 5040, is below the rounding of 1.
    Array near = ops::less(ops::absolute(x), 0.005);
    Array square = ops::square(ops::where(near, x, 0.0));
    Array series = 1.0 - square * (1.0 / 6 - square * (1.0 / 120));
    Array y = ops::where(near, 1.0, x);
    c.out.push_back(ops::where(near, series, ops::sin(y) / y));
}

}  // namespace

void register_trigonometric(Registry& r) {
    r.elementwise("sin(x, /)", "Sin")
        .slope_from_operand({{"cos"}})
        .c_function()
        .doc("Sine, element by element; x in radians.");
    r.elementwise("cos(x, /)", "Cos")
        .slope_from_operand({{"sin"}, {"negative"}})
        .c_function()
        .doc("Cosine, element by element; x in radians.");
    r.elementwise("tan(x, /)", "Tan")
        .slope_from_result({{"square"}, {"add", SlopeStep::right, 1}})
        .domain("(-1, 1)")
        .doc("Tangent, element by element; x in radians.");
    r.elementwise("arcsin(x, /)", "Arcsin")
        .partial([](P c) { return 1.0 / ops::sqrt((1.0 - c.in(0)) * (c.in(0) + 1.0)); })
        .saves(true, false)
        .domain("(-0.8, 0.8)")
        .doc("Inverse sine, element by element, between -pi/2 and pi/2.");
    r.alias("asin", "arcsin");
    r.elementwise("arccos(x, /)", "Arccos")
        .partial([](P c) { return -1.0 / ops::sqrt((1.0 - c.in(0)) * (c.in(0) + 1.0)); })
        .saves(true, false)
        .domain("(-0.8, 0.8)")
        .doc("Inverse cosine, element by element, between 0 and pi.");
    r.alias("acos", "arccos");
    r.elementwise("arctan(x, /)", "Arctan")
        .partial([](P c) { return 1.0 / (ops::square(c.in(0)) + 1.0); })
        .saves(true, false)
        .doc("Inverse tangent, element by element, between -pi/2 and pi/2.");
    r.alias("atan", "arctan");
    r.elementwise("arctan2(x1, x2, /)", "Arctan2")
        .partial([](P c) { return over_square(c.in(1), c); }, [](P c) { return -over_square(c.in(0), c); })
        .saves(true, false)
        .domain("(0.5, 3)")
        .doc("Angle of the point (x2, x1), element by element, between -pi and pi.");
    r.alias("atan2", "arctan2");
    r.elementwise("hypot(x1, x2, /)", "Hypot")
        .partial([](P c) { return ops::safe_divide(c.in(0), c.out()); },
                 [](P c) { return ops::safe_divide(c.in(1), c.out()); })
        .domain("(0.5, 3)")
        .doc("sqrt(x1**2 + x2**2), element by element, without overflow of the squares.");
    r.elementwise("deg2rad(x, /)", "Deg2rad")
        .partial([](P c) { return ops::constant(c, kPi / 180); })
        .saves(false, false)
        .doc("Degrees as radians, element by element.");
    r.elementwise("radians(x, /)", "Deg2rad")
        .partial([](P c) { return ops::constant(c, kPi / 180); })
        .saves(false, false)
        .doc("Degrees as radians, element by element.");
    r.elementwise("rad2deg(x, /)", "Rad2deg")
        .partial([](P c) { return ops::constant(c, 180 / kPi); })
        .saves(false, false)
        .doc("Radians as degrees, element by element.");
    r.elementwise("degrees(x, /)", "Rad2deg")
        .partial([](P c) { return ops::constant(c, 180 / kPi); })
        .saves(false, false)
        .doc("Radians as degrees, element by element.");
    r.op("sinc(x)")
        .composite(sinc)
        .scalar_result()
        .sample("f64(2,3)")
        .doc("sin(pi*x) / (pi*x), element by element, and 1 at 0.");
}

}  // namespace minpy
