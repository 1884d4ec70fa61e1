// A Function of a graph. The first call with a signature (shapes, dtypes, layouts, mode, which gradients are wanted) records
// what its nodes do into a plan (core/graph/plan.h), later ones run that. What has no plan is interpreted: node by node
// through the dispatcher, so that it records, defers and falls back like anything else.
#pragma once
#include <map>
#include <mutex>

#include "core/graph/bind.h"
#include "core/graph/plan.h"
#include "core/graph/signature.h"
#include "core/registry/function.h"

namespace minpy {

class GraphFunction final : public Function {
public:
    // `inputs` names variables by position; without, all arguments and then the auxiliary states.
    GraphFunction(Ref<Symbol> symbol, const char* const* inputs, int n_inputs);

    Arrays call(ValuesView args, const CallOptions& options) override;
    int n_results() const override { return int(outputs_.size()); }

private:
    friend class GraphCall;
    struct Step {
        BoundNode node;
        SmallVector<int32_t, 4> inputs;  // slots
        int32_t first_output, n_outputs;
        SmallVector<int32_t, 4> last_use;  // slots that nothing reads afterwards
    };
    // All variables, by position; null: missing.
    Arrays variables_from(ValuesView args, const Context& context);
    void fill_missing(Arrays& variables, const Context& context);
    Arrays interpret(std::span<const Array> variables, Context& context);
    Arrays run(const Arrays& variables, Context& context);
    std::shared_ptr<GraphPlan> plan_for(const Signature& key, const Arrays& variables, std::span<const char> wanted,
                                        const Context& context);
    std::shared_ptr<GraphPlan> record_plan(const Arrays& variables, std::span<const char> wanted,
                                           const Context& context);

    Ref<Symbol> symbol_;
    std::vector<const GraphNode*> nodes_;
    std::vector<Step> steps_;
    struct Variable {
        const GraphNode* node;
        int32_t slot;
        bool auxiliary;
    };
    std::vector<Variable> variables_;  // first the inputs, by position
    size_t n_inputs_;
    std::vector<int32_t> outputs_;
    size_t n_slots_ = 0;
    std::mutex mutex_;
    std::map<Signature, std::vector<Array>> zeros_;          // of missing arguments, by what was given
    std::map<Signature, std::shared_ptr<GraphPlan>> plans_;  // null: there is none for this signature
};

}  // namespace minpy
