// Where temporaries live.
#include "tests/core/graph/recorded.h"

namespace minpy {
namespace {

Array ramp(int64_t n) {
    Array a = empty(DimsView{&n, 1}, DType::float64);
    for (int64_t i = 0; i < n; ++i) a.raw_as<double>()[i] = double(i);
    return a;
}

TEST(MemoryPlan, AChainOfElementWiseStepsTakesOnePlace) {
    Program p = recorded({ramp(1000)}, [](const std::vector<Array>& a) {
        Array x = a[0];
        for (int i = 0; i < 5; ++i) x = ops::exp(x);
        return std::vector<Array>{call(find_op("sum"), x)};
    });
    optimize(p);
    MemoryPlan m = plan_memory(p);
    verify(p, m);
    EXPECT_LT(m.bytes, 2 * 8064);
    EXPECT_GE(m.without_sharing, 5 * 8000);
}

TEST(MemoryPlan, WhatIsNeededLaterKeepsItsPlace) {
    Program p = recorded({ramp(1000)}, [](const std::vector<Array>& a) {
        Array x = ops::exp(a[0]), y = ops::log(x), z = ops::exp(y);
        return std::vector<Array>{x * z};
    });
    optimize(p);
    MemoryPlan m = plan_memory(p);
    verify(p, m);
    EXPECT_GE(m.bytes, 2 * 8000);
}

TEST(MemoryPlan, VerificationFindsTwoBuffersInOnePlace) {
    Program p = recorded({ramp(1000)}, [](const std::vector<Array>& a) {
        Array x = ops::exp(a[0]), y = ops::log(x), z = ops::exp(y);
        return std::vector<Array>{x * z};
    });
    optimize(p);
    MemoryPlan m = plan_memory(p);
    for (int64_t& place : m.place)
        if (place > 0) place = 0;
    EXPECT_THROW(verify(p, m), Error);
}

}  // namespace
}  // namespace minpy
