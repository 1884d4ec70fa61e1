// What ran where: counters per operator, fallbacks with reason, bytes, time and call site; and the profiler's events.
#pragma once
#include <chrono>
#include <string>

#include "core/registry/context.h"
#include "core/registry/op.h"

namespace minpy {

inline void count_call(const Op& op) {
    ThreadState* t = tls_state;
    if (t && op.index < t->calls.size()) t->calls.bump(op.index);
    else count_call_slowly(op);
}
void count_device_call(const Op& op, Device device);
// Reacts as the context says: throws when fallbacks are errors, logs once per call site when they warn.
void count_fallback(const std::string& op, Device device, const char* reason, uint64_t bytes, uint64_t nanoseconds,
                    Reaction reaction);
std::string dispatch_report();  // JSON
void reset_dispatch();

// The profiler: one event per operator call while it runs.
void start_profiler();
std::string stop_profiler();  // Chrome's trace JSON
extern std::atomic<bool> profiling;
// How many watch calls: the profiler, and recordings (core/registry/recorder.h). Short ways step aside meanwhile.
extern std::atomic<int32_t> observed;

class Profiled {
public:
    explicit Profiled(const Op& op) : op_(&op), on_(profiling.load(std::memory_order_relaxed)) {
        if (on_) begin_ = std::chrono::steady_clock::now();
    }
    // A group of so many deferred operators.
    explicit Profiled(size_t group) : group_(group), on_(profiling.load(std::memory_order_relaxed)) {
        if (on_) begin_ = std::chrono::steady_clock::now();
    }
    ~Profiled() {
        if (on_) finish();
    }

private:
    void finish() noexcept;
    const Op* op_ = nullptr;
    size_t group_ = 0;
    bool on_;
    std::chrono::steady_clock::time_point begin_;
};

// Messages for minpy_log_set and minpy_log_poll. Levels: 1 errors, 2 warnings, 3 information.
using LogFn = void (*)(void* payload, int32_t level, const char* component, const char* message);
void set_log(int32_t level, LogFn fn, void* payload);
void log_message(int32_t level, const char* component, const std::string& text);
std::string take_log();  // JSON lines

}  // namespace minpy
