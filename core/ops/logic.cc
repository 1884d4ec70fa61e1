// Rows of truth values and of tests for what is no ordinary number; the arithmetic itself is in logic.h.
#include "core/registry/registry.h"

namespace minpy {

void register_logic(Registry& r) {
    r.elementwise("logical_and(x1, x2, /)", "LogicalAnd")
        .no_gradient()
        .c_function()
        .doc("Whether both are not zero, element by element.");
    r.elementwise("logical_or(x1, x2, /)", "LogicalOr")
        .no_gradient()
        .c_function()
        .doc("Whether one is not zero, element by element.");
    r.elementwise("logical_xor(x1, x2, /)", "LogicalXor")
        .no_gradient()
        .doc("Whether just one is not zero, element by element.");
    r.elementwise("logical_not(x, /)", "LogicalNot")
        .no_gradient()
        .c_function()
        .doc("Whether x is zero, element by element.");
    r.elementwise("isnan(x, /)", "IsNan").no_gradient().doc("Whether x is not a number, element by element.");
    r.elementwise("isinf(x, /)", "IsInf").no_gradient().doc("Whether x is infinite, element by element.");
    r.elementwise("isfinite(x, /)", "IsFinite")
        .no_gradient()
        .doc("Whether x is neither infinite nor NaN, element by element.");
}

}  // namespace minpy
