// Devices other than the CPU: backends loaded as plugins, their memory and streams, copies, and their kernels.
#pragma once
#include <functional>

#include "core/registry/backend.h"
#include "core/registry/call.h"

namespace minpy {

struct Stream : Counted<Stream> {
    Device device;
    const minpy_device_api* api;
    void* native;
    ~Stream();
};

// The backend of a device kind, or an error that says what was tried. Loads the plugins beside the library once.
const minpy_device_api& device_api(Device d);
const minpy_device_api* find_device_api(int32_t kind);
void load_backend(const char* path);  // absolute
std::string backend_report();         // JSON
int device_count(int32_t kind);

// Names a storage for minpy_host_api.poison, until it is forgotten.
uint64_t make_token(Storage& s);
void forget_token(uint64_t token) noexcept;

void* device_allocate(Device d, int64_t bytes);
void device_deallocate(Device d, void* data, int64_t bytes) noexcept;
void* current_stream(Device d, const Context& context);

// A copy on `d`, C-contiguous; the array itself where it is there. Not recorded; asynchronous errors come out of it.
Array to_device(const Array& a, Device d);
Array copy_on_device(const Array& a);                   // same device
void copy_between(const Array& to, const Array& from);  // equal shapes, any devices
void synchronize(Device d);

// Runs c.specs outputs on `device` from operands that are there, or falls back to the CPU; fills c.out.
void run_on_device(Call& c, Device device);

// Kernels of the host's language for a device kind (minpy_register_kernel).
using HostKernel = std::function<void(Call&)>;
void register_host_kernel(const std::string& op, int32_t kind, HostKernel kernel);

}  // namespace minpy
