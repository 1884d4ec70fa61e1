// The caching allocator of host memory: size classes with a free list per thread for small blocks and a shared one for
// large blocks. Fresh pages cost a chain of operators five times its arithmetic, so blocks are kept, not returned.
#pragma once
#include <cstddef>
#include <cstdint>

namespace minpy {

struct MemoryStats {
    uint64_t in_use, cached, peak, n_allocs;
};

// 64-byte aligned, at least `bytes` long; contents undefined. Throws Error(MINPY_E_NOMEM) after the reclaim callback.
void* allocate(int64_t bytes);
// `bytes` as it was asked for. Never throws, never blocks for long.
void deallocate(void* block, int64_t bytes) noexcept;

MemoryStats memory_stats();
void reset_memory_peak();
// Gives cached blocks back until at most `keep` bytes are cached (this thread's small ones and all large ones).
void trim_memory(uint64_t keep) noexcept;

// Called when memory is refused; true if a retry is worth it.
using ReclaimFn = bool (*)(void* payload, uint64_t wanted);
void set_reclaim(ReclaimFn fn, void* payload);

// Fixed-size objects (array headers, storage records, tape nodes) from the same lists.
template <class T> struct Pooled {
    static void* operator new(size_t size) { return allocate(int64_t(size)); }
    static void operator delete(void* p, size_t size) noexcept { deallocate(p, int64_t(size)); }
};

}  // namespace minpy
