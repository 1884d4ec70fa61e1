// Values between points: interp.
#include <algorithm>
#include <cmath>

#include "core/autograd/node.h"
#include "core/cpu/elementwise.h"
#include "core/cpu/pool.h"
#include "core/ops/calls.h"
#include "core/registry/device.h"
#include "core/registry/registry.h"
#include "core/registry/thread_state.h"

namespace minpy {
namespace {

// One point between (x0, f0) and (x1, f1); an infinite slope from the other side, and on level ground from none.
double between(double x, double x0, double x1, double f0, double f1) {
    if (x == x0) return f0;
    double slope = (f1 - f0) / (x1 - x0), y = slope * (x - x0) + f0;
    if (std::isnan(y)) y = slope * (x - x1) + f1;
    return std::isnan(y) && f0 == f1 ? f0 : y;
}

// Of (x, xp, fp, positions behind x, left, right).
void interp_kernel(Call& c) {
    const auto *x = c.in[0].raw_as<double>(), *xp = c.in[1].raw_as<double>(), *fp = c.in[2].raw_as<double>();
    Array positions = contiguous(c.in[3]);
    const auto* p = positions.raw_as<int64_t>();
    auto* y = c.out[0].raw_as<double>();
    int64_t n = c.in[1].size(), size = c.out[0].size();
    double left = c.is_none(4) ? fp[0] : c.number(4), right = c.is_none(5) ? fp[n - 1] : c.number(5);
    constexpr int64_t kTask = 1 << 14;
    parallel_for((size + kTask - 1) / kTask, [&](int64_t task) {
        HardwareFlags unheard;
        for (int64_t i = task * kTask; i < std::min(size, (task + 1) * kTask); ++i) {
            int64_t j = std::clamp<int64_t>(p[i] - 1, 0, n - 2);
            y[i] = std::isnan(x[i])   ? x[i]
                   : x[i] < xp[0]     ? left
                   : x[i] > xp[n - 1] ? right
                   : p[i] == n        ? fp[n - 1]
                                      : between(x[i], xp[j], xp[j + 1], fp[j], fp[j + 1]);
        }
        unheard.take();
    });
}

// What the kernel takes, which knows no derivative.
bool plain(const Array& a) { return a.on_cpu() && !may_be_traced(a); }

// Straight lines between points (xp, fp), whose xp increase.
void interp(Call& c) {
    uint32_t flags = thread_state().fp_status;  // NumPy's does not warn
    if (!c.is_none(5)) throw unsupported("period");
    for (const Array& a : c.in)
        if (a && in(a.dtype(), kComplex)) throw unsupported("complex numbers");
    if (c.in[1].ndim() != 1 || c.in[2].ndim() != 1) throw value_error("Data points must be 1-D sequences");
    int64_t n = c.in[1].dim(0);
    if (n == 0) throw value_error("array of sample points is empty");
    if (c.in[2].dim(0) != n) throw value_error("fp and xp are not of the same length.");
    Array x = ops::astype(c.in[0], DType::float64), xp = ops::astype(c.in[1], DType::float64),
          fp = ops::astype(c.in[2], DType::float64);
    auto at = [&](const Array& a, int64_t i) { return ops::reshape(ops::slice(a, 0, i, i + 1), Dims{}); };
    Array first = at(xp, 0), last = at(xp, n - 1), end = at(fp, n - 1), y;
    if (n == 1) {
        y = ops::broadcast_to(end, x.shape());
    } else {
        Array j = c.call(MINPY_OP("searchsorted"), without_node(xp), without_node(x), "right");
        if (plain(x) && plain(xp) && plain(fp))
            return c.out.push_back(c.call(MINPY_OP("_interp"), x, xp, fp, j, c.args[3], c.args[4]));
        j = c.call(MINPY_OP("clip"), j - 1.0, 0, n - 2);
        Array next = ops::astype(j, DType::int64) + ops::ones(Dims{}, DType::int64, j.device());
        auto of = [&](const Array& a, const Array& positions) { return c.call(MINPY_OP("take"), a, positions); };
        j = ops::astype(j, DType::int64);
        Array x0 = of(xp, j), x1 = of(xp, next), f0 = of(fp, j), f1 = of(fp, next);
        Array slope = (f1 - f0) / (x1 - x0);
        y = slope * (x - x0) + f0;
        // An infinite slope: from the other side, and on level ground from none.
        y = ops::where(ops::isnan(y), slope * (x - x1) + f1, y);
        y = ops::where(ops::logical_and(ops::isnan(y), ops::equal(f0, f1)), f0, y);
        y = ops::where(ops::equal(x, x0), f0, y);
        y = ops::where(ops::equal(x, last), end, y);
    }
    auto beyond = [&](int i, const Array& otherwise) {
        return c.is_none(i) ? otherwise : minpy::to_device(full_scalar(c.number(i), DType::float64), y.device());
    };
    y = ops::where(ops::less(x, first), beyond(3, at(fp, 0)), y);
    y = ops::where(ops::greater(x, last), beyond(4, end), y);
    c.out.push_back(ops::where(ops::isnan(x), x, y));
    thread_state().fp_status = flags;
}

}  // namespace

void register_interpolation(Registry& r) {
    r.op("interp(x, xp, fp, left: float = None, right: float = None, period: float = None)")
        .composite(interp)
        .scalar_result()
        .sample("f64(4), [0.0, 0.4, 1.0], f64(3)")
        .domain("(0.05, 0.95)")
        .doc("Straight lines between points whose first coordinates increase; the ends go on level.");
    r.op("_interp(x, xp, fp, behind, left: float = None, right: float = None)")
        .infer([](Call& c) {
            for (int i = 0; i < 3; ++i) c.cast(i, DType::float64);
            c.output(c.in[0].shape(), DType::float64);
        })
        .kernel([](Call& c) {
            for (int i = 0; i < 3; ++i) c.in[i] = contiguous(c.in[i]);
            interp_kernel(c);
        })
        .not_differentiable("the composite is recorded")
        .doc("interp in one pass, of at least two points; `behind` is where x belongs among xp.");
}

}  // namespace minpy
