// The CUDA backend's entry. It links nothing of libminpy and, but for CUDA's runtime (static), nothing of CUDA: the driver
// is found by the runtime, cuBLAS and cuDNN by name when first asked for. So it loads on any machine and says why it has
// no devices.
#include <cstdio>

#include "cuda/runtime.h"

extern "C" __attribute__((visibility("default"))) minpy_status minpy_backend_init_v1(const minpy_host_api* host,
                                                                                     minpy_backend* out) {
    using namespace minpy::cuda;
    if (!host || !out || out->struct_size < sizeof(minpy_backend)) return MINPY_E_ABI;
    out->abi_version = MINPY_BACKEND_ABI;
    out->version = "0.1.0";
    if (host->abi_version != MINPY_BACKEND_ABI || host->struct_size < sizeof(minpy_host_api)) {
        out->name = "cuda: built for another version of the library";
        return MINPY_E_ABI;
    }
    int count = 0;
    cudaError_t error = cudaGetDeviceCount(&count);
    if (error != cudaSuccess || count == 0) {
        (void)cudaGetLastError();
        static char reason[160];
        std::snprintf(reason, sizeof reason, "cuda: %s",
                      error == cudaSuccess ? "there is no device" : cudaGetErrorString(error));
        out->name = reason;
        return MINPY_E_UNSUPPORTED;
    }
    out->name = "cuda";
    out->device = &device_api();
    device_api().count = count;
    return register_kernels(host);
}
