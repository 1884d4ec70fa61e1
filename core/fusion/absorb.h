// Folds of pending arrays: the group is computed as it is read, in one pass, and what is folded need not be written.
#pragma once
#include "core/cpu/reduce.h"
#include "core/registry/call.h"

namespace minpy {

// Whether an operand of so many elements is worth it: between two sizes a group runs on all threads, a fold on one.
bool suits_fold(int64_t size);

// As reduce, for a kernel that takes its first operand pending. The bits are those of reducing the computed array.
uint32_t reduce_operand(const Call& c, const ReduceLoop& loop, const Array& to, const Array& a, DimsView axes,
                        const Array& mask, const char* masked, const char* initial, const Prepared& prepared = {});

// c.call(fold, a, more…) by a composite that does not look at `a` again: what is pending of it need not be written.
template <class... A> Array fold_temporary(const Call& c, const Op& fold, const Array& a, const A&... more) {
    minpy_value args[] = {to_value(a), to_value(more)...};
    CallOptions with;
    with.context = &c.context;
    with.last_use = true;
    return std::move(invoke(fold, args, with).front());
}

}  // namespace minpy
