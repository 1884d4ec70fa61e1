// Counts that every call adds to. Each thread has its own part, and whoever asks adds the parts up: an atomic addition
// costs as much as the arithmetic of a small call.
#pragma once
#include <atomic>
#include <cstdint>

#include "core/registry/thread_state.h"

namespace minpy {

class Tally {
public:
    constexpr explicit Tally(int part) : part_(part) {}
    void add(int64_t n) {
        ThreadState* t = tls_state;
        if (!t) {
            rest_.fetch_add(n, std::memory_order_relaxed);
            return;
        }
        std::atomic<int64_t>& own = t->tallies[part_];
        own.store(own.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
    int64_t load() const;

private:
    friend struct ThreadState;
    int part_;
    std::atomic<int64_t> rest_{0};  // of threads without a state, and of those that ended
};

extern Tally live_arrays;
extern Tally live_handles;  // contexts, tapes, symbols …: everything but arrays

// Calls on the CPU, for the dispatch report: of all threads since the last reset.
struct Op;
uint64_t calls_of(const Op& op);
void reset_calls(const Op& op);
void count_call_slowly(const Op& op) noexcept;

}  // namespace minpy
