// A Function of a graph: its nodes in order, called one after the other through the dispatcher, so that it records,
// defers and falls back like anything else. What depends on shapes is inferred once and kept.
#pragma once
#include <map>
#include <mutex>

#include "core/graph/bind.h"
#include "core/registry/function.h"

namespace minpy {

class GraphFunction final : public Function {
public:
    // `inputs` names variables by position; without, all arguments and then the auxiliary states.
    GraphFunction(Ref<Symbol> symbol, const char* const* inputs, int n_inputs);

    Arrays call(ValuesView args, const CallOptions& options) override;
    int n_results() const override { return int(outputs_.size()); }

private:
    struct Step {
        BoundNode node;
        SmallVector<int32_t, 4> inputs;  // slots
        int32_t first_output, n_outputs;
        SmallVector<int32_t, 4> last_use;  // slots that nothing reads afterwards
    };
    void fill_missing(std::vector<Array>& slots, const Context& context);

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
    std::map<std::vector<int64_t>, std::vector<Array>> zeros_;  // of missing arguments, by what was given
};

}  // namespace minpy
