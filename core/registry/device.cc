#include "core/registry/device.h"

#include <chrono>
#include <map>

#include "core/autograd/node.h"
#include "core/cpu/elementwise.h"
#include "core/ops/calls.h"
#include "core/registry/backends.h"
#include "core/registry/dispatch.h"
#include "core/registry/statistics.h"

namespace minpy {
namespace {

DimsView view(const Dims& d) { return {d.data(), size_t(d.size())}; }

void check(minpy_status status, const char* what, Device d) {
    if (status == MINPY_OK) return;
    if (status == MINPY_E_NOMEM) throw Error(status, "MemoryError", cat("out of memory on ", to_string(d)));
    throw Error(status, "RuntimeError", cat(what, " failed on ", to_string(d), " (status ", status, ")"));
}

minpy_tensor tensor_of(const Array& a) {
    Storage& s = a.storage();
    return {s.data ? s.data + a.get()->offset : nullptr,
            a.shape().data(),
            a.strides().data(),
            a.ndim(),
            int32_t(a.dtype()),
            s.token};
}

}  // namespace

Stream::~Stream() { api->stream_destroy(device.index, native); }

const minpy_device_api& device_api(Device d) {
    const minpy_device_api* api = find_device_api(d.kind);
    if (!api)
        throw Error(MINPY_E_UNSUPPORTED, "RuntimeError", cat("no backend for the device ", to_string(d), " is loaded"));
    if (d.index < 0 || d.index >= api->count)
        throw Error(MINPY_E_DEVICE, "RuntimeError", cat("no device ", to_string(d), ": there are ", api->count));
    return *api;
}

int device_count(int32_t kind) {
    if (kind == MINPY_CPU) return 1;
    const minpy_device_api* api = find_device_api(kind);
    return api ? api->count : 0;
}

void* device_allocate(Device d, int64_t bytes) {
    void* data = nullptr;
    check(device_api(d).allocate(d.index, uint64_t(std::max<int64_t>(bytes, 1)), &data), "allocation", d);
    return data;
}

void device_deallocate(Device d, void* data, int64_t bytes) noexcept {
    if (const minpy_device_api* api = find_device_api(d.kind)) {
        api->deallocate(d.index, data, uint64_t(std::max<int64_t>(bytes, 1)));
    }
}

void* current_stream(Device d, const Context& context) {
    return context.stream && context.stream->device == d ? context.stream->native : nullptr;
}

void synchronize(Device d) {
    if (d.is_cpu()) return;
    const minpy_device_api& api = device_api(d);
    check(api.stream_synchronize(d.index, current_stream(d, Context::current())), "synchronize", d);
}

Array to_device(const Array& a, Device d) {
    if (a.device() == d) return a;
    if (!a.on_cpu() && !d.is_cpu()) return to_device(to_device(a, kCpu), d);
    Context& context = Context::current();
    if (d.is_cpu()) {
        const minpy_device_api& api = device_api(a.device());
        Array source = a.is_contiguous() ? a : copy_on_device(a);
        Array out = empty(a.shape(), a.dtype());
        if (a.size())
            check(api.copy_out(a.device().index, current_stream(a.device(), context), out.raw(), source.raw(),
                               uint64_t(a.nbytes())),
                  "copy to the host", a.device());
        wait_ready(a.storage());  // what a kernel reported late
        return out;
    }
    const minpy_device_api& api = device_api(d);
    a.data();
    Array source = contiguous(a);
    Array out = empty(a.shape(), a.dtype(), d);
    if (a.size())
        check(api.copy_in(d.index, current_stream(d, context), out.raw(), source.raw(), uint64_t(a.nbytes())),
              "copy to the device", d);
    return out;
}

namespace {

// The bytes that a window spans, on the host: strided device windows are gathered there.
Array span_to_host(const Array& a) {
    auto [low, high] = extent(a.shape(), a.strides(), a.itemsize());
    Context& context = Context::current();
    Storage* host = Storage::create(high - low, kCpu);
    Array out = Array::on(host, -low, a.shape(), a.strides(), a.dtype());
    if (high > low)
        check(device_api(a.device())
                  .copy_out(a.device().index, current_stream(a.device(), context), host->data, a.raw() + low,
                            uint64_t(high - low)),
              "copy to the host", a.device());
    wait_ready(a.storage());
    return out;
}

// to = from by the device's own kernel; false where it has none for these.
bool copy_by_kernel(const Array& to, const Array& from) {
    bool same_type = to.dtype() == from.dtype();
    CallOptions options;
    Call c(same_type ? MINPY_OP("copy") : MINPY_OP("astype"), Context::current(), options);
    c.in.push_back(from);
    c.out.push_back(to);
    c.args.push_back(none_value());
    if (!same_type) c.args.push_back(to_value(to.dtype()));
    const char* reason;
    return run_backend_kernel(c, c.in, to.device(), &reason);
}

}  // namespace

Array copy_on_device(const Array& a) {
    if (a.is_contiguous()) {
        Array out = empty(a.shape(), a.dtype(), a.device());
        if (a.size())
            check(device_api(a.device())
                      .copy(a.device().index, current_stream(a.device(), Context::current()), out.raw(), a.raw(),
                            uint64_t(a.nbytes())),
                  "copy", a.device());
        return out;
    }
    Array out = empty(a.shape(), a.dtype(), a.device());
    if (a.size() == 0 || copy_by_kernel(out, a)) return out;
    return to_device(copy_of(span_to_host(a)), a.device());
}

void copy_between(const Array& to, const Array& from) {
    if (to.size() == 0) return;
    if (to.device() == from.device() && !to.on_cpu()) {
        Array source = may_overlap(to, from) ? copy_on_device(from) : from;
        if (copy_by_kernel(to, source)) return;
    }
    Array host = from.on_cpu() ? from : to_device(from, kCpu);
    host.data();
    if (to.on_cpu()) return copy_into(to, host);
    Array value = empty(to.shape(), to.dtype());
    copy_into(value, host);
    auto [low, high] = extent(to.shape(), to.strides(), to.itemsize());
    const minpy_device_api& api = device_api(to.device());
    void* stream = current_stream(to.device(), Context::current());
    Array span = to.is_contiguous() ? value : span_to_host(to);
    if (!to.is_contiguous()) copy_into(span, value);
    char* from_bytes = to.is_contiguous() ? value.raw() : span.storage().data;
    check(api.copy_in(to.device().index, stream, to.raw() + low, from_bytes, uint64_t(high - low)),
          "copy to the device", to.device());
    // The host memory must outlive the copy.
    check(api.stream_synchronize(to.device().index, stream), "synchronize", to.device());
}

// ---- kernels ----

void run_on_device(Call& c, Device device) {
    const char* reason = "no_kernel";
    if (c.context.policy == Policy::only_cpu) {
        reason = "policy";
    } else {
        Arrays wide = c.in;  // element-wise kernels get broadcast strides
        if (c.op.elementwise)
            for (Array& a : wide) a = broadcast_window(a, view(c.specs[0].shape));
        for (const Call::Spec& s : c.specs) c.out.push_back(empty(view(s.shape), s.dtype, device));
        if (run_backend_kernel(c, wide, device, &reason)) {
            count_device_call(c.op, device);
            return;
        }
        c.out.clear();
    }
    if (c.context.policy == Policy::only_device)
        throw unsupported("'", c.op.name, "' has no kernel on ", to_string(device), " for this call (", reason,
                          "), and the policy is to use the device only");
    if (c.context.fallback == Reaction::error) count_fallback(c.op.name, device, reason, 0, 0, Reaction::error);
    auto begin = std::chrono::steady_clock::now();
    uint64_t bytes = 0;
    Arrays given = c.in;
    for (Array& a : c.in) {
        if (!a) continue;
        bytes += uint64_t(a.nbytes());
        a = to_device(a, kCpu);
    }
    if (c.op.elementwise) {
        Resolved r = resolve_loop(c);
        c.out.push_back(empty(view(c.specs[0].shape), c.specs[0].dtype));
        run_loop(*r.loop, {c.in.data(), size_t(c.in.size())}, c.out[0]);
    } else {
        for (const Call::Spec& s : c.specs) c.out.push_back(empty(view(s.shape), s.dtype));
        c.op.cpu_kernel(c);
    }
    for (Array& a : c.out) {
        bytes += uint64_t(a.nbytes());
        a = to_device(a, device);
    }
    c.in = given;
    auto spent = std::chrono::steady_clock::now() - begin;
    count_fallback(c.op.name, device, reason, bytes, uint64_t(std::chrono::nanoseconds(spent).count()),
                   c.context.fallback);
}

bool fill_kernel_call(Call& c, const Arrays& inputs, Device device, KernelCallStorage& s) {
    for (const Array& a : inputs) s.inputs.push_back(a ? tensor_of(a) : minpy_tensor{});
    for (const Array& a : c.out) s.outputs.push_back(tensor_of(a));
    for (const minpy_value& v : c.args) {
        bool operand = v.tag == MINPY_V_ARRAY || v.tag == MINPY_V_ARRAYS;
        s.attributes.push_back(operand ? none_value() : v);
    }
    s.device = device;
    s.call = {sizeof(minpy_kernel_call),
              device.index,
              c.op.name.c_str(),
              s.inputs.data(),
              s.outputs.data(),
              int32_t(s.inputs.size()),
              int32_t(s.outputs.size()),
              s.attributes.data(),
              int32_t(s.attributes.size()),
              0,
              current_stream(device, c.context),
              &s};
    return true;
}

}  // namespace minpy
