// Rows of bits; the arithmetic itself is in bitwise.h.
#include "core/registry/registry.h"

namespace minpy {

void register_bitwise(Registry& r) {
    r.elementwise("bitwise_and(x1, x2, /)", "BitwiseAnd")
        .no_gradient()
        .sample("i64(2,3), i64(3)")
        .c_function()
        .doc("Bits set in both, element by element.");
    r.elementwise("bitwise_or(x1, x2, /)", "BitwiseOr")
        .no_gradient()
        .sample("i64(2,3), i64(3)")
        .c_function()
        .doc("Bits set in one or both, element by element.");
    r.elementwise("bitwise_xor(x1, x2, /)", "BitwiseXor")
        .no_gradient()
        .sample("i64(2,3), i64(3)")
        .c_function()
        .doc("Bits set in just one, element by element.");
    r.elementwise("invert(x, /)", "Invert")
        .no_gradient()
        .sample("i64(2,3)")
        .doc("All bits the other way round, element by element; of bools, the logical not.");
    r.alias("bitwise_not", "invert");
    r.alias("bitwise_invert", "invert");
    r.elementwise("left_shift(x1, x2, /)", "LeftShift")
        .no_gradient()
        .sample("i64(2,3), i64(3)")
        .doc("x1 * 2**x2 without what leaves the width, element by element.");
    r.alias("bitwise_left_shift", "left_shift");
    r.elementwise("right_shift(x1, x2, /)", "RightShift")
        .no_gradient()
        .sample("i64(2,3), i64(3)")
        .doc("The whole part of x1 / 2**x2, element by element.");
    r.alias("bitwise_right_shift", "right_shift");
    r.elementwise("bitwise_count(x, /)", "BitwiseCount")
        .no_gradient()
        .sample("i64(2,3)")
        .doc("How many bits of |x| are set, element by element.");
}

}  // namespace minpy
