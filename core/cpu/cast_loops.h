// The conversions of contiguous elements that each instruction level exports; core/array/casting.h says what they give.
#pragma once
#include <cstdint>

#include "core/array/dtype.h"

namespace minpy {

// Converts `n` elements that do not overlap; returns MINPY_FP_*.
using CastLoop = uint32_t (*)(const char* from, char* to, int64_t n);

struct CastTable {
    CastLoop loops[kNumDTypes][kNumDTypes];  // from, to; null where the level is no better than any
};

}  // namespace minpy
