// Memory, streams and copies of the CUDA devices, and what becomes of errors that arrive late.
//
// Memory comes from the device's own pool on the legacy default stream, and our streams are of the blocking kind: both
// wait for one another on the device, so memory that is given back is never handed out while a kernel still uses it.
#include <pthread.h>

#include <atomic>
#include <mutex>

#include "cuda/runtime.h"

namespace minpy::cuda {
namespace {

// CUDA does not survive fork: in a child every function answers MINPY_E_STATE.
std::atomic<bool> g_forked{false};

// The last launches on a device. Asynchronous errors end a device's context, so all its memory is lost; these are the
// results that get to know.
struct Launched {
    uint64_t token;
    const char* op;
};
constexpr uint64_t kRing = 256;
struct Recent {
    std::mutex mutex;
    Launched ring[kRing];
    uint64_t n = 0;
    cudaError_t failed = cudaSuccess;
};
constexpr int kMaxDevices = 64;
Recent g_recent[kMaxDevices];

minpy_status status_of(cudaError_t error) {
    return error == cudaSuccess ? MINPY_OK : error == cudaErrorMemoryAllocation ? MINPY_E_NOMEM : MINPY_E_DEVICE;
}

minpy_status on_device(int32_t index) {
    if (g_forked.load(std::memory_order_relaxed)) return MINPY_E_STATE;
    if (index < 0 || index >= device_api().count || index >= kMaxDevices) return MINPY_E_DEVICE;
    return status_of(cudaSetDevice(index));
}

// After a wait: a failure of the device, once, poisons what was launched.
minpy_status settled(int32_t index, cudaError_t error) {
    if (error == cudaSuccess) return MINPY_OK;
    (void)cudaGetLastError();
    Recent& recent = g_recent[index];
    std::lock_guard lock(recent.mutex);
    if (error != recent.failed) {
        recent.failed = error;
        for (uint64_t i = recent.n > kRing ? recent.n - kRing : 0; i < recent.n; ++i)
            host().poison(recent.ring[i % kRing].token, status_of(error), recent.ring[i % kRing].op,
                          cudaGetErrorString(error));
    }
    return status_of(error);
}

template <class F> minpy_status with_device(int32_t index, F&& body) {
    if (minpy_status status = on_device(index)) return status;
    cudaError_t error = body();
    if (error != cudaSuccess) (void)cudaGetLastError();  // reported here, not by the next call
    return status_of(error);
}

minpy_status info(int32_t index, char name[64], uint64_t* total, uint64_t* available) {
    return with_device(index, [&] {
        cudaDeviceProp p;
        if (cudaError_t error = cudaGetDeviceProperties(&p, index)) return error;
        int i = 0;
        for (; i < 63 && p.name[i]; ++i) name[i] = p.name[i];
        name[i] = 0;
        size_t all = 0, rest = 0;
        cudaError_t error = cudaMemGetInfo(&rest, &all);
        *total = all, *available = rest;
        return error;
    });
}

minpy_status allocate(int32_t index, uint64_t bytes, void** out) {
    return with_device(index, [&] {
        static std::atomic<bool> asked[kMaxDevices];
        if (!asked[index].exchange(true)) {  // keep what was given back: asking the driver costs a synchronisation
            cudaMemPool_t pool;
            uint64_t all = UINT64_MAX;
            if (cudaDeviceGetDefaultMemPool(&pool, index) == cudaSuccess)
                cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &all);
        }
        *out = nullptr;
        return cudaMallocAsync(out, bytes, nullptr);
    });
}

void deallocate(int32_t index, void* data, uint64_t) {
    with_device(index, [&] { return cudaFreeAsync(data, nullptr); });
}

// The host may change its memory at once, so the copy of pageable memory must have left it; that is what CUDA does.
minpy_status copy_in(int32_t index, void* stream, void* to, const void* from, uint64_t bytes) {
    return with_device(index, [&] {
        cudaStream_t s = static_cast<cudaStream_t>(stream);
        cudaError_t error = cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, s);
        if (error != cudaSuccess) return error;
        cudaPointerAttributes a;
        bool pinned = cudaPointerGetAttributes(&a, from) == cudaSuccess && a.type == cudaMemoryTypeHost;
        return pinned ? cudaStreamSynchronize(s) : cudaSuccess;
    });
}

minpy_status copy_out(int32_t index, void* stream, void* to, const void* from, uint64_t bytes) {
    if (minpy_status status = on_device(index)) return status;
    cudaStream_t s = static_cast<cudaStream_t>(stream);
    cudaError_t error = cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, s);
    if (error == cudaSuccess) error = cudaStreamSynchronize(s);
    return settled(index, error);
}

minpy_status copy(int32_t index, void* stream, void* to, const void* from, uint64_t bytes) {
    return with_device(index, [&] {
        return cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, static_cast<cudaStream_t>(stream));
    });
}

minpy_status stream_create(int32_t index, void** out) {
    return with_device(index, [&] { return cudaStreamCreate(reinterpret_cast<cudaStream_t*>(out)); });
}

void stream_destroy(int32_t index, void* stream) {
    with_device(index, [&] { return cudaStreamDestroy(static_cast<cudaStream_t>(stream)); });
}

minpy_status stream_synchronize(int32_t index, void* stream) {
    if (minpy_status status = on_device(index)) return status;
    return settled(index, cudaStreamSynchronize(static_cast<cudaStream_t>(stream)));
}

minpy_status stream_wait(int32_t index, void* stream, void* on) {
    return with_device(index, [&] {
        cudaEvent_t event;
        if (cudaError_t error = cudaEventCreateWithFlags(&event, cudaEventDisableTiming)) return error;
        cudaError_t error = cudaEventRecord(event, static_cast<cudaStream_t>(on));
        if (error == cudaSuccess) error = cudaStreamWaitEvent(static_cast<cudaStream_t>(stream), event, 0);
        cudaEventDestroy(event);
        return error;
    });
}

void* stream_native(int32_t, void* stream) { return stream; }

}  // namespace

minpy_device_api& device_api() {
    static minpy_device_api api = [] {
        pthread_atfork(nullptr, nullptr, [] { g_forked.store(true); });
        return minpy_device_api{sizeof(minpy_device_api),
                                MINPY_CUDA,
                                0,
                                0,
                                "cuda",
                                info,
                                allocate,
                                deallocate,
                                copy_in,
                                copy_out,
                                copy,
                                stream_create,
                                stream_destroy,
                                stream_synchronize,
                                stream_wait,
                                stream_native};
    }();
    return api;
}

minpy_status finish(const minpy_kernel_call* call, cudaError_t error) {
    if (error == cudaSuccess) return MINPY_OK;
    (void)cudaGetLastError();
    return host().fail(call, status_of(error), cudaGetErrorString(error));
}

minpy_status enter(const minpy_kernel_call* call) { return on_device(call->device_index); }

minpy_status launched(const minpy_kernel_call* call) {
    if (cudaError_t error = cudaGetLastError()) return finish(call, error);
    Recent& recent = g_recent[call->device_index];
    std::lock_guard lock(recent.mutex);
    for (int32_t i = 0; i < call->n_outputs; ++i)
        if (call->outputs[i].token) recent.ring[recent.n++ % kRing] = {call->outputs[i].token, call->op};
    return MINPY_OK;
}

}  // namespace minpy::cuda
