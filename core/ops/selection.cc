// Rows that choose between operands; the arithmetic itself is in selection.h. Ties share the derivative equally.
#include "core/ops/calls.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {

using P = Partial&;

DimsView view(const Dims& d) { return {d.data(), size_t(d.size())}; }

// The larger or smaller of two, whose `share` says how much of it is the first.
#define MINPY_CHOICE(share)                                              \
    partial([](P c) { return call(MINPY_OP(share), c.in(0), c.in(1)); }, \
            [](P c) { return call(MINPY_OP(share), c.in(1), c.in(0)); }) \
        .saves(true, false)

Array at_least(P c) { return ops::maximum(c.in(0), c.in(1)); }

// A Python integer at or beyond the end of the array's dtype is no bound.
bool bounds_nothing(const Array& a, const minpy_value& v, bool low) {
    if (v.tag == MINPY_V_NONE) return true;
    if (weak_of(v) != Weak::integer || v.tag == MINPY_V_BOOL || !in(a.dtype(), kInteger)) return false;
    if (v.tag == MINPY_V_BIGINT) return (double_of(v) < 0) == low;
    if (fits(v, a.dtype())) return false;
    return (v.tag == MINPY_V_INT && v.v.i < 0) == low;
}

void clip(Call& c) {
    const Array& a = c.in[0];
    auto bound = [&](int first, int second) -> const minpy_value& {
        if (!c.is_none(first) && !c.is_none(second))
            throw value_error(
                "Passing `min` or `max` keyword argument when `a_min` and `a_max` are provided is forbidden.");
        return c.args[c.is_none(first) ? second : first];
    };
    const minpy_value &low = bound(1, 3), &high = bound(2, 4);
    bool no_low = bounds_nothing(a, low, true), no_high = bounds_nothing(a, high, false);
    c.out.push_back(no_low && no_high ? call(MINPY_OP("positive"), c.args[0])
                    : no_high         ? call(MINPY_OP("maximum"), c.args[0], low)
                    : no_low          ? call(MINPY_OP("minimum"), c.args[0], high)
                                      : call(MINPY_OP("_clip"), c.args[0], low, high));
}

}  // namespace

void register_selection(Registry& r) {
    r.elementwise("where(condition, x, y, /)", "Where")
        .linear([](Reverse& c) {
            // Not by factors 1 and 0: an infinite cotangent stays out of the other side.
            Array g = c.g();
            if (c.needs(1)) c.set(1, ops::unbroadcast(ops::where(c.in(0), g, 0.0), view(c.in_shape(1))));
            if (c.needs(2)) c.set(2, ops::unbroadcast(ops::where(c.in(0), 0.0, g), view(c.in_shape(2))));
        })
        .saves(true, false)
        .scalar_result(false)
        .sample("b(2,3), f64(2,3), f64(3)")
        .c_function()
        .doc("x where the condition is true, else y.");
    r.elementwise("maximum(x1, x2, /)", "Maximum")
        .MINPY_CHOICE("_maximum_share")
        .c_function()
        .doc("The larger of two, element by element; NaN if one is NaN.");
    r.elementwise("minimum(x1, x2, /)", "Minimum")
        .MINPY_CHOICE("_minimum_share")
        .c_function()
        .doc("The smaller of two, element by element; NaN if one is NaN.");
    r.elementwise("fmax(x1, x2, /)", "Fmax")
        .MINPY_CHOICE("_fmax_share")
        .doc("The larger of two, element by element; NaN only if both are.");
    r.elementwise("fmin(x1, x2, /)", "Fmin")
        .MINPY_CHOICE("_fmin_share")
        .doc("The smaller of two, element by element; NaN only if both are.");
    r.elementwise("_clip(a, low, high, /)", "Clip")
        .partial(
            [](P c) {
                return call(MINPY_OP("_minimum_share"), at_least(c), c.in(2)) *
                       call(MINPY_OP("_maximum_share"), c.in(0), c.in(1));
            },
            [](P c) {
                return call(MINPY_OP("_minimum_share"), at_least(c), c.in(2)) *
                       call(MINPY_OP("_maximum_share"), c.in(1), c.in(0));
            },
            [](P c) { return call(MINPY_OP("_minimum_share"), c.in(2), at_least(c)); })
        .saves(true, false)
        .doc("The nearest number between low and high.");
    r.op("clip(a, a_min: array? = None, a_max: array? = None, *, min: array? = None, max: array? = None)")
        .composite(clip)
        .scalar_result()
        .sample("f64(2,3), -0.2, 0.3")
        .sample("f64(2,3), max=0.25")
        .c_function("a a_min a_max")
        .doc("The nearest numbers between a_min and a_max (also called min and max), either of which may be None.");
    r.elementwise("_maximum_share(x1, x2, /)", "MaximumShare").no_gradient().doc("d maximum(x1, x2) / d x1.");
    r.elementwise("_minimum_share(x1, x2, /)", "MinimumShare").no_gradient().doc("d minimum(x1, x2) / d x1.");
    r.elementwise("_fmax_share(x1, x2, /)", "FmaxShare").no_gradient().doc("d fmax(x1, x2) / d x1.");
    r.elementwise("_fmin_share(x1, x2, /)", "FminShare").no_gradient().doc("d fmin(x1, x2) / d x1.");
}

}  // namespace minpy
