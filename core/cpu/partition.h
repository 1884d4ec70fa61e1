// Partitions: the kth element of a row where sorting puts it, none above it before and none below it behind. Of a long row
// only what a sample shows to be close to the kth is sorted; the rest is split in one pass, on threads.
#pragma once
#include "core/array/dtype.h"

namespace minpy {

// Each of `rows` rows of `n` contiguous elements into a row of `to`, which is other memory. NaN counts as largest.
void partition_rows(const char* from, DType dtype, int64_t rows, int64_t n, int64_t kth, char* to);
// Positions that partition each row.
void argpartition_rows(const char* from, DType dtype, int64_t rows, int64_t n, int64_t kth, int64_t* to);

}  // namespace minpy
