// The loops of reductions that each instruction level exports, made of the functors of core/ops/reductions.h.
#pragma once
#include <cstdint>

#include "core/array/dtype.h"

namespace minpy {

inline constexpr int64_t kReduceBlock = 1024;
inline constexpr int64_t kShortFold = 8;  // elements below which a row is folded one by one

// fmax and fmin pass over NaN.
enum class Fold : int8_t { sum, prod, max, min, fmax, fmin };
inline constexpr int kFolds = 6;

// One functor of core/ops/reductions.h on one dtype.
struct ReduceLoop {
    DType type;
    bool hardware_flags;
    // *to = x[0] ∘ x[1] ∘ … of n >= 1 contiguous elements: one tree over blocks of kReduceBlock.
    void (*fold)(const char* x, int64_t n, char* to);
    // to[j] = to[j] ∘ x[0][j] ∘ x[1][j] ∘ …: rows of n contiguous elements, `step` bytes apart.
    void (*rows)(char* to, const char* x, int64_t step, int64_t n_rows, int64_t n);
    // to[i] is the fold of row i of `n_rows` that lie one behind the other, of n < kShortFold elements each.
    void (*short_rows)(const char* x, int64_t n, int64_t n_rows, char* to);
    void (*identity)(char* to);
    // Of Max and Min: where the first best element is. `base` is the position of x[0]; an index of -1 is the beginning.
    void (*find)(const char* x, int64_t n, int64_t base, char* best, int64_t* index);
    void (*find_rows)(const char* x, int64_t n, int64_t row, char* best, int64_t* index);
};

struct ReduceTable {
    ReduceLoop loops[kFolds][kNumDTypes];  // by Fold and DType; `fold` is null where there is none
};

}  // namespace minpy
