// The element-wise kernels: what they are called with and where they are listed.
#pragma once
#include <utility>
#include <vector>

#include "cuda/layout.h"

namespace minpy::cuda {

struct ElementwiseArgs {
    Layout layout;
    char* data[kMaxOperands];  // inputs, then the output
};

struct ElementwiseKernel {
    const char* functor;  // its C++ name
    int n_in;
    DType types[kMaxOperands];  // inputs, then the output
    void (*launch)(const ElementwiseArgs& args, unsigned blocks, unsigned threads, void* stream);
};

// Of all families.
const std::vector<ElementwiseKernel>& elementwise_kernels();

}  // namespace minpy::cuda
