// What tests of plans share: a recording of a C++ function over arrays.
#pragma once
#include "core/graph/passes.h"
#include "core/graph/plan.h"
#include "core/graph/recording.h"
#include "core/registry/dispatch.h"
#include "tests/core/support.h"

namespace minpy {

inline std::span<const Array> span_of(const std::vector<Array>& a) { return {a.data(), a.size()}; }

inline Array ramp(int64_t rows, int64_t columns, double scale) {
    int64_t shape[] = {rows, columns};
    Array a = empty(shape, DType::float64);
    for (int64_t i = 0; i < a.size(); ++i) a.raw_as<double>()[i] = scale * double(i % 97) - 1;
    return a;
}

// The steps of `f`, as they were seen.
template <class F> Program recorded(const std::vector<Array>& arguments, F f) {
    Context& context = Context::current();
    CallRecording recording(span_of(arguments), context);
    std::vector<Array> results = f(arguments);
    recording.results(results);
    results.clear();
    EXPECT_EQ(recording.why_not(), "");
    return recording.finish();
}

inline std::vector<Array> run(GraphPlan& plan, const std::vector<Array>& arguments) {
    std::unique_ptr<PlanInstance> instance = plan.acquire();
    Arrays results;
    bool held = instance->run(span_of(arguments), Context::current(), results);
    plan.give_back(std::move(instance));
    return held ? std::vector<Array>(results.begin(), results.end()) : std::vector<Array>();
}

inline int count(const Program& p, const char* op) {
    int n = 0;
    for (const Step& s : p.steps) n += s.op && s.op->name == op;
    return n;
}

}  // namespace minpy
