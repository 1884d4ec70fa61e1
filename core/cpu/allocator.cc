#include "core/cpu/allocator.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <utility>

#include "core/array/error.h"
#include "core/registry/settings.h"
#include "core/registry/thread_state.h"
#if defined(__linux__)
#include <malloc.h>
#include <sys/mman.h>
#endif

namespace minpy {
namespace {

constexpr int64_t kAlign = 64;
constexpr int kSmallClasses = 24;              // up to 64 KiB: lists per thread
constexpr uint64_t kKeepLarge = 1ull << 30;    // bytes of large blocks kept in all
constexpr uint64_t kKeepSmall = 256ull << 20;  // and of small ones that no thread has in its lists
constexpr int64_t kHugePage = 2ll << 20;

constexpr uint64_t kUnknown = ~0ull;  // a limit that was not read yet

struct Link {
    Link* next;
};

// A thread's list that has grown full, whole: long tapes come and go as a few of these. In its first block.
struct Full : Link {
    Full* following;
    int64_t n;
};

struct Shared {
    std::mutex mutex;
    Link* large[96] = {};
    Full* small[kSmallClasses] = {};
    uint64_t small_bytes = 0;
    std::atomic<uint64_t> cached{0}, in_use{0}, peak{0}, n_allocs{0};
    std::atomic<uint64_t> limit{kUnknown};
    std::atomic<ReclaimFn> reclaim{nullptr};
    std::atomic<void*> reclaim_payload{nullptr};
};
Shared& shared() {
    static Shared* s = new Shared;  // lives as long as the process: threads may end after static destruction
    return *s;
}

// Gives the thread's full list to all; false where enough is kept.
bool hand_over(ThreadState& t, BlockClass c) noexcept {
    Shared& s = shared();
    auto* full = static_cast<Full*>(t.free_blocks[c.index]);
    uint64_t bytes = uint64_t(t.n_free[c.index]) * uint64_t(c.bytes);
    std::lock_guard lock(s.mutex);
    if (!full || s.small_bytes + bytes > kKeepSmall) return false;
    full->following = s.small[c.index];
    full->n = t.n_free[c.index];
    s.small[c.index] = full;
    s.small_bytes += bytes;
    t.free_blocks[c.index] = nullptr;
    t.n_free[c.index] = 0;
    return true;
}

bool take_over(ThreadState& t, BlockClass c) noexcept {
    Shared& s = shared();
    std::lock_guard lock(s.mutex);
    Full* full = s.small[c.index];
    if (!full) return false;
    s.small[c.index] = full->following;
    s.small_bytes -= uint64_t(full->n) * uint64_t(c.bytes);
    t.free_blocks[c.index] = full;
    t.n_free[c.index] = uint16_t(full->n);
    return true;
}

// Whole huge pages as huge pages, but for the last one, which may not be needed whole.
void prefer_huge([[maybe_unused]] char* p, [[maybe_unused]] int64_t bytes) noexcept {
#if defined(__linux__)
    madvise(p, size_t(bytes - kHugePage), MADV_HUGEPAGE);
#endif
}

#if defined(__linux__) && MINPY_CACHED_BLOCKS
// The largest blocks are the kernel's own: it has them back at once.
constexpr int64_t kMapped = 6 << 20;

void* map_pages(int64_t bytes) {
    size_t n = size_t(bytes), all = n + size_t(kHugePage);
    void* p = mmap(nullptr, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return nullptr;
    char* from = static_cast<char*>(p);
    size_t before = size_t(-reinterpret_cast<uintptr_t>(from)) % size_t(kHugePage), after = all - n - before;
    if (before) munmap(from, before);
    if (after) munmap(from + before + n, after);
    prefer_huge(from + before, bytes);
    return from + before;
}
void unmap_pages(void* p, int64_t bytes) noexcept { munmap(p, size_t(bytes)); }
#else
constexpr int64_t kMapped = INT64_MAX;
void* map_pages(int64_t) { return nullptr; }
void unmap_pages(void*, int64_t) noexcept {}
#endif

// Sizes are those of classes.
void* system_allocate(int64_t bytes) {
    if (bytes >= kMapped) return map_pages(bytes);
    int64_t align = bytes >= 2 * kHugePage ? kHugePage : kAlign;
    void* p = std::aligned_alloc(size_t(align), size_t((bytes + align - 1) / align * align));
    if (p && align == kHugePage) prefer_huge(static_cast<char*>(p), bytes);
    return p;
}
void system_free(void* p, int64_t bytes) noexcept {
    if (bytes >= kMapped) unmap_pages(p, bytes);
    else std::free(p);
}

void count_in_use(int64_t bytes) {
    Shared& s = shared();
    s.n_allocs.fetch_add(1, std::memory_order_relaxed);
    uint64_t now = s.in_use.fetch_add(uint64_t(bytes), std::memory_order_relaxed) + uint64_t(bytes);
    uint64_t peak = s.peak.load(std::memory_order_relaxed);
    while (now > peak && !s.peak.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {}
}

uint64_t memory_limit() {
    std::atomic<uint64_t>& limit = shared().limit;
    uint64_t bytes = limit.load(std::memory_order_relaxed);
    if (bytes != kUnknown) return bytes;
    bytes = uint64_t(number_setting("MINPY_MEMORY_LIMIT", 0, INT64_MAX, 0));
    limit.store(bytes);
    return bytes;
}

bool reclaimed(int64_t wanted) {
    Shared& s = shared();
    ReclaimFn fn = s.reclaim.load();
    return fn && fn(s.reclaim_payload.load(), uint64_t(wanted));
}

void* refused(int64_t bytes, int64_t wanted) {
    trim_memory(0);
    if (void* p = system_allocate(bytes)) return p;
    if (reclaimed(wanted)) {
        trim_memory(0);
        if (void* p = system_allocate(bytes)) return p;
    }
    throw OutOfMemory(static_cast<unsigned long long>(wanted));
}

// Throws if a fresh block, which is counted already, has no room below the limit.
void keep_limit(int64_t wanted) {
    Shared& s = shared();
    uint64_t limit = memory_limit();
    if (!limit) return;
    auto fits = [&] {
        uint64_t in_use = s.in_use.load(std::memory_order_relaxed);
        if (in_use + s.cached.load(std::memory_order_relaxed) <= limit) return true;
        trim_memory(in_use < limit ? limit - in_use : 0);
        return s.in_use.load() + s.cached.load() <= limit;
    };
    if (fits() || (reclaimed(wanted) && fits())) return;
    throw Error(MINPY_E_NOMEM, "MemoryError",
                cat("Unable to allocate ", wanted, " bytes: the limit is ", limit, ", and ",
                    s.in_use.load() - uint64_t(wanted), " are in use"));
}

}  // namespace

void* allocate(int64_t bytes) {
    if (bytes > INT64_MAX / 4) throw OutOfMemory(static_cast<unsigned long long>(bytes));
    BlockClass c = class_of(bytes);
    if (c.index < kSmallClasses) {  // not counted
        ThreadState& t = thread_state();
        if (MINPY_CACHED_BLOCKS && !t.free_blocks[c.index]) take_over(t, c);
        if (void* p = t.free_blocks[c.index]; MINPY_CACHED_BLOCKS && p) {
            t.free_blocks[c.index] = static_cast<Link*>(p)->next;
            --t.n_free[c.index];
            return p;
        }
        void* p = system_allocate(c.bytes);
        return p ? p : refused(c.bytes, bytes);
    }
    count_in_use(c.bytes);
    if (MINPY_CACHED_BLOCKS) {
        Shared& s = shared();
        std::lock_guard lock(s.mutex);
        if (Link* p = s.large[c.index]) {
            s.large[c.index] = p->next;
            s.cached.fetch_sub(uint64_t(c.bytes), std::memory_order_relaxed);
            return p;
        }
    }
    try {
        keep_limit(c.bytes);
        void* p = system_allocate(c.bytes);
        return p ? p : refused(c.bytes, bytes);
    } catch (...) {
        shared().in_use.fetch_sub(uint64_t(c.bytes), std::memory_order_relaxed);
        throw;
    }
}

void deallocate(void* block, int64_t bytes) noexcept {
    if (!block) return;
    BlockClass c = class_of(bytes);
    if (c.index < kSmallClasses) {
        ThreadState* t = tls_state;  // a thread that only releases gets no state for it
        if (!MINPY_CACHED_BLOCKS || !t || (t->n_free[c.index] >= kept_per_thread(c.bytes) && !hand_over(*t, c)))
            return std::free(block);
        static_cast<Link*>(block)->next = static_cast<Link*>(t->free_blocks[c.index]);
        t->free_blocks[c.index] = block;
        ++t->n_free[c.index];
        return;
    }
    Shared& s = shared();
    s.in_use.fetch_sub(uint64_t(c.bytes), std::memory_order_relaxed);
    if (!MINPY_CACHED_BLOCKS || s.cached.load(std::memory_order_relaxed) + uint64_t(c.bytes) > kKeepLarge)
        return system_free(block, c.bytes);
    std::lock_guard lock(s.mutex);
    Link* link = static_cast<Link*>(block);
    link->next = s.large[c.index];
    s.large[c.index] = link;
    s.cached.fetch_add(uint64_t(c.bytes), std::memory_order_relaxed);
}

MemoryStats memory_stats() {
    Shared& s = shared();
    return {s.in_use.load(), s.cached.load(), s.peak.load(), s.n_allocs.load(), memory_limit()};
}

void set_memory_limit(uint64_t bytes) {
    shared().limit.store(std::min(bytes, kUnknown - 1));
    if (bytes) trim_memory(bytes);
}

void reset_memory_peak() { shared().peak.store(shared().in_use.load()); }

void trim_memory(uint64_t keep) noexcept {
    if (ThreadState* t = tls_state; t && keep == 0) {
        drop_kept_arrays(*t);
        for (int i = 0; i < kSmallClasses; ++i) {
            while (void* p = t->free_blocks[i]) {
                t->free_blocks[i] = static_cast<Link*>(p)->next;
                std::free(p);
            }
            t->n_free[i] = 0;
        }
    }
    Shared& s = shared();
    std::unique_lock lock(s.mutex);
    [[maybe_unused]] bool heap = false;
    for (int i = 0; i < kSmallClasses && keep == 0; ++i) {
        while (Full* full = s.small[i]) {
            s.small[i] = full->following;
            for (Link* p = full; p;) std::free(std::exchange(p, p->next));
        }
    }
    if (keep == 0) s.small_bytes = 0;
    for (int i = 95; i >= kSmallClasses; --i) {
        int64_t size = int64_t(1) << (6 + i / 2);
        if (i % 2) size += size / 2;
        while (s.large[i] && s.cached.load() > keep) {
            Link* p = s.large[i];
            s.large[i] = p->next;
            s.cached.fetch_sub(uint64_t(size));
            system_free(p, size);
            heap = heap || size < kMapped;
        }
    }
    lock.unlock();
#if defined(__GLIBC__)
    if (heap) malloc_trim(0);
#endif
}

void set_reclaim(ReclaimFn fn, void* payload) {
    shared().reclaim_payload.store(payload);
    shared().reclaim.store(fn);
}

}  // namespace minpy
