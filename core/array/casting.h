// Conversion of elements between dtypes, defined for every value (DESIGN 4), with the FP conditions it meets.
#pragma once
#include <cstdint>

#include "core/array/dtype.h"

namespace minpy {

// Converts `n` elements with byte strides; returns MINPY_FP_* (INVALID for a float no integer holds, OVERFLOW for a float
// that becomes infinite).
//
// Floats out of range: to int32 and shorter as the 32-bit conversion of x86 (INT32_MIN), then wrapped; to uint32
// through int64, then wrapped; to int64 INT64_MIN; to uint64: below 2^63 as int64, up to 2^64 exact, else 2^63.
using CastFn = uint32_t (*)(const char* from, int64_t from_step, char* to, int64_t to_step, int64_t n);
CastFn cast_function(DType from, DType to);
inline uint32_t cast_elements(const char* from, int64_t from_step, DType from_type, char* to, int64_t to_step,
                              DType to_type, int64_t n) {
    return cast_function(from_type, to_type)(from, from_step, to, to_step, n);
}

}  // namespace minpy
