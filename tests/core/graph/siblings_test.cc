// Steps that need nothing of one another: found, run at the same time where it pays, and with the same bits.
#include "core/graph/siblings.h"

#include <chrono>

#include "core/cpu/pool.h"
#include "tests/core/graph/recorded.h"

namespace minpy {
namespace {

class Siblings : public testing::Test {
protected:
    Siblings() : before_(num_threads()) { set_num_threads(4); }
    ~Siblings() override { set_num_threads(before_); }

private:
    int before_;
};

int products_side_by_side(const Program& p) {
    int most = 0, n = 0, number = -1;
    for (const Step& s : p.steps) {
        n = s.siblings >= 0 && s.siblings == number ? n + 1 : int(s.siblings >= 0);
        number = s.siblings;
        EXPECT_TRUE(s.siblings < 0 || s.op->name == "matmul");
        most = std::max(most, n);
    }
    return most;
}

std::vector<Array> heads(const std::vector<Array>& a) {
    Array sum = ops::exp(ops::matmul(a[0], a[1]) * -0.01);
    for (size_t i = 2; i < a.size(); ++i) sum = sum + ops::exp(ops::matmul(a[0], a[i]) * -0.01);
    return {sum};
}

TEST_F(Siblings, ProductsOfOneOperandComeTogether) {
    std::vector<Array> arguments{ramp(20, 30, 0.1), ramp(30, 20, 0.2), ramp(30, 20, 0.3), ramp(30, 20, 0.4)};
    Program p = recorded(arguments, heads);
    optimize(p);
    EXPECT_EQ(products_side_by_side(p), 3);
    verify(p);
    verify(p, plan_memory(p));
}

TEST_F(Siblings, LateOperandsMakeTheFirstOneWait) {
    auto f = [](const std::vector<Array>& a) {
        Array x = ops::matmul(a[0], a[1]);
        Array late = ops::exp(ops::exp(a[0] * 0.01) * 0.01);
        return std::vector<Array>{x, ops::matmul(late, a[1])};
    };
    Program p = recorded({ramp(20, 20, 0.1), ramp(20, 20, 0.2)}, f);
    optimize(p);
    EXPECT_EQ(products_side_by_side(p), 2);
    verify(p);
}

TEST_F(Siblings, WhatNeedsTheOtherIsNone) {
    auto f = [](const std::vector<Array>& a) {
        Array x = ops::matmul(a[0], a[1]), y = ops::exp(x * 0.01);
        return std::vector<Array>{ops::matmul(ops::matmul(y, a[1]), a[0])};
    };
    Program p = recorded({ramp(20, 20, 0.1), ramp(20, 20, 0.2)}, f);
    optimize(p);
    EXPECT_EQ(products_side_by_side(p), 0);
}

TEST_F(Siblings, LargeStepsAreNone) {
    Program p = recorded({ramp(200, 200, 0.1), ramp(200, 200, 0.2), ramp(200, 200, 0.3)}, heads);
    optimize(p);
    EXPECT_EQ(products_side_by_side(p), 0);
}

TEST_F(Siblings, HaveTheBitsOfEagerCalls) {
    std::vector<Array> arguments{ramp(60, 60, 0.1), ramp(60, 60, 0.2), ramp(60, 60, 0.3), ramp(60, 60, 0.4)};
    GraphPlan plan(recorded(arguments, heads));
    for (int i = 0; i < 8; ++i) {
        arguments[0] = ramp(60, 60, 0.05 * i);
        EXPECT_EQ(values(run(plan, arguments)[0]), values(heads(arguments)[0])) << i;
    }
}

void busy(int microseconds) {
    auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(microseconds);
    while (std::chrono::steady_clock::now() < end) {}
}

TEST_F(Siblings, RunTogetherWhereEachKeepsOneThreadBusy) {
    ReadySiblings s(10, 14);
    for (int run = 0; run < 6; ++run) {
        std::atomic<int> calls[4] = {};
        thread_state().fp_status = 64;
        s.run([&](size_t i) {
            ++calls[i - 10];
            busy(200);
            thread_state().fp_status |= 1u << (i - 10);
        });
        for (auto& n : calls) EXPECT_EQ(n.load(), 1);
        EXPECT_EQ(thread_state().fp_status, 64u + 15u);
        EXPECT_EQ(s.together(), run >= 2);
    }
    EXPECT_THROW(s.run([](size_t i) {
        if (i == 12) throw value_error("no");
    }),
                 Error);
    thread_state().fp_status = 0;
}

TEST_F(Siblings, RunOneByOneWhereTheyUseThreadsOrDoLittle) {
    ReadySiblings wide(0, 3), little(0, 3);
    for (int run = 0; run < 4; ++run) {
        wide.run([&](size_t) { parallel_for(2, [](int64_t) { busy(100); }); });
        little.run([](size_t) {});
    }
    EXPECT_FALSE(wide.together());
    EXPECT_FALSE(little.together());
}

}  // namespace
}  // namespace minpy
