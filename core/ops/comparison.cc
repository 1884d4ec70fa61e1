// Rows of comparisons; the arithmetic itself is in comparison.h.
#include "core/registry/registry.h"

namespace minpy {

void register_comparison(Registry& r) {
    r.elementwise("equal(x1, x2, /)", "Equal").no_gradient().c_function().doc("Whether x1 == x2, element by element.");
    r.elementwise("not_equal(x1, x2, /)", "NotEqual")
        .no_gradient()
        .c_function()
        .doc("Whether x1 != x2, element by element.");
    r.elementwise("less(x1, x2, /)", "Less")
        .no_gradient()
        .c_function()
        .doc(
            "Whether x1 < x2, element by element; complex numbers by their real parts, then by their imaginary parts.");
    r.elementwise("less_equal(x1, x2, /)", "LessEqual")
        .no_gradient()
        .c_function()
        .doc("Whether x1 <= x2, element by element; complex numbers as in less.");
    r.elementwise("greater(x1, x2, /)", "Greater")
        .no_gradient()
        .c_function()
        .doc("Whether x1 > x2, element by element; complex numbers as in less.");
    r.elementwise("greater_equal(x1, x2, /)", "GreaterEqual")
        .no_gradient()
        .c_function()
        .doc("Whether x1 >= x2, element by element; complex numbers as in less.");
}

}  // namespace minpy
