// Context, version, devices, streams, memory, scopes, random state, logging, profiler.
#include "capi/src/boundary.h"
#include "core/cpu/blas.h"
#include "core/fusion/deferred.h"
#include "core/registry/statistics.h"

using namespace minpy;

uint32_t minpy_version(void) { return 0x000100; }
uint32_t minpy_abi_version(void) { return MINPY_ABI_VERSION; }

minpy_status minpy_initialize(uint32_t header_abi) {
    return guard([&] {
        if (header_abi != MINPY_ABI_VERSION)
            throw Error(
                MINPY_E_ABI, "ImportError",
                cat("the header has ABI ", header_abi, ", the library ", MINPY_ABI_VERSION, " (version 0.1.0)"));
        Registry::get();
        initialize_blas();
    });
}

minpy_status minpy_shutdown(void) {
    trim_memory(0);
    return MINPY_OK;
}

int32_t minpy_has_feature(const char* name) {
    if (!name) return 0;
    std::string_view feature = name;
    if (feature == "openblas" || feature == "onednn" || feature == "zlib") return 1;
#ifndef NDEBUG
    if (feature == "debug") return 1;
#endif
    int32_t found = 0;
    guard([&] { found = feature == "cuda" && find_device_api(MINPY_CUDA) != nullptr; });
    return found;
}

// ---- context ----

minpy_status minpy_context_new(minpy_context* out) {
    return guard([&] {
        need(out, "out");
        *out = reinterpret_cast<minpy_context>(new Context(Context::current()));
    });
}

void minpy_context_release(minpy_context c) {
    if (c) reinterpret_cast<Context*>(c)->release();
}

minpy_status minpy_context_push(minpy_context c) {
    return guard([&] {
        Context& mine = deref<Context>(c, "c");
        Context& before = Context::current();
        thread_state().pushed.push_back(&before);
        mine.retain();
        thread_state().context = &mine;
    });
}

minpy_status minpy_context_pop(void) {
    return guard([&] {
        ThreadState& t = thread_state();
        if (t.pushed.empty()) throw state_error("no context was pushed on this thread");
        Context* mine = t.context;
        t.context = t.pushed.back();
        t.pushed.pop_back();
        mine->release();
    });
}

minpy_status minpy_context_get_info(minpy_context c, minpy_context_info* io) {
    return guard([&] {
        Context& x = context_from(c);
        minpy_context_info info{};
        info.policy = int32_t(x.policy);
        info.fallback = int32_t(x.fallback);
        info.training = x.training;
        info.device = {x.device.kind, x.device.index};
        info.tape = reinterpret_cast<minpy_tape>(x.tape.get());
        info.stream = reinterpret_cast<minpy_stream>(x.stream.get());
        info.rng = reinterpret_cast<minpy_rng>(x.rng.get());
        info.scope = reinterpret_cast<minpy_scope>(x.scope.get());
        write_struct(io, info, "io");
    });
}

minpy_status minpy_context_set_device(minpy_context c, minpy_device device) {
    return guard([&] {
        Device d = device_from(device);
        if (!d.is_cpu()) device_api(d);
        context_from(c).device = d;
    });
}

minpy_status minpy_context_set_policy(minpy_context c, int32_t policy, int32_t fallback) {
    return guard([&] {
        if (policy < 0 || policy > 2) throw value_error("policy ", policy, " is none of MINPY_POLICY_*");
        if (fallback < 0 || fallback > 2) throw value_error("fallback ", fallback, " is none of MINPY_FALLBACK_*");
        context_from(c).policy = Policy(policy);
        context_from(c).fallback = Reaction(fallback);
    });
}

minpy_status minpy_context_set_training(minpy_context c, int32_t training) {
    return guard([&] { context_from(c).training = training != 0; });
}

minpy_status minpy_context_set_stream(minpy_context c, minpy_stream stream) {
    return guard([&] { context_from(c).stream = Ref<Stream>::share(reinterpret_cast<Stream*>(stream)); });
}

