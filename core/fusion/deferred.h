// Pending storage: the result of a large element-wise call that has not run. One producer, a list of pending readers; a
// write to an operand forces the readers first. This evaluator is the naive one: node by node, nothing fused yet.
#pragma once
#include "core/registry/call.h"

namespace minpy {

// Switch MINPY_DEFER=1 (off by default until groups are fused), and its scoped setting for tests.
bool deferral_enabled();
class WithDeferral {
public:
    explicit WithDeferral(bool on, int64_t threshold = 4096);
    ~WithDeferral();

private:
    int before_;
    int64_t threshold_before_;
};
int64_t deferral_threshold();

// A pending array of `shape` and `dtype` that `loop` will compute from `inputs` (CPU, not exposed).
Array defer(const Op& op, const Loop& loop, std::span<const Array> inputs, DimsView shape, DType dtype);

void force(Storage& s);                  // computes it, and what it needs, without recursion
void force_readers(Storage& s);          // computes all that read it
void drop_pending(Storage& s) noexcept;  // nobody will look at it

}  // namespace minpy
