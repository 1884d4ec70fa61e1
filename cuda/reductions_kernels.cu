#include <cub/block/block_reduce.cuh>
#include <vector>

#include "cuda/reductions_functors.h"

namespace minpy::cuda {
namespace {

constexpr int kBlock = 256;

template <class F, class In, class T, class Out> __global__ void kernel(const __grid_constant__ ReduceArgs a) {
    if (a.by_thread) {
        Reduce<F, In, T, Out>::run(a,
                                   {blockIdx.x * uint64_t(blockDim.x) + threadIdx.x, gridDim.x * uint64_t(blockDim.x)});
        return;
    }
    using Block = cub::BlockReduce<T, kBlock>;
    __shared__ typename Block::TempStorage shared;
    for (int64_t i = blockIdx.x; i < a.rows.size * a.chunks; i += gridDim.x) {
        Chunk chunk(a, i);
        bool any;
        T mine = fold_elements<F, In, T>(a, chunk.row, chunk.begin, chunk.n, threadIdx.x, kBlock, any);
        // Threads beyond the chunk have nothing to add: the identity of an extreme is none.
        T result = Block(shared).Reduce(mine, F{}, int(chunk.n < kBlock ? chunk.n : kBlock));
        if (threadIdx.x == 0) Reduce<F, In, T, Out>::finish(a, chunk, result);
        __syncthreads();
    }
}
template <class F, class In, class T, class Out>
void launch(const ReduceArgs& a, unsigned blocks, unsigned threads, void* stream) {
    kernel<F, In, T, Out><<<blocks, threads, 0, static_cast<cudaStream_t>(stream)>>>(a);
}

}  // namespace

const std::vector<ReduceKernel>& reduce_kernels() {
    static const std::vector<ReduceKernel> all =
        reduction_table([]<class F, class In, class T, class Out>() { return launch<F, In, T, Out>; });
    return all;
}

}  // namespace minpy::cuda
