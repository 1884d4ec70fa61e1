/* What Go needs in C: a call without Go pointers, errors with the call that made them, and callbacks. */
#ifndef MINPY_GO_SHIM_H
#define MINPY_GO_SHIM_H
#include <minpy/minpy.h>

/* One call of an operator, a function, or a read or write by index, as Go sends it: one piece of memory that holds no Go
 * pointers. It starts with this struct; what a value would point to lies behind it, and the value holds the offset. */
typedef struct mg_frame {
    int32_t what; /* MG_* */
    int32_t n_args;
    int32_t n_results; /* in: the room; out: the number */
    int32_t n_out;
    void* callee;          /* minpy_op, minpy_function or minpy_array */
    minpy_context context; /* of the call */
    minpy_array where;
    int32_t casting;
    int32_t dtype;
    int32_t order;
    int32_t reserved;
    uint64_t args;    /* offset of n_args values */
    uint64_t out;     /* offset of n_out handles */
    uint64_t results; /* offset of n_results values */
} mg_frame;
enum { MG_OPERATOR = 0, MG_FUNCTION = 1, MG_GET = 2, MG_SET = 3 /* the last argument is what is written */ };

/* The error of a call that has just returned `status`: 0, a handle, or, where memory is short, the status itself. */
uint64_t mg_error(minpy_status status);

minpy_status mg_call(mg_frame* frame);

/* Entries that run in the thread's current context, with one of the caller's. */
minpy_status mg_context_copy(minpy_context c, minpy_context* out);
minpy_status mg_tape_new(minpy_context c, uint32_t flags, minpy_tape* out);
minpy_status mg_tape_watch(minpy_context c, minpy_tape t, const minpy_array* a, int32_t n, minpy_array* out);
minpy_status mg_tape_gradient(minpy_context c, minpy_tape t, const minpy_array* heads, const minpy_array* seeds,
                              int32_t n_heads, const minpy_array* wrt, int32_t n_wrt, uint32_t flags, minpy_array* out);
minpy_status mg_tape_jvp(minpy_context c, minpy_tape t, const minpy_array* heads, int32_t n_heads,
                         const minpy_array* wrt, const minpy_array* tangents, int32_t n_wrt, minpy_array* out);
minpy_status mg_array_to_device(minpy_context c, minpy_array a, minpy_device device, minpy_array* out);

/* Functions whose arguments are lists of strings: one text, each name followed by a NUL; an empty name is none. */
minpy_status mg_function_from_symbol(minpy_symbol s, const void* names, int32_t n, minpy_function* out);
minpy_status mg_symbol_apply(const char* op, const char* name, const minpy_symbol* inputs, const void* names,
                             int32_t n_inputs, const char* attributes, minpy_symbol* out);
minpy_status mg_npz_save(const char* path, const void* names, const minpy_array* arrays, int32_t n, uint32_t flags);

/* A function whose payload names a Go callback by `id`, a cgo.Handle. */
minpy_status mg_function_new(const char* name, uint64_t id, int32_t has_backward, minpy_function* out);
/* An id that the library has let go of, 0 if there is none. Its destroy function only pushes onto a list, because a
 * release may come from any thread and must not enter Go. */
uint64_t mg_released_callback(void);

/* sizeof of the structs with Go twins, in the order of layout.go. */
int32_t mg_sizeof(int32_t which);
#endif
