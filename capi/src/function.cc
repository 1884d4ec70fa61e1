// Functions: callbacks of other languages and executors of graphs, and operators and kernels made of them.
#include "core/registry/function.h"
#include "capi/src/boundary.h"
#include "core/graph/compiled.h"
#include "core/registry/recorder.h"

using namespace minpy;

namespace {

minpy_function handle(Function* f) { return reinterpret_cast<minpy_function>(f); }

// The payload, destroyed if the function cannot take it.
struct Payload {
    void* payload = nullptr;
    minpy_destroy_fn destroy = nullptr;
    ~Payload() {
        if (destroy) destroy(payload);
    }
};

}  // namespace

minpy_status minpy_function_new(const minpy_function_desc* desc, minpy_function* out) {
    return guard([&] {
        minpy_function_desc d = read_struct(desc, offsetof(minpy_function_desc, backward), "desc");
        Payload payload{d.payload, d.destroy};
        need(out, "out");
        if (d.flags) throw value_error("unknown flags ", d.flags).in_argument("desc");
        if (!d.forward) throw value_error("desc.forward must not be NULL").in_argument("desc");
        auto* f = new ForeignFunction(d.name, d.payload, d.destroy, d.forward, d.backward);
        payload.destroy = nullptr;
        *out = handle(f);
    });
}

minpy_status minpy_function_call(minpy_function f, const minpy_value* args, int32_t n_args,
                                 const minpy_call_options* given, minpy_value* results, int32_t* n_results) {
    return guard([&] {
        need(n_results, "n_results");
        auto& function = deref<Function>(f, "f");
        if (n_args < 0) throw value_error("a negative number of arguments");
        if (n_args) need(args, "args");
        int32_t room = *n_results;
        if (room > 0) need(results, "results");
        auto too_small = [&](int64_t n) {
            *n_results = int32_t(n);
            throw value_error("room for ", room, " results, there are ", n).in_argument("n_results");
        };
        if (function.n_results() > room) too_small(function.n_results());
#ifndef NDEBUG
        for (int32_t i = 0; i < n_args; ++i)
            if (args[i].tag == MINPY_V_ARRAY && args[i].v.p) check_alive(array_of(args[i]), "args");
#endif
        Arrays out_storage;
        CallOptions options = options_from(given, out_storage);
        Context& context = options.context ? *options.context : Context::current();
        Arrays out = function.call(ValuesView(args, size_t(n_args)), options);
        if (out.size() > room) too_small(out.size());
        for (int64_t i = 0; i < out.size(); ++i)
            results[i] = pointer_value(MINPY_V_ARRAY, give(std::move(out[i]), context), 0);
        *n_results = int32_t(out.size());
    });
}

minpy_status minpy_function_compile(minpy_function f, minpy_function* out) {
    return guard([&] {
        need(out, "out");
        auto& function = deref<Function>(f, "f");
        *out = handle(new CompiledFunction(Ref<Function>::share(&function)));
    });
}

minpy_status minpy_function_report(minpy_function f, minpy_buffer* out) {
    return guard([&] {
        need(out, "out");
        *out = make_buffer(deref<Function>(f, "f").report());
    });
}

int32_t minpy_recording_abandon(const char* why) {
    Recorder* r = recorder();
    if (!r) return 0;
    guard([&] { r->abandon(why ? why : "it cannot be recorded"); });
    return 1;
}

minpy_function minpy_function_retain(minpy_function f) {
    if (f) reinterpret_cast<Function*>(f)->retain();
    return f;
}

void minpy_function_release(minpy_function f) {
    if (f) reinterpret_cast<Function*>(f)->release();
}

minpy_status minpy_register_op(const char* signature, const char* doc, minpy_function f, minpy_op* out) {
    return guard([&] {
        need(signature, "signature");
        auto& function = deref<Function>(f, "f");
        const Op& op = register_foreign_op(signature, doc, Ref<Function>::share(&function));
        if (out) *out = minpy::handle(&op);
    });
}

minpy_status minpy_register_kernel(const char* op, int32_t device_kind, minpy_function f) {
    return guard([&] {
        need(op, "op");
        auto& function = deref<Function>(f, "f");
        register_foreign_kernel(op, device_kind, Ref<Function>::share(&function));
    });
}
