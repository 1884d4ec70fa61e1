// Where and how calls run: device, stream, policy, tape, random state, scope. One object, passed per call or current on
// the thread; the current one nests and is restored by whoever pushed.
#pragma once
#include <atomic>

#include "core/array/array.h"
#include "core/registry/tally.h"

namespace minpy {

class Tape;
struct Rng;
struct Stream;
struct Scope;

enum class Policy : int32_t { prefer_device = 0, only_cpu = 1, only_device = 2 };
enum class Reaction : int32_t { allow = 0, warn = 1, error = 2 };

// A counted object behind a handle.
template <class T> struct Counted {
    std::atomic<int64_t> refs{1};
    Counted() { live_handles.add(1); }
    ~Counted() { live_handles.add(-1); }
    void retain() { refs.fetch_add(1, std::memory_order_relaxed); }
    void release() noexcept {
        if (drop_reference(refs)) delete static_cast<T*>(this);
    }
};

// A counted pointer to one.
template <class T> class Ref {
public:
    Ref() = default;
    static Ref adopt(T* p) { return Ref(p); }
    static Ref share(T* p) {
        if (p) p->retain();
        return Ref(p);
    }
    Ref(const Ref& other) : p_(other.p_) {
        if (p_) p_->retain();
    }
    Ref(Ref&& other) noexcept : p_(std::exchange(other.p_, nullptr)) {}
    Ref& operator=(Ref other) noexcept {
        std::swap(p_, other.p_);
        return *this;
    }
    ~Ref() {
        if (p_) p_->release();
    }
    T* get() const { return p_; }
    T* operator->() const { return p_; }
    T& operator*() const { return *p_; }
    explicit operator bool() const { return p_; }
    T* detach() { return std::exchange(p_, nullptr); }

private:
    explicit Ref(T* p) : p_(p) {}
    T* p_ = nullptr;
};

class Context : public Counted<Context> {
public:
    Context();
    Context(const Context& other);
    ~Context();

    Device device{};
    Policy policy = Policy::prefer_device;
    Reaction fallback = Reaction::allow;
    bool training = false;
    Ref<Tape> tape;  // the innermost one that records; it knows the outer ones
    Ref<Stream> stream;
    Ref<Rng> rng;  // never null
    Ref<Scope> scope;

    // The thread's current one; made from the environment (MINPY_DEVICE, MINPY_POLICY, MINPY_FALLBACK) at first.
    static Context& current() {
        ThreadState* t = tls_state;
        return t && t->context ? *t->context : first();
    }

private:
    static Context& first();
};

// Makes `c` current while it lives.
class WithContext {
public:
    explicit WithContext(Context& c);
    ~WithContext();
    WithContext(const WithContext&) = delete;

private:
    Context* before_;
};

// Arrays that are released together (minpy_scope). Handles are registered once, at the C boundary.
struct Scope : Counted<Scope> {
    std::mutex mutex;
    std::vector<Array> arrays;
};

// Philox 4x32-10 state: results depend on seed, stream and counter only.
struct Rng : Counted<Rng> {
    uint64_t seed = 0, stream = 0;
    std::atomic<uint64_t> counter{0};
};

}  // namespace minpy
