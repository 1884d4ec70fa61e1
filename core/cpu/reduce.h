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

// Elements that are computed as they are read: those of an array that fills its memory, by their positions there.
class ElementSource {
public:
    // One task's.
    class Reader {
    public:
        virtual ~Reader() = default;
        // Computes n elements from `position` on, into `to` where the source has no memory. Each is read once.
        virtual void read(int64_t position, int64_t n, char* to) = 0;
    };
    virtual ~ElementSource() = default;
    virtual Reader& take() = 0;
    virtual void give_back(Reader& reader) = 0;
    char* memory = nullptr;  // where elements are written as they are computed, or null
};

// to = a folded over `axes`; `to` is C-contiguous over the other axes in their order, of any dtype. `mask` (or null) has
// a's shape: what it hides is replaced by `masked`, one element of the loop's dtype. `initial` (or null) is folded in.
// There must be something to fold, or `initial`. Returns MINPY_FP_*.
uint32_t reduce(const ReduceLoop& loop, const Array& to, const Array& a, DimsView axes, const Array& mask,
                const char* masked, const char* initial, const Prepared& prepared = {},
                ElementSource* source = nullptr);
// Whether reduce reads `a`, which fills its memory, in runs that are long enough for a source.
bool reads_runs(const ReduceLoop& loop, const Array& a, DimsView axes, const Array& mask, const Prepared& prepared);

// How many of n bytes are not zero.
int64_t count_true(const uint8_t* x, int64_t n);

// to = where along `axis` the first best element is (the first NaN, if any); int64, C-contiguous, other axes in order.
void find_along(const ReduceLoop& loop, const Array& to, const Array& a, int64_t axis);

}  // namespace minpy
