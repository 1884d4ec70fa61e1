// Rows of exponentials and logarithms; the arithmetic itself is in exponential.h.
#include <numbers>

#include "core/ops/calls.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {
using P = Partial&;
constexpr double kLn2 = std::numbers::ln2;

// d logaddexp(x, y) / dx = sigmoid(x - y)
Array share(P c, int which, double scale) {
    Array d = c.in(which)-c.in(1 - which);
    return call(MINPY_OP("sigmoid"), scale == 1 ? d : d * scale);
}

}  // namespace

void register_exponential(Registry& r) {
    r.elementwise("exp(x, /)", "Exp")
        .slope_from_result({})
        .domain("(-1, 1)")
        .c_function()
        .doc("Exponential, e**x, element by element.");
    r.elementwise("exp2(x, /)", "Exp2")
        .partial([](P c) { return c.out() * kLn2; })
        .saves(false, true)
        .domain("(-1, 1)")
        .doc("2**x, element by element.");
    r.elementwise("expm1(x, /)", "Expm1")
        .slope_from_result({{"add", SlopeStep::right, 1}})
        .domain("(-1, 1)")
        .doc("exp(x) - 1, element by element, exact near 0.");
    r.elementwise("log(x, /)", "Log")
        .slope_from_operand({{"divide", SlopeStep::left, 1}})
        .domain("(0.5, 4)")
        .c_function()
        .doc("Natural logarithm, element by element.");
    r.elementwise("log2(x, /)", "Log2")
        .partial([](P c) { return (1 / kLn2) / c.in(0); })
        .saves(true, false)
        .domain("(0.5, 4)")
        .doc("Logarithm to base 2, element by element.");
    r.elementwise("log10(x, /)", "Log10")
        .partial([](P c) { return (1 / std::numbers::ln10) / c.in(0); })
        .saves(true, false)
        .domain("(0.5, 4)")
        .doc("Logarithm to base 10, element by element.");
    r.elementwise("log1p(x, /)", "Log1p")
        .slope_from_operand({{"add", SlopeStep::right, 1}, {"divide", SlopeStep::left, 1}})
        .domain("(-0.5, 3)")
        .doc("log(1 + x), element by element, exact near 0.");
    r.elementwise("logaddexp(x1, x2, /)", "LogAddExp")
        .partial([](P c) { return share(c, 0, 1); }, [](P c) { return share(c, 1, 1); })
        .saves(true, false)
        .doc("log(exp(x1) + exp(x2)), element by element, without overflow.");
    r.elementwise("logaddexp2(x1, x2, /)", "LogAddExp2")
        .partial([](P c) { return share(c, 0, kLn2); }, [](P c) { return share(c, 1, kLn2); })
        .saves(true, false)
        .doc("log2(2**x1 + 2**x2), element by element, without overflow.");
}

}  // namespace minpy
