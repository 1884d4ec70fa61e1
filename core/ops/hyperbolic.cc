// Rows of hyperbolic functions and their inverses; the arithmetic itself is in hyperbolic.h.
#include "core/ops/calls.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {
using P = Partial&;
}

void register_hyperbolic(Registry& r) {
    r.elementwise("sinh(x, /)", "Sinh").slope_from_operand({{"cosh"}}).doc("Hyperbolic sine, element by element.");
    r.elementwise("cosh(x, /)", "Cosh").slope_from_operand({{"sinh"}}).doc("Hyperbolic cosine, element by element.");
    r.elementwise("tanh(x, /)", "Tanh")
        .slope_from_result({{"square"}, {"subtract", SlopeStep::left, 1}})
        .c_function()
        .doc("Hyperbolic tangent, element by element.");
    r.elementwise("arcsinh(x, /)", "Arcsinh")
        .partial([](P c) { return 1.0 / ops::sqrt(ops::square(c.in(0)) + 1.0); })
        .saves(true, false)
        .doc("Inverse hyperbolic sine, element by element.");
    r.alias("asinh", "arcsinh");
    r.elementwise("arccosh(x, /)", "Arccosh")
        // Two roots, so that the branch is right for complex numbers.
        .partial([](P c) { return 1.0 / (ops::sqrt(c.in(0) - 1.0) * ops::sqrt(c.in(0) + 1.0)); })
        .saves(true, false)
        .domain("(1.2, 4)")
        .doc("Inverse hyperbolic cosine, element by element.");
    r.alias("acosh", "arccosh");
    r.elementwise("arctanh(x, /)", "Arctanh")
        .partial([](P c) { return 1.0 / ((1.0 - c.in(0)) * (c.in(0) + 1.0)); })
        .saves(true, false)
        .domain("(-0.8, 0.8)")
        .doc("Inverse hyperbolic tangent, element by element.");
    r.alias("atanh", "arctanh");
}

}  // namespace minpy
