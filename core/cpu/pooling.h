// Pooling over one to three spatial axes, plane by plane: row by row, so that the inner loops are along the data.
#pragma once
#include "core/array/dtype.h"
#include "core/array/shape.h"

namespace minpy {

struct Pooling {
    enum class Type { max, avg, sum };
    Type type;
    // Spatial axes as three, leading ones of size 1.
    int64_t in[3] = {1, 1, 1}, kernel[3] = {1, 1, 1}, out[3] = {1, 1, 1}, stride[3] = {1, 1, 1}, pad[3] = {0, 0, 0};
    int64_t planes, in_size = 1, out_size = 1;
    Dims result;
};

// Of one plane, as each instruction level exports them (core/cpu/loops/pools.cc).
template <class T> struct PoolLoops {
    void (*plane)(const Pooling& p, const T* x, T* y);
    void (*backward)(const Pooling& p, const T* g, const T* x, const T* y, T* dx);
    void (*gather)(const Pooling& p, const T* h, const T* x, const T* y, T* out);
};
struct PoolTable {
    PoolLoops<float> of_float;
    PoolLoops<double> of_double;
};

// float32 and float64, contiguous. Of a NaN in a window the maximum is NaN.
template <class T> void pool(const Pooling& p, const T* x, T* y);
// The transpose of pooling at x, whose result was y: of several maxima each takes an equal part, as central differences
// say; of none (NaN) no element anything.
template <class T> void pool_backward(const Pooling& p, const T* g, const T* x, const T* y, T* dx);
// The derivative of pooling at x, whose result was y, along h.
template <class T> void pool_gather(const Pooling& p, const T* h, const T* x, const T* y, T* out);

}  // namespace minpy
