// Running sums and products. Long rows are cut into segments, whose sums or products are chained first: the bits depend on
// the shape, never on threads. Where such a partial result is no ordinary number the row is scanned from end to end, so
// that infinity, zero and NaN spread as they do one element after the other.
#pragma once
#include "core/array/dtype.h"

namespace minpy {

// A C-contiguous array as [outer, n, inner]; the scan runs along n. `to` may be `from`. Returns MINPY_FP_*.
struct ScanShape {
    int64_t outer, n, inner;
};
uint32_t scan(bool product, DType type, const char* from, char* to, const ScanShape& shape, bool backwards);

}  // namespace minpy
