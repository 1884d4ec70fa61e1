// DLPack 1.x exchange of arrays, and its older unversioned form. The layouts are those of dlpack.h 1.1, written down here
// because that header is no C89 and the structs are a fixed ABI. Source: dmlc.github.io/dlpack/latest/c_api.html
#pragma once
#include <cstdint>

#include "core/array/array.h"

extern "C" {
struct MinpyDLDataType {
    uint8_t code, bits;
    uint16_t lanes;
};
struct MinpyDLTensor {
    void* data;
    minpy_device device;
    int32_t ndim;
    MinpyDLDataType dtype;
    int64_t* shape;
    int64_t* strides;  // in elements; null: C order
    uint64_t byte_offset;
};
struct DLManagedTensor {
    MinpyDLTensor tensor;
    void* manager;
    void (*deleter)(DLManagedTensor*);
};
struct DLManagedTensorVersioned {
    uint32_t major, minor;
    void* manager;
    void (*deleter)(DLManagedTensorVersioned*);
    uint64_t flags;  // 1 read-only, 2 copied
    MinpyDLTensor tensor;
};
}

namespace minpy {

// `T` is one of the two structs above. The tensor holds the array until its deleter is called, on any thread.
template <class T> T* to_dlpack(const Array& a, bool copied);
// Takes the tensor over; on failure it is the caller's still.
template <class T> Array from_dlpack(T* t);

}  // namespace minpy
