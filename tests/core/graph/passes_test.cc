// What the passes do to recorded programs.
#include "tests/core/graph/recorded.h"

namespace minpy {
namespace {

TEST(Passes, FoldStepsOfConstants) {
    Program p = recorded({vec({1, 2})}, [](const std::vector<Array>& a) {
        Array three = call(find_op("add"), ops::ones(a[0].shape(), DType::float64, kCpu), 2.0);
        return std::vector<Array>{a[0] * three};
    });
    fold_constants(p);
    EXPECT_EQ(p.steps.size(), 1u);
    GraphPlan plan(std::move(p));
    EXPECT_EQ(values(run(plan, {vec({5, 7})})[0]), (std::vector<double>{15, 21}));
}

TEST(Passes, MergeEqualStepsAndDropDeadOnes) {
    Program p = recorded({vec({1, 2})}, [](const std::vector<Array>& a) {
        Array x = ops::exp(a[0]) * 2.0, y = ops::exp(a[0]) * 2.0;
        (void)ops::log(x);
        return std::vector<Array>{x + y};
    });
    merge_equal(p);
    EXPECT_EQ(count(p, "exp"), 1);
    EXPECT_EQ(count(p, "log"), 1);
    drop_dead(p);
    EXPECT_EQ(count(p, "log"), 0);
    verify(p);
}

TEST(Passes, KeepWhatIsEqualButWrittenInBetween) {
    auto f = [](const std::vector<Array>& a) {
        Array before = a[0] * 2.0;
        assign(a[0], before, Context::current());
        return std::vector<Array>{before, a[0] * 2.0};
    };
    Program p = recorded({vec({1, 2})}, f);
    optimize(p);
    EXPECT_EQ(count(p, "multiply"), 2);
}

TEST(Passes, NeverMergeRandomNumbers) {
    auto f = [](const std::vector<Array>& a) {
        minpy_value args[] = {to_value(0.0), to_value(1.0), to_value(a[0].shape())};
        return std::vector<Array>{invoke(find_op("random.uniform"), args)[0],
                                  invoke(find_op("random.uniform"), args)[0]};
    };
    GraphPlan plan(recorded({vec({1, 2})}, f));
    std::vector<Array> one = run(plan, {vec({1, 2})}), two = run(plan, {vec({1, 2})});
    EXPECT_NE(values(one[0]), values(one[1]));
    EXPECT_NE(values(one[0]), values(two[0]));
}

TEST(Passes, VerificationNamesAStepThatReadsWhatIsNotMade) {
    Program p = recorded({vec({1, 2})},
                         [](const std::vector<Array>& a) { return std::vector<Array>{ops::exp(ops::exp(a[0]))}; });
    std::swap(p.steps[0], p.steps[1]);
    try {
        verify(p);
        ADD_FAILURE();
    } catch (Error& e) { EXPECT_NE(e.text.find("step 0 (exp) reads"), std::string::npos) << e.text; }
}

}  // namespace
}  // namespace minpy
