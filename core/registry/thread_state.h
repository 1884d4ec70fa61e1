// What libminpy keeps per thread, behind one initial-exec pointer: a dynamic thread_local would let the loader abort the
// process when memory is refused at a thread's first touch.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "core/array/error.h"

namespace minpy {

class Context;
struct ArrayBody;
class Deferred;
class Node;
class Recorder;
struct PausedTape;
struct Op;

inline constexpr uint32_t kNamedConditions = 256;  // MINPY_FP_NAMED: some wait in `late`

// Floating-point conditions that a deferred operator met when it was computed at last, for a caller who wants names.
struct LateCondition {
    const Op* op;
    uint32_t conditions;
    std::string site;  // of the call
};

// Calls by operator (Op::index). Its thread writes it, others read it.
class CallTable {
public:
    int32_t size() const { return size_; }
    uint64_t at(int32_t i) const { return i < size_ ? calls_[i].load(std::memory_order_relaxed) : 0; }
    void bump(int32_t i, uint64_t by = 1) { calls_[i].store(at(i) + by, std::memory_order_relaxed); }
    void add(const CallTable& other) {  // which is no longer
        for (int32_t i = 0; i < other.size_; ++i) bump(i, other.at(i));
    }
    bool make(int32_t size) noexcept {
        calls_.reset(new (std::nothrow) std::atomic<uint64_t>[size_t(size)]());
        size_ = calls_ ? size : 0;
        return size_ > 0;
    }

private:
    std::unique_ptr<std::atomic<uint64_t>[]> calls_;
    int32_t size_ = 0;
};

struct ThreadState {
    ThreadState();
    ~ThreadState();

    // Free lists of core/cpu/allocator.cc: blocks by size class, linked through their first word.
    static constexpr int kClasses = 40;
    void* free_blocks[kClasses] = {};
    uint16_t n_free[kClasses] = {};

    // core/array/array.cc: small arrays with their storages.
    ArrayBody* kept_arrays = nullptr;
    uint16_t n_kept_arrays = 0;

    // This thread's parts of core/registry/tally.h.
    std::atomic<int64_t> tallies[2] = {};
    CallTable calls;
    ThreadState *next = nullptr, *before = nullptr;  // all threads'

    Context* context = nullptr;    // the current one, with a reference
    std::vector<Context*> pushed;  // those around it, outermost first
    std::unique_ptr<Error> error;
    bool out_of_memory = false;  // the last error had to do without a record
    std::string error_message;
    uint32_t fp_status = 0;  // MINPY_FP_*
    // What deferred calls do with the conditions they meet: minpy_fp_defer.
    bool fp_at_once = false, fp_named = false;
    uint32_t fp_conditions = ~0u;
    std::vector<LateCondition> late;
    bool dropping = false;               // a chain of pending results is being destroyed
    Deferred* dropped = nullptr;         // core/fusion/deferred.cc: those that wait
    bool freeing = false;                // a chain of nodes is being destroyed
    Node* doomed = nullptr;              // core/autograd/node.cc: nodes that wait to be destroyed
    uint64_t sequence = 0;               // of the newest node that this thread recorded
    const PausedTape* paused = nullptr;  // innermost first
    bool sweeping = false;               // its nodes keep places in a sweep
    bool in_task = false;                // inside a task of the pool
    Recorder* recorder = nullptr;        // core/registry/recorder.h
    std::string site;                    // where the calls come from, for the dispatch report
};

void drop_kept_arrays(ThreadState& t) noexcept;
ThreadState* make_thread_state();  // throws std::bad_alloc
extern __thread ThreadState* tls_state __attribute__((tls_model("initial-exec")));
inline ThreadState& thread_state() { return *(tls_state ? tls_state : make_thread_state()); }

}  // namespace minpy