minpy_status minpy_context_set_tape(minpy_context c, minpy_tape tape) {
    return guard([&] {
        Context& x = context_from(c);
        auto* t = reinterpret_cast<Tape*>(tape);
        // The first context a tape enters says which tape is around it.
        if (t && x.tape && x.tape.get() != t && !t->parent) {
            bool circle = false;
            for (Tape* p = x.tape.get(); p; p = p->parent.get()) circle = circle || p == t;
            if (!circle) t->nest_in(x.tape);
        }
        x.tape = Ref<Tape>::share(t);
    });
}

minpy_status minpy_context_set_rng(minpy_context c, minpy_rng rng) {
    return guard([&] { context_from(c).rng = Ref<Rng>::share(&deref<Rng>(rng, "rng")); });
}

minpy_status minpy_context_set_scope(minpy_context c, minpy_scope scope) {
    return guard([&] { context_from(c).scope = Ref<Scope>::share(reinterpret_cast<Scope*>(scope)); });
}

// ---- devices and streams ----

minpy_status minpy_device_count(int32_t kind, int32_t* out) {
    return guard([&] {
        need(out, "out");
        *out = device_count(kind);
    });
}

minpy_status minpy_device_get_info(minpy_device d, minpy_device_info* io) {
    return guard([&] {
        minpy_device_info info{};
        if (d.kind == MINPY_CPU) {
            info.available = 1;
            strcpy(info.name, "cpu");
            strcpy(info.backend, loop_level().name);
        } else if (const minpy_device_api* api = find_device_api(d.kind); api && d.index >= 0 && d.index < api->count) {
            info.available = api->info(d.index, info.name, &info.total_bytes, &info.free_bytes) == MINPY_OK;
            strncpy(info.backend, api->name, sizeof info.backend - 1);
        }
        write_struct(io, info, "io");
    });
}

minpy_status minpy_stream_new(minpy_device d, uint32_t flags, minpy_stream* out) {
    return guard([&] {
        need(out, "out");
        if (flags) throw value_error("unknown flags ", flags);
        Device device = device_from(d);
        if (device.is_cpu()) throw unsupported("the CPU has no streams: calls on it return when they are done");
        const minpy_device_api& api = device_api(device);
        void* native = nullptr;
        if (minpy_status s = api.stream_create(device.index, &native))
            throw Error(s, "RuntimeError", cat("no stream on ", to_string(device), " (status ", s, ")"));
        auto* stream = new Stream;
        stream->device = device;
        stream->api = &api;
        stream->native = native;
        *out = reinterpret_cast<minpy_stream>(stream);
    });
}

minpy_status minpy_stream_native(minpy_stream s, void** out) {
    return guard([&] {
        need(out, "out");
        Stream& x = deref<Stream>(s, "s");
        *out = x.api->stream_native(x.device.index, x.native);
    });
}

minpy_status minpy_stream_wait(minpy_stream s, minpy_stream on) {
    return guard([&] {
        Stream &x = deref<Stream>(s, "s"), &y = deref<Stream>(on, "on");
        if (!(x.device == y.device)) throw value_error("the streams are of different devices");
        if (minpy_status status = x.api->stream_wait(x.device.index, x.native, y.native))
            throw Error(status, "RuntimeError", cat("stream_wait failed on ", to_string(x.device)));
    });
}

minpy_status minpy_stream_synchronize(minpy_stream s) {
    return guard([&] {
        Stream& x = deref<Stream>(s, "s");
        if (minpy_status status = x.api->stream_synchronize(x.device.index, x.native))
            throw Error(status, "RuntimeError",
                        cat("a kernel failed on ", to_string(x.device), " (status ", status, ")"));
    });
}

void minpy_stream_release(minpy_stream s) {
    if (s) reinterpret_cast<Stream*>(s)->release();
}

