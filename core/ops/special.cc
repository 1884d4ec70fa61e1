// Rows of functions of statistics and of networks; the arithmetic itself is in special.h.
#include <numbers>

#include "core/ops/calls.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {

using P = Partial&;

// exp(-x**2) * 2 / sqrt(pi)
Array bell(P c, double sign) { return ops::exp(-ops::square(c.in(0))) * (sign * 2 * std::numbers::inv_sqrtpi); }

}  // namespace

void register_special(Registry& r) {
    r.elementwise("erf(x, /)", "Erf")
        .partial([](P c) { return bell(c, 1); })
        .saves(true, false)
        .doc("The error function, element by element.");
    r.elementwise("erfc(x, /)", "Erfc")
        .partial([](P c) { return bell(c, -1); })
        .saves(true, false)
        .doc("1 - erf(x), element by element, exact for large x.");
    r.elementwise("sigmoid(x, /)", "Sigmoid")
        .partial([](P c) { return c.out() * (1.0 - c.out()); })
        .saves(false, true)
        .c_function()
        .doc("1 / (1 + exp(-x)), element by element.");
    r.alias("expit", "sigmoid");
    r.elementwise("logit(x, /)", "Logit")
        .partial([](P c) { return 1.0 / (c.in(0) * (1.0 - c.in(0))); })
        .saves(true, false)
        .domain("(0.2, 0.8)")
        .doc("log(x / (1 - x)), element by element: the inverse of sigmoid.");
    r.elementwise("softplus(x, /)", "Softplus")
        .slope_from_operand({{"sigmoid"}})
        .doc("log(1 + exp(x)), element by element, without overflow.");
    r.elementwise("relu(x, /)", "Relu")
        // At zero the derivative is zero, as in MXNet.
        .slope_from_result({{"_relu_slope"}})
        .domain("(0.5, 3)")
        .c_function()
        .doc("max(x, 0), element by element.");
    r.elementwise("_relu_slope(y, /)", "ReluSlope")
        .no_gradient()
        .doc("1 where y, a result of relu, is positive, else 0.");
}

}  // namespace minpy
