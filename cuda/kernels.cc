// How kernels are registered with the host, and called by it.
#include <deque>

#include "cuda/plugin.h"

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

minpy_status register_kernels(const minpy_host_api* host) {
    g_host = host;
    try {
        register_elementwise();
        register_copies();
        register_reductions();
        register_products();
        register_neural();
        register_pooling();
        return MINPY_OK;
    } catch (...) { return MINPY_E_NOMEM; }
}

}  // namespace minpy::cuda
