// Where a program's temporaries live: one arena, in which buffers that are never needed together share bytes. An
// element-wise result takes the place of an operand that nobody reads afterwards.
#pragma once
#include "core/graph/program.h"

namespace minpy {

struct MemoryPlan {
    std::vector<int64_t> place;   // by buffer: bytes from the arena's start; -1: not in the arena
    int64_t bytes = 0;            // of the arena
    int64_t without_sharing = 0;  // what the temporaries are in all
};
MemoryPlan plan_memory(const Program& p);
// Throws if two buffers overlap while both are needed, other than an element-wise result and its operand.
void verify(const Program& p, const MemoryPlan& m);

// Buffers that leave with the results, by buffer.
std::vector<char> given_out(const Program& p);

}  // namespace minpy
