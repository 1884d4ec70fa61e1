// Rows of exponentials and logarithms; the arithmetic itself is in exponential.h.
#include "core/ops/calls.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {
using P = Partial&;
}

void register_exponential(Registry& r) {
    r.elementwise("exp(x, /)", "Exp")
        .partial([](P c) { return c.out(); })
        .saves(false, true)
        .domain("(-1, 1)")
        .c_function()
        .doc("Exponential, e**x, element by element.");
    r.elementwise("log(x, /)", "Log")
        .partial([](P c) { return 1.0 / c.in(0); })
        .saves(true, false)
        .domain("(0.5, 4)")
        .c_function()
        .doc("Natural logarithm, element by element.");
}

}  // namespace minpy
