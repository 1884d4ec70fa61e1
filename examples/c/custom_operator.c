/* A new operator with its gradient, written in C: our_softsign(x, scale) = scale * x / (1 + |x|). Once registered, every
 * language of the process finds it. */
#include <minpy/minpy.h>
#include <stdio.h>
#include <stdlib.h>

static void check(minpy_status status) {
    if (status == MINPY_OK) return;
    fprintf(stderr, "%s\n", minpy_last_error_message());
    exit(1);
}

static minpy_value array_value(minpy_array a) {
    minpy_value v = {MINPY_V_ARRAY, 0, {0}};
    v.v.p = a;
    return v;
}

/* Callbacks work on the elements here; calling operators is as good, and would run on any device. */
static minpy_status elements(const minpy_value* v, const double** data, int64_t* size, minpy_array_info* info) {
    minpy_array a = (minpy_array)v->v.p;
    void* p = NULL;
    minpy_status status = minpy_array_get_info(a, info);
    if (status) return status;
    if (info->dtype != MINPY_FLOAT64 || !(info->flags & MINPY_ARRAY_C_CONTIGUOUS))
        return minpy_error_set(MINPY_E_TYPE, "TypeError", "softsign is for contiguous float64 arrays");
    status = minpy_array_data(a, &p);
    *data = p;
    *size = info->size;
    return status;
}

static minpy_status result(double* data, const minpy_array_info* info, minpy_value* results, int32_t* n_results) {
    const minpy_device cpu = {MINPY_CPU, 0};
    minpy_array out = NULL;
    minpy_status status = minpy_array_from_host(data, info->shape, NULL, info->ndim, MINPY_FLOAT64, cpu, &out);
    free(data);
    if (status) return status;
    results[0] = array_value(out);
    *n_results = 1;
    return MINPY_OK;
}

/* arguments: x, scale */
static minpy_status forward(void* payload, const minpy_value* args, int32_t n_args, minpy_value* results,
                            int32_t* n_results) {
    minpy_array_info info = MINPY_ARRAY_INFO_INIT;
    const double* x = NULL;
    double *y, scale = args[1].v.f;
    int64_t i, n;
    minpy_status status = elements(&args[0], &x, &n, &info);
    (void)payload, (void)n_args;
    if (status) return status;
    y = malloc((size_t)n * sizeof *y + 1);
    if (!y) return minpy_error_set(MINPY_E_NOMEM, "MemoryError", "no memory for softsign");
    for (i = 0; i < n; ++i) y[i] = scale * x[i] / (1 + (x[i] < 0 ? -x[i] : x[i]));
    return result(y, &info, results, n_results);
}

/* arguments: x, scale, the result, its cotangent */
static minpy_status backward(void* payload, const minpy_value* args, int32_t n_args, minpy_value* results,
                             int32_t* n_results) {
    minpy_array_info info = MINPY_ARRAY_INFO_INIT;
    const double *x = NULL, *g = NULL;
    double *dx, scale = args[1].v.f;
    int64_t i, n;
    minpy_status status = elements(&args[3], &g, &n, &info);
    (void)payload, (void)n_args;
    if (!status) status = elements(&args[0], &x, &n, &info);
    if (status) return status;
    dx = malloc((size_t)n * sizeof *dx + 1);
    if (!dx) return minpy_error_set(MINPY_E_NOMEM, "MemoryError", "no memory for softsign's gradient");
    for (i = 0; i < n; ++i) {
        double d = 1 + (x[i] < 0 ? -x[i] : x[i]);
        dx[i] = g[i] * scale / (d * d);
    }
    return result(dx, &info, results, n_results);
}

static void print(const char* name, minpy_array a) {
    minpy_buffer text = NULL;
    check(minpy_array_to_string(a, &text));
    printf("%s %s\n", name, minpy_buffer_data(text, NULL));
    minpy_buffer_release(text);
}

int main(void) {
    const double data[] = {-3, 0, 1};
    const int64_t n = 3;
    const minpy_device cpu = {MINPY_CPU, 0};
    minpy_function_desc desc = {sizeof(minpy_function_desc), 0, "softsign", NULL, NULL, forward, backward};
    minpy_function f = NULL;
    minpy_op op = NULL;
    minpy_array x = NULL, watched = NULL, gradient = NULL, y;
    minpy_tape tape = NULL;
    minpy_context context = NULL;
    minpy_call_options options = MINPY_CALL_OPTIONS_INIT;
    minpy_value args[2] = {{MINPY_V_NONE, 0, {0}}, {MINPY_V_FLOAT, 0, {0}}}, results[1];
    int32_t n_results = 1;

    check(minpy_function_new(&desc, &f));
    check(minpy_register_op("our_softsign(x, scale: float = 1.0)", "scale * x / (1 + |x|).", f, &op));

    check(minpy_array_from_host(data, &n, NULL, 1, MINPY_FLOAT64, cpu, &x));
    check(minpy_tape_new(0, &tape));
    check(minpy_tape_watch(tape, &x, 1, &watched));
    check(minpy_context_new(&context));
    check(minpy_context_set_tape(context, tape));

    args[0] = array_value(watched);
    args[1].v.f = 4;
    options.context = context;
    check(minpy_invoke(op, args, 2, &options, results, &n_results));
    y = (minpy_array)results[0].v.p;
    check(minpy_tape_gradient(tape, &y, NULL, 1, &watched, 1, 0, &gradient));
    print("softsign", y);        /* [-3.  0.  2.] */
    print("gradient", gradient); /* [0.25 4.   1.  ] */

    minpy_values_release(results, 1);
    minpy_array_release(gradient);
    minpy_array_release(watched);
    minpy_context_release(context);
    minpy_tape_release(tape);
    minpy_array_release(x);
    minpy_function_release(f);
    return 0;
}
