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

struct ReduceTable;  // core/cpu/reduce_loops.h
struct CastTable;    // core/cpu/cast_loops.h

// All tables of the best level this processor has; MINPY_LEVEL=v2|v3|v4 in the environment asks for a lower one.
struct LoopLevel {
    const char* name;
    const LoopTable* const* tables;
    int64_t n_tables;
    const ReduceTable* reductions;
    const CastTable* casts;
};
const LoopLevel& loop_level();

}  // namespace minpy
