// What parts of the backend that call CUDA's libraries share.
#pragma once
#include <cuda_runtime_api.h>

#include "cuda/plugin.h"

namespace minpy::cuda {

inline cudaStream_t stream_of(const minpy_kernel_call* call) { return static_cast<cudaStream_t>(call->stream); }

// MINPY_OK, or the call's error with CUDA's text.
minpy_status finish(const minpy_kernel_call* call, cudaError_t error);

}  // namespace minpy::cuda
