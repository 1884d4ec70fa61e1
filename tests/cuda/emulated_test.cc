// Every kernel of the CUDA backend on an emulated grid against the CPU's own results, through the dispatcher: what
// `supports` says, how attributes are read, index mapping, arithmetic.
#include <cmath>
#include <cstdlib>

#include "core/registry/device.h"
#include "core/registry/registry.h"
#include "cuda/layout.h"
#include "tests/core/support.h"

namespace minpy {
namespace {

constexpr Device kCuda{MINPY_CUDA, 0};
using cuda::kDeviceTypes;

class Emulated : public testing::Test {
protected:
    static void SetUpTestSuite() {
        static bool loaded = false;
        if (!loaded) load_backend(std::getenv("MINPY_EMULATED"));
        loaded = true;
    }
    Emulated() : context_(Context::current()) {
        context_.policy = Policy::only_device;  // a fallback is an error
        current_.emplace(context_);
    }
    Context context_;
    std::optional<WithContext> current_;
};

DimsView view(const Dims& d) { return {d.data(), size_t(d.size())}; }

// Values of which every functor gives a result; `special` adds what only real arithmetic agrees on.
Array sample(Dims shape, DType t, int seed, bool special = false) {
    Array a = empty(view(shape), DType::complex128);
    for (int64_t i = 0; i < a.size(); ++i) {
        uint64_t h = (uint64_t(i) + 17) * 2654435761u + uint64_t(seed) * 40503u;
        double u = double(h >> 7 & 1023) / 1024;
        complex128 z{0.1 + 1.7 * u, 0.1 + 0.6 * double(h >> 3 & 511) / 512};
        if (in(t, kBool | kInteger)) z = {double(h >> 5 & 3), 0};
        if (in(t, kFloating)) {
            z.re = special ? 4 * u - 2 : z.re;
            constexpr double kOdd[] = {0.0, -0.0, 1.0, INFINITY, -INFINITY, NAN};
            if (special && i % 7 == seed % 7) z.re = kOdd[i / 7 % 6];
        }
        a.raw_as<complex128>()[i] = z;
    }
    return copy_of(a, t);
}

double tolerance(DType t) {
    switch (t) {
        case DType::float16: return 2e-3;
        case DType::bfloat16: return 1.6e-2;  // two ulps
        case DType::float32: return 1e-6;     // libmvec's four ulps and as many of libm's
        case DType::float64: return 4e-15;
        case DType::complex64: return 2e-5;  // textbook formulas against the C library's
        case DType::complex128: return 2e-13;
        default: return 0;
    }
}

void expect_same(const Array& found, const Array& expected, const std::string& what) {
    ASSERT_EQ(found.device(), kCuda) << what;
    Array host = to_device(found, kCpu);
    expected.data();
    ASSERT_EQ(host.dtype(), expected.dtype()) << what;
    ASSERT_TRUE(std::equal(host.shape().begin(), host.shape().end(), expected.shape().begin(), expected.shape().end()));
    DType t = expected.dtype();
    if (in(t, kBool | kInteger)) {
        Array x = copy_of(host, DType::int64), y = copy_of(expected, DType::int64);
        for (int64_t i = 0; i < x.size(); ++i)
            ASSERT_EQ(x.raw_as<int64_t>()[i], y.raw_as<int64_t>()[i]) << what << " at " << i;
        return;
    }
    Array x = copy_of(host, DType::complex128), y = copy_of(expected, DType::complex128);
    // Operands are of order 1 and some functors subtract: a small result is no more exact than they are.
    auto close = [&](double a, double b, double scale) {
        if (std::isnan(a) || std::isnan(b)) return std::isnan(a) == std::isnan(b);
        return a == b || std::fabs(a - b) <= tolerance(t) * std::max(scale, 1.0);
    };
    for (int64_t i = 0; i < x.size(); ++i) {
        complex128 a = x.raw_as<complex128>()[i], b = y.raw_as<complex128>()[i];
        double scale = in(t, kComplex) ? std::hypot(b.re, b.im) : std::fabs(b.re);
        ASSERT_TRUE(close(a.re, b.re, scale) && close(a.im, b.im, scale))
            << what << " at " << i << ": " << a.re << "+" << a.im << "i, expected " << b.re << "+" << b.im << "i";
    }
}

Array turned(const Array& a) {  // the same elements, axes reversed: a strided operand
    Dims shape(a.ndim()), strides(a.ndim());
    for (int i = 0; i < a.ndim(); ++i)
        shape[i] = a.dim(a.ndim() - 1 - i), strides[i] = a.strides()[size_t(a.ndim() - 1 - i)];
    return window(a, 0, view(shape), view(strides));
}

TEST_F(Emulated, EveryElementwiseFunctorOfEveryDeviceTypeAgreesWithTheCpu) {
    int compared = 0;
    for (const Op* op : Registry::get().all()) {
        if (!op->elementwise) continue;
        for (int d = 1; d < kNumDTypes; ++d) {
            DType t = DType(d);
            if (!in(t, kDeviceTypes) || !in(t, op->loop_types)) continue;
            const Loop* loop = op->loops[d] ? op->loops[d] : op->loops[int(DType::float32)];
            // Strided, broadcast and whole operands.
            std::vector<Array> host;
            for (int i = 0; i < op->n_in; ++i) {
                DType own = op->fixed >> i & 1 ? loop->types[i] : t;
                if (!in(own, kDeviceTypes)) own = DType::none;
                if (own == DType::none) break;
                bool special = in(own, kFloating) && op->name != "ldexp";
                host.push_back(i == 0   ? turned(sample({5, 4, 3}, own, 1, special))
                               : i == 1 ? sample({5}, own, 2, special)
                                        : sample({3, 4, 5}, own, 3, special));
            }
            if (int(host.size()) != op->n_in) continue;
            std::vector<minpy_value> args;
            for (const Array& a : host) args.push_back(to_value(a));
            Array expected;
            try {
                expected = invoke(*op, ValuesView(args.data(), args.size())).front();
            } catch (const Error&) { continue; }  // refused for every device alike
            if (!in(expected.dtype(), kDeviceTypes)) continue;
            std::vector<Array> there;
            for (const Array& a : host) there.push_back(turned(to_device(turned(a), kCuda)));
            std::vector<minpy_value> again;
            for (const Array& a : there) again.push_back(to_value(a));
            std::string what = op->name + " " + name(t);
            Array found;
            try {
                found = invoke(*op, ValuesView(again.data(), again.size())).front();
            } catch (const Error& e) { FAIL() << what << ": " << e.what(); }
            expect_same(found, expected, what);
            ++compared;
        }
    }
    EXPECT_GT(compared, 300);
}

TEST_F(Emulated, EveryDtypeIsCastToEveryOtherAsOnTheCpu) {
    for (int a = 1; a < kNumDTypes; ++a)
        for (int b = 1; b < kNumDTypes; ++b) {
            Array x = turned(sample({5, 4, 3}, DType(a), 1, true));
            Array expected = copy_of(x, DType(b));
            Array there = turned(to_device(turned(x), kCuda));
            expect_same(ops::astype(there, DType(b)), expected, cat("astype ", name(DType(a)), " ", name(DType(b))));
            if (HasFatalFailure()) return;
        }
}

TEST_F(Emulated, FloatsOutOfRangeBecomeTheSameIntegers) {
    Array x = vec({1e300, -1e300, 3e9, -3e9, 1.8e19, 2e19, 9.3e18, -1.5, 300.7, NAN, INFINITY, -INFINITY});
    for (DType t : {DType::int8, DType::int32, DType::uint32, DType::int64, DType::uint64, DType::uint8})
        expect_same(ops::astype(to_device(x, kCuda), t), copy_of(x, t), name(t));
}

TEST_F(Emulated, FoldsOverAnyAxesAgreeWithTheCpu) {
    struct Case {
        Dims shape;
        Dims axes;
    };
    const Case cases[] = {{{3, 4, 5}, {0}},       {{3, 4, 5}, {2}}, {{3, 4, 5}, {0, 2}},
                          {{3, 4, 5}, {0, 1, 2}}, {{5000}, {0}},    {{2, 3000}, {1}},
                          {{2000, 40}, {0}},      {{0, 3}, {0}},    {{3, 0}, {0}}};
    for (const char* op : {"sum", "prod", "max", "min", "any", "all"})
        for (DType t : {DType::boolean, DType::int32, DType::int64, DType::float16, DType::bfloat16, DType::float32,
                        DType::float64, DType::complex64, DType::complex128})
            for (const Case& c : cases) {
                bool extreme = std::string(op) == "max" || std::string(op) == "min";
                if (extreme && c.shape[0] == 0) continue;  // an error on every device
                Array x = sample(c.shape, t, 1);
                if (in(t, kFloating | kComplex) && std::string(op) == "prod")
                    x = copy_of(sample(c.shape, DType::boolean, 1), t);
                Array y = turned(x);
                Dims turned_axes;
                for (int64_t axis : c.axes) turned_axes.push_back(x.ndim() - 1 - axis);
                std::string what = cat(op, " ", name(t), " ", to_string(x.shape()), " over ", to_string(view(c.axes)));
                expect_same(call(find_op(op), to_device(x, kCuda), c.axes), call(find_op(op), x, c.axes), what);
                if (HasFatalFailure()) return;
                Array there = turned(to_device(x, kCuda));
                expect_same(call(find_op(op), there, turned_axes), call(find_op(op), y, turned_axes), what + " turned");
                if (HasFatalFailure()) return;
            }
}

TEST_F(Emulated, PoolingSharesTiesAndCountsPaddingAsTheCpuDoes) {
    for (DType t : {DType::float16, DType::float32, DType::float64})
        for (const char* type : {"max", "avg", "sum"})
            for (const char* convention : {"valid", "full"})
                for (Dims kernel : {Dims{2, 2}, Dims{3, 2}}) {
                    Array x = copy_of(sample({2, 3, 7, 6}, DType::int32, 4), t), y, g;
                    Dims stride{2, 1}, pad{1, 0};
                    auto pool = [&](const Array& a) {
                        return call(find_op("pooling"), a, kernel, type, stride, pad, false, convention);
                    };
                    auto piece = [&](const char* op, const Array& g, const Array& a, const Array& y) {
                        return call(find_op(op), g, a, y, kernel, type, stride, pad, false, convention);
                    };
                    std::string what = cat(name(t), " ", type, " ", convention);
                    y = pool(x);
                    g = sample(y.dims(), t, 5);
                    Array h = sample(x.dims(), t, 6);
                    auto up = [](const Array& a) { return to_device(a, kCuda); };
                    expect_same(pool(up(x)), y, what);
                    expect_same(piece("_pool_backward", up(g), up(x), up(y)), piece("_pool_backward", g, x, y), what);
                    expect_same(piece("_pool_gather", up(h), up(x), up(y)), piece("_pool_gather", h, x, y), what);
                    if (HasFatalFailure()) return;
                }
}

TEST_F(Emulated, WhatTheKernelsDoNotTakeFallsBackWithItsReason) {
    Array a = to_device(sample({3}, DType::int16, 1), kCuda);
    try {
        call(find_op("add"), a, a);
        FAIL() << "int16 has no kernel";
    } catch (const Error& e) { EXPECT_NE(std::string(e.what()).find("dtype"), std::string::npos) << e.what(); }
    context_.policy = Policy::prefer_device;
    WithContext prefer(context_);
    expect_same(call(find_op("add"), a, a), call(find_op("add"), to_device(a, kCpu), to_device(a, kCpu)), "add");
}

}  // namespace
}  // namespace minpy
