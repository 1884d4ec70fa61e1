// What a recording sees of calls, views, writes and looks at elements.
#include "tests/core/graph/recorded.h"

namespace minpy {
namespace {

TEST(CallRecording, HasOneStepPerOperatorAndNoneForViews) {
    Program p = recorded({make({1, 2, 3, 4, 5, 6}, {2, 3})}, [](const std::vector<Array>& a) {
        return std::vector<Array>{ops::exp(ops::swap_last_axes(a[0])) * 2.0};
    });
    EXPECT_EQ(to_text(p), "t1 = exp(a0)\nt3 = multiply(t1, c2)\n");
    verify(p);
}

TEST(CallRecording, SeesAWriteThroughAView) {
    Program p = recorded({vec({1, 2, 3})}, [](const std::vector<Array>& a) {
        Array x = a[0] + a[0];
        minpy_value first[] = {to_value(0)};
        assign(ops::get_item(x, first), full_scalar(7, DType::float64), Context::current());
        return std::vector<Array>{x};
    });
    EXPECT_EQ(count(p, "add"), 1);
    GraphPlan plan(std::move(p));
    EXPECT_EQ(values(run(plan, {vec({10, 20, 30})})[0]), (std::vector<double>{7, 40, 60}));
}

TEST(CallRecording, MakesOneStepOfACompositeThatLooksAtElements) {
    Program p = recorded({vec({1, 0, 0, 1}), vec({1, 2, 3, 4})}, [](const std::vector<Array>& a) {
        return std::vector<Array>{call(find_op("compress"), a[0], a[1]) * 10.0};
    });
    EXPECT_EQ(count(p, "compress"), 1);
    EXPECT_EQ(p.steps.size(), 2u);
    GraphPlan plan(std::move(p));
    EXPECT_EQ(values(run(plan, {vec({0, 1, 1, 0}), vec({1, 2, 3, 4})})[0]), (std::vector<double>{20, 30}));
}

TEST(CallRecording, IsOverWithAReasonWhenElementsAreLookedAt) {
    Array x = vec({1, 2, 3});
    Array arguments[] = {x};
    CallRecording recording(arguments, Context::current());
    values(x * 2.0);
    EXPECT_NE(recording.why_not(), "");
    EXPECT_THROW(recording.finish(), Error);
}

TEST(CallRecording, LeavesArraysAsTheyWere) {
    Array x = vec({1, 2, 3});
    {
        Array arguments[] = {x};
        CallRecording recording(arguments, Context::current());
        (void)(x + x);
        EXPECT_TRUE(x.storage().has(Storage::kPoisoned));
    }
    EXPECT_FALSE(x.storage().has(Storage::kPoisoned));
    EXPECT_EQ(recorder(), nullptr);
}

TEST(CallRecording, ReadsSurroundingsAtEachCall) {
    Array w = vec({1, 1});
    Program p = recorded({vec({1, 2})}, [&](const std::vector<Array>& a) { return std::vector<Array>{a[0] * w}; });
    GraphPlan plan(std::move(p));
    w.raw_as<double>()[0] = 5;
    EXPECT_EQ(values(run(plan, {vec({1, 2})})[0]), (std::vector<double>{5, 2}));
}

}  // namespace
}  // namespace minpy
