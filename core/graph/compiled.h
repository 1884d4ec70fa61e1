// A function that is recorded into plans: one per signature and way through the function, where every value that the
// function looked at (an `if`, a float()) is a guard. On a miss another way is tried, or recorded. What cannot be recorded
// runs as it is, and report() says why.
#pragma once
#include <map>
#include <mutex>
#include <string>

#include "core/graph/plan.h"
#include "core/graph/signature.h"
#include "core/registry/function.h"

namespace minpy {

class CompiledFunction final : public Function {
public:
    explicit CompiledFunction(Ref<Function> inner) : Function(inner->name), inner_(std::move(inner)) {}

    Arrays call(ValuesView args, const CallOptions& options) override;
    // JSON: plans with their steps and bytes, calls by plan and without, and the reasons for those without.
    std::string report() const override;

private:
    struct Entry {                                     // one signature
        std::vector<std::shared_ptr<GraphPlan>> ways;  // the one that ran last in front
        std::string why_not;                           // it is not recorded any more
    };
    Arrays run(ValuesView args, std::span<const Array> operands, Context& context);
    bool run_by_plan(const Signature& key, std::span<const Array> operands, Context& context, Arrays& results);
    Arrays record(const Signature& key, ValuesView args, std::span<const Array> operands, Context& context);
    void refuse(const Signature& key, std::string why);

    Ref<Function> inner_;
    mutable std::mutex mutex_;
    std::map<Signature, Entry> entries_;
    std::string last_reason_;
    uint64_t n_planned_ = 0, n_recorded_ = 0, n_plain_ = 0;
};

}  // namespace minpy
