#include "core/graph/compiled.h"

#include <cstring>

#include "core/autograd/tape.h"
#include "core/graph/recording.h"
#include "core/io/json.h"
#include "core/ops/calls.h"
#include "core/registry/dispatch.h"
#include "core/registry/pattern.h"

namespace minpy {
namespace {

constexpr size_t kMostSignatures = 64;
constexpr size_t kMostWays = 8;  // through one signature: with more, a guard is a value that never comes again

std::span<const Array> view(const Arrays& a) { return {a.data(), size_t(a.size())}; }

bool is_followed(const Array& a, Context& context) { return may_be_traced(a) && trace_of(a, context).node; }

// A tape follows something of the surroundings that the plan reads: it would not see the plan's calls.
bool reads_followed(const GraphPlan& plan, Context& context) {
    if (!context.tape) return false;
    for (const Buffer& b : plan.program().buffers) {
        if (b.kind != Buffer::captured || !b.storage || !b.storage->has(Storage::kTraced)) continue;
        b.storage->retain();
        int64_t size[] = {b.storage->nbytes}, step[] = {1};
        if (write_concerns_tape(Array::on(b.storage.get(), 0, size, step, DType::uint8), context)) return true;
    }
    return false;
}

// What is no array is part of the signature as text.
void add_text(Signature& key, const std::string& text) {
    key.push_back(int64_t(text.size()));
    for (size_t i = 0; i < text.size(); i += 8) {
        int64_t word = 0;
        std::memcpy(&word, text.data() + i, std::min<size_t>(8, text.size() - i));
        key.push_back(word);
    }
}

}  // namespace

void CompiledFunction::refuse(const Signature& key, std::string why) {
    std::lock_guard lock(mutex_);
    entries_[key].ways.clear();
    entries_[key].why_not = last_reason_ = std::move(why);
}

bool CompiledFunction::run_by_plan(const Signature& key, std::span<const Array> operands, Context& context,
                                   Arrays& results) {
    std::vector<std::shared_ptr<GraphPlan>> ways;
    {
        std::lock_guard lock(mutex_);
        auto it = entries_.find(key);
        if (it == entries_.end()) return false;
        ways = it->second.ways;
    }
    for (size_t i = 0; i < ways.size(); ++i) {
        if (reads_followed(*ways[i], context)) return false;
        std::unique_ptr<PlanInstance> instance = ways[i]->acquire();
        struct GiveBack {
            GraphPlan& plan;
            std::unique_ptr<PlanInstance>& instance;
            ~GiveBack() { plan.give_back(std::move(instance)); }
        } at_the_end{*ways[i], instance};
        uint64_t draws = context.rng->counter.load();
        if (instance->run(operands, context, results)) {
            std::lock_guard lock(mutex_);
            ++n_planned_;
            auto it = entries_.find(key);
            if (i > 0 && it != entries_.end() && it->second.ways.size() == ways.size())
                std::swap(it->second.ways[0], it->second.ways[i]);
            return true;
        }
        context.rng->counter.store(draws);
    }
    return false;
}

// The run that counts, seen by a recording.
Arrays CompiledFunction::record(const Signature& key, ValuesView args, std::span<const Array> operands,
                                Context& context) {
    CallOptions with;
    with.context = &context;
    CallRecording recording(operands, context);
    Arrays results = inner_->call(args, with);
    for (const Array& a : results)
        if (a && is_followed(a, context)) recording.abandon("a tape follows its surroundings");
    recording.results(view(results));
    if (!recording.why_not().empty()) {
        refuse(key, recording.why_not());
        return results;
    }
    std::shared_ptr<GraphPlan> plan;
    try {
        plan = std::make_shared<GraphPlan>(recording.finish());
    } catch (std::bad_alloc&) {  // the results are there; another call may find the memory
        return results;
    }
    std::lock_guard lock(mutex_);
    ++n_recorded_;
    if (entries_.size() >= kMostSignatures) entries_.clear();
    Entry& e = entries_[key];
    if (e.ways.size() >= kMostWays) {
        e.ways.clear();
        e.why_not = last_reason_ = "a value that it looks at differs from call to call";
    } else {
        e.ways.insert(e.ways.begin(), std::move(plan));
    }
    return results;
}

Arrays CompiledFunction::run(ValuesView args, std::span<const Array> operands, Context& context) {
    CallOptions with;
    with.context = &context;
    auto plain = [&](const char* why) {
        {
            std::lock_guard lock(mutex_);
            ++n_plain_;
            if (why) last_reason_ = why;
        }
        return inner_->call(args, with);
    };
    // Inside another recording its calls become part of that.
    if (recorder()) return plain(nullptr);
    for (const Array& a : operands)
        if (is_followed(a, context)) return plain("a tape follows an argument; compile the gradient instead");
    Signature key;
    if (!add_to_signature(key, operands)) return plain("an argument is on a device");
    key.push_back(context.training);
    Pattern pattern(args);
    for (const minpy_value& v : pattern.values)
        if (v.tag != MINPY_V_DEFAULT && !(v.tag == MINPY_V_NONE)) add_text(key, to_json(v));
    {
        std::lock_guard lock(mutex_);
        auto it = entries_.find(key);
        if (it != entries_.end() && !it->second.why_not.empty()) {
            ++n_plain_;
            return inner_->call(args, with);
        }
    }
    Arrays results;
    if (run_by_plan(key, operands, context, results)) return results;
    auto turn = CallRecording::turn();
    if (!turn.owns_lock()) return plain(nullptr);
    return record(key, args, operands, context);
}

Arrays CompiledFunction::call(ValuesView args, const CallOptions& options) {
    Context& context = options.context ? *options.context : Context::current();
    Ref<Function> alive = Ref<Function>::share(this);
    WithContext current(context);
    Call c(MINPY_OP("_call"), context, options);
    Pattern pattern(args);
    c.out = run(args, view(pattern.operands), context);
    if (!options.out.empty()) deliver(c);
    return std::move(c.out);
}

std::string CompiledFunction::report() const {
    std::lock_guard lock(mutex_);
    Json plans = Json::array();
    for (const auto& [key, e] : entries_)
        for (const auto& plan : e.ways)
            plans.push_back(Json::object({{"steps", int64_t(plan->program().steps.size())},
                                          {"arena_bytes", plan->memory().bytes},
                                          {"temporary_bytes", plan->memory().without_sharing},
                                          {"text", to_text(plan->program())}}));
    return Json::object({{"name", name},
                         {"planned_calls", int64_t(n_planned_)},
                         {"recorded_calls", int64_t(n_recorded_)},
                         {"plain_calls", int64_t(n_plain_)},
                         {"reason", last_reason_.empty() ? Json() : Json(last_reason_)},
                         {"plans", std::move(plans)}})
        .dump();
}

}  // namespace minpy
