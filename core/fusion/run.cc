// Running a complete group: memory for its results, the pass, and what is let go afterwards.
#include <optional>

#include "core/fusion/pending.h"
#include "core/graph/passes.h"
#include "core/registry/statistics.h"
#include "core/registry/thread_state.h"

namespace minpy {
namespace {

void report_conditions(const Deferred& d, uint32_t flags) {
    flags &= d.conditions;
    if (!flags) return;
    ThreadState& t = thread_state();
    if (!d.named) {
        t.fp_status |= flags;
        return;
    }
    t.fp_status |= kNamedConditions;
    for (LateCondition& c : t.late)
        if (c.op == d.op && c.site == d.site) {
            c.conditions |= flags;
            return;
        }
    if (t.late.size() < 64) t.late.push_back({d.op, flags, d.site});
}

// Results that are written where an operand lies which ends with the group.
class TakenMemory {
public:
    explicit TakenMemory(const Group& group) : group_(group) {
        if (checks_graphs()) return;  // which reads the operands again
        for (size_t k = 0; k < group.nodes.size(); ++k) {
            Storage* target = group.nodes[k]->target;
            if (!group.kept[k] || group.nodes[k]->into || target->data) continue;
            Storage* from = ending_operand(k, *target);
            if (from) taken_.push_back({target, from});
        }
    }
    ~TakenMemory() {
        for (const Pair& t : taken_) t.target->data = nullptr;
    }
    TakenMemory(const TakenMemory&) = delete;
    void begin() {
        for (const Pair& t : taken_) t.target->data = t.from->data;
    }
    void finish() {
        for (const Pair& t : taken_) t.from->data = nullptr;
        taken_.clear();
    }

private:
    struct Pair {
        Storage *target, *from;
    };

    Storage* ending_operand(size_t k, const Storage& target) const {
        for (size_t j = 0; j <= k; ++j)
            for (const Deferred::Input& in : group_.nodes[j]->inputs) {
                Storage& s = in.array.storage();
                constexpr uint32_t kOnlyRead = Storage::kRead;
                if (s.nbytes != target.nbytes || s.nbytes <= Storage::kInline || s.borrowed ||
                    (s.flags.load() & ~kOnlyRead) || s.is_saved() || !s.device.is_cpu())
                    continue;
                if (in.array.itemsize() != itemsize(group_.nodes[k]->dtype) || !ends(s, k)) continue;
                bool free = true;
                for (const Pair& t : taken_) free = free && t.from != &s;
                if (free) return &s;
            }
        return nullptr;
    }
    // Only this group's nodes up to `k` refer to it, and read each element where they compute theirs.
    bool ends(const Storage& s, size_t k) const {
        int64_t uses = 0;
        for (size_t j = 0; j < group_.nodes.size(); ++j)
            for (const Deferred::Input& in : group_.nodes[j]->inputs) {
                if (&in.array.storage() != &s) continue;
                if (j > k || in.access != Deferred::Access::linear || in.array.nbytes() != s.nbytes) return false;
                ++uses;
            }
        return s.refs.load(std::memory_order_acquire) == uses;
    }

    const Group& group_;
    std::vector<Pair> taken_;
};

}  // namespace

void run_and_finish(Graph& g, Group& group, std::vector<Ref<Storage>>& targets, std::unique_lock<std::mutex>& lock,
                    const Reading* reading, bool last_use) {
    choose_kept(group);
    if (reading) {
        group.handed = int32_t(group.nodes.size()) - 1;
        group.kept[size_t(group.handed)] = reading->needed;
        group.leaves = !reading->needed;
    }
    if (last_use) drop_operands(group);
    targets.reserve(group.nodes.size());
    for (size_t k = 0; k < group.nodes.size(); ++k)
        if (group.kept[k]) targets.push_back(Ref<Storage>::share(group.nodes[k]->target));
    // All memory before the pass: what is written in place can be computed once only.
    std::vector<Deferred*> done;
    done.reserve(group.nodes.size());
    std::string explained = describe(group);
    if (reading) explained += cat(", read by ", reading->op.name);
    std::optional<TakenMemory> taken;
    if (!group.leaves) taken.emplace(group);
    lock.unlock();
    {
        Profiled profiled(group.nodes.size());
        if (taken) taken->begin();
        for (size_t k = 0; k < group.nodes.size(); ++k) {
            const Deferred& d = *group.nodes[k];
            if (group.kept[k] && !d.into && !d.target->data) d.target->allocate_buffer();
        }
        if (reading) {
            GroupSource source(group);
            reading->run(reading->payload, source);
            source.finish();
        } else {
            run_group(group);
        }
    }
    if (taken) taken->finish();
    if (checks_graphs()) check_group(group);
    lock.lock();
    try {
        g.explained.push_back(std::move(explained));
        if (g.explained.size() > 100) g.explained.pop_front();
    } catch (...) {}  // no memory for the line
    for (size_t k = 0; k < group.nodes.size(); ++k) {
        Deferred* d = group.nodes[k];
        try {
            report_conditions(*d, group.flags[k]);
        } catch (...) {  // no memory for the name
            thread_state().fp_status |= group.flags[k] & d->conditions;
        }
        if (group.leaves && !group.kept[k]) {
            d->conditions = 0;  // they are known
            d->group = nullptr;
            continue;
        }
        d->target->producer = nullptr;
        d->target->clear(Storage::kPending);
        forget_reader(g, d);
        done.push_back(d);
    }
    group.nodes.clear();
    lock.unlock();
    g.changed.notify_all();
    // Readers before what they read: operands are let go by this thread, with nothing locked.
    for (size_t k = done.size(); k-- > 0;) delete done[k];
}

}  // namespace minpy
