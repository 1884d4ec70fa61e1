// What every language's interface file shares: the public header as SWIG reads it. A language includes this file after
// its typemaps. The header's parameter names are the patterns: `out`, `io`, `n_x` after `x`.
%include <stdint.i>

// Handles are opaque and come with their own release functions.
%nodefaultctor;
%nodefaultdtor;
struct minpy_array_s {};
struct minpy_op_s {};
struct minpy_context_s {};
struct minpy_function_s {};
struct minpy_symbol_s {};
struct minpy_tape_s {};
struct minpy_stream_s {};
struct minpy_rng_s {};
struct minpy_scope_s {};
struct minpy_error_s {};
struct minpy_buffer_s {};
struct minpy_archive_s {};

#define MINPY_API
%include <minpy/types.h>
%include <minpy/minpy.h>
