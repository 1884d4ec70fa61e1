// The loops of partitions that each instruction level exports: a row is split around two of its values.
#pragma once
#include <cstdint>

#include "core/array/dtype.h"

namespace minpy {

// Of n contiguous elements of one dtype. An element is low if it is less than `low`, high if it is not at most `high` (as
// NaN is), and in the middle otherwise; low <= high, neither is NaN.
struct SplitLoop {
    // How many are low and how many high.
    void (*count)(const void* x, int64_t n, const void* low, const void* high, int64_t* lows, int64_t* highs);
    // Copies each part to its place, in order. Nothing is written beyond a part's end.
    void (*move)(const void* x, int64_t n, const void* low, const void* high, void* lows, void* middle, void* highs);
    // Copies the middle alone.
    void (*keep)(const void* x, int64_t n, const void* low, const void* high, void* middle);
    // The positions of elements, counted from `first`, instead of the elements.
    void (*places)(const void* x, int64_t n, int64_t first, const void* low, const void* high, int64_t* lows,
                   int64_t* middle, int64_t* highs);
};

struct SplitTable {
    SplitLoop loops[kNumDTypes];  // by DType; null for other sizes than 4 and 8 bytes
};

}  // namespace minpy
