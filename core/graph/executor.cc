#include "core/graph/executor.h"

#include <unordered_set>

#include "core/autograd/tape.h"
#include "core/graph/infer.h"
#include "core/graph/recording.h"
#include "core/ops/calls.h"
#include "core/registry/device.h"
#include "core/registry/dispatch.h"

namespace minpy {
namespace {

constexpr size_t kMostSignatures = 64;

DimsView view(const Dims& d) { return {d.data(), size_t(d.size())}; }
std::span<const Array> view(const Arrays& a) { return {a.data(), size_t(a.size())}; }
bool is_differentiable(const Array& a) { return in(a.dtype(), kFloating | kComplex); }

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

// ---- arguments ----

Arrays GraphFunction::variables_from(ValuesView args, const Context& context) {
    if (args.size() > n_inputs_)
        throw type_error(name, " takes ", n_inputs_, " arguments, ", args.size(), " were given");
    Arrays found;
    found.resize(int64_t(variables_.size()));
    bool missing = false;
    for (size_t i = 0; i < variables_.size(); ++i) {
        Array& to = found[int64_t(i)];
        const std::string& variable = variables_[i].node->name;
        if (i >= args.size() || args[i].tag == MINPY_V_NONE || args[i].tag == MINPY_V_DEFAULT) {
            missing = true;
        } else if (args[i].tag == MINPY_V_ARRAY) {
            if (!args[i].v.p) throw value_error("an argument is a null pointer").in_argument(variable);
            to = Array::share(array_of(args[i]));
        } else if (is_number(args[i])) {
            to = array_of_number(args[i]);
        } else {
            throw type_error("an array or a number is needed, got ", describe(args[i])).in_argument(variable);
        }
    }
    if (missing) fill_missing(found, context);
    return found;
}

void GraphFunction::fill_missing(Arrays& found, const Context& context) {
    Signature key;
    Device device = context.device;
    bool found_device = false;
    for (const Array& a : found) {
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
        Known known;
        for (size_t i = 0; i < variables_.size(); ++i)
            if (const Array& a = found[int64_t(i)]) {
                known.shapes[variables_[i].node->name] = a.dims();
                known.dtypes[variables_[i].node->name] = a.dtype();
            }
        Inference inferred(nodes_, known);
        zeros_of.resize(variables_.size());
        for (size_t i = 0; i < variables_.size(); ++i) {
            const Variable& v = variables_[i];
            if (found[int64_t(i)]) continue;
            const Shape& shape = inferred.shape(v.node);
            if (!shape.known)
                throw value_error("the shape of '", v.node->name, "' does not follow from the arguments given")
                    .in_argument(v.node->name);
            zeros_of[i] = to_device(zeros(view(shape.dims), inferred.dtype(v.node)), device);
        }
        std::lock_guard lock(mutex_);
        if (zeros_.size() >= kMostSignatures) zeros_.clear();
        zeros_[key] = zeros_of;
    }
    for (size_t i = 0; i < variables_.size(); ++i) {
        if (found[int64_t(i)]) continue;
        // States are written to: each call has its own.
        found[int64_t(i)] =
            variables_[i].auxiliary ? to_device(zeros(zeros_of[i].shape(), zeros_of[i].dtype()), device) : zeros_of[i];
    }
}

// ---- interpreting ----

Arrays GraphFunction::interpret(std::span<const Array> variables, Context& context) {
    std::vector<Array> slots(n_slots_);
    for (size_t i = 0; i < variables_.size(); ++i) slots[size_t(variables_[i].slot)] = variables[i];
    CallOptions with;
    with.context = &context;
    Arrays inputs;
    for (const Step& step : steps_) {
        inputs.resize(step.inputs.size());
        for (int64_t i = 0; i < step.inputs.size(); ++i) inputs[i] = slots[size_t(step.inputs[i])];
        Arrays out = step.node.call(view(inputs), with);
        for (int32_t i = 0; i < step.n_outputs; ++i) slots[size_t(step.first_output + i)] = std::move(out[i]);
        for (int32_t slot : step.last_use) slots[size_t(slot)] = Array();
    }
    Arrays results;
    for (int32_t slot : outputs_) results.push_back(slots[size_t(slot)]);
    return results;
}

// ---- plans ----

namespace {

// A context with a tape of its own, and a random state of its own that goes on where the other's is.
class Apart {
public:
    Apart(const Context& from, bool with_tape) : context(from) {
        context.tape = {};
        if (with_tape) context.tape = tape = Ref<Tape>::adopt(new Tape);
        Ref<Rng> rng = Ref<Rng>::adopt(new Rng);
        rng->seed = from.rng->seed;
        rng->stream = from.rng->stream;
        rng->counter.store(from.rng->counter.load());
        context.rng = std::move(rng);
    }
    ~Apart() {
        if (tape) tape->close();
    }
    Context context;
    Ref<Tape> tape;
};

}  // namespace

// A run that nobody sees: states are copies, random numbers are drawn aside.
std::shared_ptr<GraphPlan> GraphFunction::record_plan(const Arrays& variables, std::span<const char> wanted,
                                                      const Context& context) {
    bool backward = std::find(wanted.begin(), wanted.end(), 1) != wanted.end();
    Apart apart(context, backward);
    Arrays args;
    for (size_t i = 0; i < variables_.size(); ++i) {
        const Array& a = variables[int64_t(i)];
        args.push_back(variables_[i].auxiliary ? snapshot(a) : without_node(a));
    }
    std::vector<Array> watched;
    CallRecording recording(view(args), apart.context);
    if (backward)
        for (size_t i = 0; i < wanted.size(); ++i)
            if (wanted[i]) watched.push_back(args[int64_t(i)] = apart.tape->watch(args[int64_t(i)], apart.context));
    WithContext current(apart.context);
    Arrays results = interpret(view(args), apart.context);
    recording.results(view(results));
    if (backward) {
        std::vector<Array> heads, seeds;
        for (const Array& a : results) {
            if (!is_differentiable(a)) continue;
            heads.push_back(a);
            InsideKernel apart(true);  // cotangents come with the call
            seeds.push_back(ops::ones(a.shape(), a.dtype(), kCpu));
        }
        recording.begin_backward(seeds);
        recording.gradients(apart.tape->gradient(heads, seeds, watched, false, false, apart.context));
        apart.tape->close();
    }
    if (!recording.why_not().empty()) return nullptr;
    return std::make_shared<GraphPlan>(recording.finish());
}

std::shared_ptr<GraphPlan> GraphFunction::plan_for(const Signature& key, const Arrays& variables,
                                                   std::span<const char> wanted, const Context& context) {
    {
        std::lock_guard lock(mutex_);
        if (auto it = plans_.find(key); it != plans_.end()) return it->second;
    }
    auto turn = CallRecording::turn();
    if (!turn.owns_lock()) return nullptr;
    std::shared_ptr<GraphPlan> plan;
    try {
        plan = record_plan(variables, wanted, context);
    } catch (Error&) {
        return nullptr;  // the run that counts says it better
    } catch (std::bad_alloc&) {
        return nullptr;  // recording needs more memory than interpreting
    }
    std::lock_guard lock(mutex_);
    if (plans_.size() >= kMostSignatures) plans_.clear();
    return plans_[key] = plan;
}

// One call by a plan: an instance in use.
class GraphCall final : public Function {
public:
    GraphCall(Ref<GraphFunction> f, std::shared_ptr<GraphPlan> plan, const Context& context)
        : Function(f->name),
          function(std::move(f)),
          plan(std::move(plan)),
          instance(this->plan->acquire()),
          at_call(context, false) {}
    ~GraphCall() override { plan->give_back(std::move(instance)); }
    Arrays call(ValuesView, const CallOptions&) override { throw unsupported("a call that is over"); }
    void pull_back(Reverse& c) override;

