#include "core/cpu/pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#else
#include <cfenv>
#endif

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <new>
#include <vector>

#include "core/registry/settings.h"
#include "core/registry/thread_state.h"

namespace minpy {
namespace {

// The processor's floating-point flags of this thread, as they lie in its register.
#if defined(__x86_64__)
constexpr uint32_t kFlags = 0x3f;
void clear_flags() {
    if (uint32_t now = _mm_getcsr(); now & kFlags) _mm_setcsr(now & ~kFlags);
}
uint32_t raised_flags() { return _mm_getcsr() & kFlags; }
void raise_flags(uint32_t flags) { _mm_setcsr(_mm_getcsr() | flags); }
#else
void clear_flags() { std::feclearexcept(FE_ALL_EXCEPT); }
uint32_t raised_flags() { return uint32_t(std::fetestexcept(FE_ALL_EXCEPT)); }
void raise_flags(uint32_t flags) { std::feraiseexcept(int(flags)); }
#endif

struct Job {
    void (*fn)(void*, int64_t);
    void* payload;
    int64_t n;
    std::atomic<int64_t> next{0};
    std::atomic<int> active{0};
    std::mutex error_mutex;
    std::exception_ptr error;
    std::atomic<uint32_t> raised{0};  // the workers' floating-point flags

    void work() {
        for (;;) {
            int64_t task = next.fetch_add(1, std::memory_order_relaxed);
            if (task >= n) return;
            try {
                fn(payload, task);
            } catch (...) {
                std::lock_guard lock(error_mutex);
                if (!error) error = std::current_exception();
                next.store(n);
            }
        }
    }
};

class Pool {
public:
    // One job at a time; whoever comes meanwhile works alone.
    bool run(Job& job, int threads) {
        std::unique_lock busy(busy_, std::try_to_lock);
        if (!busy) return false;
        grow(threads - 1);
        bool asleep;
        {
            std::lock_guard lock(mutex_);
            job_ = &job;
            generation_.fetch_add(1, std::memory_order_release);
            asleep = n_asleep_ > 0;
        }
        if (asleep) wake_.notify_all();
        job.work();
        std::unique_lock lock(mutex_);
        job_ = nullptr;  // late sleepers find nothing
        lock.unlock();
        if (spin([&] { return job.active.load(std::memory_order_acquire) == 0; })) return true;
        lock.lock();
        done_.wait(lock, [&] { return job.active.load() == 0; });
        return true;
    }

private:
    static void* entry(void* self) {
        static_cast<Pool*>(self)->loop();
        return nullptr;
    }
    // Waits a little for what is likely to come at once: waking a thread takes as long as a small product. Whoever is waited
    // for may be on this very processor, where others keep the rest busy: it goes first.
    template <class F> static bool spin(F&& ready) {
        auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(50);
        do {
            for (int i = 0; i < 16; ++i) {
                if (ready()) return true;
#if defined(__x86_64__)
                __builtin_ia32_pause();
#endif
            }
            sched_yield();
        } while (std::chrono::steady_clock::now() < end);
        return false;
    }
    // What a thread needs before its first task; refused memory must not end a job that has begun.
    static bool has_state() noexcept {
        try {
            thread_state();
            return true;
        } catch (...) { return false; }
    }
    void loop() {
        uint64_t seen = 0;
        for (;;) {
            auto news = [&] { return generation_.load(std::memory_order_acquire) != seen; };
            spin(news);
            std::unique_lock lock(mutex_);
            ++n_asleep_;
            wake_.wait(lock, news);
            --n_asleep_;
            seen = generation_.load(std::memory_order_relaxed);
            Job* job = job_;
            if (!job || !has_state()) continue;  // the others do the work
            job->active.fetch_add(1);
            lock.unlock();
            clear_flags();
            job->work();
            if (uint32_t raised = raised_flags()) job->raised.fetch_or(raised, std::memory_order_relaxed);
            lock.lock();
            if (job->active.fetch_sub(1) == 1) done_.notify_all();
        }
    }
    void grow(int wanted) {
        if (n_workers_ >= wanted) return;
        // Workers take no signals: Ctrl-C belongs to the host's threads.
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        while (n_workers_ < wanted) {
            pthread_t t;
            if (pthread_create(&t, nullptr, entry, this) != 0) break;  // fewer threads, same results
            pthread_detach(t);
            ++n_workers_;
        }
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }

    std::mutex busy_, mutex_;
    std::condition_variable wake_, done_;
    Job* job_ = nullptr;
    std::atomic<uint64_t> generation_{0};
    int n_workers_ = 0, n_asleep_ = 0;
};

Pool* g_pool = nullptr;
pthread_once_t g_once = PTHREAD_ONCE_INIT;
constexpr int kMostThreads = 256;
std::atomic<int> g_threads{0};
std::atomic<uint64_t> g_jobs{0};

void make_pool() {
    g_pool = new Pool;
    // A forked child has none of the workers: it starts a fresh pool, and the old one's memory is left alone.
    pthread_atfork(nullptr, nullptr, [] { g_pool = new (std::nothrow) Pool; });
}

}  // namespace

int num_threads() {
    int n = g_threads.load(std::memory_order_relaxed);
    if (n) return n;
    cpu_set_t set;
    int processors = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    n = int(number_setting("MINPY_NUM_THREADS", 1, kMostThreads, std::clamp(processors, 1, kMostThreads)));
    g_threads.store(n);
    return n;
}

void set_num_threads(int n) { g_threads.store(std::clamp(n, 1, kMostThreads)); }

uint64_t jobs_of_pool() { return g_jobs.load(std::memory_order_relaxed); }

void parallel_for_raw(int64_t n, void (*fn)(void*, int64_t), void* payload) {
    if (n <= 0) return;
    int threads = int(std::min<int64_t>(num_threads(), n));
    if (threads > 1 && !thread_state().in_task) {
        pthread_once(&g_once, make_pool);
        struct Boxed {
            void (*fn)(void*, int64_t);
            void* payload;
        } boxed{fn, payload};
        Job job;
        job.fn = [](void* p, int64_t task) {
            auto* b = static_cast<Boxed*>(p);
            bool& in_task = thread_state().in_task;
            bool before = in_task;
            in_task = true;
            try {
                b->fn(b->payload, task);
            } catch (...) {
                in_task = before;
                throw;
            }
            in_task = before;
        };
        job.payload = &boxed;
        job.n = n;
        if (g_pool && g_pool->run(job, threads)) {
            g_jobs.fetch_add(1, std::memory_order_relaxed);
            if (uint32_t raised = job.raised.load(std::memory_order_relaxed)) raise_flags(raised);
            if (job.error) std::rethrow_exception(job.error);
            return;
        }
    }
    for (int64_t i = 0; i < n; ++i) fn(payload, i);
}

}  // namespace minpy
