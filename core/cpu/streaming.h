// Stores past the caches, for results that no cache would hold until they are read: a plain store reads the line first.
#pragma once
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#if defined(__x86_64__)
#include <emmintrin.h>
#endif

namespace minpy {

// Bytes of a result from which it pays: more than the last cache has.
inline int64_t streaming_threshold() {
    constexpr int64_t kLeast = 32 << 20;
#if defined(_SC_LEVEL3_CACHE_SIZE)
    static const int64_t bytes = std::max<int64_t>(kLeast, sysconf(_SC_LEVEL3_CACHE_SIZE));
    return bytes;
#else
    return kLeast;
#endif
}

// memcpy; end_streaming before others may read what was written.
inline void stream(char* to, const char* from, int64_t n) {
    int64_t i = 0;
#if defined(__x86_64__)
    if ((reinterpret_cast<uintptr_t>(to) & 15) == 0)
        for (; i + 64 <= n; i += 64)
            for (int64_t k = i; k < i + 64; k += 16)
                _mm_stream_si128(reinterpret_cast<__m128i*>(to + k),
                                 _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + k)));
#endif
    std::memcpy(to + i, from + i, size_t(n - i));
}
inline void end_streaming() {
#if defined(__x86_64__)
    _mm_sfence();
#endif
}

}  // namespace minpy
