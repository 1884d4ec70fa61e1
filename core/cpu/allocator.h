// The caching allocator of host memory: size classes with a shared free list, and in front of it one per thread for small
// blocks. Fresh pages cost a chain of operators five times its arithmetic, so blocks are kept, not returned.
#pragma once
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "core/registry/thread_state.h"
#if defined(__SANITIZE_ADDRESS__)
#define MINPY_CACHED_BLOCKS 0  // every block is malloc's, so that the sanitizer sees each use after free
#else
#define MINPY_CACHED_BLOCKS 1
#endif

namespace minpy {

struct MemoryStats {
    uint64_t in_use, cached, peak, n_allocs, limit;
};

// 64-byte aligned, at least `bytes` long; contents undefined. Throws Error(MINPY_E_NOMEM) after the reclaim callback.
void* allocate(int64_t bytes);
// `bytes` as it was asked for. Never throws, never blocks for long.
void deallocate(void* block, int64_t bytes) noexcept;

MemoryStats memory_stats();
void reset_memory_peak();
// Bytes of large blocks, in use and kept, beyond which memory is refused; 0: none. First MINPY_MEMORY_LIMIT.
void set_memory_limit(uint64_t bytes);
// Gives cached blocks back until at most `keep` bytes are cached (this thread's small ones, and all shared ones).
void trim_memory(uint64_t keep) noexcept;

// Called when memory is refused; true if a retry is worth it.
using ReclaimFn = bool (*)(void* payload, uint64_t wanted);
void set_reclaim(ReclaimFn fn, void* payload);

// Classes: 64, 96, 128, 192, 256, … : powers of two and the middles between them.
struct BlockClass {
    int index;
    int64_t bytes;
};
constexpr BlockClass class_of(int64_t bytes) {
    constexpr int64_t kSmallest = 64;
    if (bytes <= kSmallest) return {0, kSmallest};
    int log = 63 - std::countl_zero(uint64_t(bytes - 1));  // 2^log < bytes <= 2^(log+1)
    int64_t low = int64_t(1) << log, middle = low + low / 2;
    int base = 2 * (log - 6);
    return bytes <= middle ? BlockClass{base + 1, middle} : BlockClass{base + 2, 2 * low};
}
// Blocks of one class that a thread keeps: a mebibyte of them, so that a tape of a thousand nodes is made of kept ones.
constexpr uint16_t kept_per_thread(int64_t bytes) { return uint16_t(std::clamp<int64_t>((1 << 20) / bytes, 16, 4096)); }

// For sizes that the compiler knows: a small block from this thread's list.
inline void* allocate_small(int64_t bytes) {
    BlockClass c = class_of(bytes);
    ThreadState* t = tls_state;
    void* p = t ? t->free_blocks[c.index] : nullptr;
    if (!MINPY_CACHED_BLOCKS || !p) return allocate(bytes);
    t->free_blocks[c.index] = *static_cast<void**>(p);
    --t->n_free[c.index];
    return p;
}
inline void deallocate_small(void* p, int64_t bytes) noexcept {
    BlockClass c = class_of(bytes);
    ThreadState* t = tls_state;
    if (!MINPY_CACHED_BLOCKS || !t || t->n_free[c.index] >= kept_per_thread(c.bytes)) return deallocate(p, bytes);
    *static_cast<void**>(p) = t->free_blocks[c.index];
    t->free_blocks[c.index] = p;
    ++t->n_free[c.index];
}

// Fixed-size objects (array headers, storage records) from the same lists.
template <class T> struct Pooled {
    static void* operator new(size_t) { return allocate_small(sizeof(T)); }
    static void operator delete(void* p) noexcept {
        if (p) deallocate_small(p, sizeof(T));
    }
};

}  // namespace minpy
