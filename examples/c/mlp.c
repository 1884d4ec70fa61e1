/* Trains a perceptron, 64-128-10, on handwritten digits: the same computation as mlp.py, mlp.jl and the Go program, which
 * print the same losses. mlp FILE.npz: the digits and the first weights, as examples/make_digits.py writes them.
 *
 * A scope owns the results of a batch's operators, so they are not released one by one. */
#include <minpy/minpy.h>
#include <stdio.h>
#include <stdlib.h>

enum { EPOCHS = 5, BATCH = 64, CLASSES = 10, N_PARAMS = 4 };

static void check(minpy_status status) {
    if (status == MINPY_OK) return;
    fprintf(stderr, "%s\n", minpy_last_error_message());
    exit(1);
}

/* An operator of one or two arguments, with the result as value. */
static minpy_array apply(minpy_status (*op)(minpy_array, minpy_array*), minpy_array a) {
    minpy_array out = NULL;
    check(op(a, &out));
    return out;
}
static minpy_array apply2(minpy_status (*op)(minpy_array, minpy_array, minpy_array*), minpy_array a, minpy_array b) {
    minpy_array out = NULL;
    check(op(a, b, &out));
    return out;
}

static minpy_array rows(minpy_array a, int64_t start, int64_t stop) {
    minpy_slice slice = {0, 0, MINPY_SLICE_NONE};
    minpy_value index = {MINPY_V_SLICE, 0, {0}};
    minpy_array out = NULL;
    slice.start = start;
    slice.stop = stop;
    index.v.p = &slice;
    check(minpy_array_get(a, &index, 1, &out));
    return out;
}

/* The mean cross-entropy of a batch; p holds w1, b1, w2, b2. */
static minpy_array loss(minpy_array x, minpy_array onehot, const minpy_array* p) {
    const int64_t classes = 1;
    minpy_array hidden = apply(minpy_tanh, apply2(minpy_add, apply2(minpy_matmul, x, p[0]), p[1]));
    minpy_array scores = apply2(minpy_add, apply2(minpy_matmul, hidden, p[2]), p[3]);
    minpy_array logs = NULL, each = NULL, mean = NULL;
    check(minpy_log_softmax(scores, -1, &logs));
    check(minpy_sum(apply2(minpy_multiply, onehot, logs), &classes, 1, 0, &each));
    check(minpy_mean(each, NULL, 0, 0, &mean));
    return apply(minpy_negative, mean);
}

/* labels[:, newaxis] == arange(10) */
static minpy_array one_hot(minpy_array labels) {
    const minpy_device cpu = {MINPY_CPU, 0};
    const int64_t classes[CLASSES] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, n = CLASSES;
    minpy_value index[2] = {{MINPY_V_ELLIPSIS, 0, {0}}, {MINPY_V_NEWAXIS, 0, {0}}};
    minpy_array column = NULL, row = NULL;
    check(minpy_array_get(labels, index, 2, &column));
    check(minpy_array_from_host(classes, &n, NULL, 1, MINPY_INT64, cpu, &row));
    return apply2(minpy_equal, column, row);
}

/* One step of gradient descent; returns the loss before it. */
static double step(minpy_array x, minpy_array labels, minpy_array* params, minpy_array rate) {
    minpy_scope scope = NULL;
    minpy_tape tape = NULL;
    minpy_context context = NULL;
    minpy_array watched[N_PARAMS], grads[N_PARAMS], onehot, value;
    double result;
    int i;
    check(minpy_scope_begin(&scope));
    check(minpy_context_new(&context));
    check(minpy_context_set_scope(context, scope));
    check(minpy_context_push(context));
    onehot = one_hot(labels);

    check(minpy_tape_new(0, &tape));
    check(minpy_tape_watch(tape, params, N_PARAMS, watched));
    check(minpy_context_set_tape(context, tape));
    value = loss(x, onehot, watched);
    check(minpy_context_set_tape(context, NULL));
    check(minpy_tape_gradient(tape, &value, NULL, 1, watched, N_PARAMS, 0, grads));

    for (i = 0; i < N_PARAMS; ++i) {
        minpy_array updated = apply2(minpy_subtract, params[i], apply2(minpy_multiply, rate, grads[i]));
        check(minpy_scope_keep(scope, updated));
        minpy_array_release(params[i]);
        params[i] = updated;
    }
    check(minpy_array_to_host(value, &result, sizeof result, NULL));
    minpy_arrays_release(watched, N_PARAMS);
    check(minpy_context_pop());
    minpy_context_release(context);
    minpy_tape_release(tape);
    minpy_scope_end(scope);
    return result;
}

static minpy_array load(minpy_archive file, const char* name) {
    minpy_array out = NULL;
    check(minpy_archive_get(file, name, &out));
    return out;
}

int main(int argc, char** argv) {
    const char* names[N_PARAMS] = {"w1", "b1", "w2", "b2"};
    minpy_archive file = NULL;
    minpy_array digits, labels, rate, params[N_PARAMS];
    minpy_array_info info = MINPY_ARRAY_INFO_INIT;
    int epoch, i;
    if (argc != 2) {
        fprintf(stderr, "usage: mlp digits.npz\n");
        return 2;
    }
    check(minpy_npz_open(argv[1], &file));
    digits = load(file, "digits");
    labels = load(file, "labels");
    rate = load(file, "lr");
    for (i = 0; i < N_PARAMS; ++i) params[i] = load(file, names[i]);
    minpy_archive_release(file);
    check(minpy_array_get_info(digits, &info));

    for (epoch = 1; epoch <= EPOCHS; ++epoch) {
        const int64_t n = info.shape[0];
        double total = 0;
        int64_t at;
        for (at = 0; at < n; at += BATCH) {
            const int64_t end = at + BATCH < n ? at + BATCH : n;
            minpy_array x = rows(digits, at, end), y = rows(labels, at, end);
            total += step(x, y, params, rate) * (double)(end - at);
            minpy_array_release(x);
            minpy_array_release(y);
        }
        printf("epoch %d loss %.6f\n", epoch, total / (double)n);
    }
    minpy_arrays_release(params, N_PARAMS);
    minpy_array_release(rate);
    minpy_array_release(labels);
    minpy_array_release(digits);
    return 0;
}