    Ref<GraphFunction> function;
    std::shared_ptr<GraphPlan> plan;
    std::unique_ptr<PlanInstance> instance;
    Apart at_call;  // the mode and the random state
    Signature key;  // of the variables
    std::vector<char> wanted;

private:
    void pull_back_composite(Reverse& c, const Arrays& in, const Arrays& cotangents);
};

void GraphCall::pull_back(Reverse& c) {
    Arrays in, cotangents;
    for (int64_t i = 0; i < c.n_in(); ++i) in.push_back(c.in(i));
    for (int i = 0; i < c.node.n_out; ++i)
        if (minpy::in(c.out_dtype(i), kFloating | kComplex)) cotangents.push_back(contiguous(c.g(i)));
    // By the plan, unless a tape wants to know, or a saved operand is a copy of another layout by now.
    Context& context = Context::current();
    bool by_plan = !recorder();
    for (const Arrays* list : {&in, &cotangents})
        for (const Array& a : *list) by_plan = by_plan && !(may_be_traced(a) && trace_of(a, context).node);
    Signature now;
    by_plan = by_plan && add_to_signature(now, view(in)) && now == key;
    if (!by_plan) return pull_back_composite(c, in, cotangents);
    Arrays operands = in;
    for (const Array& g : cotangents) operands.push_back(g);
    Arrays gradients = instance->run_backward(view(operands), at_call.context);
    int64_t next = 0;
    for (int64_t i = 0; i < c.n_in(); ++i) {
        if (!wanted[size_t(i)]) continue;
        Array g = gradients[next++];
        if (g && c.needs(i)) c.set(i, std::move(g));
    }
}

// Differentiates what the nodes do, so that the gradient has gradients.
void GraphCall::pull_back_composite(Reverse& c, const Arrays& in, const Arrays& cotangents) {
    Context& context = Context::current();
    Apart apart(at_call.context, true);
    apart.tape->nest_in(context.tape);
    WithContext current(apart.context);
    Arrays args;
    std::vector<Array> watched;
    for (int64_t i = 0; i < in.size(); ++i) {
        bool auxiliary = function->variables_[size_t(i)].auxiliary;
        args.push_back(auxiliary ? snapshot(in[i]) : in[i]);
        if (c.needs(i)) watched.push_back(args[i] = apart.tape->watch(args[i], apart.context));
    }
    Arrays results = function->interpret(view(args), apart.context);
    std::vector<Array> heads;
    for (const Array& a : results)
        if (is_differentiable(a)) heads.push_back(a);
    std::vector<Array> found = apart.tape->gradient(heads, view(cotangents), watched, false, false, apart.context);
    size_t next = 0;
    for (int64_t i = 0; i < c.n_in(); ++i) {
        if (!c.needs(i)) continue;
        if (Array g = found[next++]) c.set(i, std::move(g));
    }
}

// ---- calling ----

Arrays GraphFunction::run(const Arrays& variables, Context& context) {
    Signature key;
    std::vector<char> wanted(variables_.size());
    std::vector<char> written;
    bool traced = false, plannable = !recorder() && add_to_signature(key, view(variables));
    size_t n_key = key.size();
    for (size_t i = 0; i < variables_.size() && plannable; ++i) {
        const Array& a = variables[int64_t(i)];
        bool follows = may_be_traced(a) && trace_of(a, context).node;
        wanted[i] = follows && is_differentiable(a);
        traced = traced || wanted[i];
        plannable = !(wanted[i] && variables_[i].auxiliary);  // a write to it would be recorded
        if (wanted[i]) key.push_back(int64_t(i));
    }
    if (!plannable) return interpret(view(variables), context);
    key.push_back(-2 - int64_t(context.training));
    std::shared_ptr<GraphPlan> plan = plan_for(key, variables, wanted, context);
    if (!plan) return interpret(view(variables), context);
    Ref<GraphCall> call = Ref<GraphCall>::adopt(new GraphCall(Ref<GraphFunction>::share(this), plan, context));
    Arrays results;
    if (!call->instance->run(view(variables), context, results)) return interpret(view(variables), context);
    if (traced) {
        key.resize(n_key);
        call->key = std::move(key);
        call->wanted = std::move(wanted);
        minpy_value args[] = {to_value(*call), none_value(), pointer_value(MINPY_V_ARRAYS, nullptr, variables.size())};
        record(MINPY_OP("_call"), context, args, view(variables), {results.data(), size_t(results.size())});
    }
    return results;
}

Arrays GraphFunction::call(ValuesView args, const CallOptions& options) {
    Context& context = options.context ? *options.context : Context::current();
    Ref<Function> alive = Ref<Function>::share(this);
    WithContext current(context);
    Call c(MINPY_OP("_call"), context, options);
    c.out = run(variables_from(args, context), context);
    if (!options.out.empty()) deliver(c);
    return std::move(c.out);
}

}  // namespace minpy
