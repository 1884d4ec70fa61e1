// Plans run with the bits of the calls that they were recorded from, and allocate nothing from the second call on.
#include "core/cpu/allocator.h"
#include "tests/core/graph/recorded.h"

namespace minpy {
namespace {

std::vector<Array> layer(const std::vector<Array>& a) {
    Array y = call(find_op("maximum"), ops::matmul(a[0], a[1]) + 0.5, 0.0);
    return {call(find_op("sum"), ops::exp(y * -0.01)), y};
}

TEST(Plan, GivesTheBitsOfEagerCalls) {
    GraphPlan plan(recorded({ramp(200, 100, 0.1), ramp(100, 300, 0.2)}, layer));
    std::vector<Array> other{ramp(200, 100, 0.3), ramp(100, 300, 0.05)};
    std::vector<Array> expected = layer(other), found = run(plan, other);
    for (size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(values(found[i]), values(expected[i])) << i;
}

TEST(Plan, ASecondCallAllocatesNothing) {
    GraphPlan plan(recorded({ramp(200, 100, 0.1), ramp(100, 300, 0.2)}, layer));
    std::vector<Array> other{ramp(200, 100, 0.3), ramp(100, 300, 0.05)};
    run(plan, other);
    uint64_t before = memory_stats().n_allocs;
    run(plan, other);
    EXPECT_EQ(memory_stats().n_allocs, before);
}

std::vector<Array> convolutions(const std::vector<Array>& a) {
    const Op& convolution = find_op("convolution");
    Dims pad{1, 1};
    Array y = call(find_op("relu"), call(convolution, a[0], a[1], none_value(), none_value(), pad));
    Array gx = call(find_op("_conv_backward_data"), y, a[1], a[0].dims(), none_value(), pad);
    Array gw = call(find_op("_conv_backward_weight"), y, a[0], a[1].dims(), none_value(), pad);
    return {y, gx, gw};
}

TEST(Plan, ConvolutionsWorkInItsMemory) {
    for (DType t : {DType::float32, DType::float64}) {
        Array x = copy_of(ops::reshape(ramp(24, 32 * 32, 0.01), Dims{8, 3, 32, 32}), t);
        Array w = copy_of(ops::reshape(ramp(16, 27, 0.02), Dims{16, 3, 3, 3}), t);
        std::vector<Array> expected = convolutions({x, w});
        GraphPlan plan(recorded({x, w}, convolutions));
        run(plan, {x, w});
        uint64_t before = memory_stats().n_allocs;
        std::vector<Array> found = run(plan, {x, w});
        EXPECT_EQ(memory_stats().n_allocs, before) << name(t);
        for (size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(values(found[i]), values(expected[i])) << name(t);
    }
}

TEST(Plan, FoldsReadTheGroupBeforeThem) {
    for (int64_t rows : {200, 2000}) {
        std::vector<Array> other{ramp(rows, 100, 0.3), ramp(rows, 100, 0.05)};
        for (int axis : {0, 1, -1}) {
            auto f = [axis](const std::vector<Array>& a) {
                Array y = ops::exp(a[0] * a[1]);
                Array s = axis < 0 ? call(find_op("sum"), y) : call(find_op("max"), y, axis);
                Array used = a[0] + a[1], mean = call(find_op("mean"), used * used, std::max(axis, 0));
                return std::vector<Array>{s * 2.0, mean, used};
            };
            GraphPlan plan(recorded({ramp(rows, 100, 0.1), ramp(rows, 100, 0.2)}, f));
            EXPECT_LT(plan.memory().bytes, rows * 100 * 8) << to_text(plan.program());
            std::vector<Array> expected = f(other), found = run(plan, other);
            for (size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(values(found[i]), values(expected[i])) << i;
        }
    }
}

TEST(Plan, ResultsOfACallSurviveTheNext) {
    GraphPlan plan(recorded({ramp(200, 100, 0.1), ramp(100, 300, 0.2)}, layer));
    std::vector<Array> first = run(plan, {ramp(200, 100, 0.3), ramp(100, 300, 0.05)});
    std::vector<double> kept = values(first[1]);
    run(plan, {ramp(200, 100, 0.7), ramp(100, 300, 0.5)});
    EXPECT_EQ(values(first[1]), kept);
}

TEST(Plan, AGuardStopsTheRunWhereItsValueDiffers) {
    auto f = [](const std::vector<Array>& a) {
        Array total = call(find_op("sum"), a[0]);
        recorder()->tells(total);
        return std::vector<Array>{a[0] * 2.0};
    };
    GraphPlan plan(recorded({vec({1, 2})}, f));
    EXPECT_EQ(run(plan, {vec({2, 1})}).size(), 1u);
    EXPECT_EQ(run(plan, {vec({2, 2})}).size(), 0u);
}

TEST(Plan, NamesTheOperatorThatFails) {
    Program p = recorded({make({2, 1, 1, 3}, {2, 2})}, [](const std::vector<Array>& a) {
        return std::vector<Array>{call(find_op("linalg.inv"), a[0])};
    });
    GraphPlan plan(std::move(p));
    std::string eager, planned;
    Array singular = make({1, 1, 1, 1}, {2, 2});
    try {
        call(find_op("linalg.inv"), singular);
    } catch (Error& e) { eager = e.op + e.text; }
    try {
        run(plan, {singular});
    } catch (Error& e) { planned = e.op + e.text; }
    EXPECT_FALSE(eager.empty());
    EXPECT_EQ(planned, eager);
}

TEST(Plan, RunsElementWiseStepsAsGroupsWithoutMemoryForWhatIsBetween) {
    auto f = [](const std::vector<Array>& a) {
        Array y = call(find_op("tanh"), call(find_op("maximum"), a[0] + a[1], 0.0) * 2.0) + a[0];
        return std::vector<Array>{y, y * y};
    };
    auto column = [](double scale) { return ramp(1, 300, scale); };
    GraphPlan plan(recorded({ramp(100, 300, 0.01), column(0.3)}, f));
    EXPECT_EQ(plan.memory().bytes, 0) << to_text(plan.program());
    for (const Step& s : plan.program().steps) EXPECT_GE(s.group, 0);
    std::vector<Array> other{ramp(100, 300, 0.02), column(0.1)}, expected = f(other), found = run(plan, other);
    for (size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(values(found[i]), values(expected[i])) << i;
}

TEST(Plan, AGroupTakesTheMemoryOfAnOperandThatNobodyReadsAgain) {
    auto f = [](const std::vector<Array>& a) {
        Array x = ops::matmul(a[0], a[1]);
        Array row = ops::slice(x, 0, 0, 1);  // of every block
        Array y = ops::exp(x * -0.01) + row, z = ops::matmul(ops::exp(y * 0.001) + 1.0, a[2]);
        return std::vector<Array>{z};
    };
    std::vector<Array> arguments{ramp(200, 100, 0.01), ramp(100, 300, 0.02), ramp(300, 10, 0.1)};
    GraphPlan plan(recorded(arguments, f));
    verify(plan.program(), plan.memory());
    std::vector<Array> other{ramp(200, 100, 0.03), ramp(100, 300, 0.01), ramp(300, 10, 0.2)};
    EXPECT_EQ(values(run(plan, other)[0]), values(f(other)[0]));
}

}  // namespace
}  // namespace minpy
