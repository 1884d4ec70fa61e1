// The thread pool. Work is cut into tasks by shape alone, never by the number of threads, so results do not depend on it.
#pragma once
#include <cstdint>
#include <type_traits>

namespace minpy {

// MINPY_NUM_THREADS, or the processors this process may use.
int num_threads();
void set_num_threads(int n);

// Jobs that the pool's threads have taken part in so far.
uint64_t jobs_of_pool();

// Calls fn(payload, task) for every task in [0, n), on this thread and the pool's; returns when all are done. The first
// exception is rethrown here. Calls from inside a task run in place. Floating-point flags that tasks leave raised are raised
// on this thread afterwards.
void parallel_for_raw(int64_t n, void (*fn)(void* payload, int64_t task), void* payload);

template <class F> void parallel_for(int64_t n, F&& f) {
    if (n == 1) return f(int64_t(0));
    parallel_for_raw(
        n, [](void* p, int64_t task) { (*static_cast<std::remove_reference_t<F>*>(p))(task); }, &f);
}

}  // namespace minpy
