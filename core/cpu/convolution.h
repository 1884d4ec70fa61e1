// Convolutions (cross-correlations, as everyone says convolution) of batches in C order: NCW, NCHW or NCDHW, weights
// (filters, channels/groups, kernel...). Three kernels, each linear in both operands: the result, and the two transposes.
#pragma once
#include "core/array/array.h"
#include "core/cpu/scratch.h"

namespace minpy {

struct Convolution {
    int64_t batch, channels, filters, groups;
    Dims in, kernel, out;  // sizes of the one to three spatial axes
    Dims stride, pad, dilate;

    int64_t in_size() const { return size_of({in.data(), size_t(in.size())}); }
    int64_t out_size() const { return size_of({out.data(), size_t(out.size())}); }
    int64_t kernel_size() const { return size_of({kernel.data(), size_t(kernel.size())}); }
    bool empty() const { return batch * channels * filters * in_size() * out_size() * kernel_size() == 0; }
};

// float32 by oneDNN, float64 by matrices of patches and BLAS: also the reference. Sizes are checked by the caller and not
// zero; `bias` may be null; `scratch` is what a plan has set aside, or null.
void convolve(DType t, const Convolution& c, const void* x, const void* weight, const void* bias, void* y,
              const Array& scratch);
void convolve_transpose_data(DType t, const Convolution& c, const void* g, const void* weight, void* dx,
                             const Array& scratch);
void convolve_transpose_weight(DType t, const Convolution& c, const void* g, const void* x, void* dweight,
                               const Array& scratch);

enum class ConvolutionPart : int64_t { forward, data, weight };
// Bytes that one of them works in.
int64_t convolution_scratch(DType t, ConvolutionPart part, const Convolution& c, bool with_bias);

// The part of it that oneDNN does (core/cpu/dnnl.cc).
int64_t dnnl_scratch(ConvolutionPart part, const Convolution& c, bool with_bias);
void dnnl_convolve(const Convolution& c, const float* x, const float* weight, const float* bias, float* y,
                   const Array& scratch);
void dnnl_convolve_transpose_data(const Convolution& c, const float* g, const float* weight, float* dx,
                                  const Array& scratch);
void dnnl_convolve_transpose_weight(const Convolution& c, const float* g, const float* x, float* dweight,
                                    const Array& scratch);

// Samples a task takes: fixed by shape, never by the number of threads.
int64_t samples_per_task(ConvolutionPart part, const Convolution& c);
inline int64_t tasks_of(ConvolutionPart part, const Convolution& c) {
    int64_t samples = samples_per_task(part, c);
    return (c.batch + samples - 1) / samples;
}

}  // namespace minpy
