// What is pending, under one lock: for the files of this folder.
#pragma once
#include <deque>
#include <mutex>
#include <unordered_map>

#include "core/fusion/group.h"

namespace minpy {

// Producers and readers of all pending storage, and which groups run.
struct Graph {
    std::mutex mutex;
    std::condition_variable changed;  // a group has run, or failed
    std::unordered_multimap<Storage*, Deferred*> readers;
    uint64_t sequence = 0;
    int32_t fork_count = 0;
    std::deque<std::string> explained;
};
Graph& graph();

// A node without target, and the strides of its result; null where it must run at once. `exposed`: operands may be.
struct MadeDeferred {
    std::unique_ptr<Deferred> node;
    Dims strides;
};
MadeDeferred make_deferred(const Op& op, const Loop* loop, std::span<const Array> inputs, DimsView shape, DType dtype,
                           DimsView order_of, bool exposed);

// ---- under the lock ----
inline bool running(const Graph& g, const Deferred& d) { return runs(d, g.fork_count); }
void add_reader(Graph& g, Deferred* d);
void forget_reader(Graph& g, const Deferred* d);
// False if the last reference is gone, and another thread waits for the lock to drop the storage.
bool retain_living(Storage& s);
// False if too much would wait, or be kept alive, above a result of so many bytes.
bool place_above(Deferred& d, int64_t nbytes);

// Who reads a group's last result while it is computed, and whether it is needed afterwards.
struct Reading {
    const Op& op;
    void (*run)(void* payload, ElementSource& source);
    void* payload;
    bool needed;
};
// Runs a complete group. Called with the lock held, returns without it; what throws leaves all nodes pending.
// `last_use`: of the last node's operands. `targets` holds the storage that is written, and is let go by the caller, with nothing locked.
void run_and_finish(Graph& g, Group& group, std::vector<Ref<Storage>>& targets, std::unique_lock<std::mutex>& lock,
                    const Reading* reading = nullptr, bool last_use = false);

// Hands the group of `root` to f(group, its root), the lock held; or waits, if another thread has part of it. What throws
// leaves all nodes pending.
template <class F> void with_group(Graph& g, Deferred* root, std::unique_lock<std::mutex>& lock, F&& f) {
    Group group;
    try {
        Found found;
        while ((found = collect(group, root, g.fork_count)) == Found::other_first) {}
        if (found == Found::busy) g.changed.wait(lock);
        else f(group, root);
    } catch (...) {
        if (!lock.owns_lock()) lock.lock();
        disband(group);
        lock.unlock();
        g.changed.notify_all();
        throw;
    }
}

}  // namespace minpy
