// The CUDA backend's own host code and kernels on an emulated grid: device memory is the host's, a launch runs every thread
// in turn. What is left out is CUDA itself, and cuBLAS's and cuDNN's kernels.
#include <cstdlib>
#include <cstring>
#include <vector>

#include "cuda/copies.h"
#include "cuda/plugin.h"
#include "cuda/pooling.h"
#include "cuda/reductions_functors.h"

namespace minpy::cuda {
namespace {

template <class F> void each_thread(unsigned blocks, unsigned threads, F&& body) {
    uint64_t n = uint64_t(blocks) * threads;
    for (uint64_t i = 0; i < n; ++i) body(Grid{i, n});
}

template <class K> void launch_copy(const CopyArgs& a, unsigned blocks, unsigned threads, void*) {
    each_thread(blocks, threads, [&](Grid g) { K::run(a, g); });
}

template <class S, PoolStep step> void launch_pool(const PoolArgs& a, unsigned blocks, unsigned threads, void*) {
    each_thread(blocks, threads, [&](Grid g) { Pooling<S>::template run<step>(a, g); });
}

template <class F, class In, class T, class Out>
void launch_reduce(const ReduceArgs& a, unsigned blocks, unsigned threads, void*) {
    if (a.by_thread) return each_thread(blocks, threads, [&](Grid g) { Reduce<F, In, T, Out>::run(a, g); });
    for (unsigned block = 0; block < blocks; ++block)
        for (int64_t i = block; i < a.rows.size * a.chunks; i += blocks) {
            Chunk chunk(a, i);
            bool any;
            T result = fold_elements<F, In, T>(a, chunk.row, chunk.begin, chunk.n, 0, threads, any);
            for (unsigned t = 1; t < threads; ++t) {  // where the device has CUB's block reduction
                T other = fold_elements<F, In, T>(a, chunk.row, chunk.begin, chunk.n, t, threads, any);
                if (any) result = F{}(result, other);
            }
            Reduce<F, In, T, Out>::finish(a, chunk, result);
        }
}

minpy_status info(int32_t, char name[64], uint64_t* total, uint64_t* available) {
    std::strcpy(name, "emulated grid");
    *total = *available = 1u << 30;
    return MINPY_OK;
}
minpy_status allocate(int32_t, uint64_t bytes, void** out) {
    return (*out = std::malloc(bytes)) ? MINPY_OK : MINPY_E_NOMEM;
}
void deallocate(int32_t, void* data, uint64_t) { std::free(data); }
minpy_status copy(int32_t, void*, void* to, const void* from, uint64_t bytes) {
    return std::memcpy(to, from, bytes), MINPY_OK;
}
minpy_status stream_create(int32_t, void** out) { return *out = nullptr, MINPY_OK; }
void stream_destroy(int32_t, void*) {}
minpy_status stream_synchronize(int32_t, void*) { return MINPY_OK; }
minpy_status stream_wait(int32_t, void*, void*) { return MINPY_OK; }
void* stream_native(int32_t, void*) { return nullptr; }

}  // namespace

CopyFn copy_kernel(DType from, DType to) {
    constexpr int8_t kSizes[] = {0, 1, 1, 2, 4, 8, 1, 2, 4, 8, 2, 4, 8, 8, 16, 2};
    return choose_copy(from, to, kSizes[int(from)], []<class K>() -> CopyFn { return launch_copy<K>; });
}

MINPY_POOL_TABLE(launch_pool)

const std::vector<ReduceKernel>& reduce_kernels() {
    static const std::vector<ReduceKernel> all =
        reduction_table([]<class F, class In, class T, class Out>() { return launch_reduce<F, In, T, Out>; });
    return all;
}

minpy_device_api& device_api() {
    static minpy_device_api api{sizeof(minpy_device_api),
                                MINPY_CUDA,
                                1,
                                0,
                                "cuda",
                                info,
                                allocate,
                                deallocate,
                                copy,
                                copy,
                                copy,
                                stream_create,
                                stream_destroy,
                                stream_synchronize,
                                stream_wait,
                                stream_native};
    return api;
}

minpy_status enter(const minpy_kernel_call*) { return MINPY_OK; }
minpy_status launched(const minpy_kernel_call*) { return MINPY_OK; }

void register_products() {}
void register_neural() {}

}  // namespace minpy::cuda

extern "C" __attribute__((visibility("default"))) minpy_status minpy_backend_init_v1(const minpy_host_api* host,
                                                                                     minpy_backend* out) {
    using namespace minpy::cuda;
    out->abi_version = MINPY_BACKEND_ABI;
    out->name = "cuda (emulated)";
    out->version = "0.1.0";
    out->device = &device_api();
    return register_kernels(host);
}
