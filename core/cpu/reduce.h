// Folds arrays over axes: the walk over strided operands around the loops of core/ops/reductions.h. Sums are one fixed tree
// over blocks of 1,024 elements: their bits depend on shape and strides, never on threads.
#pragma once
#include "core/array/array.h"
#include "core/cpu/loops.h"
#include "core/cpu/reduce_loops.h"

namespace minpy {

const ReduceLoop& reduce_loop(Fold fold, DType type);  // a TypeError if there is none

// What is done to each element before it is folded: a loop of one operand, or of the element and another one,
// of the fold's dtype.
struct Prepared {
    const Loop* loop = nullptr;
    Array other;  // broadcast to the operand's shape, of the loop's dtype; or null
};
const Loop* prepared_loop(const char* functor, DType type);  // a TypeError if there is none

// to = a folded over `axes`; `to` is C-contiguous over the other axes in their order, of any dtype. `mask` (or null) has
// a's shape: what it hides is replaced by `masked`, one element of the loop's dtype. `initial` (or null) is folded in.
// There must be something to fold, or `initial`. Returns MINPY_FP_*.
uint32_t reduce(const ReduceLoop& loop, const Array& to, const Array& a, DimsView axes, const Array& mask,
                const char* masked, const char* initial, const Prepared& prepared = {});

// to = where along `axis` the first best element is (the first NaN, if any); int64, C-contiguous, other axes in order.
void find_along(const ReduceLoop& loop, const Array& to, const Array& a, int64_t axis);

}  // namespace minpy
