// Writes as the last node of a group: `out=` and in-place operators read their pending operands without forcing them first.
// Memory that others may look at is written at once. What is itself pending has no memory yet: its old content goes on as
// storage of its own, and the write is pending in its place.
#include <algorithm>

#include "core/fusion/deferred.h"
#include "core/fusion/pending.h"
#include "core/graph/passes.h"
#include "core/registry/recorder.h"
#include "core/registry/thread_state.h"

namespace minpy {
namespace {

// The same elements in other storage.
Array moved_to(Storage& s, const Array& a) {
    s.retain();
    return Array::on(&s, a.get()->offset, a.shape(), a.strides(), a.dtype());
}

// A pending node that reads what `into` is about to overwrite, elsewhere than the group does at each position.
Deferred* reader_in_the_way(const Graph& g, const Group& group, const Array& into) {
    auto [from, to] = g.readers.equal_range(&into.storage());
    for (auto it = from; it != to; ++it) {
        Deferred* d = it->second;
        if (d->group != &group) return d;
        for (const Deferred::Input& in : d->inputs) {
            if (&in.array.storage() != &into.storage()) continue;
            bool same_place = in.access == Deferred::Access::linear && in.array.get()->offset == into.get()->offset &&
                              in.array.size() == into.size() && in.array.dtype() == into.dtype();
            if (!same_place) return d;
        }
    }
    return nullptr;
}

// Computes the node now.
void compute_into(std::unique_ptr<Deferred> d, bool last_use) {
    Graph& g = graph();
    Ref<Storage> stand_in = Ref<Storage>::adopt(Storage::create(d->into.nbytes(), kCpu, false));
    d->target = stand_in.get();
    while (d) {
        std::vector<Ref<Storage>> targets;
        Ref<Storage> first;  // of a reader that has to be computed before
        std::unique_lock lock(g.mutex);
        d->sequence = ++g.sequence;
        with_group(g, d.get(), lock, [&](Group& group, const Deferred* root) {
            if (root != d.get()) {
                run_and_finish(g, group, targets, lock);
            } else if (Deferred* reader = reader_in_the_way(g, group, d->into)) {
                disband(group);
                if (running(g, *reader)) g.changed.wait(lock);
                else if (retain_living(*reader->target)) first = Ref<Storage>::adopt(reader->target);
                else forget_reader(g, reader);
                lock.unlock();
                g.changed.notify_all();
                if (first) force(*first);
            } else {
                run_and_finish(g, group, targets, lock, nullptr, last_use);
                d.release();  // it is done, and was deleted
            }
        });
    }
}

// Makes the node the producer of `to`, which is pending. False, with nothing done, if it is computed by now.
bool replace_producer(std::unique_ptr<Deferred>& d, const Array& to) {
    Graph& g = graph();
    Storage& s = to.storage();
    for (;;) {
        Ref<Storage> old = Ref<Storage>::adopt(Storage::create(s.nbytes, kCpu, false));
        std::vector<Array> replaced;  // let go with nothing locked
        std::unique_lock lock(g.mutex);
        if (!s.has(Storage::kPending)) return false;
        if (running(g, *s.producer)) {
            g.changed.wait(lock);
            continue;
        }
        if (!place_above(*d, s.nbytes)) {
            lock.unlock();
            force(s);
            return false;
        }
        // All that reads the old content, this node included, reads it in its own storage.
        for (Deferred::Input& in : d->inputs)
            if (&in.array.storage() == &s) in.array = moved_to(*old, in.array);
        std::vector<Deferred*> readers;
        auto [from, end] = g.readers.equal_range(&s);
        for (auto it = from; it != end; ++it)
            if (std::find(readers.begin(), readers.end(), it->second) == readers.end()) readers.push_back(it->second);
        for (Deferred* r : readers)
            for (const Deferred::Input& in : r->inputs)
                if (&in.array.storage() == &s) replaced.push_back(moved_to(*old, in.array));
        try {
            for (Deferred* r : readers) g.readers.emplace(old.get(), r);
            add_reader(g, d.get());
        } catch (...) {
            g.readers.erase(old.get());
            throw;
        }
        // From here on nothing throws.
        size_t next = 0;
        for (Deferred* r : readers)
            for (Deferred::Input& in : r->inputs)
                if (&in.array.storage() == &s) std::swap(in.array, replaced[next++]);
        g.readers.erase(&s);
        s.clear(Storage::kRead);
        old->set(Storage::kPending | (readers.empty() ? 0u : uint32_t(Storage::kRead)));
        old->producer = s.producer;
        old->producer->target = old.get();
        d->sequence = ++g.sequence;
        d->target = &s;
        s.producer = d.release();
        return true;
    }
}

}  // namespace

bool write_group(const Op& op, const Loop* loop, std::span<const Array> inputs, const Array& to, bool last_use) {
    ThreadState& t = thread_state();
    Storage& s = to.storage();
    constexpr uint32_t kInTheWay = Storage::kPoisoned | Storage::kReadOnly | Storage::kTraced;
    if (t.in_task || recorder() || checks_graphs() || !to.on_cpu() || s.has(kInTheWay) || s.is_saved()) return false;
    bool later = s.has(Storage::kPending), pending = later;
    for (const Array& a : inputs) pending = pending || a.storage().has(Storage::kPending);
    if (!pending) return false;
    MadeDeferred made = make_deferred(op, loop, inputs, to.shape(), to.dtype(), to.strides(), !later);
    if (!made.node) return false;
    for (int64_t i = 0; i < to.ndim(); ++i)
        if (to.dim(i) != 1 && to.strides()[size_t(i)] != made.strides[i]) return false;
    Deferred& d = *made.node;
    if (later) {
        d.conditions = t.fp_conditions;
        d.named = t.fp_named;
        if (d.named) d.site = t.site;
        if (!t.fp_at_once && fills_memory(to) && replace_producer(made.node, to)) return true;
        wait_ready(s);
    }
    d.conditions = ~0u;
    d.named = false;
    DimsView shape(d.shape.data(), size_t(d.shape.size()));
    Dims strides = c_strides(shape, to.itemsize());
    d.into = window(to, 0, shape, {strides.data(), size_t(strides.size())});
    compute_into(std::move(made.node), last_use);
    return true;
}

}  // namespace minpy
