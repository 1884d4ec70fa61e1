#include "shim.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "_cgo_export.h"

uint64_t mg_error(minpy_status status) {
    minpy_error error = NULL;
    if (status == MINPY_OK) return 0;
    if (minpy_error_take(&error) != MINPY_OK || !error) return (uint64_t)status;
    return (uint64_t)(uintptr_t)error;
}

/* ---- calls ---- */

static void relocate(char* base, minpy_value* v, int32_t n) {
    for (int32_t i = 0; i < n; ++i) {
        switch (v[i].tag) {
            case MINPY_V_SCALAR:
                if (v[i].len != MINPY_COMPLEX128) break;
                /* fall through */
            case MINPY_V_BIGINT:
            case MINPY_V_COMPLEX:
            case MINPY_V_STRING:
            case MINPY_V_INTS:
            case MINPY_V_FLOATS:
            case MINPY_V_ARRAYS:
            case MINPY_V_SLICE: v[i].v.p = base + v[i].v.bits; break;
            case MINPY_V_VALUES:
                relocate(base, (minpy_value*)(base + v[i].v.bits), v[i].len);
                v[i].v.p = base + v[i].v.bits;
                break;
            default: break;
        }
    }
}

#define WITH(context, call)                             \
    minpy_status status = minpy_context_push(context);  \
    if (status != MINPY_OK) return status;              \
    status = (call);                                    \
    if (status == MINPY_OK) return minpy_context_pop(); \
    minpy_context_pop();                                \
    return status

static minpy_status get(minpy_context c, minpy_array a, const minpy_value* index, int32_t n, minpy_array* out) {
    WITH(c, minpy_array_get(a, index, n, out));
}

static minpy_status set(minpy_context c, minpy_array a, const minpy_value* index, int32_t n, const minpy_value* value) {
    WITH(c, minpy_array_set(a, index, n, value));
}

minpy_status mg_call(mg_frame* f) {
    char* base = (char*)f;
    minpy_value *args = (minpy_value*)(base + f->args), *results = (minpy_value*)(base + f->results);
    relocate(base, args, f->n_args);
    if (f->what == MG_GET) {
        minpy_array out = NULL;
        minpy_status status = get(f->context, f->callee, args, f->n_args, &out);
        memset(results, 0, sizeof *results);
        results->tag = MINPY_V_ARRAY;
        results->v.p = out;
        f->n_results = 1;
        return status;
    }
    if (f->what == MG_SET) {
        f->n_results = 0;
        return set(f->context, f->callee, args, f->n_args - 1, args + f->n_args - 1);
    }
    minpy_call_options options = MINPY_CALL_OPTIONS_INIT;
    options.context = f->context;
    options.out = f->n_out ? (minpy_array*)(base + f->out) : NULL;
    options.n_out = f->n_out;
    options.casting = f->casting;
    options.where = f->where;
    options.dtype = f->dtype;
    options.order = f->order;
    return f->what == MG_OPERATOR ? minpy_invoke(f->callee, args, f->n_args, &options, results, &f->n_results)
                                  : minpy_function_call(f->callee, args, f->n_args, &options, results, &f->n_results);
}

minpy_status mg_context_copy(minpy_context c, minpy_context* out) {
    if (!c) return minpy_context_new(out);
    WITH(c, minpy_context_new(out));
}
minpy_status mg_tape_new(minpy_context c, uint32_t flags, minpy_tape* out) { WITH(c, minpy_tape_new(flags, out)); }
minpy_status mg_tape_watch(minpy_context c, minpy_tape t, const minpy_array* a, int32_t n, minpy_array* out) {
    WITH(c, minpy_tape_watch(t, a, n, out));
}
minpy_status mg_tape_gradient(minpy_context c, minpy_tape t, const minpy_array* heads, const minpy_array* seeds,
                              int32_t n_heads, const minpy_array* wrt, int32_t n_wrt, uint32_t flags,
                              minpy_array* out) {
    WITH(c, minpy_tape_gradient(t, heads, seeds, n_heads, wrt, n_wrt, flags, out));
}
minpy_status mg_tape_jvp(minpy_context c, minpy_tape t, const minpy_array* heads, int32_t n_heads,
                         const minpy_array* wrt, const minpy_array* tangents, int32_t n_wrt, minpy_array* out) {
    WITH(c, minpy_tape_jvp(t, heads, n_heads, wrt, tangents, n_wrt, out));
}
minpy_status mg_array_to_device(minpy_context c, minpy_array a, minpy_device device, minpy_array* out) {
    WITH(c, minpy_array_to_device(a, device, out));
}

