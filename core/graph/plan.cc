#include "core/graph/plan.h"

#include <cstring>

#include "core/cpu/allocator.h"
#include "core/cpu/elementwise.h"
#include "core/graph/passes.h"
#include "core/registry/dispatch.h"
#include "core/registry/pattern.h"
#include "core/registry/statistics.h"
#include "core/registry/thread_state.h"

namespace minpy {
namespace {

DimsView view(const Dims& d) { return {d.data(), size_t(d.size())}; }
std::span<const Array> view(const Arrays& a) { return {a.data(), size_t(a.size())}; }

constexpr int64_t kLargeArena = 1 << 20;
constexpr int64_t kShort = 1 << 14;  // elements that one thread runs by one call of the loop

}  // namespace

struct PlanInstance::Ready {
    const Step* step = nullptr;
    Arrays in, out;
    Array workspace;
    // A loop over contiguous operands of its own dtypes and one shape, or single elements.
    bool flat = false;
    uint32_t scalars = 0;
    bool hardware_flags = false;
};

// ---- plans ----

GraphPlan::GraphPlan(Program recorded) : program_(std::move(recorded)) {
    optimize(program_);
    memory_ = plan_memory(program_);
    if (checks_graphs()) verify(program_, memory_);
}

GraphPlan::~GraphPlan() = default;

std::unique_ptr<PlanInstance> GraphPlan::acquire() {
    {
        std::lock_guard lock(mutex_);
        if (!idle_.empty()) {
            std::unique_ptr<PlanInstance> found = std::move(idle_.back());
            idle_.pop_back();
            return found;
        }
        idle_.reserve(idle_.capacity() + 1);  // so that giving it back cannot fail
    }
    return std::make_unique<PlanInstance>(*this);
}

void GraphPlan::give_back(std::unique_ptr<PlanInstance> instance) noexcept {
    std::lock_guard lock(mutex_);
    if (idle_.size() < idle_.capacity()) idle_.push_back(std::move(instance));
}

// ---- instances ----

PlanInstance::PlanInstance(const GraphPlan& plan) : program_(plan.program()) {
    const Program& p = program_;
    const MemoryPlan& m = plan.memory();
    // The arena takes the place of what a recording has used.
    uint64_t cached = memory_stats().cached, wanted = uint64_t(m.bytes);
    if (m.bytes >= kLargeArena) trim_memory(cached > wanted ? cached - wanted : 1);
    arena_ = Ref<Storage>::adopt(Storage::create(m.bytes, kCpu));
    of_buffer_.resize(p.buffers.size());
    std::vector<char> given = given_out(p);
    made_backward_.resize(p.buffers.size());
    for (size_t i = 0; i < p.windows.size(); ++i) {
        const Window& w = p.windows[i];
        const Buffer& b = p.buffers[size_t(w.buffer)];
        // Windows on what a call brings lie on the arena until then.
        Storage* s = b.storage ? b.storage.get() : arena_.get();
        bool placed = b.storage || m.place[size_t(w.buffer)] >= 0;
        s->retain();
        windows_.push_back(Array::on(s, w.offset + (m.place[size_t(w.buffer)] > 0 ? m.place[size_t(w.buffer)] : 0),
                                     view(w.shape), view(w.strides), w.dtype));
        if (!placed) of_buffer_[size_t(w.buffer)].push_back(int32_t(i));
    }
    for (size_t i = 0; i < given.size(); ++i)
        if (given[i] && p.buffers[i].kind == Buffer::temporary) given_.push_back({int32_t(i), {}, -1});
    for (const Step& s : p.steps) {
        Ready r;
        r.step = &s;
        for (int32_t w : s.in) r.in.push_back(w < 0 ? Array() : windows_[w]);
        for (int32_t w : s.out) {
            r.out.push_back(windows_[w]);
            made_backward_[size_t(p.window(w).buffer)] |= s.backward;
        }
        if (s.workspace >= 0) r.workspace = windows_[s.workspace];
        if (s.kind == Step::elementwise) {
            const Array& out = r.out[0];
            r.flat = out.is_contiguous() && out.size() <= kShort && out.size() > 0 &&
                     out.dtype() == s.loop->types[s.op->n_in] && s.loop->n_out == 1 &&
                     !(s.op->check && in(s.loop->types[0], s.op->checked));
            for (int64_t i = 0; i < r.in.size(); ++i) {
                const Array& a = r.in[i];
                bool whole = a.is_contiguous() && same(a.shape(), out.shape());
                if (!whole && a.size() == 1) r.scalars |= 1u << i;
                r.flat = r.flat && a.dtype() == s.loop->types[i] && (whole || a.size() == 1);
            }
            r.hardware_flags = s.loop->hardware_flags && in(s.loop->types[0], kFloat | kComplex);
        }
        ready_.push_back(std::move(r));
    }
    std::vector<char> inner = inner_buffers(p);
    for (size_t i = 0; i < p.steps.size();) {
        size_t end = i + 1;
        if (p.steps[i].siblings >= 0) {
            while (end < p.steps.size() && p.steps[end].siblings == p.steps[i].siblings) ++end;
            siblings_.emplace_back(i, end);
        } else if (p.steps[i].group >= 0) {
            while (end < p.steps.size() && p.steps[end].group == p.steps[i].group) ++end;
            groups_.push_back(
                std::make_unique<ReadyGroup>(p, i, end, std::span(windows_.data(), size_t(windows_.size())), inner));
        }
        i = end;
    }
}

PlanInstance::~PlanInstance() { unbind(); }

void PlanInstance::move_to(int32_t buffer, Storage& s, int64_t origin) noexcept {
    for (int32_t i : of_buffer_[size_t(buffer)]) {
        ArrayBody* body = windows_[i].get();
        body->storage = &s;  // counted by whoever holds it during the call; the window's own count is the arena's
        body->offset = origin + program_.windows[size_t(i)].offset;
    }
}

void PlanInstance::bind(std::span<const Array> arguments) {
    for (size_t i = 0; i < program_.buffers.size(); ++i) {
        const Buffer& b = program_.buffers[i];
        if (b.kind == Buffer::temporary || b.kind == Buffer::constant) continue;
        if (b.kind == Buffer::captured && !b.storage) continue;  // of a composite that is one step
        if (b.kind == Buffer::argument && size_t(b.index) >= arguments.size()) continue;  // a cotangent, later
        Storage& s = b.kind == Buffer::argument ? arguments[size_t(b.index)].storage() : *b.storage;
        if (s.has(Storage::kPending | Storage::kPoisoned)) wait_ready(s);
        if (b.writes) before_write(s);
        if (b.kind == Buffer::argument) move_to(int32_t(i), s, arguments[size_t(b.index)].get()->offset);
    }
}

void PlanInstance::unbind() noexcept {
    for (size_t i = 0; i < of_buffer_.size(); ++i)
        if (!of_buffer_[i].empty()) move_to(int32_t(i), *arena_, 0);
}

// Storage for what leaves: one that was given before and came back, else a new one.
void PlanInstance::place_results(bool backward) {
    for (Results& r : given_) {
        if (bool(made_backward_[size_t(r.buffer)]) != backward) continue;
        auto free = [](const Ref<Storage>& s) { return s->refs.load() == 1 && s->flags.load() == 0; };
        int64_t at = -1;
        for (int64_t i = 0; i < r.kept.size() && at < 0; ++i)
            if (free(r.kept[i])) at = i;
        if (at < 0) {
            Ref<Storage> fresh = Ref<Storage>::adopt(Storage::create(program_.buffers[size_t(r.buffer)].nbytes, kCpu));
            if (r.kept.size() < 3) r.kept.push_back(Ref<Storage>());
            at = r.kept.size() - 1;
            r.kept[at] = std::move(fresh);
        }
        r.current = int32_t(at);
        move_to(r.buffer, *r.kept[at], 0);
    }
}

Arrays PlanInstance::give(const std::vector<int32_t>& windows) {
    Arrays out;
    for (int32_t w : windows) {
        if (w < 0) {
            out.push_back({});
        } else if (program_.buffer_of(w).kind == Buffer::constant) {
            out.push_back(copy_of(windows_[w]));
        } else {
            const Array& a = windows_[w];
            a.storage().retain();
            out.push_back(Array::on(&a.storage(), a.get()->offset, a.shape(), a.strides(), a.dtype()));
        }
    }
    return out;
}

bool PlanInstance::run(std::span<const Array> arguments, Context& context, Arrays& results) {
    struct Unbind {
        PlanInstance& self;
        ~Unbind() { self.unbind(); }
    } at_the_end{*this};
    place_results(false);
    bind(arguments);
    Arrays given = give(program_.results);  // before anything is written: nothing fails afterwards
    if (!run_steps(false, context)) return false;
    results = std::move(given);
    return true;
}

Arrays PlanInstance::run_backward(std::span<const Array> arguments, Context& context) {
    struct Unbind {
        PlanInstance& self;
        ~Unbind() { self.unbind(); }
    } at_the_end{*this};
    // The results of the forward part are read where they were put.
    for (Results& r : given_)
        if (!made_backward_[size_t(r.buffer)] && r.current >= 0) move_to(r.buffer, *r.kept[r.current], 0);
    place_results(true);
    bind(arguments);
    run_steps(true, context);
    return give(program_.gradients);
}

bool PlanInstance::run_steps(bool backward, Context& context) {
    WithContext current(context);
    auto group = groups_.begin();
    auto siblings = siblings_.begin();
    for (size_t i = 0; i < ready_.size(); ++i) {
        const Ready& r = ready_[i];
        if (group != groups_.end() && (*group)->first() == i) {
            if (r.step->backward == backward) {
                if ((*group)->folds()) run_fold(**group, context);
                else (*group)->run();
            }
            i = (*group++)->last() - 1;
            continue;
        }
        if (siblings != siblings_.end() && siblings->first() == i) {
            if (r.step->backward == backward)
                siblings->run([&](size_t k) {
                    WithContext here(context);
                    run_named(ready_[k], context);
                });
            i = (siblings++)->last() - 1;
            continue;
        }
        if (r.step->backward != backward || run_named(r, context)) continue;
        missed = int32_t(r.step - program_.steps.data());
        return false;
    }
    return true;
}

bool PlanInstance::run_named(const Ready& r, Context& context) {
    try {
        return run_step(r, context);
    } catch (Error& e) {
        if (e.op.empty() && r.step->op) {
            e.op = r.step->op->name;
            e.operands = describe_operands(view(r.in));
        }
        throw;
    }
}

bool PlanInstance::run_step(const Ready& r, Context& context) {
    const Step& s = *r.step;
    switch (s.kind) {
        case Step::elementwise: {
            Profiled profiled(*s.op);
            count_call(*s.op);
            if (s.op->check && in(s.loop->types[0], s.op->checked)) {
                static const CallOptions none;
                Call c(*s.op, context, none);
                c.in = r.in;
                c.weak = s.weak;
                s.op->check(c);
            }
            if (!r.flat) {
                thread_state().fp_status |= run_loop(*s.loop, view(r.in), r.out[0]);
                return true;
            }
            char* p[4];
            for (int64_t i = 0; i < r.in.size(); ++i) p[i] = r.in[i].raw();
            p[r.in.size()] = r.out[0].raw();
            if (r.hardware_flags) {
                HardwareFlags flags;
                s.loop->run(p, r.scalars, r.out[0].size());
                if (uint32_t raised = flags.take()) thread_state().fp_status |= raised;
            } else if (uint32_t raised = s.loop->run(p, r.scalars, r.out[0].size())) {
                thread_state().fp_status |= raised;
            }
            return true;
        }
        case Step::kernel: run_kernel(r, context); return true;
        case Step::call: return run_call(r, context);
        case Step::copy: thread_state().fp_status |= convert_into(r.out[0], r.in[0]); return true;
        case Step::guard: return std::memcmp(r.in[0].raw(), s.expected, size_t(r.in[0].itemsize())) == 0;
    }
    return true;
}

// A group that is computed as the kernel of its last step reads it.
void PlanInstance::run_fold(ReadyGroup& group, Context& context) {
    const Ready& r = ready_[group.last() - 1];
    group.begin();
    run_kernel(r, context, &group.folded());
    group.end();
}

void PlanInstance::run_kernel(const Ready& r, Context& context, const Array* first) {
    static const CallOptions none;
    const Step& s = *r.step;
    Profiled profiled(*s.op);
    Call c(*s.op, context, none);
    c.in = r.in;
    if (first) c.in[0] = *first;
    c.weak = s.weak;
    c.first = s.first;
    c.out = r.out;
    c.workspace = r.workspace;
    for (const minpy_value& v : s.args.view()) c.args.push_back(v);
    if (s.random) {
        int64_t at = s.op->param("draw");
        c.args[at - 2] = to_value(int64_t(context.rng->seed));
        c.args[at - 1] = to_value(int64_t(context.rng->stream));
        c.args[at] = to_value(int64_t(context.rng->counter.fetch_add(1)));
    }
    s.op->cpu_kernel(c);
    count_call(*s.op);
}

// False if a result has another shape than it had.
bool PlanInstance::run_call(const Ready& r, Context& context) {
    const Step& s = *r.step;
    CallOptions with;
    with.context = &context;
    Filled args(s.args.view(), r.in);
    Arrays found = invoke(*s.op, {args.values().data(), size_t(args.values().size())}, with);
    for (int64_t i = 0; i < s.taken.size(); ++i) {
        const Array& a = found[s.taken[i]];
        if (!same(a.shape(), r.out[i].shape()) || a.dtype() != r.out[i].dtype()) return false;
        a.data();
        copy_into(r.out[i], a);
    }
    return true;
}

}  // namespace minpy
