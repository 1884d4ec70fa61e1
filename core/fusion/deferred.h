// Pending storage: the result of a large element-wise call that has not run. One producer, a list of pending readers; a
// write to an operand forces the readers first. What is wanted is computed with everything above it as a group, in one
// pass (group.h).
#pragma once
#include "core/registry/call.h"

namespace minpy {

class ElementSource;  // core/cpu/reduce.h

// Switch MINPY_DEFER=0, and its scoped setting for tests.
bool deferral_enabled();
class WithDeferral {
public:
    explicit WithDeferral(bool on, int64_t threshold = 4096);
    ~WithDeferral();

private:
    int before_;
    int64_t threshold_before_;
};
// Elements from which a result is deferred: MINPY_DEFER_SIZE, or what was measured to pay.
int64_t deferral_threshold();

// A pending array of `shape` and `dtype` that `loop` (null: a conversion) will compute from `inputs`, laid out in the
// order of the strides `order_of` (empty: C order). Null where it must run now: an operand that others may write unseen
// or on a device, rows too short for blocks, a caller who wants floating-point conditions at the call.
Array defer(const Op& op, const Loop* loop, std::span<const Array> inputs, DimsView shape, DType dtype,
            DimsView order_of = {});

void force(Storage& s);  // computes it, and what it needs, without recursion
// Computes the pending array `a` with its group while `run` reads it, each element once; it is written as well unless this
// is its last use and nothing else refers to it. False, with nothing done, where it is not pending, or only a part.
bool fold_pending(const Array& a, bool last_use, const Op& op, void (*run)(void* payload, ElementSource& source),
                  void* payload);
void force_readers(Storage& s);          // computes all that read it
void drop_pending(Storage& s) noexcept;  // nobody will look at it

// The groups computed last, one line each, newest last: "exp(add(float64[1000000], 1)) …".
std::string explain_groups();

}  // namespace minpy
