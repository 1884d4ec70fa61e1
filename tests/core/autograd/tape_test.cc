// Marks, views, in-place writes, nesting, and what stays alive.
#include "tests/core/support.h"

#include <thread>

#include "core/cpu/allocator.h"
#include "core/registry/dispatch.h"

namespace minpy {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::Pointwise;

// a[from:from+n], a view.
Array part(const Array& a, int64_t from, int64_t n) {
    minpy_slice slice{from, from + n, 1};
    minpy_value index = pointer_value(MINPY_V_SLICE, &slice, 0);
    return call(find_op("get_item"), a, pointer_value(MINPY_V_VALUES, &index, 1));
}

class Tapes : public testing::Test {
protected:
    int64_t arrays_ = 0, handles_ = 0;
    void SetUp() override {
        vec({1}) + vec({1});  // what is made once is made
        { Recording warm; }
        arrays_ = live_arrays.load();
        handles_ = live_handles.load();
    }
};

Array sum(const Array& a) {
    Dims all;
    for (int i = 0; i < a.ndim(); ++i) all.push_back(i);
    return ops::sum(a, {all.data(), size_t(all.size())});
}

TEST_F(Tapes, MarkTheHandleThatIsPassedIn) {
    Array x = vec({1, 2, 3});
    Recording r;
    EXPECT_TRUE(r.watch(x).is(x));
    EXPECT_THAT(values(r.gradient(sum(x * x), x)), ElementsAre(2, 4, 6));
}

TEST_F(Tapes, AliasAHandleThatIsPassedTwice) {
    Array x = vec({2});
    Recording r;
    Array first = r.watch(x), second = r.watch(x);
    EXPECT_FALSE(second.is(first));
    Array y = sum(first * second * second);
    EXPECT_THAT(values(r.gradient(y, first)), ElementsAre(4));
    EXPECT_THAT(values(r.gradient(y, second)), ElementsAre(8));
}

TEST_F(Tapes, RederiveAViewThatWasTakenBefore) {
    Array x = vec({1, 2, 3, 4}), view = part(x, 1, 2);
    Recording r;
    r.watch(x);
    EXPECT_THAT(values(r.gradient(sum(view * view), x)), ElementsAre(0, 4, 6, 0));
}

TEST_F(Tapes, RefuseAViewThatReachesBeyondTheMarkedPart) {
    Array x = vec({1, 2, 3, 4}), front = part(x, 0, 2), middle = part(x, 1, 2);
    Recording r;
    r.watch(front);
    EXPECT_THROW(middle * middle, Error);
}

TEST_F(Tapes, FollowAnInPlaceWriteThroughAView) {
    Array x = vec({1, 2, 3, 4});
    Recording r;
    r.watch(x);
    Array y = x * 1.0;
    Array view = part(y, 1, 2);
    assign(view, view * view, r.context);  // y = [x0, x1^2, x2^2, x3]
    EXPECT_THAT(values(y), ElementsAre(1, 4, 9, 4));
    EXPECT_THAT(values(r.gradient(sum(y * y), x)), ElementsAre(2, 4 * 8, 4 * 27, 8));
}

TEST_F(Tapes, ZeroTheGradientOfWhatAConstantOverwrote) {
    Array x = vec({1, 2, 3});
    Recording r;
    r.watch(x);
    Array y = x * 2.0;
    assign(part(y, 0, 1), vec({7}), r.context);
    EXPECT_THAT(values(r.gradient(sum(y * y), x)), ElementsAre(0, 16, 24));
}

TEST_F(Tapes, KeepWhatWasSavedBeforeItIsOverwritten) {
    Array x = vec({1, 2, 3});
    Recording r;
    r.watch(x);
    Array y = x * 1.0, z = y * y;  // saves y
    assign(y, vec({9, 9, 9}), r.context);
    EXPECT_THAT(values(r.gradient(sum(z), x)), ElementsAre(2, 4, 6));
}

TEST_F(Tapes, IntegrateInPlace) {  // x += dt * f(x), ten steps of x' = -x
    Array x0 = vec({1, 2});
    Recording r;
    r.watch(x0);
    Array x = x0 * 1.0;
    for (int i = 0; i < 10; ++i) assign(x, x + (-x) * 0.1, r.context);
    EXPECT_THAT(values(r.gradient(sum(x), x0)),
                Pointwise(testing::DoubleNear(1e-12), {std::pow(0.9, 10), std::pow(0.9, 10)}));
}

TEST_F(Tapes, WriteIntoAMarkedArray) {
    Array x = vec({1, 2, 3});
    Recording r;
    r.watch(x);
    assign(part(x, 0, 1), sum(x * x), r.context);  // x = [14, 2, 3]; uses the old x
    EXPECT_THAT(values(x), ElementsAre(14, 2, 3));
    // d/dx0 of (x0^2+x1^2+x2^2)^2 + x1^2 + x2^2, looked up by the leaf's handle before the write.
    Array y = sum(x * x);
    Array heads[] = {y}, targets[] = {x};
    EXPECT_EQ(r.tape->gradient(heads, {}, targets, false, true, r.context).size(), 1u);
}

TEST_F(Tapes, DifferentiateTwiceAndThrice) {
    Array x = vec({2});
    Recording r;
    r.watch(x);
    Array g = r.gradient(sum(x * x * x), x, true);
    Array gg = r.gradient(sum(g), x, true);
    EXPECT_THAT(values(g), ElementsAre(12));
    EXPECT_THAT(values(gg), ElementsAre(12));
    EXPECT_THAT(values(r.gradient(sum(gg), x, true)), ElementsAre(6));
}

TEST_F(Tapes, NestAndKeepTheOuterRecording) {
    Array x = vec({3});
    Recording outer;
    outer.watch(x);
    Array inner_gradient;
    {
        Recording inner;
        Array y = inner.watch(x);
        EXPECT_FALSE(y.is(x));
        inner_gradient = inner.gradient(sum(x * y * y), y);  // 2xy
    }
    EXPECT_THAT(values(inner_gradient), ElementsAre(18));
    // d(2xy)/dx with y an alias of x: 4x.
    EXPECT_THAT(values(outer.gradient(sum(inner_gradient), x)), ElementsAre(12));
}

TEST_F(Tapes, GoForwardAsBackward) {
    Array x = vec({0.5, 1.5}), v = vec({1, -2});
    Recording r;
    r.watch(x);
    Array y = call(find_op("exp"), x) / (x + 1.0);
    std::vector<double> expected;
    for (int i = 0; i < 2; ++i) {
        double t = values(x)[size_t(i)];
        expected.push_back(values(v)[size_t(i)] * std::exp(t) * t / ((1 + t) * (1 + t)));
    }
    EXPECT_THAT(values(r.jvp(y, x, v)), Pointwise(testing::DoubleNear(1e-12), expected));
}

TEST_F(Tapes, RecordNothingAfterTheyAreClosed) {
    Array x = vec({1}), y;
    {
        Recording r;
        r.watch(x);
        y = x * x;
    }
    EXPECT_FALSE(may_be_traced(x));
    Array z = y * y;
    EXPECT_EQ(z.get()->node, nullptr);
}

TEST_F(Tapes, FreeALongChainWithoutRecursion) {
    Array x = vec({1});
    Recording r;
    r.watch(x);
    Array y = x * 1.0;
    for (int i = 0; i < 10000; ++i) y = y * 1.0001;
    EXPECT_NEAR(values(r.gradient(sum(y), x))[0], std::pow(1.0001, 10000), 1e-9);
}

TEST_F(Tapes, LeaveNothingBehind) {
    {
        Array x = vec({1, 2, 3});
        Recording r;
        r.watch(x);
        Array y = x * x;
        assign(part(y, 0, 2), vec({5, 6}), r.context);
        r.gradient(sum(y * y), x, true);
    }
    EXPECT_EQ(live_arrays.load(), arrays_);
    EXPECT_EQ(live_handles.load(), handles_);
}

// ---- what a gradient frees ----

TEST_F(Tapes, FreeWhatWasRecordedOnTheWay) {
    Array x = vec({2});
    Recording r;
    r.watch(x);
    int64_t handles = live_handles.load(), arrays = live_arrays.load();
    Array y = x * x;
    for (int i = 0; i < 9; ++i) y = y * y;
    EXPECT_EQ(live_handles.load(), handles + 10);
    r.last_gradient(y, x);
    EXPECT_EQ(live_handles.load(), handles + 1);  // the result's own node
    EXPECT_EQ(live_arrays.load(), arrays + 1);
}

TEST_F(Tapes, FreeMemoryWhileTheGradientGoesOn) {
    constexpr int64_t n = 1 << 18, bytes = n * 8, small = 1 << 16;  // what a sanitizer counts beside buffers
    Array x = ops::zeros(DimsView{&n, 1}, DType::float64, kCpu);
    Recording r;
    r.watch(x);
    Array y = call(find_op("sin"), x);
    for (int i = 0; i < 9; ++i) y = call(find_op("sin"), y);
    y = sum(y);
    int64_t before = int64_t(memory_stats().in_use);
    reset_memory_peak();
    r.last_gradient(y, x);
    EXPECT_LE(int64_t(memory_stats().peak), before + 2 * bytes + small);  // a cosine, and a cotangent at most
    EXPECT_LE(int64_t(memory_stats().in_use), before - 9 * bytes + small);
}

TEST_F(Tapes, SayThatWhatIsAskedForIsFreed) {
    Array x = vec({3});
    Recording r;
    r.watch(x);
    Array y = x * x;
    EXPECT_THAT(values(r.last_gradient(y, x)), ElementsAre(6));
    Array z = y * 2.0;
    for (const Array& head : {y, z}) {
        try {
            r.gradient(head, x);
            ADD_FAILURE() << "no error";
        } catch (Error& e) {
            EXPECT_EQ(e.code, MINPY_E_STATE);
            EXPECT_THAT(e.text, testing::HasSubstr("what multiply recorded was freed"));
        }
    }
    EXPECT_THROW(r.jvp(y, x, vec({1})), Error);
    EXPECT_THAT(values(r.gradient(z, y)), ElementsAre(2));  // nothing behind y is needed
}

TEST_F(Tapes, KeepWhatAnArrayStillNeeds) {
    Array x = vec({3});
    Recording r;
    r.watch(x);
    Array y = x * x, z = y * y, other = y * 5.0;
    EXPECT_THAT(values(r.last_gradient(z, x)), ElementsAre(4 * 27));
    EXPECT_THAT(values(r.last_gradient(other, x)), ElementsAre(30));
    EXPECT_THAT(values(r.last_gradient(y, x)), ElementsAre(6));
    EXPECT_THROW(r.gradient(y, x), Error);
}

TEST_F(Tapes, KeepWhatALaterResultNeeds) {
    Array x = vec({3});
    Recording r;
    r.watch(x);
    Array first = x * x, both = first + x * 2.0;
    EXPECT_THAT(values(r.last_gradient(first, x)), ElementsAre(6));
    EXPECT_THAT(values(r.last_gradient(both, x)), ElementsAre(8));
}

TEST_F(Tapes, SweepRetainedRecordingsAgain) {
    Array x = vec({1, 2});
    Recording r;
    r.watch(x);
    Array y = x * x * x;
    for (int i = 0; i < 3; ++i) EXPECT_THAT(values(r.gradient(y, x)), ElementsAre(3, 12));
    EXPECT_THAT(values(r.last_gradient(y, x)), ElementsAre(3, 12));
}

TEST_F(Tapes, FreeSeveralHeadsAtOnce) {
    Array x = vec({2});
    Recording r;
    r.watch(x);
    Array y = x * x;
    Array heads[] = {y, y * 3.0, y}, targets[] = {x};
    y = {};
    EXPECT_THAT(values(r.tape->gradient(heads, {}, targets, false, false, r.context).front()), ElementsAre(20));
    EXPECT_THROW(r.gradient(heads[0], x), Error);
    EXPECT_THROW(r.gradient(heads[1], x), Error);
}

TEST_F(Tapes, LeaveAnOuterRecordingToItsTape) {
    Array x = vec({3});
    Recording outer;
    outer.watch(x);
    Array g;
    {
        Recording inner;
        Array y = inner.watch(x);
        Array z = x * y * y;
        g = inner.last_gradient(z, y);  // 2xy
        EXPECT_THAT(values(outer.gradient(z, x)), ElementsAre(27));
    }
    EXPECT_THAT(values(outer.last_gradient(g, x)), ElementsAre(12));
}

TEST_F(Tapes, FreeAnInnerRecordingWithinAnOuterOne) {
    Array x = vec({3}), constant = vec({2});
    Recording outer;
    outer.watch(x);
    Recording inner;
    Array c = inner.watch(constant);
    int64_t handles = live_handles.load();
    Array y = c * c * c;
    EXPECT_THAT(values(inner.last_gradient(y, c)), ElementsAre(12));
    EXPECT_EQ(live_handles.load(), handles + 1);
}

TEST_F(Tapes, FreeNothingForAGradientThatIsRecordedItself) {
    Array x = vec({2});
    Recording r;
    r.watch(x);
    Array y = x * x * x, g = r.gradient(y, x, true, false);
    EXPECT_THAT(values(r.gradient(g, x, true, false)), ElementsAre(12));
    EXPECT_THAT(values(r.last_gradient(y, x)), ElementsAre(12));
}

TEST_F(Tapes, FreeAfterAWriteIntoTheResult) {
    Array x = vec({1, 2, 3});
    Recording r;
    r.watch(x);
    Array y = x * 2.0;
    EXPECT_THAT(values(r.last_gradient(y, x)), ElementsAre(2, 2, 2));
    assign(part(y, 0, 1), vec({7}), r.context);
    EXPECT_THROW(r.gradient(sum(y), x), Error);
}

TEST_F(Tapes, AreSweptByTwoThreadsAtOnce) {
    Array x = vec({2});
    Recording r;
    r.watch(x);
    Array y = x * x;
    for (int i = 0; i < 200; ++i) y = y * 1.0;
    std::vector<std::thread> threads;
    std::vector<double> results(4);
    for (size_t i = 0; i < 4; ++i)
        threads.emplace_back([&, i] {
            Array mine = y * double(i + 1);
            for (int n = 0; n < 20; ++n) results[i] = values(r.gradient(mine, x))[0];
            r.last_gradient(mine, x);
        });
    for (auto& t : threads) t.join();
    EXPECT_THAT(results, ElementsAre(4, 8, 12, 16));
    EXPECT_THAT(values(r.last_gradient(y, x)), ElementsAre(4));
}

TEST_F(Tapes, AreIndependentPerThread) {
    Array w = vec({2});
    std::vector<std::thread> threads;
    std::vector<double> results(4);
    for (size_t i = 0; i < 4; ++i)
        threads.emplace_back([&, i] {
            Recording r;
            r.watch(w);
            results[i] = values(r.gradient(sum(w * w * double(i + 1)), w))[0];
        });
    for (auto& t : threads) t.join();
    EXPECT_THAT(results, ElementsAre(4, 8, 12, 16));
}

}  // namespace
}  // namespace minpy
