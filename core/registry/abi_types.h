/* The C types that applications, backends and the core share. Installed as <minpy/types.h>.
 * Numbers are explicit and append-only: a published one is never reused or renumbered. */
#ifndef MINPY_TYPES_H
#define MINPY_TYPES_H
#include <stddef.h>
#include <stdint.h>

/** 0 is success, anything else one of MINPY_E_*. */
typedef int32_t minpy_status;
enum {
    MINPY_OK = 0,
    MINPY_E_UNKNOWN = 1,     /* an internal error */
    MINPY_E_INVALID = 2,     /* an argument's value is wrong */
    MINPY_E_TYPE = 3,        /* an argument's type or dtype is wrong */
    MINPY_E_SHAPE = 4,       /* shapes do not fit together */
    MINPY_E_INDEX = 5,       /* an index or axis is out of bounds */
    MINPY_E_NOMEM = 6,       /* memory was refused */
    MINPY_E_NOTFOUND = 7,    /* no operator, feature or entry of that name */
    MINPY_E_UNSUPPORTED = 8, /* known, but not possible with this build, device or version */
    MINPY_E_DEVICE = 9,      /* a device failed */
    MINPY_E_IO = 10,         /* a file or stream could not be read or written */
    MINPY_E_CALLBACK = 11,   /* a callback of the caller failed */
    MINPY_E_CANCELLED = 12,
    MINPY_E_ABI = 13,   /* header, library or plugin do not fit together */
    MINPY_E_STATE = 14, /* not possible now: a released handle, a closed tape, a forked child's GPU */
    MINPY_E_LINALG = 15 /* a matrix is singular, or an iteration does not converge */
};

typedef int32_t minpy_dtype;
enum {
    MINPY_BOOL = 1,
    MINPY_INT8 = 2,
    MINPY_INT16 = 3,
    MINPY_INT32 = 4,
    MINPY_INT64 = 5,
    MINPY_UINT8 = 6,
    MINPY_UINT16 = 7,
    MINPY_UINT32 = 8,
    MINPY_UINT64 = 9,
    MINPY_FLOAT16 = 10,
    MINPY_FLOAT32 = 11,
    MINPY_FLOAT64 = 12,
    MINPY_COMPLEX64 = 13,
    MINPY_COMPLEX128 = 14,
    MINPY_BFLOAT16 = 15
};

/** A device by DLPack's numbers: kind 1 is the CPU, 2 CUDA, 12 an extension device. */
typedef struct minpy_device {
    int32_t kind;
    int32_t index;
} minpy_device;
enum { MINPY_CPU = 1, MINPY_CUDA = 2, MINPY_EXTENSION = 12 };

/** One argument or result of a generic call: 16 bytes, frozen for ever.
 *  Weak numbers (BOOL INT UINT BIGINT FLOAT COMPLEX) take their dtype from the arrays they meet, as Python's do. */
typedef struct minpy_value {
    int32_t tag; /* MINPY_V_* */
    int32_t len; /* the number of items behind v.p, or the dtype of a SCALAR */
    union {
        int64_t i;
        double f;
        const void* p;
        uint64_t bits;
    } v;
} minpy_value;
enum {
    MINPY_V_NONE = 0,      /* Python's None */
    MINPY_V_BOOL = 1,      /* v.i: 0 or 1 */
    MINPY_V_INT = 2,       /* v.i */
    MINPY_V_UINT = 3,      /* v.bits: above INT64_MAX */
    MINPY_V_BIGINT = 4,    /* v.p: decimal text of `len` bytes, beyond 64 bits */
    MINPY_V_FLOAT = 5,     /* v.f */
    MINPY_V_COMPLEX = 6,   /* v.p: two doubles */
    MINPY_V_SCALAR = 7,    /* len: dtype; v.bits: up to 8 bytes of the value, COMPLEX128 behind v.p */
    MINPY_V_STRING = 8,    /* v.p: UTF-8 text of `len` bytes */
    MINPY_V_ARRAY = 9,     /* v.p: minpy_array */
    MINPY_V_DTYPE = 10,    /* v.i: minpy_dtype */
    MINPY_V_DEVICE = 11,   /* v.i: kind | (int64) index << 32 */
    MINPY_V_INTS = 12,     /* v.p: `len` int64_t */
    MINPY_V_FLOATS = 13,   /* v.p: `len` double */
    MINPY_V_ARRAYS = 14,   /* v.p: `len` minpy_array */
    MINPY_V_FUNCTION = 15, /* v.p: minpy_function */
    MINPY_V_VALUES = 16,   /* v.p: `len` minpy_value */
    MINPY_V_SLICE = 17,    /* v.p: minpy_slice */
    MINPY_V_ELLIPSIS = 18,
    MINPY_V_NEWAXIS = 19,
    MINPY_V_DEFAULT = 20 /* not given: the schema's default */
};

/** Python's slice(start, stop, step); MINPY_SLICE_NONE where absent. */
typedef struct minpy_slice {
    int64_t start;
    int64_t stop;
    int64_t step;
} minpy_slice;
#define MINPY_SLICE_NONE (-(int64_t)9223372036854775807 - 1)

/** Called once with the payload when the library lets go of what was lent to it. It may run on any thread, must not
 *  block, and may enter the library only to release. */
typedef void (*minpy_destroy_fn)(void* payload);

#endif
