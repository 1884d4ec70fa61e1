// What the parts of the CUDA backend share: the host's table, the device's, and how kernels register and report. Nothing
// here needs CUDA's headers: what includes no more than this runs on the emulated grid too (tests/cuda).
#pragma once
#include "core/registry/backend.h"

namespace minpy::cuda {

const minpy_host_api& host();
minpy_device_api& device_api();  // filled by device.cc

// Registers all kernels of device_api() with the host.
minpy_status register_kernels(const minpy_host_api* host);

// One operator's kernel. `run` finds the call's device current and only enqueues.
bool add_kernel(const char* op, minpy_kernel_supports_fn supports, minpy_kernel_fn run, void* payload = nullptr);

// Why a kernel does not take a call, as its `supports` answers.
inline int32_t refused(const char** reason, const char* why) { return *reason = why, 0; }

minpy_status enter(const minpy_kernel_call* call);
// After the launches of a call: reports what the launch itself refused, and remembers the outputs, so that a failure
// found later poisons them.
minpy_status launched(const minpy_kernel_call* call);

// Blocks of 256 threads that cover `n` elements, with a grid-stride loop beyond.
constexpr int kThreads = 256;
inline unsigned blocks_for(int64_t n) {
    int64_t blocks = (n + kThreads - 1) / kThreads;
    return unsigned(blocks < 1 ? 1 : blocks > 1 << 16 ? 1 << 16 : blocks);
}

// ---- copies.cc: what kernels that need plain operands share ----

int64_t itemsize_of(minpy_dtype t);
int64_t size_of(const minpy_tensor& t);
bool is_contiguous(const minpy_tensor& t);
// Enqueues to = from, of equal shapes and any dtypes. False: too many axes remain after merging.
bool copy_tensor(const minpy_tensor& from, const minpy_tensor& to, void* stream);
// An operand in C order and a dtype: itself, or a copy in the call's workspace.
struct Contiguous {
    void* data = nullptr;
    minpy_status make(const minpy_kernel_call* call, const minpy_tensor& t, minpy_dtype as);
    minpy_status make(const minpy_kernel_call* call, const minpy_tensor& t) { return make(call, t, t.dtype); }
};

// Each part registers its kernels.
void register_elementwise();
void register_copies();
void register_reductions();
void register_products();
void register_neural();
void register_pooling();

}  // namespace minpy::cuda
