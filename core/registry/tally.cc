#include "core/registry/tally.h"

#include <algorithm>
#include <cstdlib>
#include <mutex>

#include "core/registry/op.h"

namespace minpy {
namespace {

// All threads' states. The lock guards the lengths of their tables too.
struct Threads {
    std::mutex mutex;
    ThreadState* first = nullptr;
    CallTable ended;  // of those that are gone
};
Threads& threads() {
    static Threads* t = new Threads;  // lives as long as the process: threads may end after static destruction
    return *t;
}

uint64_t sum_of_calls(const Op& op) {  // the threads are locked
    uint64_t n = op.cpu_calls.load(std::memory_order_relaxed);
    n += threads().ended.at(op.index);
    for (ThreadState* t = threads().first; t; t = t->next) n += t->calls.at(op.index);
    return n;
}

}  // namespace

constinit Tally live_arrays(0);
constinit Tally live_handles(1);

int64_t Tally::load() const {
    std::lock_guard lock(threads().mutex);
    int64_t n = rest_.load(std::memory_order_relaxed);
    for (ThreadState* t = threads().first; t; t = t->next) n += t->tallies[part_].load(std::memory_order_relaxed);
    return n;
}

void count_call_slowly(const Op& op) noexcept {
    ThreadState* t = tls_state;
    CallTable longer;
    if (!t || !longer.make(std::max(512, 2 * op.index))) {
        op.cpu_calls.fetch_add(1, std::memory_order_relaxed);
        return;
    }
    longer.add(t->calls);
    longer.bump(op.index);
    std::lock_guard lock(threads().mutex);
    std::swap(t->calls, longer);
}

uint64_t calls_of(const Op& op) {
    std::lock_guard lock(threads().mutex);
    return sum_of_calls(op) - op.calls_before;
}

void reset_calls(const Op& op) {
    std::lock_guard lock(threads().mutex);
    op.calls_before = sum_of_calls(op);
}

ThreadState::ThreadState() {
    std::lock_guard lock(threads().mutex);
    next = threads().first;
    if (next) next->before = this;
    threads().first = this;
}

ThreadState::~ThreadState() {
    drop_kept_arrays(*this);
    {
        std::lock_guard lock(threads().mutex);
        (before ? before->next : threads().first) = next;
        if (next) next->before = before;
        for (Tally* t : {&live_arrays, &live_handles}) t->rest_.fetch_add(tallies[t->part_].load());
        CallTable& ended = threads().ended;
        if (ended.size() < calls.size()) std::swap(ended, calls);
        ended.add(calls);
    }
    for (void*& list : free_blocks) {
        while (list) {
            void* next_block = *static_cast<void**>(list);
            std::free(list);
            list = next_block;
        }
    }
}

}  // namespace minpy
