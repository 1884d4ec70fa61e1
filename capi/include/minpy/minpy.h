/* libminpy: NumPy's arrays on CPU and GPU, with gradients and symbol graphs, behind one stable C ABI.
 *
 * Conventions, which hold unless a comment says otherwise:
 * - Every function that can fail returns a minpy_status; the text is in minpy_last_error_message. Outputs come last, are
 *   named `out`, belong to the caller and are untouched on failure. Accessors that cannot fail return values.
 * - Handles are opaque and counted: `retain` adds a reference, `release` drops one; release(NULL) does nothing.
 * - Structs begin with struct_size, set by the caller (the MINPY_*_INIT macros do it), and grow at their end only.
 * - Any function may be called from any thread. A NULL context means the thread's current one.
 * - The library never exits, aborts or prints, and installs no signal handlers. */
#ifndef MINPY_H
#define MINPY_H
#if defined(MINPY_BUILDING)
#include "core/registry/abi_types.h"
#else
#include "types.h"
#endif

#ifndef MINPY_API
#if defined(__GNUC__)
#define MINPY_API __attribute__((visibility("default")))
#else
#define MINPY_API
#endif
#endif
/* The ABI of this header; the library checks it in minpy_initialize. */
#define MINPY_ABI_VERSION 0

#ifdef __cplusplus
extern "C" {
#endif

typedef struct minpy_array_s *minpy_array;       /* an n-dimensional array: a window on shared storage */
typedef struct minpy_op_s *minpy_op;             /* an operator; interned, never released */
typedef struct minpy_context_s *minpy_context;   /* device, stream, policy, tape, random state and scope of calls */
typedef struct minpy_function_s *minpy_function; /* a callable: from a symbol or from callbacks */
typedef struct minpy_symbol_s *minpy_symbol;     /* an expression graph */
typedef struct minpy_tape_s *minpy_tape;         /* a recording */
typedef struct minpy_stream_s *minpy_stream;     /* a queue of a device */
typedef struct minpy_rng_s *minpy_rng;           /* a random stream */
typedef struct minpy_scope_s *minpy_scope;       /* arrays that are released together */
typedef struct minpy_error_s *minpy_error;       /* a detached error */
typedef struct minpy_buffer_s *minpy_buffer;     /* owned bytes: text, JSON, files */
typedef struct minpy_archive_s *minpy_archive;   /* the named arrays of an npz file */

/* ---- version, start and stop ------------------------------------------------------------------------------------ */

/** Version of the library loaded, 0xMMmmpp. */
MINPY_API uint32_t minpy_version(void);
MINPY_API uint32_t minpy_abi_version(void);
/** Checks that header and library fit: pass MINPY_ABI_VERSION. Optional and counted; every function works without it.
 *  @return 0, MINPY_E_ABI with both versions in the text */
MINPY_API minpy_status minpy_initialize(uint32_t header_abi);
/** Drops what minpy_initialize added; after the last one caches are freed. Handles stay valid. */
MINPY_API minpy_status minpy_shutdown(void);
/** 1 if the library has the named feature ("cuda", "openblas", "onednn", "zlib", "debug"), else 0. */
MINPY_API int32_t minpy_has_feature(const char *name);

/* ---- errors ----------------------------------------------------------------------------------------------------- */

/** Text of this thread's last error: operator, argument, shapes and dtypes. Valid until its next failing call. */
MINPY_API const char *minpy_last_error_message(void);
/** Takes this thread's last error away, as an object that may cross threads.
 *  @return 0, MINPY_E_NOTFOUND if there is none */
MINPY_API minpy_status minpy_error_take(minpy_error *out);
MINPY_API minpy_status minpy_error_code(minpy_error e);
enum {
    MINPY_ERROR_MESSAGE = 0,  /* NumPy's sentence where NumPy has one, without a prefix */
    MINPY_ERROR_OP = 1,       /* the operator, or "" */
    MINPY_ERROR_ARGUMENT = 2, /* the argument, or "" */
    MINPY_ERROR_KIND = 3,     /* the class of NumPy's exception: "ValueError", "AxisError", "LinAlgError" … */
    MINPY_ERROR_FULL = 4      /* what minpy_last_error_message gives: "add: operands … [float64(2,3), int64(4)]" */
};
/** A part of the error, MINPY_ERROR_*; borrowed from `e`, never NULL. */
MINPY_API const char *minpy_error_text(minpy_error e, int32_t what);
MINPY_API void minpy_error_release(minpy_error e);
/** For callbacks: sets this thread's error and returns `code`. `kind` may be NULL. */
MINPY_API minpy_status minpy_error_set(minpy_status code, const char *kind, const char *message);

/** The bytes, followed by a NUL that `size` does not count; borrowed. `size` may be NULL. */
MINPY_API const char *minpy_buffer_data(minpy_buffer b, uint64_t *size);
MINPY_API void minpy_buffer_release(minpy_buffer b);

/* ---- arrays ----------------------------------------------------------------------------------------------------- */

enum {
    MINPY_ARRAY_C_CONTIGUOUS = 1,
    MINPY_ARRAY_F_CONTIGUOUS = 2,
    MINPY_ARRAY_WRITEABLE = 4,
    MINPY_ARRAY_OWNS_DATA = 8, /* not a view */
    MINPY_ARRAY_TRACED = 16,   /* a tape follows it */
    MINPY_ARRAY_PENDING = 32   /* not computed yet */
};
/** What minpy_array_get_info tells. shape and strides (in bytes) are borrowed from the array and live as long as it. */
typedef struct minpy_array_info {
    uint32_t struct_size;
    minpy_dtype dtype;
    int32_t ndim;
    uint32_t flags; /* MINPY_ARRAY_* */
    minpy_device device;
    const int64_t *shape;
    const int64_t *strides;
    int64_t size;     /* number of elements */
    int64_t nbytes;   /* size times itemsize */
    uint64_t storage; /* names the memory: equal for views of one another */
} minpy_array_info;
#define MINPY_ARRAY_INFO_INIT \
    { sizeof(minpy_array_info), 0, 0, 0, {0, 0}, NULL, NULL, 0, 0, 0 }

/** A new C-contiguous array of zeros.
 *  @param shape  `ndim` sizes, each >= 0; their product times the item size must fit in 63 bits
 *  @param ndim   0 to 64
 *  @return 0, MINPY_E_SHAPE, MINPY_E_TYPE, MINPY_E_NOMEM */
MINPY_API minpy_status minpy_array_zeros(const int64_t *shape, int32_t ndim, minpy_dtype dtype, minpy_device device,
                                         minpy_array *out);
/** A new array with a copy of host memory.
 *  @param strides  in bytes; NULL for C order */
MINPY_API minpy_status minpy_array_from_host(const void *data, const int64_t *shape, const int64_t *strides,
                                             int32_t ndim, minpy_dtype dtype, minpy_device device, minpy_array *out);
/** An array on the caller's memory, without a copy. The caller keeps `data` valid until `destroy` is called with
 *  `payload` (also when this function fails, before it returns). Writes on either side are seen on the other.
 *  @param flags  MINPY_BORROW_READONLY or 0 */
enum { MINPY_BORROW_READONLY = 1 };
MINPY_API minpy_status minpy_array_borrow(void *data, const int64_t *shape, const int64_t *strides, int32_t ndim,
                                          minpy_dtype dtype, minpy_device device, uint32_t flags, void *payload,
                                          minpy_destroy_fn destroy, minpy_array *out);
/** Copies the elements to host memory of `nbytes` bytes, in C order or by byte `strides`; waits for the device. */
MINPY_API minpy_status minpy_array_to_host(minpy_array a, void *data, uint64_t nbytes, const int64_t *strides);
/** @param io  struct_size set by the caller */
MINPY_API minpy_status minpy_array_get_info(minpy_array a, minpy_array_info *io);
/** The number of dimensions, and of elements; -1 for NULL. */
MINPY_API int32_t minpy_array_ndim(minpy_array a);
MINPY_API int64_t minpy_array_size(minpy_array a);
/** Address of element 0 (device memory on a device); waits until it is computed. The storage counts as exposed from
 *  here on: others may write it unseen. */
MINPY_API minpy_status minpy_array_data(minpy_array a, void **out);
/** The one element of an array of size 1, as a SCALAR value with the array's dtype. Free with minpy_values_release. */
MINPY_API minpy_status minpy_array_item(minpy_array a, minpy_value *out);
/** One element, where that needs nothing but a look: the array is computed, on the CPU and on no tape, and `index` is an
 *  int within bounds for each dimension. No error otherwise: minpy_array_get gives the element, or says why there is none.
 *  @param out  a SCALAR value with the array's dtype; complex128 is never looked at
 *  @return 1 if it was read, else 0 */
MINPY_API int32_t minpy_array_element(minpy_array a, const minpy_value *index, int32_t n, minpy_value *out);
/** a[index]: ints, slices, ellipsis, newaxis, bools and arrays, with NumPy's rules. A view for basic indices. */
MINPY_API minpy_status minpy_array_get(minpy_array a, const minpy_value *index, int32_t n, minpy_array *out);
/** a[index] = value, with NumPy's rules; value is an array or a number. */
MINPY_API minpy_status minpy_array_set(minpy_array a, const minpy_value *index, int32_t n, const minpy_value *value);
/** A strided window on the storage of `a`: a view. `offset` and strides are in bytes, offset counts from element 0 of a.
 *  @return 0, MINPY_E_INVALID if the window leaves the storage */
MINPY_API minpy_status minpy_array_as_strided(minpy_array a, minpy_dtype dtype, const int64_t *shape,
                                              const int64_t *strides, int32_t ndim, int64_t offset, minpy_array *out);
/** A copy on `device`, or a new reference if it is there already. */
MINPY_API minpy_status minpy_array_to_device(minpy_array a, minpy_device device, minpy_array *out);
/** NumPy's str(). */
MINPY_API minpy_status minpy_array_to_string(minpy_array a, minpy_buffer *out);
/** Waits until the array is computed and reports what went wrong. */
MINPY_API minpy_status minpy_array_wait(minpy_array a);
MINPY_API minpy_array minpy_array_retain(minpy_array a);
/** Any thread; never blocks. */
MINPY_API void minpy_array_release(minpy_array a);
MINPY_API void minpy_arrays_release(minpy_array *a, int32_t n);
/** NumPy's result_type over the first `n` values: arrays, numbers (weak or strong) and dtypes. */
MINPY_API minpy_status minpy_result_type(const minpy_value *values, int32_t n, minpy_dtype *out);
/** "float64", or NULL for a number that is no dtype. Static. */
MINPY_API const char *minpy_dtype_name(minpy_dtype dtype);
/** Bytes of one element, 0 for a number that is no dtype. */
MINPY_API int32_t minpy_dtype_size(minpy_dtype dtype);

/* ---- context: where and how calls run ----------------------------------------------------------------------------- */

enum { MINPY_POLICY_PREFER_DEVICE = 0, MINPY_POLICY_ONLY_CPU = 1, MINPY_POLICY_ONLY_DEVICE = 2 };
enum { MINPY_FALLBACK_ALLOW = 0, MINPY_FALLBACK_WARN = 1, MINPY_FALLBACK_ERROR = 2 };
typedef struct minpy_context_info {
    uint32_t struct_size;
    int32_t policy;   /* MINPY_POLICY_* */
    int32_t fallback; /* MINPY_FALLBACK_*: the reaction */
    int32_t training; /* 1 while operators such as dropout are to train */
    minpy_device device;
    minpy_tape tape;     /* borrowed; NULL if none records */
    minpy_stream stream; /* borrowed; NULL for the device's default */
    minpy_rng rng;       /* borrowed */
    minpy_scope scope;   /* borrowed; NULL if none is open */
} minpy_context_info;

/** A copy of the thread's current context; first values come from MINPY_DEVICE, MINPY_POLICY and MINPY_FALLBACK. */
MINPY_API minpy_status minpy_context_new(minpy_context *out);
MINPY_API void minpy_context_release(minpy_context c);
/** Makes `c` the thread's current one until the matching pop; nests. */
MINPY_API minpy_status minpy_context_push(minpy_context c);
MINPY_API minpy_status minpy_context_pop(void);
MINPY_API minpy_status minpy_context_get_info(minpy_context c, minpy_context_info *io);
MINPY_API minpy_status minpy_context_set_device(minpy_context c, minpy_device device);
MINPY_API minpy_status minpy_context_set_policy(minpy_context c, int32_t policy, int32_t fallback);
MINPY_API minpy_status minpy_context_set_training(minpy_context c, int32_t training);
MINPY_API minpy_status minpy_context_set_stream(minpy_context c, minpy_stream stream);
MINPY_API minpy_status minpy_context_set_tape(minpy_context c, minpy_tape tape);
MINPY_API minpy_status minpy_context_set_rng(minpy_context c, minpy_rng rng);
MINPY_API minpy_status minpy_context_set_scope(minpy_context c, minpy_scope scope);

/* ---- operators ---------------------------------------------------------------------------------------------------- */

/** @return 0, MINPY_E_NOTFOUND naming what comes close */
MINPY_API minpy_status minpy_op_find(const char *name, minpy_op *out);
MINPY_API const char *minpy_op_name(minpy_op op);
/** All operators' schemas as a JSON array: name, signature, parameters, kinds, defaults, doc, properties. */
MINPY_API minpy_status minpy_op_list(minpy_buffer *out);
/** One operator's schema as JSON. */
MINPY_API minpy_status minpy_op_schema(minpy_op op, minpy_buffer *out);

enum {
    MINPY_PARAM_ARRAY = 1,  /* an array or number */
    MINPY_PARAM_ARRAYS = 2, /* a list of arrays */
    MINPY_PARAM_BOOL = 3,
    MINPY_PARAM_INT = 4,
    MINPY_PARAM_FLOAT = 5,
    MINPY_PARAM_STRING = 6,
    MINPY_PARAM_INTS = 7, /* an int or a list of ints: a shape, repeats, shifts */
    MINPY_PARAM_AXIS = 8, /* an int */
    MINPY_PARAM_AXES = 9, /* an int or a list of ints; NONE for all */
    MINPY_PARAM_DTYPE = 10,
    MINPY_PARAM_SCALAR = 11, /* a number; stays a number */
    MINPY_PARAM_DEVICE = 12,
    MINPY_PARAM_FLOATS = 13,
    MINPY_PARAM_INDEX = 14, /* VALUES: an index expression */
    MINPY_PARAM_FUNCTION = 15,
    MINPY_PARAM_VALUE = 16 /* anything; the operator checks it */
};
enum {
    MINPY_PARAM_OPTIONAL = 1, /* NONE is allowed */
    MINPY_PARAM_HAS_DEFAULT = 2,
    MINPY_PARAM_POSITIONAL_ONLY = 4,
    MINPY_PARAM_KEYWORD_ONLY = 8
};
typedef struct minpy_param_info {
    uint32_t struct_size;
    int32_t kind;   /* MINPY_PARAM_* */
    uint32_t flags; /* MINPY_PARAM_OPTIONAL … */
    uint32_t reserved;
    const char *name;  /* NumPy's; static */
    minpy_value value; /* the default; borrowed */
} minpy_param_info;
typedef struct minpy_op_info {
    uint32_t struct_size;
    uint32_t flags; /* MINPY_OP_* */
    int32_t n_params;
    int32_t n_inputs;  /* of an element-wise operator, else 0 */
    int32_t n_outputs; /* 0: as many as the call gives */
    int32_t identity;  /* reserved */
    const char *name;
    const char *signature; /* "sum(a, axis=None, …)" */
    const char *doc;
} minpy_op_info;
enum {
    MINPY_OP_ELEMENTWISE = 1,
    MINPY_OP_SCALAR_RESULT = 2, /* in Python a 0-d result becomes a NumPy scalar */
    MINPY_OP_VIEW = 4,          /* the result shares the operand's storage where it can */
    MINPY_OP_DIFFERENTIABLE = 8,
    MINPY_OP_COMPOSITE = 16,
    MINPY_OP_RANDOM = 32,
    MINPY_OP_LIST_RESULT = 64 /* results are a list of any length */
};
MINPY_API minpy_status minpy_op_get_info(minpy_op op, minpy_op_info *io);
/** @param i  0 to n_params - 1 */
MINPY_API minpy_status minpy_op_param(minpy_op op, int32_t i, minpy_param_info *io);

enum {
    MINPY_CASTING_NO = 1,
    MINPY_CASTING_EQUIV = 2,
    MINPY_CASTING_SAFE = 3,
    MINPY_CASTING_SAME_KIND = 4,
    MINPY_CASTING_UNSAFE = 5
};
enum { MINPY_CALL_LAST_USE = 65536 };
#define MINPY_CALL_GIVES(i) (1u << (i)) /* i < 16 */
/** Options of one call; all zero (but struct_size) are the defaults.
 *
 *  MINPY_CALL_GIVES(i) in `flags` gives argument i up, an array: a call that succeeds releases the caller's handle, and may
 *  have put the result into its memory if nobody else refers to that; after an error the handle is the caller's as before.
 *  MINPY_CALL_LAST_USE is a hint that the caller will hardly look at the arguments again, so that elements which are not
 *  computed yet need not be kept; they stay valid. */
typedef struct minpy_call_options {
    uint32_t struct_size;
    uint32_t flags;
    minpy_context context; /* NULL: the thread's current one */
    minpy_array *out;      /* `n_out` arrays to write the results into; entries may be NULL */
    int32_t n_out;
    int32_t casting;   /* MINPY_CASTING_*; 0 means same_kind */
    minpy_array where; /* element-wise operators: a bool array; where it is false `out` keeps its content */
    minpy_dtype dtype; /* element-wise operators: compute in this dtype; 0 by the arguments */
    int32_t order;     /* 'K' 'A' 'C' 'F'; 0 means 'K' */
} minpy_call_options;
#define MINPY_CALL_OPTIONS_INIT \
    { sizeof(minpy_call_options), 0, NULL, NULL, 0, 0, NULL, 0, 0 }
/** Calls any operator.
 *  @param args       by position in the schema; missing ones at the end, and MINPY_V_DEFAULT, take the default
 *  @param options    NULL for the defaults
 *  @param results    room for `*n_results` values; each is an ARRAY (or what the schema says) owned by the caller
 *  @param n_results  in: the room; out: the number of results
 *  @return 0; MINPY_E_INVALID if the room is too small, with the needed number in *n_results and nothing done */
MINPY_API minpy_status minpy_invoke(minpy_op op, const minpy_value *args, int32_t n_args,
                                    const minpy_call_options *options, minpy_value *results, int32_t *n_results);
/** Releases what the values of a result own, and sets them to NONE. */
MINPY_API void minpy_values_release(minpy_value *v, int32_t n);

/* >>> typed functions: generated by tools/generate_c from the schema. Do not edit. */
/** Sum, element by element; of bools, the logical or.
 *  @param x1  an array
 *  @param x2  an array */
MINPY_API minpy_status minpy_add(minpy_array x1, minpy_array x2, minpy_array *out);
/** Difference, element by element.
 *  @param x1  an array
 *  @param x2  an array */
MINPY_API minpy_status minpy_subtract(minpy_array x1, minpy_array x2, minpy_array *out);
/** Product, element by element; of bools, the logical and.
 *  @param x1  an array
 *  @param x2  an array */
MINPY_API minpy_status minpy_multiply(minpy_array x1, minpy_array x2, minpy_array *out);
/** Quotient, element by element; of integers, in float64.
 *  @param x1  an array
 *  @param x2  an array */
MINPY_API minpy_status minpy_divide(minpy_array x1, minpy_array x2, minpy_array *out);
/** The largest whole number not above x1/x2, element by element; integers by zero give 0.
 *  @param x1  an array
 *  @param x2  an array */
MINPY_API minpy_status minpy_floor_divide(minpy_array x1, minpy_array x2, minpy_array *out);
/** x1 - x2*floor(x1/x2), element by element: with the sign of x2, as Python's %.
 *  @param x1  an array
 *  @param x2  an array */
MINPY_API minpy_status minpy_remainder(minpy_array x1, minpy_array x2, minpy_array *out);
/** x1**x2, element by element; integers to negative integer powers are refused.
 *  @param x1  an array
 *  @param x2  an array */
MINPY_API minpy_status minpy_power(minpy_array x1, minpy_array x2, minpy_array *out);
/** -x, element by element.
 *  @param x  an array */
MINPY_API minpy_status minpy_negative(minpy_array x, minpy_array *out);
/** x*x, element by element.
 *  @param x  an array */
MINPY_API minpy_status minpy_square(minpy_array x, minpy_array *out);
/** The non-negative square root, element by element.
 *  @param x  an array */
MINPY_API minpy_status minpy_sqrt(minpy_array x, minpy_array *out);
/** |x|, element by element; of complex numbers the modulus, which is real.
 *  @param x  an array */
MINPY_API minpy_status minpy_absolute(minpy_array x, minpy_array *out);
/** Where the first largest element is, along an axis or in the flattened array; the first NaN, if there is one.
 *  @param a  an array
 *  @param axis  an axis, negative from the end; NULL: over all
 *  @param keepdims  0 or 1 */
MINPY_API minpy_status minpy_argmax(minpy_array a, const int64_t *axis, int32_t keepdims, minpy_array *out);
/** Where the first smallest element is, along an axis or in the flattened array; the first NaN, if there is
 *  one.
 *  @param a  an array
 *  @param axis  an axis, negative from the end; NULL: over all
 *  @param keepdims  0 or 1 */
MINPY_API minpy_status minpy_argmin(minpy_array a, const int64_t *axis, int32_t keepdims, minpy_array *out);
/** Bits set in both, element by element.
 *  @param x1  an array
 *  @param x2  an array */
MINPY_API minpy_status minpy_bitwise_and(minpy_array x1, minpy_array x2, minpy_array *out);
/** Bits set in one or both, element by element.
 *  @param x1  an array
 *  @param x2  an array */
MINPY_API minpy_status minpy_bitwise_or(minpy_array x1, minpy_array x2, minpy_array *out);
/** Bits set in just one, element by element.
 *  @param x1  an array
 *  @param x2  an array */
MINPY_API minpy_status minpy_bitwise_xor(minpy_array x1, minpy_array x2, minpy_array *out);
/** Whether x1 == x2, element by element.
 *  @param x1  an array
 *  @param x2  an array */
MINPY_API minpy_status minpy_equal(minpy_array x1, minpy_array x2, minpy_array *out);
/** Whether x1 != x2, element by element.
 *  @param x1  an array
 *  @param x2  an array */
MINPY_API minpy_status minpy_not_equal(minpy_array x1, minpy_array x2, minpy_array *out);
/** Whether x1 < x2, element by element; complex numbers by their real parts, then by their imaginary parts.
 *  @param x1  an array
 *  @param x2  an array */
MINPY_API minpy_status minpy_less(minpy_array x1, minpy_array x2, minpy_array *out);
/** Whether x1 <= x2, element by element; complex numbers as in less.
 *  @param x1  an array
 *  @param x2  an array */
MINPY_API minpy_status minpy_less_equal(minpy_array x1, minpy_array x2, minpy_array *out);
/** Whether x1 > x2, element by element; complex numbers as in less.
 *  @param x1  an array
 *  @param x2  an array */
MINPY_API minpy_status minpy_greater(minpy_array x1, minpy_array x2, minpy_array *out);
/** Whether x1 >= x2, element by element; complex numbers as in less.
 *  @param x1  an array
 *  @param x2  an array */
MINPY_API minpy_status minpy_greater_equal(minpy_array x1, minpy_array x2, minpy_array *out);
/** The complex conjugate, element by element.
 *  @param x  an array */
MINPY_API minpy_status minpy_conjugate(minpy_array x, minpy_array *out);
/** Exponential, e**x, element by element.
 *  @param x  an array */
MINPY_API minpy_status minpy_exp(minpy_array x, minpy_array *out);
/** Natural logarithm, element by element.
 *  @param x  an array */
MINPY_API minpy_status minpy_log(minpy_array x, minpy_array *out);
/** Hyperbolic tangent, element by element.
 *  @param x  an array */
MINPY_API minpy_status minpy_tanh(minpy_array x, minpy_array *out);
/** Whether both are not zero, element by element.
 *  @param x1  an array
 *  @param x2  an array */
MINPY_API minpy_status minpy_logical_and(minpy_array x1, minpy_array x2, minpy_array *out);
/** Whether one is not zero, element by element.
 *  @param x1  an array
 *  @param x2  an array */
MINPY_API minpy_status minpy_logical_or(minpy_array x1, minpy_array x2, minpy_array *out);
/** Whether x is zero, element by element.
 *  @param x  an array */
MINPY_API minpy_status minpy_logical_not(minpy_array x, minpy_array *out);
/** The largest whole number not above x, element by element.
 *  @param x  an array */
MINPY_API minpy_status minpy_floor(minpy_array x, minpy_array *out);
/** The smallest whole number not below x, element by element.
 *  @param x  an array */
MINPY_API minpy_status minpy_ceil(minpy_array x, minpy_array *out);
/** x where the condition is true, else y.
 *  @param condition  an array
 *  @param x  an array
 *  @param y  an array */
MINPY_API minpy_status minpy_where(minpy_array condition, minpy_array x, minpy_array y, minpy_array *out);
/** The larger of two, element by element; NaN if one is NaN.
 *  @param x1  an array
 *  @param x2  an array */
MINPY_API minpy_status minpy_maximum(minpy_array x1, minpy_array x2, minpy_array *out);
/** The smaller of two, element by element; NaN if one is NaN.
 *  @param x1  an array
 *  @param x2  an array */
MINPY_API minpy_status minpy_minimum(minpy_array x1, minpy_array x2, minpy_array *out);
/** The nearest numbers between a_min and a_max (also called min and max), either of which may be None.
 *  @param a  an array
 *  @param a_min  an array (NULL: none)
 *  @param a_max  an array (NULL: none) */
MINPY_API minpy_status minpy_clip(minpy_array a, minpy_array a_min, minpy_array a_max, minpy_array *out);
/** 1 / (1 + exp(-x)), element by element.
 *  @param x  an array */
MINPY_API minpy_status minpy_sigmoid(minpy_array x, minpy_array *out);
/** max(x, 0), element by element.
 *  @param x  an array */
MINPY_API minpy_status minpy_relu(minpy_array x, minpy_array *out);
/** Sine, element by element; x in radians.
 *  @param x  an array */
MINPY_API minpy_status minpy_sin(minpy_array x, minpy_array *out);
/** Cosine, element by element; x in radians.
 *  @param x  an array */
MINPY_API minpy_status minpy_cos(minpy_array x, minpy_array *out);
/** exp(x) / sum(exp(x)) along an axis.
 *  @param x  an array
 *  @param axis  an axis, negative from the end */
MINPY_API minpy_status minpy_softmax(minpy_array x, int64_t axis, minpy_array *out);
/** The logarithm of softmax, without overflow.
 *  @param x  an array
 *  @param axis  an axis, negative from the end */
MINPY_API minpy_status minpy_log_softmax(minpy_array x, int64_t axis, minpy_array *out);
/** Matrix product of the last two axes; leading axes broadcast, vectors count as rows and columns.
 *  @param x1  an array
 *  @param x2  an array */
MINPY_API minpy_status minpy_matmul(minpy_array x1, minpy_array x2, minpy_array *out);
/** Sum of products over the last axis of a and the last but one of b; a product where one is a number.
 *  @param a  an array
 *  @param b  an array */
MINPY_API minpy_status minpy_dot(minpy_array a, minpy_array b, minpy_array *out);
/** The elements in a new shape; a view where strides allow. One size may be -1.
 *  @param a  an array
 *  @param shape  `n_shape` integers */
MINPY_API minpy_status minpy_reshape(minpy_array a, const int64_t *shape, int32_t n_shape, minpy_array *out);
/** The axes in another order, reversed by default; a view.
 *  @param a  an array */
MINPY_API minpy_status minpy_transpose(minpy_array a, minpy_array *out);
/** A view of a larger shape in which sizes of 1 are repeated without a copy.
 *  @param array  an array
 *  @param shape  `n_shape` integers */
MINPY_API minpy_status minpy_broadcast_to(minpy_array array, const int64_t *shape, int32_t n_shape, minpy_array *out);
/** The elements converted to a dtype: a copy.
 *  @param x  an array
 *  @param dtype  MINPY_FLOAT64 …; 0: by the operands */
MINPY_API minpy_status minpy_astype(minpy_array x, minpy_dtype dtype, minpy_array *out);
/** A copy in C order.
 *  @param a  an array */
MINPY_API minpy_status minpy_copy(minpy_array a, minpy_array *out);
/** Without axes of size 1, all of them or those given; a view.
 *  @param a  an array */
MINPY_API minpy_status minpy_squeeze(minpy_array a, minpy_array *out);
/** With new axes of size 1 at these places of the result; a view.
 *  @param a  an array
 *  @param axis  `n_axis` axes, negative from the end; NULL: all */
MINPY_API minpy_status minpy_expand_dims(minpy_array a, const int64_t *axis, int32_t n_axis, minpy_array *out);
/** Arrays one after the other along an axis; flattened for None.
 *  @param arrays  `n_arrays` arrays */
MINPY_API minpy_status minpy_concatenate(const minpy_array *arrays, int32_t n_arrays, minpy_array *out);
/** Arrays of one shape along a new axis.
 *  @param arrays  `n_arrays` arrays */
MINPY_API minpy_status minpy_stack(const minpy_array *arrays, int32_t n_arrays, minpy_array *out);
/** The elements at indices along an axis, or of the flattened array.
 *  @param a  an array
 *  @param indices  an array */
MINPY_API minpy_status minpy_take(minpy_array a, minpy_array indices, minpy_array *out);
/** A sorted copy along an axis, flattened for None; NaN comes last.
 *  @param a  an array */
MINPY_API minpy_status minpy_sort(minpy_array a, minpy_array *out);
/** The indices that sort along an axis, equal elements in their order.
 *  @param a  an array */
MINPY_API minpy_status minpy_argsort(minpy_array a, minpy_array *out);
/** Sum of the elements over the given axes; bools and short integers sum in 64 bits.
 *  @param a  an array
 *  @param axis  `n_axis` axes, negative from the end; NULL: all
 *  @param keepdims  0 or 1 */
MINPY_API minpy_status minpy_sum(minpy_array a, const int64_t *axis, int32_t n_axis, int32_t keepdims,
                                 minpy_array *out);
/** Product of the elements over the given axes.
 *  @param a  an array
 *  @param axis  `n_axis` axes, negative from the end; NULL: all
 *  @param keepdims  0 or 1 */
MINPY_API minpy_status minpy_prod(minpy_array a, const int64_t *axis, int32_t n_axis, int32_t keepdims,
                                  minpy_array *out);
/** The largest element over the given axes; NaN where there is one. Equal ones share the gradient.
 *  @param a  an array
 *  @param axis  `n_axis` axes, negative from the end; NULL: all
 *  @param keepdims  0 or 1 */
MINPY_API minpy_status minpy_max(minpy_array a, const int64_t *axis, int32_t n_axis, int32_t keepdims,
                                 minpy_array *out);
/** The smallest element over the given axes; NaN where there is one. Equal ones share the gradient.
 *  @param a  an array
 *  @param axis  `n_axis` axes, negative from the end; NULL: all
 *  @param keepdims  0 or 1 */
MINPY_API minpy_status minpy_min(minpy_array a, const int64_t *axis, int32_t n_axis, int32_t keepdims,
                                 minpy_array *out);
/** Whether any element over the given axes is true, that is not zero.
 *  @param a  an array
 *  @param axis  `n_axis` axes, negative from the end; NULL: all
 *  @param keepdims  0 or 1 */
MINPY_API minpy_status minpy_any(minpy_array a, const int64_t *axis, int32_t n_axis, int32_t keepdims,
                                 minpy_array *out);
/** Whether all elements over the given axes are true, that is not zero.
 *  @param a  an array
 *  @param axis  `n_axis` axes, negative from the end; NULL: all
 *  @param keepdims  0 or 1 */
MINPY_API minpy_status minpy_all(minpy_array a, const int64_t *axis, int32_t n_axis, int32_t keepdims,
                                 minpy_array *out);
/** Running sum along an axis, or of the flattened array.
 *  @param a  an array
 *  @param axis  an axis, negative from the end; NULL: over all */
MINPY_API minpy_status minpy_cumsum(minpy_array a, const int64_t *axis, minpy_array *out);
/** Arithmetic mean over the given axes; of integers in float64, of float16 in float32.
 *  @param a  an array
 *  @param axis  `n_axis` axes, negative from the end; NULL: all
 *  @param keepdims  0 or 1 */
MINPY_API minpy_status minpy_mean(minpy_array a, const int64_t *axis, int32_t n_axis, int32_t keepdims,
                                  minpy_array *out);
/* <<< typed functions */

/* ---- dispatch: which kernel ran where ------------------------------------------------------------------------------ */

/** What ran where since the last reset, as JSON: calls per operator and device, fallbacks with reason
 *  (no_kernel, dtype, rank, attribute, policy, host_array), bytes moved, nanoseconds, and call sites. */
MINPY_API minpy_status minpy_dispatch_report(minpy_buffer *out);
MINPY_API void minpy_dispatch_reset(void);
/** Counts a call that a language face ran elsewhere, such as in NumPy; reacts as the context says.
 *  @return 0, MINPY_E_UNSUPPORTED when the context's reaction is ERROR */
MINPY_API minpy_status minpy_dispatch_count(const char *op, const char *reason, uint64_t bytes, uint64_t nanoseconds,
                                            const char *site);
/** Names the place that following calls of this thread come from, for the report; NULL for none. Copied. */
MINPY_API void minpy_dispatch_site(const char *site);

/* ---- autograd ------------------------------------------------------------------------------------------------------ */

enum {
    MINPY_GRADIENT_RETAIN = 1,        /* the recording stays usable */
    MINPY_GRADIENT_CREATE_GRAPH = 2,  /* the gradients are recorded too, on the same tape */
    MINPY_GRADIENT_NONE_UNREACHED = 4 /* NULL instead of zeros for what the heads do not depend on */
};
/** A new tape. It records while it is the tape of the current context and until it is closed or released. */
MINPY_API minpy_status minpy_tape_new(uint32_t flags, minpy_tape *out);
/** Marks arrays: what is computed from these very handles (or views of them) is recorded. `out[i]` is the handle to
 *  use: the same one with a new reference, or an alias where a[i] is watched already or belongs to an outer tape. */
MINPY_API minpy_status minpy_tape_watch(minpy_tape t, const minpy_array *a, int32_t n, minpy_array *out);
/** Reverse mode: gradients of sum(heads[i] * seeds[i]) with respect to watched arrays or recorded values. What this tape
 *  recorded for the heads is freed on the way, but for what other arrays still need; RETAIN and CREATE_GRAPH keep it.
 *  @param seeds  NULL, or NULL entries, mean ones; each of its head's shape
 *  @param out    `n_wrt` arrays of the shapes and dtypes of wrt; zeros where heads do not depend on them
 *  @return 0, MINPY_E_STATE for what an earlier gradient freed */
MINPY_API minpy_status minpy_tape_gradient(minpy_tape t, const minpy_array *heads, const minpy_array *seeds,
                                           int32_t n_heads, const minpy_array *wrt, int32_t n_wrt, uint32_t flags,
                                           minpy_array *out);
/** Forward mode: directional derivatives of the heads when wrt[i] moves along tangents[i]. */
MINPY_API minpy_status minpy_tape_jvp(minpy_tape t, const minpy_array *heads, int32_t n_heads, const minpy_array *wrt,
                                      const minpy_array *tangents, int32_t n_wrt, minpy_array *out);
/** Ends the recording; handles lose their marks. Gradients are possible no more. */
MINPY_API void minpy_tape_close(minpy_tape t);
MINPY_API minpy_tape minpy_tape_retain(minpy_tape t);
MINPY_API void minpy_tape_release(minpy_tape t);
/** 1 if a tape follows this array, 2 if only a compiled function records what is done with it. */
MINPY_API int32_t minpy_array_is_traced(minpy_array a);

/* ---- functions ------------------------------------------------------------------------------------------------------ */

/** A foreign function over values. Arguments are borrowed for the call, results owned by the library. It runs on the
 *  calling thread with no lock held, must not throw, and reports failure by minpy_error_set.
 *  @param n_results  in: room; out: number of results */
typedef minpy_status (*minpy_call_fn)(void *payload, const minpy_value *args, int32_t n_args, minpy_value *results,
                                      int32_t *n_results);
typedef struct minpy_function_desc {
    uint32_t struct_size;
    uint32_t flags;
    const char *name;
    void *payload;
    minpy_destroy_fn destroy;
    minpy_call_fn forward;
    minpy_call_fn backward; /* NULL: differentiates through what forward records. Arguments: the forward's
                               arguments, its results, then one cotangent per result; results: one cotangent
                               (or NONE) per array argument */
} minpy_function_desc;
/** Takes the payload, also on failure. */
MINPY_API minpy_status minpy_function_new(const minpy_function_desc *desc, minpy_function *out);
MINPY_API minpy_status minpy_function_call(minpy_function f, const minpy_value *args, int32_t n_args,
                                           const minpy_call_options *options, minpy_value *results, int32_t *n_results);
/** An executor of the graph whose arguments are `inputs` by position; NULL takes minpy_symbol_list's arguments followed
 *  by the auxiliary states. A NONE argument takes zeros of the inferred shape. Differentiable like any operator. */
MINPY_API minpy_status minpy_function_from_symbol(minpy_symbol s, const char *const *inputs, int32_t n_inputs,
                                                  minpy_function *out);
/** A function that records what `f` does with arrays, once per shapes, dtypes, layouts and other arguments, and then runs
 *  that plan. Values that f looks at (minpy_array_item) are guards: with other values it is recorded anew. Arrays of
 *  its surroundings are read, and written, at each call. Where nothing can be recorded f itself is called. */
MINPY_API minpy_status minpy_function_compile(minpy_function f, minpy_function *out);
/** What a compiled function did so far: {"planned_calls": 3, "recorded_calls": 1, "plain_calls": 0, "reason": null,
 *  "plans": [{"steps": 12, "arena_bytes": 4096, …}]}; {} of others. */
MINPY_API minpy_status minpy_function_report(minpy_function f, minpy_buffer *out);
/** Something happened on this thread that no plan can do again: the compiled function that is being recorded runs as it
 *  is from now on, and its report says why. 0 if none is being recorded. */
MINPY_API int32_t minpy_recording_abandon(const char *why);
MINPY_API minpy_function minpy_function_retain(minpy_function f);
MINPY_API void minpy_function_release(minpy_function f);
/** Registers a whole operator under a new name: minpy_op_find, every language and the report know it at once.
 *  @param signature  as in the schema: "scale_add(x, y, factor: float = 1.0)"
 *  @return 0, MINPY_E_INVALID if the name is taken or the signature is wrong */
MINPY_API minpy_status minpy_register_op(const char *signature, const char *doc, minpy_function f, minpy_op *out);
/** Registers a kernel of an existing operator for a device kind; it gets its inputs and one array per output to fill. */
MINPY_API minpy_status minpy_register_kernel(const char *op, int32_t device_kind, minpy_function f);

/* ---- symbols ---------------------------------------------------------------------------------------------------------- */

MINPY_API minpy_status minpy_symbol_variable(const char *name, const char *attributes_json, minpy_symbol *out);
/** Applies a symbol operator ("Convolution", "FullyConnected", … or any operator's name).
 *  @param name             NULL for MXNet's automatic name
 *  @param inputs           symbols; missing ones become variables named <name>_<argument>
 *  @param input_names      NULL, or one name (or NULL) per input
 *  @param attributes_json  {"kernel": [3, 3], "num_filter": 32}; MXNet's strings are understood too */
MINPY_API minpy_status minpy_symbol_apply(const char *op, const char *name, const minpy_symbol *inputs,
                                          const char *const *input_names, int32_t n_inputs, const char *attributes_json,
                                          minpy_symbol *out);
MINPY_API minpy_status minpy_symbol_group(const minpy_symbol *symbols, int32_t n, minpy_symbol *out);
MINPY_API minpy_status minpy_symbol_output(minpy_symbol s, int32_t index, minpy_symbol *out);
MINPY_API minpy_status minpy_symbol_internals(minpy_symbol s, minpy_symbol *out);
/** {"arguments": [...], "outputs": [...], "auxiliary_states": [...]} */
MINPY_API minpy_status minpy_symbol_list(minpy_symbol s, minpy_buffer *out);
/** Shape and dtype inference, both ways.
 *  @param known_json  {"shapes": {"x": [8, 3, 10, 10]}, "dtypes": {"x": "float32"}, "partial": false}
 *  @param out         {"complete": true, "arguments": [[…]…], "outputs": …, "auxiliary_states": …, "dtypes": {…}} */
MINPY_API minpy_status minpy_symbol_infer(minpy_symbol s, const char *known_json, minpy_buffer *out);
/** MXNet's symbol JSON. */
MINPY_API minpy_status minpy_symbol_save(minpy_symbol s, minpy_buffer *out);
MINPY_API minpy_status minpy_symbol_load(const char *json, uint64_t size, minpy_symbol *out);
MINPY_API const char *minpy_symbol_name(minpy_symbol s);
MINPY_API minpy_symbol minpy_symbol_retain(minpy_symbol s);
MINPY_API void minpy_symbol_release(minpy_symbol s);

/* ---- devices, streams, memory ------------------------------------------------------------------------------------------ */

typedef struct minpy_device_info {
    uint32_t struct_size;
    int32_t available;
    char name[64];
    char backend[32];
    uint64_t total_bytes;
    uint64_t free_bytes;
} minpy_device_info;
typedef struct minpy_memory_stats {
    uint32_t struct_size;
    uint32_t reserved;
    uint64_t in_use; /* bytes of live arrays */
    uint64_t cached; /* bytes kept for reuse */
    uint64_t peak;
    uint64_t limit; /* 0: none */
    uint64_t n_allocs;
    uint64_t live_arrays;  /* array handles in existence, of all devices */
    uint64_t live_handles; /* all other handles */
} minpy_memory_stats;
MINPY_API minpy_status minpy_device_count(int32_t kind, int32_t *out);
MINPY_API minpy_status minpy_device_get_info(minpy_device d, minpy_device_info *io);
MINPY_API minpy_status minpy_stream_new(minpy_device d, uint32_t flags, minpy_stream *out);
MINPY_API minpy_status minpy_stream_native(minpy_stream s, void **out);
/** Makes `s` wait, on the device, for what is in `on`. */
MINPY_API minpy_status minpy_stream_wait(minpy_stream s, minpy_stream on);
/** Waits, and reports an asynchronous failure once. */
MINPY_API minpy_status minpy_stream_synchronize(minpy_stream s);
MINPY_API void minpy_stream_release(minpy_stream s);
/** Waits for all streams of the device. */
MINPY_API minpy_status minpy_device_synchronize(minpy_device d);
MINPY_API minpy_status minpy_memory_get_stats(minpy_device d, minpy_memory_stats *io);
/** Gives cached memory back until at most keep_bytes are cached. */
MINPY_API minpy_status minpy_memory_trim(minpy_device d, uint64_t keep_bytes);
/** The bytes that arrays of the CPU, with what is kept for reuse, may take; beyond them memory is given back and the
 *  reclaim callback asked, and then calls are refused with MINPY_E_NOMEM. What is in use already stays. Small blocks do
 *  not count. The first limit is MINPY_MEMORY_LIMIT of the environment.
 *  @param bytes  0: no limit  @since 0.1 */
MINPY_API minpy_status minpy_memory_set_limit(minpy_device d, uint64_t bytes);
/** Called before an out-of-memory error, to run the caller's garbage collector; returns 1 if a retry is worth it. */
typedef int32_t (*minpy_reclaim_fn)(void *payload, minpy_device d, uint64_t wanted);
MINPY_API minpy_status minpy_memory_set_reclaim(minpy_reclaim_fn fn, void *payload);
/** Opens a scope: results of calls under a context with it are released together. */
MINPY_API minpy_status minpy_scope_begin(minpy_scope *out);
/** Takes `a` out of the scope: the caller owns it beyond the end. */
MINPY_API minpy_status minpy_scope_keep(minpy_scope s, minpy_array a);
/** Releases all but the kept, and the scope itself. */
MINPY_API void minpy_scope_end(minpy_scope s);

/* ---- exchange and files --------------------------------------------------------------------------------------------------- */

struct DLManagedTensor;
struct DLManagedTensorVersioned; /* no dlpack.h is needed to include this header */
enum { MINPY_DLPACK_COPY = 1 };
/** @param flags  MINPY_DLPACK_COPY to export a copy */
MINPY_API minpy_status minpy_array_to_dlpack(minpy_array a, uint32_t flags, struct DLManagedTensorVersioned **out);
/** Takes the tensor on success; on failure it stays the caller's. */
MINPY_API minpy_status minpy_array_from_dlpack(struct DLManagedTensorVersioned *t, minpy_array *out);
MINPY_API minpy_status minpy_array_to_dlpack_legacy(minpy_array a, struct DLManagedTensor **out);
MINPY_API minpy_status minpy_array_from_dlpack_legacy(struct DLManagedTensor *t, minpy_array *out);

/** Writes NumPy's npy file (format 1.0), whole or not at all. */
MINPY_API minpy_status minpy_npy_save(const char *path, minpy_array a);
MINPY_API minpy_status minpy_npy_load(const char *path, minpy_array *out);
MINPY_API minpy_status minpy_npy_encode(minpy_array a, minpy_buffer *out);
MINPY_API minpy_status minpy_npy_decode(const void *data, uint64_t size, minpy_array *out);
/** Writes an npz file. @param flags  MINPY_NPZ_COMPRESS or 0 */
enum { MINPY_NPZ_COMPRESS = 1 };
MINPY_API minpy_status minpy_npz_save(const char *path, const char *const *names, const minpy_array *arrays, int32_t n,
                                      uint32_t flags);
MINPY_API minpy_status minpy_npz_open(const char *path, minpy_archive *out);
MINPY_API int32_t minpy_archive_count(minpy_archive z);
/** Name of entry i without ".npy"; borrowed, NULL out of range. */
MINPY_API const char *minpy_archive_name(minpy_archive z, int32_t i);
MINPY_API minpy_status minpy_archive_get(minpy_archive z, const char *name, minpy_array *out);
MINPY_API void minpy_archive_release(minpy_archive z);

/* ---- random numbers, floating-point status ---------------------------------------------------------------------------------- */

/** Philox 4x32-10: equal seeds and streams give equal bits on every device. */
MINPY_API minpy_status minpy_rng_new(uint64_t seed, uint64_t stream, minpy_rng *out);
/** `n` independent streams, each its own handle in out[0..n). */
MINPY_API minpy_status minpy_rng_split(minpy_rng r, int32_t n, minpy_rng *out);
/** Reads (set 0) or writes (set 1) the state: seed, stream, counter. */
MINPY_API minpy_status minpy_rng_state(minpy_rng r, uint64_t words[3], int32_t set);
MINPY_API void minpy_rng_release(minpy_rng r);

enum {
    MINPY_FP_DIVIDE = 1,
    MINPY_FP_OVERFLOW = 2,
    MINPY_FP_UNDERFLOW = 4,
    MINPY_FP_INVALID = 8,
    MINPY_FP_EMPTY = 16, /* a mean of no elements, a variance without degrees of freedom, an extreme of NaN alone */
    MINPY_FP_NAMED = 256
};
/** Floating-point conditions that calls of this thread met since they were last cleared, MINPY_FP_*. Those of deferred
 *  calls join when their group is computed, on the thread that computes it; MINPY_FP_NAMED: see minpy_fp_defer. */
MINPY_API uint32_t minpy_fp_status(int32_t clear);

enum { MINPY_FP_JOIN = 0, MINPY_FP_BY_NAME = 1, MINPY_FP_AT_ONCE = 2 };
/** What becomes of the conditions that this thread's deferred calls meet, from the next call on.
 *
 *  @param mode       MINPY_FP_JOIN (default): they join minpy_fp_status; MINPY_FP_BY_NAME: they wait for
 *                    minpy_fp_take with operator and call site, and minpy_fp_status says MINPY_FP_NAMED until then;
 *                    MINPY_FP_AT_ONCE: nothing is deferred, each call's conditions are known when it returns
 *  @param conditions those that matter, MINPY_FP_*; the others are dropped when a deferred call meets them
 *  @param site       call site of the calls that follow, or NULL; copied  @since 0.1 */
MINPY_API minpy_status minpy_fp_defer(int32_t mode, uint32_t conditions, const char *site);
/** The conditions that wait for names, a line each: "conditions operator site", and forgets them. */
MINPY_API minpy_status minpy_fp_take(minpy_buffer *out);
/** The groups of deferred element-wise operators that were computed last, a line each, newest last: operators in the
 *  order they ran, dtype and shape of the result, number of results where it is not one. */
MINPY_API minpy_status minpy_explain(minpy_buffer *out);

/* ---- plugins, logging, profiler ----------------------------------------------------------------------------------------------- */

/** Loads a backend by absolute path. @return 0, MINPY_E_IO or MINPY_E_ABI with the reason */
MINPY_API minpy_status minpy_backend_load(const char *path);
/** What was tried, loaded and refused, and why, as JSON. */
MINPY_API minpy_status minpy_backend_report(minpy_buffer *out);
typedef void (*minpy_log_fn)(void *payload, int32_t level, const char *component, const char *message);
/** @param level  0 off, 1 errors, 2 warnings, 3 information; @param fn  NULL keeps messages for minpy_log_poll */
MINPY_API minpy_status minpy_log_set(int32_t level, minpy_log_fn fn, void *payload);
/** Kept messages as JSON lines, for hosts that take no calls from other threads. */
MINPY_API minpy_status minpy_log_poll(minpy_buffer *out);
MINPY_API minpy_status minpy_profiler_start(uint32_t flags);
/** Chrome's trace JSON: one event per operator call. */
MINPY_API minpy_status minpy_profiler_stop(minpy_buffer *out);

#ifdef __cplusplus
}
#endif
#endif
