#include <cmath>

#include "cuda/pooling.h"

namespace minpy::cuda {
namespace {

template <class S, PoolStep step> __global__ void kernel(const __grid_constant__ PoolArgs a) {
    Pooling<S>::template run<step>(a,
                                   {blockIdx.x * uint64_t(blockDim.x) + threadIdx.x, gridDim.x * uint64_t(blockDim.x)});
}
template <class S, PoolStep step> void launch(const PoolArgs& a, unsigned blocks, unsigned threads, void* stream) {
    kernel<S, step><<<blocks, threads, 0, static_cast<cudaStream_t>(stream)>>>(a);
}

}  // namespace

MINPY_POOL_TABLE(launch)

}  // namespace minpy::cuda
