/* The plugin ABI: what a device backend gives to MinPy, and what it gets. Installed as <minpy/backend.h>.
 *
 * A backend is a shared library that links nothing of libminpy and exports one function,
 *     minpy_status minpy_backend_init_v1(const minpy_host_api *host, minpy_backend *out);
 * It is looked for in lib/minpy/backends-<abi>/ beside libminpy, in MINPY_BACKEND_PATH (absolute folders, colons
 * between) and by minpy_backend_load; never in the current folder. Both sides check abi_version for equality and
 * struct_size for at least what they know. The backend registers one kernel per operator it has; what it has not, or
 * what `supports` refuses, runs on the CPU and is reported as a fallback. No function here may throw. */
#ifndef MINPY_BACKEND_H
#define MINPY_BACKEND_H
#if defined(MINPY_BUILDING)
#include "core/registry/abi_types.h"
#else
#include "types.h"
#endif
#ifdef __cplusplus
extern "C" {
#endif
#define MINPY_BACKEND_ABI 1

/** A strided window on device memory. `data` is the address of element 0; strides are bytes and may be 0 or negative. */
typedef struct minpy_tensor {
    void* data;
    const int64_t* shape;
    const int64_t* strides;
    int32_t ndim;
    minpy_dtype dtype;
    uint64_t token; /* names the memory in minpy_host_api.poison */
} minpy_tensor;

typedef struct minpy_kernel_call {
    uint32_t struct_size;
    int32_t device_index;
    const char* op; /* NumPy's name of the operator */
    const minpy_tensor* inputs;
    const minpy_tensor* outputs; /* allocated and C-contiguous unless the caller passed out= */
    int32_t n_inputs;
    int32_t n_outputs;
    const minpy_value* attributes; /* by position in the schema, defaults filled in; array parameters are NONE */
    int32_t n_attributes;
    int32_t reserved;
    void* stream; /* what stream_create returned, or NULL for the device's default */
    void* call;   /* the host's, for workspace and error */
} minpy_kernel_call;

/** 1 if the kernel takes this call (dtypes, ranks and attributes; data pointers may be NULL), else 0 with `*reason`
 *  set to one of "dtype", "rank", "attribute" (static text). */
typedef int32_t (*minpy_kernel_supports_fn)(void* payload, const minpy_kernel_call* call, const char** reason);
/** Enqueues the operator on the call's stream. May return before it has run. */
typedef minpy_status (*minpy_kernel_fn)(void* payload, const minpy_kernel_call* call);

typedef struct minpy_kernel_desc {
    uint32_t struct_size;
    uint32_t flags;
    const char* op;
    void* payload;
    minpy_kernel_supports_fn supports; /* NULL: takes all */
    minpy_kernel_fn run;
} minpy_kernel_desc;

/** The device's memory and queues. Asynchronous copies and kernels of one stream run in order. */
typedef struct minpy_device_api {
    uint32_t struct_size;
    int32_t kind;  /* DLPack's device number */
    int32_t count; /* how many devices */
    int32_t reserved;
    const char* name; /* "cuda" */
    minpy_status (*info)(int32_t index, char name[64], uint64_t* total_bytes, uint64_t* free_bytes);
    minpy_status (*allocate)(int32_t index, uint64_t bytes, void** out); /* E_NOMEM when refused */
    void (*deallocate)(int32_t index, void* data, uint64_t bytes);
    minpy_status (*copy_in)(int32_t index, void* stream, void* to, const void* host_from, uint64_t bytes);
    minpy_status (*copy_out)(int32_t index, void* stream, void* host_to, const void* from, uint64_t bytes); /* waits */
    minpy_status (*copy)(int32_t index, void* stream, void* to, const void* from, uint64_t bytes);
    minpy_status (*stream_create)(int32_t index, void** out);
    void (*stream_destroy)(int32_t index, void* stream);
    minpy_status (*stream_synchronize)(int32_t index, void* stream);
    minpy_status (*stream_wait)(int32_t index, void* stream, void* on); /* `stream` waits for `on`, on the device */
    void* (*stream_native)(int32_t index, void* stream);
} minpy_device_api;

/** What the host gives. Valid as long as the process lives. */
typedef struct minpy_host_api {
    uint32_t struct_size;
    uint32_t abi_version; /* MINPY_BACKEND_ABI of the host */
    uint32_t library_version;
    uint32_t reserved;
    minpy_status (*register_kernel)(minpy_device_api* device, const minpy_kernel_desc* kernel);
    /** Memory on the call's device that lives until the stream has passed the call. */
    minpy_status (*workspace)(const minpy_kernel_call* call, uint64_t bytes, void** out);
    /** Sets the error text of this call and returns `code`. */
    minpy_status (*fail)(const minpy_kernel_call* call, minpy_status code, const char* message);
    /** A kernel failed after `run` had returned: every read of this memory reports it. Any thread. */
    void (*poison)(uint64_t token, minpy_status code, const char* op, const char* message);
    /** Calls visit(payload, operator, functor) for every element-wise operator; `functor` is the C++ name of its
     *  arithmetic in the family headers. Both texts live as long as the process. */
    minpy_status (*visit_elementwise)(void (*visit)(void* payload, const char* op, const char* functor), void* payload);
} minpy_host_api;

typedef struct minpy_backend {
    uint32_t struct_size;
    uint32_t abi_version; /* MINPY_BACKEND_ABI of the plugin */
    const char* name;
    const char* version;
    minpy_device_api* device; /* static in the plugin */
} minpy_backend;

typedef minpy_status (*minpy_backend_init_fn)(const minpy_host_api* host, minpy_backend* out);

#ifdef __cplusplus
}
#endif
#endif