/* ---- lists of names ---- */

/* Pointers to the names in a text; to be freed. NULL if memory is refused. */
static const char** list_names(const void* text, int32_t n) {
    const char *name = text, **names = calloc((size_t)n + 1, sizeof *names);
    if (!names) return NULL;
    for (int32_t i = 0; i < n; ++i) {
        names[i] = *name ? name : NULL;
        name += strlen(name) + 1;
    }
    return names;
}

#define WITH_NAMES(call)                                                                              \
    const char** list = list_names(names, n);                                                         \
    if (!list) return minpy_error_set(MINPY_E_NOMEM, "MemoryError", "no memory for a list of names"); \
    minpy_status status = (call);                                                                     \
    free(list);                                                                                       \
    return status

minpy_status mg_function_from_symbol(minpy_symbol s, const void* names, int32_t n, minpy_function* out) {
    if (!n) return minpy_function_from_symbol(s, NULL, 0, out);
    WITH_NAMES(minpy_function_from_symbol(s, list, n, out));
}
minpy_status mg_symbol_apply(const char* op, const char* name, const minpy_symbol* inputs, const void* names, int32_t n,
                             const char* attributes, minpy_symbol* out) {
    WITH_NAMES(minpy_symbol_apply(op, *name ? name : NULL, inputs, list, n, *attributes ? attributes : NULL, out));
}
minpy_status mg_npz_save(const char* path, const void* names, const minpy_array* arrays, int32_t n, uint32_t flags) {
    WITH_NAMES(minpy_npz_save(path, list, arrays, n, flags));
}

/* ---- callbacks ---- */

typedef struct callback {
    uint64_t id;
    struct callback* next;
} callback;

static _Atomic(callback*) released;

static void release_callback(void* payload) {
    callback* c = payload;
    c->next = atomic_load(&released);
    while (!atomic_compare_exchange_weak(&released, &c->next, c)) {}
}

uint64_t mg_released_callback(void) {
    /* The whole list is taken and the rest put back, one by one: popping one would need a tag against reuse. */
    callback* c = atomic_exchange(&released, NULL);
    if (!c) return 0;
    for (callback *rest = c->next, *next; rest; rest = next) {
        next = rest->next;
        release_callback(rest);
    }
    uint64_t id = c->id;
    free(c);
    return id;
}

static minpy_status forward(void* payload, const minpy_value* args, int32_t n_args, minpy_value* results,
                            int32_t* n_results) {
    return minpyGoCallback(((callback*)payload)->id, 0, (void*)args, n_args, results, n_results);
}
static minpy_status backward(void* payload, const minpy_value* args, int32_t n_args, minpy_value* results,
                             int32_t* n_results) {
    return minpyGoCallback(((callback*)payload)->id, 1, (void*)args, n_args, results, n_results);
}

minpy_status mg_function_new(const char* name, uint64_t id, int32_t has_backward, minpy_function* out) {
    callback* payload = malloc(sizeof *payload);
    if (!payload) return minpy_error_set(MINPY_E_NOMEM, "MemoryError", "no memory for a callback");
    payload->id = id;
    minpy_function_desc desc;
    memset(&desc, 0, sizeof desc);
    desc.struct_size = sizeof desc;
    desc.name = name;
    desc.payload = payload;
    desc.destroy = release_callback;
    desc.forward = forward;
    desc.backward = has_backward ? backward : NULL;
    return minpy_function_new(&desc, out);
}

int32_t mg_sizeof(int32_t which) {
    static const size_t sizes[] = {sizeof(mg_frame), sizeof(minpy_value), sizeof(minpy_array_info),
                                   sizeof(minpy_memory_stats), sizeof(minpy_device_info)};
    return which < (int32_t)(sizeof sizes / sizeof *sizes) ? (int32_t)sizes[which] : 0;
}
