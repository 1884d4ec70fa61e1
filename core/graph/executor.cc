#include "core/graph/executor.h"

#include <unordered_set>

#include "core/graph/infer.h"
#include "core/registry/device.h"
#include "core/registry/dispatch.h"

namespace minpy {
namespace {

DimsView view(const Dims& d) { return {d.data(), size_t(d.size())}; }

}  // namespace

GraphFunction::GraphFunction(Ref<Symbol> symbol, const char* const* inputs, int n_inputs)
    : Function(symbol->name().empty() ? "graph" : symbol->name()),
      symbol_(std::move(symbol)),
      nodes_(nodes_of(symbol_->outputs)) {
    std::unordered_map<const GraphNode*, int32_t> first;
    for (const GraphNode* n : nodes_) {
        first[n] = int32_t(n_slots_);
        n_slots_ += size_t(n->n_outputs);
    }
    Variables all(nodes_);
    std::vector<Variable> found;
    for (const GraphNode* n : all.arguments) found.push_back({n, first[n], false});
    for (const GraphNode* n : all.auxiliary) found.push_back({n, first[n], true});
    if (inputs) {
        for (int i = 0; i < n_inputs; ++i) {
            if (!inputs[i]) throw value_error("inputs[", i, "] is NULL").in_argument("inputs");
            auto it = std::find_if(found.begin(), found.end(),
                                   [&](const Variable& v) { return v.node && v.node->name == inputs[i]; });
            if (it == found.end())
                throw value_error("the graph has no variable '", inputs[i], "', or it is named twice")
                    .in_argument("inputs");
            variables_.push_back(*it);
            it->node = nullptr;
        }
        n_inputs_ = variables_.size();
        for (const Variable& v : found)
            if (v.node) variables_.push_back(v);
    } else {
        variables_ = found;
        n_inputs_ = variables_.size();
    }
    std::unordered_map<int32_t, size_t> last;
    for (const GraphNode* n : nodes_) {
        if (n->is_variable()) continue;
        Step step{BoundNode(*n), {}, first[n], n->n_outputs, {}};
        for (const Entry& e : n->inputs) step.inputs.push_back(first[e.node.get()] + e.index);
        for (int32_t slot : step.inputs) last[slot] = steps_.size();
        steps_.push_back(std::move(step));
    }
    std::unordered_set<int32_t> kept;
    for (const Entry& e : symbol_->outputs) {
        outputs_.push_back(first[e.node.get()] + e.index);
        kept.insert(outputs_.back());
    }
    for (auto [slot, step] : last)
        if (!kept.count(slot)) steps_[step].last_use.push_back(slot);
}

void GraphFunction::fill_missing(std::vector<Array>& slots, const Context& context) {
    Known known;
    std::vector<int64_t> key;
    Device device = context.device;
    bool found_device = false;
    for (const Variable& v : variables_) {
        const Array& a = slots[size_t(v.slot)];
        if (!a) {
            key.push_back(-1);
            continue;
        }
        if (!found_device) device = a.device();
        found_device = true;
        key.push_back(a.ndim());
        key.push_back(int64_t(a.dtype()));
        key.insert(key.end(), a.shape().begin(), a.shape().end());
    }
    key.push_back(device.kind);
    key.push_back(device.index);
    std::vector<Array> zeros_of;
    {
        std::lock_guard lock(mutex_);
        if (auto it = zeros_.find(key); it != zeros_.end()) zeros_of = it->second;
    }
    if (zeros_of.empty()) {
        for (const Variable& v : variables_)
            if (const Array& a = slots[size_t(v.slot)]) {
                known.shapes[v.node->name] = a.dims();
                known.dtypes[v.node->name] = a.dtype();
            }
        Inference inferred(nodes_, known);
        zeros_of.resize(variables_.size());
        for (size_t i = 0; i < variables_.size(); ++i) {
            const Variable& v = variables_[i];
            if (slots[size_t(v.slot)]) continue;
            const Shape& shape = inferred.shape(v.node);
            if (!shape.known)
                throw value_error("the shape of '", v.node->name, "' does not follow from the arguments given")
                    .in_argument(v.node->name);
            zeros_of[i] = to_device(zeros(view(shape.dims), inferred.dtype(v.node)), device);
        }
        std::lock_guard lock(mutex_);
        if (zeros_.size() >= 64) zeros_.clear();
        zeros_[key] = zeros_of;
    }
    for (size_t i = 0; i < variables_.size(); ++i) {
        const Variable& v = variables_[i];
        if (slots[size_t(v.slot)]) continue;
        // States are written to: each call has its own.
        slots[size_t(v.slot)] =
            v.auxiliary ? to_device(zeros(zeros_of[i].shape(), zeros_of[i].dtype()), device) : zeros_of[i];
    }
}

Arrays GraphFunction::call(ValuesView args, const CallOptions& options) {
    Context& context = options.context ? *options.context : Context::current();
    Ref<Function> alive = Ref<Function>::share(this);
    WithContext current(context);
    if (args.size() > n_inputs_)
        throw type_error(name, " takes ", n_inputs_, " arguments, ", args.size(), " were given");
    std::vector<Array> slots(n_slots_);
    bool missing = false;
    for (size_t i = 0; i < variables_.size(); ++i) {
        Array& slot = slots[size_t(variables_[i].slot)];
        const std::string& variable = variables_[i].node->name;
        if (i >= args.size() || args[i].tag == MINPY_V_NONE || args[i].tag == MINPY_V_DEFAULT) {
            missing = true;
        } else if (args[i].tag == MINPY_V_ARRAY) {
            if (!args[i].v.p) throw value_error("an argument is a null pointer").in_argument(variable);
            slot = Array::share(array_of(args[i]));
        } else if (is_number(args[i])) {
            slot = array_of_number(args[i]);
        } else {
            throw type_error("an array or a number is needed, got ", describe(args[i])).in_argument(variable);
        }
    }
    if (missing) fill_missing(slots, context);
    CallOptions with;
    with.context = &context;
    Arrays inputs;
    for (const Step& step : steps_) {
        inputs.resize(step.inputs.size());
        for (int64_t i = 0; i < step.inputs.size(); ++i) inputs[i] = slots[size_t(step.inputs[i])];
        Arrays out = step.node.call({inputs.data(), size_t(inputs.size())}, with);
        for (int32_t i = 0; i < step.n_outputs; ++i) slots[size_t(step.first_output + i)] = std::move(out[i]);
        for (int32_t slot : step.last_use) slots[size_t(slot)] = Array();
    }
    static const Op& row = find_op("_call");
    Call c(row, context, options);
    for (int32_t slot : outputs_) c.out.push_back(slots[size_t(slot)]);
    if (!options.out.empty()) deliver(c);
    return std::move(c.out);
}

}  // namespace minpy