minpy_status minpy_device_synchronize(minpy_device d) {
    return guard([&] { synchronize(device_from(d)); });
}

// ---- memory and scopes ----

minpy_status minpy_memory_get_stats(minpy_device d, minpy_memory_stats* io) {
    return guard([&] {
        device_from(d);
        MemoryStats m = memory_stats();
        minpy_memory_stats stats{};
        stats.in_use = m.in_use;
        stats.cached = m.cached;
        stats.peak = m.peak;
        stats.n_allocs = m.n_allocs;
        stats.limit = m.limit;
        stats.live_arrays = uint64_t(live_arrays.load());
        stats.live_handles = uint64_t(live_handles.load());
        write_struct(io, stats, "io");
    });
}

minpy_status minpy_memory_trim(minpy_device d, uint64_t keep_bytes) {
    return guard([&] {
        device_from(d);
        trim_memory(keep_bytes);
    });
}

minpy_status minpy_memory_set_limit(minpy_device d, uint64_t bytes) {
    return guard([&] {
        if (!device_from(d).is_cpu()) throw unsupported("a limit of device memory").in_argument("d");
        set_memory_limit(bytes);
    });
}

namespace {
struct Reclaim {
    std::mutex mutex;
    minpy_reclaim_fn fn = nullptr;
    void* payload = nullptr;
} g_reclaim;
}  // namespace

minpy_status minpy_memory_set_reclaim(minpy_reclaim_fn fn, void* payload) {
    return guard([&] {
        std::lock_guard lock(g_reclaim.mutex);
        g_reclaim.fn = fn;
        g_reclaim.payload = payload;
        set_reclaim(fn ? [](void*, uint64_t wanted) {
            minpy_reclaim_fn call;
            void* with;
            {
                std::lock_guard inner(g_reclaim.mutex);
                call = g_reclaim.fn;
                with = g_reclaim.payload;
            }
            return call && call(with, minpy_device{MINPY_CPU, 0}, wanted) != 0;
        } : static_cast<ReclaimFn>(nullptr), nullptr);
    });
}

minpy_status minpy_scope_begin(minpy_scope* out) {
    return guard([&] {
        need(out, "out");
        *out = reinterpret_cast<minpy_scope>(new Scope);
    });
}

minpy_status minpy_scope_keep(minpy_scope s, minpy_array a) {
    return guard([&] {
        Scope& scope = deref<Scope>(s, "s");
        check_alive(body(a), "a");
        std::lock_guard lock(scope.mutex);
        for (size_t i = scope.arrays.size(); i-- > 0;) {
            if (scope.arrays[i].get() != body(a)) continue;
            scope.arrays[i] = scope.arrays.back();
            scope.arrays.pop_back();
            return;
        }
        throw Error(MINPY_E_NOTFOUND, "ValueError", "the array is not in this scope");
    });
}

void minpy_scope_end(minpy_scope s) {
    if (!s) return;
    auto* scope = reinterpret_cast<Scope*>(s);
    std::vector<Array> arrays;
    {
        std::lock_guard lock(scope->mutex);
        arrays.swap(scope->arrays);
    }
    // The scope's own references and the ones that the caller was given.
    for (Array& a : arrays) Array::drop(a.get());
    arrays.clear();
    scope->release();
}

// ---- random state, floating-point status ----

minpy_status minpy_rng_new(uint64_t seed, uint64_t stream, minpy_rng* out) {
    return guard([&] {
        need(out, "out");
        auto* r = new Rng;
        r->seed = seed;
        r->stream = stream;
        *out = reinterpret_cast<minpy_rng>(r);
    });
}

