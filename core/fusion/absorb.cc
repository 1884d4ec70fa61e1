#include "core/fusion/absorb.h"

#include <algorithm>
#include <cstring>

#include "core/autograd/node.h"
#include "core/fusion/deferred.h"
#include "core/fusion/pending.h"
#include "core/graph/passes.h"
#include "core/registry/recorder.h"

namespace minpy {
namespace {

// Computes the pending array `a` with its group while `run` reads it, each element once; it is written as well unless this
// is its last use and nothing else refers to it. False, with nothing done, where it is not pending, or only a part.
bool fold_pending(const Array& a, bool last_use, const Op& op, void (*run)(void*, ElementSource&), void* payload) {
    Graph& g = graph();
    Storage& s = a.storage();
    for (;;) {
        std::vector<Ref<Storage>> targets;
        std::unique_lock lock(g.mutex);
        if (!s.has(Storage::kPending)) return false;
        Deferred* root = s.producer;
        if (running(g, *root)) {
            g.changed.wait(lock);
            continue;
        }
        if (a.get()->offset || a.size() != root->size || a.dtype() != root->dtype) return false;
        bool read = false;
        with_group(g, root, lock, [&](Group& group, const Deferred* first) {
            if (first != s.producer) return run_and_finish(g, group, targets, lock);
            Reading reading{op, run, payload, !last_use || s.refs.load(std::memory_order_acquire) > 1};
            run_and_finish(g, group, targets, lock, &reading);
            read = true;
        });
        if (read) return true;
    }
}

}  // namespace

bool suits_fold(int64_t size) {
    constexpr int64_t kGroupThreads = 1 << 16, kFoldThreads = 1 << 17;  // elements from which they run on threads
    return size < kGroupThreads || size >= kFoldThreads;
}

uint32_t reduce_operand(const Call& c, const ReduceLoop& loop, const Array& to, const Array& a, DimsView axes,
                        const Array& mask, const char* masked, const char* initial, const Prepared& prepared) {
    uint32_t flags = 0;
    auto fold = [&](ElementSource* source) {
        flags = reduce(loop, to, a, axes, mask, masked, initial, prepared, source);
    };
    const Storage& s = a.storage();
    if (!s.has(Storage::kPending) && s.producer) {  // a plan's, which only this call sees
        GroupSource source(*s.producer->group);
        fold(&source);
        source.finish();
        return flags;
    }
    if (s.has(Storage::kPending) && !s.has(Storage::kPoisoned) && !recorder() && suits_fold(a.size()) &&
        fills_memory(a) && reads_runs(loop, a, axes, mask, prepared)) {
        bool last_use = c.options.last_use && !(c.op.save_inputs && may_be_traced(a));
        bool done = fold_pending(
            a, last_use, c.op, [](void* f, ElementSource& source) { (*static_cast<decltype(fold)*>(f))(&source); },
            &fold);
        if (done && checks_graphs()) {
            Array once_more = empty(to.shape(), to.dtype());
            a.data();
            reduce(loop, once_more, a, axes, mask, masked, initial, prepared);
            if (std::memcmp(once_more.raw(), to.raw(), size_t(to.nbytes())) != 0)
                throw state_error("its result, read from a group, differs from that of the computed array");
        }
        if (done) return flags;
    }
    a.data();
    fold(nullptr);
    return flags;
}

}  // namespace minpy
