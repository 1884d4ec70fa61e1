#include "core/registry/context.h"

#include <cstdlib>
#include <cstring>
#include <random>

#include "core/autograd/tape.h"
#include "core/registry/device.h"
#include "core/registry/thread_state.h"

#include <pthread.h>

namespace minpy {

// ---- thread state ----

__thread ThreadState* tls_state __attribute__((tls_model("initial-exec"))) = nullptr;

ThreadState* make_thread_state() {
    static pthread_key_t key;
    static bool ready = pthread_key_create(&key, [](void* p) {
                            auto* state = static_cast<ThreadState*>(p);
                            if (state->context) state->context->release();
                            state->context = nullptr;
                            tls_state = nullptr;
                            delete state;
                        }) == 0;
    (void)std::uncaught_exceptions();  // touches libstdc++'s own thread-locals while memory is there
    auto* state = new ThreadState;
    if (ready) pthread_setspecific(key, state);
    return tls_state = state;
}

// ---- context ----

namespace {

Ref<Rng> default_rng() {
    static Rng* process = [] {
        auto* r = new Rng;  // lives as long as the process
        std::random_device entropy;
        r->seed = (uint64_t(entropy()) << 32) | entropy();
        return r;
    }();
    return Ref<Rng>::share(process);
}

struct Environment {
    Device device;
    Policy policy = Policy::prefer_device;
    Reaction fallback = Reaction::allow;
    Environment() {
        auto is = [](const char* name, const char* value) {
            const char* text = std::getenv(name);
            return text && std::strcmp(text, value) == 0;
        };
        if (const char* text = std::getenv("MINPY_DEVICE")) {
            std::string d = text;
            size_t colon = d.find(':');
            std::string kind = d.substr(0, colon);
            if (kind == "cuda" || kind == "gpu") device.kind = MINPY_CUDA;
            if (kind == "ext") device.kind = MINPY_EXTENSION;
            if (colon != std::string::npos) device.index = std::atoi(d.c_str() + colon + 1);
        }
        if (is("MINPY_POLICY", "only_cpu")) policy = Policy::only_cpu;
        if (is("MINPY_POLICY", "only_device")) policy = Policy::only_device;
        if (is("MINPY_FALLBACK", "warn")) fallback = Reaction::warn;
        if (is("MINPY_FALLBACK", "error")) fallback = Reaction::error;
    }
};

}  // namespace

Context::Context() {
    static const Environment from;
    device = from.device;
    policy = from.policy;
    fallback = from.fallback;
    rng = default_rng();
}

Context::Context(const Context& o)
    : Counted<Context>(),
      device(o.device),
      policy(o.policy),
      fallback(o.fallback),
      training(o.training),
      tape(o.tape),
      stream(o.stream),
      rng(o.rng),
      scope(o.scope) {}

Context::~Context() = default;

Context& Context::first() {
    ThreadState& t = thread_state();
    if (!t.context) t.context = new Context;
    return *t.context;
}

WithContext::WithContext(Context& c) : before_(&Context::current()) { thread_state().context = &c; }
WithContext::~WithContext() { thread_state().context = before_; }

}  // namespace minpy
