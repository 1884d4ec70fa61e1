// The boundary: handles in, C++ inside, a status out. Every entry that can fail runs its body through guard(), which turns
// whatever is thrown into the thread's error record.
#pragma once
#include <cstring>

#include "core/autograd/tape.h"
#include "core/registry/device.h"
#include "core/registry/registry.h"
#include "core/registry/thread_state.h"
#include "minpy/minpy.h"

struct minpy_error_s : minpy::Counted<minpy_error_s> {
    minpy_status code;
    std::string message, op, argument, kind, full;
};
struct minpy_buffer_s : minpy::Counted<minpy_buffer_s> {
    std::string bytes;
};

namespace minpy {

void store_error(const Error& e) noexcept;  // in this thread's record
void store_out_of_memory() noexcept;
minpy_status store_current_exception() noexcept;

template <class F> minpy_status guard(F&& body) noexcept {
    try {
        body();
        return MINPY_OK;
    } catch (...) { return store_current_exception(); }
}

// ---- handles ----
inline ArrayBody* body(minpy_array a) { return reinterpret_cast<ArrayBody*>(a); }
inline minpy_array handle(ArrayBody* b) { return reinterpret_cast<minpy_array>(b); }
inline minpy_op handle(const Op* op) { return reinterpret_cast<minpy_op>(const_cast<Op*>(op)); }

// Apart, so that a check is two instructions where it holds.
[[noreturn, gnu::cold]] void null_handle(const char* name);
[[noreturn, gnu::cold]] void null_argument(const char* name);

// A live array, or an error that names the argument.
inline void check_alive(const ArrayBody* b, const char* name) {
    if (!b) null_handle(name);
#ifndef NDEBUG
    if (b->magic != ArrayBody::kAlive) throw state_error(name, " is a handle that was released").in_argument(name);
#endif
}
inline Array share(minpy_array a, const char* name = "a") {
    check_alive(body(a), name);
    return Array::share(body(a));
}
template <class T, class H> T& deref(H h, const char* name) {
    if (!h) null_handle(name);
    return *reinterpret_cast<T*>(h);
}
template <class T> void need(const T* p, const char* name) {
    if (!p) null_argument(name);
}
inline Device device_from(minpy_device d) {
    if (d.kind == MINPY_CPU && d.index != 0) throw value_error("the CPU has the index 0, not ", d.index);
    return {d.kind, d.index};
}
inline Context& context_from(minpy_context c) { return c ? *reinterpret_cast<Context*>(c) : Context::current(); }
DimsView shape_from(const int64_t* shape, int32_t ndim);
minpy_buffer make_buffer(std::string bytes);
void add_to_scope(Scope& scope, const Array& a);
// Gives the caller a reference, and the context's scope one of its own.
inline minpy_array give(Array a, Context& context) {
    if (Scope* s = context.scope.get()) add_to_scope(*s, a);
    return handle(a.detach());
}

// The part of a caller's struct that both sides know; at least `least` bytes.
template <class T> T read_struct(const T* from, size_t least, const char* name) {
    need(from, name);
    if (from->struct_size < least)
        throw Error(MINPY_E_ABI, "ValueError",
                    cat(name, ": struct_size is ", from->struct_size, ", at least ", least, " is needed"));
    T out{};
    memcpy(&out, from, std::min<size_t>(from->struct_size, sizeof(T)));
    if (from->struct_size > sizeof(T)) {
        // A newer caller: what we do not know must be zero.
        auto* bytes = reinterpret_cast<const char*>(from);
        for (size_t i = sizeof(T); i < from->struct_size; ++i)
            if (bytes[i]) throw Error(MINPY_E_ABI, "ValueError", cat(name, ": an option of a newer version is set"));
    }
    return out;
}
template <class T> void write_struct(T* io, const T& value, const char* name) {
    need(io, name);
    uint32_t size = io->struct_size;
    if (size < 8) throw Error(MINPY_E_ABI, "ValueError", cat(name, ": struct_size is not set"));
    if (size == sizeof(T)) {
        *io = value;
        io->struct_size = size;
        return;
    }
    memcpy(io, &value, std::min<size_t>(size, sizeof(T)));
    io->struct_size = size;
}

CallOptions options_from(const minpy_call_options* o, Arrays& out_storage);
std::vector<Array> arrays_from(const minpy_array* a, int32_t n, const char* name, bool allow_null = false);

}  // namespace minpy