minpy_status minpy_rng_split(minpy_rng r, int32_t n, minpy_rng* out) {
    return guard([&] {
        Rng& from = deref<Rng>(r, "r");
        if (n < 0) throw value_error("n is negative");
        if (n) need(out, "out");
        std::vector<Ref<Rng>> fresh;
        uint64_t base = from.counter.fetch_add(1);
        for (int32_t i = 0; i < n; ++i) {
            fresh.push_back(Ref<Rng>::adopt(new Rng));
            fresh.back()->seed = from.seed;
            // splitmix64 of (stream, counter, i): distinct streams of one seed.
            uint64_t z = from.stream + 0x9e3779b97f4a7c15ull * (base * 0x10001ull + uint64_t(i) + 1);
            z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
            z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
            fresh.back()->stream = z ^ (z >> 31);
        }
        for (int32_t i = 0; i < n; ++i) out[i] = reinterpret_cast<minpy_rng>(fresh[size_t(i)].detach());
    });
}

minpy_status minpy_rng_state(minpy_rng r, uint64_t words[3], int32_t set) {
    return guard([&] {
        Rng& x = deref<Rng>(r, "r");
        need(words, "words");
        if (set) {
            x.seed = words[0];
            x.stream = words[1];
            x.counter.store(words[2]);
        } else {
            words[0] = x.seed;
            words[1] = x.stream;
            words[2] = x.counter.load();
        }
    });
}

void minpy_rng_release(minpy_rng r) {
    if (r) reinterpret_cast<Rng*>(r)->release();
}

uint32_t minpy_fp_status(int32_t clear) {
    ThreadState* t = tls_state;
    if (!t) return 0;
    uint32_t status = t->fp_status;
    if (clear) t->fp_status &= kNamedConditions;  // until they are taken
    return status;
}

minpy_status minpy_fp_defer(int32_t mode, uint32_t conditions, const char* site) {
    return guard([&] {
        if (mode < MINPY_FP_JOIN || mode > MINPY_FP_AT_ONCE)
            throw value_error("mode must be MINPY_FP_JOIN, _BY_NAME or _AT_ONCE, got ", mode).in_argument("mode");
        ThreadState& t = thread_state();
        if (site) t.site = site;
        t.fp_at_once = mode == MINPY_FP_AT_ONCE;
        t.fp_named = mode == MINPY_FP_BY_NAME;
        t.fp_conditions = conditions;
    });
}

minpy_status minpy_fp_take(minpy_buffer* out) {
    return guard([&] {
        need(out, "out");
        ThreadState& t = thread_state();
        std::string text;
        for (const LateCondition& c : t.late) text += cat(c.conditions, " ", c.op->name, " ", c.site, "\n");
        *out = make_buffer(text);
        t.late.clear();
        t.fp_status &= ~uint32_t(MINPY_FP_NAMED);
    });
}

minpy_status minpy_explain(minpy_buffer* out) {
    return guard([&] {
        need(out, "out");
        *out = make_buffer(explain_groups());
    });
}

// ---- plugins, logging, profiler ----

minpy_status minpy_backend_load(const char* path) {
    return guard([&] {
        need(path, "path");
        load_backend(path);
    });
}

minpy_status minpy_backend_report(minpy_buffer* out) {
    return guard([&] {
        need(out, "out");
        *out = make_buffer(backend_report());
    });
}

minpy_status minpy_log_set(int32_t level, minpy_log_fn fn, void* payload) {
    return guard([&] {
        if (level < 0 || level > 3) throw value_error("level ", level, " is not in 0..3");
        set_log(level, fn, payload);
    });
}

minpy_status minpy_log_poll(minpy_buffer* out) {
    return guard([&] {
        need(out, "out");
        *out = make_buffer(take_log());
    });
}

minpy_status minpy_profiler_start(uint32_t flags) {
    return guard([&] {
        if (flags) throw value_error("unknown flags ", flags);
        start_profiler();
    });
}

minpy_status minpy_profiler_stop(minpy_buffer* out) {
    return guard([&] {
        need(out, "out");
        *out = make_buffer(stop_profiler());
    });
}
