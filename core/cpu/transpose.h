// Copies whose operands are contiguous along different axes, by blocks that stay in cache on both sides.
#pragma once
#include "core/array/shape.h"

namespace minpy {

// to[...] = from of one element size and shape, strides in bytes; false, and nothing done, where no two axes are worth it.
bool copy_transposed(DimsView shape, char* to, const int64_t* to_strides, const char* from, const int64_t* from_strides,
                     int64_t itemsize);

}  // namespace minpy
