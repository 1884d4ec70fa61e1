// The CUDA backend's entry. It links nothing of libminpy and, but for CUDA's runtime (static), nothing of CUDA: the driver
// is found by the runtime, cuBLAS and cuDNN by name when first asked for. So it loads on any machine and says why it has
// no devices.
#include "cuda/plugin.h"

#include <cstdio>
#include <deque>

namespace minpy::cuda {
namespace {
const minpy_host_api* g_host;
}

const minpy_host_api& host() { return *g_host; }

namespace {

struct Kernel {
    minpy_kernel_supports_fn supports;
    minpy_kernel_fn run;
    void* payload;
};

int32_t supports_kernel(void* payload, const minpy_kernel_call* call, const char** reason) {
    auto* kernel = static_cast<Kernel*>(payload);
    return kernel->supports ? kernel->supports(kernel->payload, call, reason) : 1;
}

minpy_status run_kernel(void* payload, const minpy_kernel_call* call) {
    auto* kernel = static_cast<Kernel*>(payload);
    if (minpy_status status = enter(call)) return host().fail(call, status, "the device cannot be used");
    try {
        if (minpy_status status = kernel->run(kernel->payload, call)) return status;
    } catch (...) { return MINPY_E_NOMEM; }  // the only thing that throws here
    return launched(call);
}

}  // namespace

bool add_kernel(const char* op, minpy_kernel_supports_fn supports, minpy_kernel_fn run, void* payload) {
    static std::deque<Kernel> kernels;
    kernels.push_back({supports, run, payload});
    minpy_kernel_desc desc = {sizeof(minpy_kernel_desc), 0, op, &kernels.back(), supports_kernel, run_kernel};
    return host().register_kernel(&device_api(), &desc) == MINPY_OK;
}

}  // namespace minpy::cuda

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
    g_host = host;
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
    try {
        register_elementwise();
        register_copies();
        register_reductions();
        register_products();
    } catch (...) { return MINPY_E_NOMEM; }
    return MINPY_OK;
}
