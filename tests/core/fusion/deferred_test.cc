// Pending storage: results appear when they are looked at, with the bits they would have had at once.
#include "core/fusion/deferred.h"

#include <barrier>
#include <thread>

#include "core/registry/dispatch.h"
#include "tests/core/support.h"

namespace minpy {
namespace {

bool pending(const Array& a) { return a.storage().has(Storage::kPending); }

Array ramp(int64_t n) {
    int64_t shape[] = {n};
    Array a = empty(shape, DType::float64);
    for (int64_t i = 0; i < n; ++i) a.raw_as<double>()[i] = 0.001 * double(i) - 1;
    return a;
}
const Op& exp_op() { return find_op("exp"); }

TEST(Deferral, LeavesLargeResultsPendingUntilTheyAreRead) {
    WithDeferral on(true, 100);
    Array x = ramp(1000), y = call(exp_op(), x * x);
    EXPECT_TRUE(pending(y));
    std::vector<double> late = values(y);
    EXPECT_FALSE(pending(y));
    WithDeferral off(false);
    EXPECT_EQ(late, values(call(exp_op(), x * x)));
}

TEST(Deferral, RunsSmallCallsAtOnce) {
    WithDeferral on(true, 100);
    EXPECT_FALSE(pending(vec({1, 2}) * vec({3, 4})));
}

TEST(Deferral, ForcesReadersBeforeTheirOperandIsWritten) {
    WithDeferral on(true, 100);
    Array x = ramp(1000);
    std::vector<double> expected;
    for (double v : values(x)) expected.push_back(v + v);
    Array y = x + x;
    EXPECT_TRUE(pending(y));
    assign(x, ops::zeros(x.shape(), x.dtype(), kCpu), Context::current());
    EXPECT_FALSE(pending(y));
    EXPECT_EQ(values(y), expected);
}

TEST(Deferral, ForcesReadersWhenAnOperandIsExposedAndDefersNoMore) {
    WithDeferral on(true, 100);
    Array x = ramp(1000), y = x + x;
    expose(x.storage());
    EXPECT_FALSE(pending(y));
    EXPECT_FALSE(pending(x + x));
}

TEST(Deferral, SeesPendingOperandsThroughViews) {
    WithDeferral on(true, 100);
    Array x = ramp(1000), y = x + x;
    int64_t shape[] = {500}, strides[] = {16};
    Array odd = window(y, 8, shape, strides);
    EXPECT_TRUE(pending(odd));
    EXPECT_EQ(values(odd)[1], 2 * values(x)[3]);
}

TEST(Deferral, DropsWhatNobodyLooksAt) {
    WithDeferral on(true, 100);
    int64_t before = live_arrays.load();
    {
        Array y = ramp(1000);
        for (int i = 0; i < 20000; ++i) y = y + y;  // freed without recursion
    }
    EXPECT_EQ(live_arrays.load(), before);
}

TEST(Deferral, EvaluatesALongChainWithoutRecursion) {
    WithDeferral on(true, 100);
    Array x = ramp(1000), y = x;
    for (int i = 0; i < 20000; ++i) y = y * 1.0;
    EXPECT_EQ(values(y), values(x));
}

TEST(Deferral, RecordsOnTapes) {
    WithDeferral on(true, 100);
    Array x = ramp(200);
    Recording r;
    r.watch(x);
    int64_t axis[] = {0};
    Array y = ops::sum(x * x, axis);
    std::vector<double> g = values(r.gradient(y, x));
    EXPECT_EQ(g[10], 2 * values(x)[10]);
}

template <class F> void on_threads(int n, F&& f) {
    std::vector<std::thread> threads;
    for (int t = 0; t < n; ++t) threads.emplace_back([&f, t] { f(t); });
    for (std::thread& t : threads) t.join();
}

TEST(Deferral, MayBeForcedByManyThreadsAtOnce) {
    WithDeferral on(true, 100);
    Array x = ramp(1000);
    std::vector<double> expected;
    for (double v : values(x)) expected.push_back(4 * v);
    for (int round = 0; round < 20; ++round) {
        Array y = x + x, z = y + y;
        std::atomic<int> wrong{0};
        on_threads(8, [&](int t) {
            // Some look at the middle of the chain, some at its end, some make another end.
            Array mine = t % 3 == 2 ? y + y : t % 3 ? z : y;
            std::vector<double> seen = values(mine);
            for (size_t i = 0; i < seen.size(); ++i) wrong += seen[i] != (t % 3 ? expected[i] : expected[i] / 2);
        });
        EXPECT_EQ(wrong, 0);
    }
}

TEST(Deferral, MayBeDroppedWhileAnotherThreadForcesReaders) {
    WithDeferral on(true, 100);
    Array x = ramp(1000), zeros = ops::zeros(x.shape(), x.dtype(), kCpu);
    int64_t before = live_arrays.load();
    constexpr int kReaders = 7, kRounds = 50;
    std::barrier ready(kReaders + 1);
    on_threads(kReaders + 1, [&](int t) {
        for (int round = 0; round < kRounds; ++round) {
            std::vector<Array> readers;
            if (t < kReaders)
                for (int i = 0; i < 4; ++i) readers.push_back(x + x);
            ready.arrive_and_wait();
            if (t < kReaders) readers.clear();
            else assign(x, zeros, Context::current());
            ready.arrive_and_wait();
        }
    });
    EXPECT_EQ(live_arrays.load(), before);
}

TEST(Deferral, MayBeFoldedAndWrittenFromByManyThreadsAtOnce) {
    WithDeferral on(true, 100);
    Array x = ramp(1000);
    double total = values(call(find_op("sum"), x))[0], last = values(x)[999];
    for (int round = 0; round < 20; ++round) {
        Array y = x + x, z = y + y;
        std::atomic<int> wrong{0};
        on_threads(8, [&](int t) {
            CallOptions options;
            options.last_use = t % 2;
            minpy_value folded[] = {to_value(t % 4 < 2 ? y : z)};
            Array sum = std::move(invoke(find_op("sum"), folded, options).front());
            wrong += values(sum)[0] != total * (t % 4 < 2 ? 2 : 4);
            // Into memory of its own, and into what is pending.
            for (Array to : {ramp(1000), z + x}) {
                double before = to.storage().has(Storage::kPending) ? 5 * last : last;
                Array outs[] = {to};
                options.out = outs;
                minpy_value args[] = {to_value(to), to_value(z)};
                invoke(find_op("add"), args, options);
                wrong += values(to)[999] != before + values(z)[999];
            }
        });
        EXPECT_EQ(wrong, 0);
    }
}

TEST(Deferral, StillRefusesWrongShapesAtTheCall) {
    WithDeferral on(true, 100);
    EXPECT_THROW(ramp(1000) + ramp(999), Error);
}

}  // namespace
}  // namespace minpy
