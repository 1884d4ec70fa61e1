// Loaded plugins: how they are found, what they registered, and calls into their kernels.
#pragma once
#include "core/registry/device.h"

namespace minpy {

// Everything a minpy_kernel_call points to.
struct KernelCallStorage {
    SmallVector<minpy_tensor, 4> inputs, outputs;
    SmallVector<minpy_value, 8> attributes;
    minpy_kernel_call call;
    Device device;
    std::string error;  // set by minpy_host_api.fail
    std::vector<Array> workspaces;
};
bool fill_kernel_call(Call& c, const Arrays& inputs, Device device, KernelCallStorage& s);

// Runs the backend's kernel for c.op into c.out; false with a reason where there is none for this call.
bool run_backend_kernel(Call& c, const Arrays& inputs, Device device, const char** reason);

}  // namespace minpy
