// Sorting of rows of contiguous elements by Highway's vector quicksort. Keys are integers: floats are mapped to integers
// of the same order first, so that NaN comes last, zeros keep their order whatever their sign, and every processor gives
// the same bits.
#pragma once
#include "core/array/dtype.h"
#include "core/cpu/pool.h"

namespace minpy {

inline constexpr int64_t kSortThreads = 1 << 16;  // elements from which threads pay

// f(i) for each of `rows` rows of `n` elements; on threads where there are several.
template <class F> void for_each_row(int64_t rows, int64_t n, F&& f) {
    if (rows > 1 && rows * n >= kSortThreads) return parallel_for(rows, f);
    for (int64_t i = 0; i < rows; ++i) f(i);
}

// Sorts each of `rows` rows of `n` elements in place.
void sort_rows(char* data, DType dtype, int64_t rows, int64_t n);
// Positions that would sort each row, equal elements in their order.
void argsort_rows(const char* data, DType dtype, int64_t rows, int64_t n, int64_t* out);

}  // namespace minpy
