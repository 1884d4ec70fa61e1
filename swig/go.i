/* Go's view of minpy.h, for bindings/go/minpy/internal/capi; tools/generate_go runs SWIG on it.
 *
 * A handle is a uintptr, a device an int64, a struct an unsafe.Pointer to its Go twin (layout.go). A status becomes the
 * error itself: mg_error takes it in the same C frame, so a goroutine that moves to another thread between two calls
 * cannot lose it or read a stranger's. */
%module capi
%include <stdint.i>
%{
#include <minpy/minpy.h>
#include "shim.h"
%}

%typemap(gotype) minpy_status "uint64"
%typemap(out) minpy_status %{ $result = mg_error($1); %}

%define HANDLE(type)
%typemap(gotype) type "uintptr"
%typemap(in) type %{ $1 = ($1_ltype)$input; %}
%typemap(out) type %{ $result = $1; %}
%typemap(gotype) type *, const type * "*uintptr"
%ignore type##_s;
%enddef
HANDLE(minpy_array)
HANDLE(minpy_op)
HANDLE(minpy_context)
HANDLE(minpy_function)
HANDLE(minpy_symbol)
HANDLE(minpy_tape)
HANDLE(minpy_stream)
HANDLE(minpy_rng)
HANDLE(minpy_scope)
HANDLE(minpy_error)
HANDLE(minpy_buffer)
HANDLE(minpy_archive)

%typemap(gotype) minpy_device "int64"
%typemap(in) minpy_device %{ $1.kind = (int32_t)$input; $1.index = (int32_t)($input >> 32); %}
%typemap(gotype) const int64_t *, int64_t * "*int64"
%typemap(gotype) uint64_t *, uint64_t [3] "*uint64"
%typemap(gotype) int32_t *, minpy_dtype * "*int32"
%typemap(gotype) const void *, void *, void **, mg_frame *, const minpy_value *, minpy_value *, minpy_array_info *,
                 minpy_context_info *, minpy_op_info *, minpy_param_info *, minpy_device_info *, minpy_memory_stats *,
                 const char *const * "unsafe.Pointer"

/* Structs have Go twins; what takes callbacks or returns memory has a function in shim.h or callback.go instead. */
%rename("$ignore", %$isclass) "";
%rename("$ignore", %$isenumitem) "";
%rename("$ignore", %$isenum) "";
%ignore minpy_array_borrow;
%ignore minpy_function_new;
%ignore minpy_function_from_symbol;
%ignore minpy_symbol_apply;
%ignore minpy_memory_set_reclaim;
%ignore minpy_log_set;
%ignore minpy_buffer_data;
%ignore minpy_invoke;
%ignore minpy_function_call;
%ignore minpy_npz_save;
%rename("$ignore", regexmatch$name="dlpack") "";

%include "minpy/types.h"
%include "minpy/minpy.h"
%include "shim.h"
