// Runs an element-wise loop over strided, broadcast operands of any dtypes: blocks that the loop cannot read in place are
// gathered and cast into buffers, block by block, so the loops know contiguous data and single elements only.
#pragma once
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include "core/array/array.h"
#include "core/cpu/loops.h"

namespace minpy {

struct Operand {
    char* data;
    const int64_t* strides;  // bytes, one per axis of the common shape; 0 where broadcast
    DType dtype;             // in memory; the loop's may be another
};

// `operands`: the loop's inputs, then its outputs. Outputs may be the same window as an input, and may not overlap one
// otherwise. Returns MINPY_FP_*.
uint32_t run_elementwise(const Loop& loop, DimsView shape, std::span<const Operand> operands);

// to[...] = from, broadcast by strides and cast: the same iteration with a conversion in place of a loop.
uint32_t run_copy(DimsView shape, const Operand& to, const Operand& from);
// copy_into, for a caller who wants to know which floating-point conditions the casts met (MINPY_FP_*).
uint32_t convert_into(const Array& to, const Array& from);

// The processor's sticky floating-point flags around trusted loops, without disturbing the caller's.
class HardwareFlags {
public:
    HardwareFlags();
    uint32_t take();  // MINPY_FP_* since construction; restores the caller's flags
    uint32_t next();  // MINPY_FP_* since construction or the last next(): to go on, and take() at the end

private:
    uint32_t before_;
};
#if defined(__x86_64__)
inline HardwareFlags::HardwareFlags() : before_(_mm_getcsr()) {
    if (before_ & 0x3f) _mm_setcsr(before_ & ~0x3fu);
}
inline uint32_t HardwareFlags::take() {
    uint32_t now = _mm_getcsr();
    if ((now ^ before_) & 0x3f) _mm_setcsr(before_);
    return ((now & 1) ? 8 : 0) | ((now & 4) ? 1 : 0) | ((now & 8) ? 2 : 0) | ((now & 16) ? 4 : 0);
}
inline uint32_t HardwareFlags::next() {
    uint32_t now = _mm_getcsr();
    if (!(now & 0x1d)) return 0;  // inexact results say nothing, and writing the register costs a short loop
    _mm_setcsr(now & ~0x3fu);
    return ((now & 1) ? 8 : 0) | ((now & 4) ? 1 : 0) | ((now & 8) ? 2 : 0) | ((now & 16) ? 4 : 0);
}
#else
inline uint32_t HardwareFlags::next() {
    uint32_t raised = take();
    *this = HardwareFlags();
    return raised;
}
#endif

}  // namespace minpy
