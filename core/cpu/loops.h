// The tables of loops that each instruction level exports, and the level chosen at load.
#pragma once
#include <cstdint>

#include "core/array/dtype.h"

namespace minpy {

// Runs `n` elements: args are the inputs, then the outputs. Bit i of `scalars` says that input i is one element for all;
// everything else is contiguous. Outputs may be the very memory of an input. Returns the MINPY_FP_* conditions that the
// functor declares.
using LoopFn = uint32_t (*)(char* const* args, uint32_t scalars, int64_t n);

struct Loop {
    const char* functor;  // its C++ name
    int8_t n_in, n_out;
    bool hardware_flags;
    uint8_t fixed;   // bit i: input i has this type in every loop of the functor
    DType types[4];  // inputs, then outputs
    LoopFn run;
};

struct LoopTable {
    const Loop* loops;
    int64_t size;
};

inline constexpr int64_t kReduceBlock = 1024;

enum class Fold : int8_t { sum, prod, max, min };

// One functor of core/ops/reductions.h on one dtype.
struct ReduceLoop {
    DType type;
    bool hardware_flags;
    // *to = x[0] ∘ x[1] ∘ … of n >= 1 contiguous elements: one tree over blocks of kReduceBlock.
    void (*fold)(const char* x, int64_t n, char* to);
    // to[j] = to[j] ∘ x[0][j] ∘ x[1][j] ∘ …: rows of n contiguous elements, `step` bytes apart.
    void (*rows)(char* to, const char* x, int64_t step, int64_t n_rows, int64_t n);
    void (*identity)(char* to);
    // Of Max and Min: where the first best element is. `base` is the position of x[0]; an index of -1 is the beginning.
    void (*find)(const char* x, int64_t n, int64_t base, char* best, int64_t* index);
    void (*find_rows)(const char* x, int64_t n, int64_t row, char* best, int64_t* index);
};

struct ReduceTable {
    ReduceLoop loops[4][kNumDTypes];  // by Fold and DType; `fold` is null where there is none
};

// All tables of the best level this processor has; MINPY_LEVEL=v2|v3|v4 in the environment asks for a lower one.
struct LoopLevel {
    const char* name;
    const LoopTable* const* tables;
    int64_t n_tables;
    const ReduceTable* reductions;
};
const LoopLevel& loop_level();

}  // namespace minpy
