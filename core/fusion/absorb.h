// Folds of pending arrays: the group is computed as it is read, in one pass, and what is folded need not be written.
#pragma once
#include "core/cpu/reduce.h"
#include "core/registry/call.h"

namespace minpy {

// As reduce, for a kernel that takes its first operand pending. The bits are those of reducing the computed array.
uint32_t reduce_operand(const Call& c, const ReduceLoop& loop, const Array& to, const Array& a, DimsView axes,
                        const Array& mask, const char* masked, const char* initial, const Prepared& prepared = {});

}  // namespace minpy
