// Tapes.
#include "capi/src/boundary.h"
#include "core/ops/calls.h"
#include "core/registry/recorder.h"

using namespace minpy;

minpy_status minpy_tape_new(uint32_t flags, minpy_tape* out) {
    return guard([&] {
        need(out, "out");
        if (flags) throw value_error("unknown flags ", flags);
        *out = reinterpret_cast<minpy_tape>(new Tape);
    });
}

minpy_status minpy_tape_watch(minpy_tape t, const minpy_array* a, int32_t n, minpy_array* out) {
    return guard([&] {
        Tape& tape = deref<Tape>(t, "t");
        std::vector<Array> arrays = arrays_from(a, n, "a");
        if (n) need(out, "out");
        for (Array& x : arrays) x = tape.watch(x, Context::current());
        for (int32_t i = 0; i < n; ++i) out[i] = handle(arrays[size_t(i)].detach());
    });
}

minpy_status minpy_tape_gradient(minpy_tape t, const minpy_array* heads, const minpy_array* seeds, int32_t n_heads,
                                 const minpy_array* wrt, int32_t n_wrt, uint32_t flags, minpy_array* out) {
    return guard([&] {
        Tape& tape = deref<Tape>(t, "t");
        if (flags & ~7u) throw value_error("unknown flags ", flags).in_argument("flags");
        std::vector<Array> h = arrays_from(heads, n_heads, "heads"), w = arrays_from(wrt, n_wrt, "wrt"), s;
        if (seeds) s = arrays_from(seeds, n_heads, "seeds", true);
        if (n_wrt) need(out, "out");
        Ref<Tape> alive = Ref<Tape>::share(&tape);
        std::vector<Array> grads = tape.gradient(h, s, w, flags & MINPY_GRADIENT_CREATE_GRAPH,
                                                 flags & MINPY_GRADIENT_RETAIN, Context::current());
        for (int32_t i = 0; i < n_wrt; ++i)
            if (!grads[size_t(i)] && !(flags & MINPY_GRADIENT_NONE_UNREACHED))
                grads[size_t(i)] = ops::zeros(w[size_t(i)].shape(), w[size_t(i)].dtype(), w[size_t(i)].device());
        for (int32_t i = 0; i < n_wrt; ++i)
            out[i] = grads[size_t(i)] ? give(std::move(grads[size_t(i)]), Context::current()) : nullptr;
    });
}

minpy_status minpy_tape_jvp(minpy_tape t, const minpy_array* heads, int32_t n_heads, const minpy_array* wrt,
                            const minpy_array* tangents, int32_t n_wrt, minpy_array* out) {
    return guard([&] {
        Tape& tape = deref<Tape>(t, "t");
        std::vector<Array> h = arrays_from(heads, n_heads, "heads"), w = arrays_from(wrt, n_wrt, "wrt"),
                           v = arrays_from(tangents, n_wrt, "tangents");
        if (n_heads) need(out, "out");
        std::vector<Array> result = tape.jvp(h, w, v, Context::current());
        for (int32_t i = 0; i < n_heads; ++i)
            if (!result[size_t(i)])
                result[size_t(i)] = ops::zeros(h[size_t(i)].shape(), h[size_t(i)].dtype(), h[size_t(i)].device());
        for (int32_t i = 0; i < n_heads; ++i) out[i] = give(std::move(result[size_t(i)]), Context::current());
    });
}

void minpy_tape_close(minpy_tape t) {
    if (t) guard([&] { reinterpret_cast<Tape*>(t)->close(); });
}

minpy_tape minpy_tape_retain(minpy_tape t) {
    if (t) reinterpret_cast<Tape*>(t)->handles.fetch_add(1);
    return t;
}

void minpy_tape_release(minpy_tape t) {
    if (!t) return;
    auto* tape = reinterpret_cast<Tape*>(t);
    if (tape->handles.fetch_sub(1) != 1) return;
    guard([&] { tape->close(); });
    tape->release();
}

int32_t minpy_array_is_traced(minpy_array a) {
    if (!a) return 0;
    if (has_current_node(body(a))) return 1;
    int32_t traced = 0;
    guard([&] {
        if (Recorder* r = recorder(); r && r->knows(Array::share(body(a)))) traced = 2;
        const Array& x = *reinterpret_cast<const Array*>(&a);  // borrowed
        if (may_be_traced(x) && trace_of(x, Context::current()).node) traced = 1;
    });
    return traced;
}
