// Pending storage: the result of a large element-wise call that has not run. One producer, a list of pending readers; a
// write to an operand forces the readers first. What is wanted is computed with everything above it as a group, in one
// pass (group.h).
#pragma once
#include "core/registry/call.h"

namespace minpy {

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

// `to` = the call's result, of any dtype, when operands or `to` itself are pending: computed now, in one pass with them, or
// pending as `to` was. No operand may overlap `to` but in the very same elements. False, with nothing done, where `to` or
// the operands do not suit.
bool write_group(const Op& op, const Loop* loop, std::span<const Array> inputs, const Array& to, bool last_use);

void force(Storage& s);                  // computes it, and what it needs, without recursion
void force_readers(Storage& s);          // computes all that read it
void drop_pending(Storage& s) noexcept;  // nobody will look at it

// The groups computed last, one line each, newest last: "exp(add(float64[1000000], 1)) …".
std::string explain_groups();

}  // namespace minpy
