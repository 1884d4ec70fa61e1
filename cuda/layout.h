// Where the elements of strided operands are: the part of a kernel that maps a thread's index to addresses. Plain
// host-device code; the tests run it on the CPU.
#pragma once
#include <cstdint>

#include "core/array/dtype.h"
#include "core/registry/backend.h"

#if defined(__CUDACC__)
#define MINPY_HD __host__ __device__
#else
#define MINPY_HD
#endif

namespace minpy::cuda {

constexpr int kMaxAxes = 8;      // after neighbours are merged
constexpr int kMaxOperands = 4;  // inputs, then the output

// A common index space; strides are bytes, the last axis runs fastest.
struct Layout {
    int32_t ndim = 0, operands = 0;
    int64_t size = 1;
    int64_t shape[kMaxAxes];
    int64_t strides[kMaxAxes][kMaxOperands];

    // Adds an axis inside those there are; merged with the one before where every operand allows. False: too many.
    bool push(int64_t n, const int64_t* steps) {
        size *= n;
        if (n == 1) return true;
        bool merge = ndim > 0;
        for (int k = 0; merge && k < operands; ++k) merge = strides[ndim - 1][k] == steps[k] * n;
        if (!merge && ndim == kMaxAxes) return false;
        if (!merge) shape[ndim++] = 1;
        shape[ndim - 1] *= n;
        for (int k = 0; k < operands; ++k) strides[ndim - 1][k] = steps[k];
        return true;
    }

    // Byte offsets of element `i` in C order. Of several axes there are fewer than 2^32 elements (in_parts).
    template <int N> MINPY_HD void locate(uint64_t i, int64_t (&at)[N]) const {
        if (ndim <= 1) {
            for (int k = 0; k < N; ++k) at[k] = ndim ? int64_t(i) * strides[0][k] : 0;
            return;
        }
        for (int k = 0; k < N; ++k) at[k] = 0;
        uint32_t rest = uint32_t(i);  // 32-bit division is several times faster
        for (int axis = ndim - 1; axis >= 0; --axis) {
            uint32_t n = uint32_t(shape[axis]), next = rest / n;
            for (int k = 0; k < N; ++k) at[k] += int64_t(rest - next * n) * strides[axis][k];
            rest = next;
        }
    }
};

// Calls visit(part, offsets in bytes) for pieces that `locate` can index: all of it but for enormous arrays.
template <class F> void in_parts(Layout layout, F&& visit, const int64_t* offsets = nullptr) {
    int64_t begin[kMaxOperands] = {};
    if (offsets)
        for (int k = 0; k < kMaxOperands; ++k) begin[k] = offsets[k];
    if (layout.ndim <= 1 || layout.size < int64_t(1) << 32) return visit(layout, begin);
    int axis = 0;  // the first that can be halved
    while (layout.shape[axis] == 1) ++axis;
    int64_t n = layout.shape[axis], half = n / 2;
    for (int64_t from : {int64_t(0), half}) {
        Layout part = layout;
        part.shape[axis] = from ? n - half : half;
        part.size = layout.size / n * part.shape[axis];
        int64_t at[kMaxOperands];
        for (int k = 0; k < kMaxOperands; ++k)
            at[k] = begin[k] + (k < layout.operands ? from * layout.strides[axis][k] : 0);
        in_parts(part, visit, at);
    }
}

// The space of tensors of one shape. False: too many axes remain.
inline bool make_layout(Layout& layout, const minpy_tensor* const* tensors, int n) {
    layout = Layout();
    layout.operands = n;
    for (int axis = 0; axis < tensors[0]->ndim; ++axis) {
        int64_t steps[kMaxOperands];
        for (int k = 0; k < n; ++k) steps[k] = tensors[k]->strides[axis];
        if (!layout.push(tensors[0]->shape[axis], steps)) return false;
    }
    return true;
}

// The dtypes with kernels of their own: every further one costs a fourteenth of the build. Others run on the CPU.
inline constexpr DTypes kDeviceTypes =
    kBool | bit(DType::uint8) | bit(DType::int32) | bit(DType::int64) | kFloating | kComplex;

// The threads of a launch, as every thread sees them; in a test, one after the other.
struct Grid {
    uint64_t index, threads;
};

// Short floats are computed with in float.
template <class T> struct computed { using type = T; };
template <> struct computed<half> { using type = float; };
template <> struct computed<bhalf> { using type = float; };
template <class T> using Computed = typename computed<T>::type;

template <class T> MINPY_HD Computed<T> load(const void* p) { return Computed<T>(*static_cast<const T*>(p)); }
template <class T> MINPY_HD void store(void* p, Computed<T> x) { *static_cast<T*>(p) = T(x); }

}  // namespace minpy::cuda
