// Sorting of rows of contiguous elements by Highway's vector quicksort. Keys are integers: floats are mapped to integers
// of the same order first, so that NaN comes last, zeros keep their order whatever their sign, and every processor gives
// the same bits.
#pragma once
#include "core/array/dtype.h"

namespace minpy {

// Sorts each of `rows` rows of `n` elements in place.
void sort_rows(char* data, DType dtype, int64_t rows, int64_t n);
// Positions that would sort each row, equal elements in their order.
void argsort_rows(const char* data, DType dtype, int64_t rows, int64_t n, int64_t* out);

}  // namespace minpy
