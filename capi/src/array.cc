// Arrays: making, looking at, indexing, copying.
#include "capi/src/boundary.h"
#include "core/array/format.h"
#include "core/array/indexing.h"
#include "core/ops/calls.h"
#include "core/registry/recorder.h"

namespace minpy {

DimsView shape_from(const int64_t* shape, int32_t ndim) {
    if (ndim < 0 || ndim > kMaxDims)
        throw value_error("maximum supported dimension for an ndarray is currently ", kMaxDims, ", found ", ndim);
    if (ndim > 0) need(shape, "shape");
    return {shape, size_t(ndim)};
}

minpy_buffer make_buffer(std::string bytes) {
    auto* b = new minpy_buffer_s;
    b->bytes = std::move(bytes);
    return b;
}

void null_handle(const char* name) { throw value_error(name, " is a null handle").in_argument(name); }
void null_argument(const char* name) { throw value_error(name, " must not be NULL").in_argument(name); }

void add_to_scope(Scope& scope, const Array& a) {
    std::lock_guard lock(scope.mutex);
    scope.arrays.push_back(a);
}

// Whether a tape may follow it; minpy_array_is_traced looks closer.
static bool on_tape(const ArrayBody* b) { return b->node || b->storage->has(Storage::kTraced); }

std::vector<Array> arrays_from(const minpy_array* a, int32_t n, const char* name, bool allow_null) {
    if (n < 0) throw value_error("a negative number of ", name);
    if (n > 0) need(a, name);
    std::vector<Array> result;
    for (int32_t i = 0; i < n; ++i) {
        if (!a[i] && allow_null) result.emplace_back();
        else result.push_back(share(a[i], name));
    }
    return result;
}

}  // namespace minpy

using namespace minpy;

minpy_status minpy_array_zeros(const int64_t* shape, int32_t ndim, minpy_dtype dtype, minpy_device device,
                               minpy_array* out) {
    return guard([&] {
        need(out, "out");
        *out = give(ops::zeros(shape_from(shape, ndim), checked_dtype(dtype), device_from(device)), Context::current());
    });
}

minpy_status minpy_array_from_host(const void* data, const int64_t* shape, const int64_t* strides, int32_t ndim,
                                   minpy_dtype dtype, minpy_device device, minpy_array* out) {
    return guard([&] {
        need(out, "out");
        DimsView dims = shape_from(shape, ndim);
        DType t = checked_dtype(dtype);
        int64_t size = checked_size(dims, itemsize(t));
        Array result = empty(dims, t);
        if (size) {
            need(data, "data");
            constexpr int64_t kSmall = 1 << 16;  // bytes: beyond, threads may help
            bool in_order = !strides || is_c_contiguous(dims, {strides, size_t(ndim)}, itemsize(t));
            if (in_order && result.nbytes() <= kSmall) {
                memcpy(result.raw(), data, size_t(result.nbytes()));
                *out = give(to_device(result, device_from(device)), Context::current());
                return;
            }
            Dims steps = strides ? Dims(strides, strides + ndim) : c_strides(dims, itemsize(t));
            auto [low, high] = extent(dims, {steps.data(), size_t(steps.size())}, itemsize(t));
            Storage* lent = Storage::borrow(static_cast<char*>(const_cast<void*>(data)) + low, high - low, kCpu, true,
                                            nullptr, nullptr);
            copy_into(result, Array::on(lent, -low, dims, {steps.data(), size_t(steps.size())}, t));
        }
        if (Recorder* r = recorder()) r->made(result);
        *out = give(to_device(result, device_from(device)), Context::current());
    });
}

minpy_status minpy_array_borrow(void* data, const int64_t* shape, const int64_t* strides, int32_t ndim,
                                minpy_dtype dtype, minpy_device device, uint32_t flags, void* payload,
                                minpy_destroy_fn destroy, minpy_array* out) {
    bool taken = false;
    minpy_status status = guard([&] {
        need(out, "out");
        if (flags & ~uint32_t(MINPY_BORROW_READONLY)) throw value_error("unknown flags ", flags).in_argument("flags");
        DimsView dims = shape_from(shape, ndim);
        DType t = checked_dtype(dtype);
        int64_t size = checked_size(dims, itemsize(t));
        if (size) need(data, "data");
        Dims steps = strides ? Dims(strides, strides + ndim) : c_strides(dims, itemsize(t));
        for (int64_t i = 0; i < ndim; ++i)
            if (dims[size_t(i)] > 1) checked_mul(dims[size_t(i)], steps[i] < 0 ? -steps[i] : steps[i]);
        auto [low, high] = extent(dims, {steps.data(), size_t(steps.size())}, itemsize(t));
        Storage* lent = Storage::borrow(static_cast<char*>(data) + low, high - low, device_from(device),
                                        flags & MINPY_BORROW_READONLY, payload, destroy);
        taken = true;
        *out = give(Array::on(lent, -low, dims, {steps.data(), size_t(steps.size())}, t), Context::current());
    });
    if (status != MINPY_OK && !taken && destroy) destroy(payload);
    return status;
}

minpy_status minpy_array_to_host(minpy_array a, void* data, uint64_t nbytes, const int64_t* strides) {
    return guard([&] {
        Array source = share(a);
        if (nbytes < uint64_t(source.nbytes()))
            throw value_error("the buffer has ", nbytes, " bytes, the array needs ", source.nbytes())
                .in_argument("nbytes");
        if (source.size() == 0) return;
        need(data, "data");
        Array host = to_device(source, kCpu);
        Dims steps = strides ? Dims(strides, strides + source.ndim()) : c_strides(source.shape(), source.itemsize());
        auto [low, high] = extent(source.shape(), {steps.data(), size_t(steps.size())}, source.itemsize());
        if (low < 0 || uint64_t(high) > nbytes)
            throw value_error("the strides leave the buffer").in_argument("strides");
        Storage* lent = Storage::borrow(data, high, kCpu, false, nullptr, nullptr);
        copy_into(Array::on(lent, 0, source.shape(), {steps.data(), size_t(steps.size())}, source.dtype()), host);
    });
}

static void describe_array(const ArrayBody* b, minpy_array a, minpy_array_info& info) {
    uint32_t flags = 0;
    DimsView shape{b->shape, size_t(b->ndim)}, strides{b->strides, size_t(b->ndim)};
    if (b->contiguous) flags |= MINPY_ARRAY_C_CONTIGUOUS;
    if (is_f_contiguous(shape, strides, itemsize(b->dtype))) flags |= MINPY_ARRAY_F_CONTIGUOUS;
    if (!b->storage->has(Storage::kReadOnly)) flags |= MINPY_ARRAY_WRITEABLE;
    if (!b->view && !b->storage->borrowed) flags |= MINPY_ARRAY_OWNS_DATA;
    if (b->storage->has(Storage::kPending)) flags |= MINPY_ARRAY_PENDING;
    if ((on_tape(b) || recorder()) && minpy_array_is_traced(a)) flags |= MINPY_ARRAY_TRACED;
    info.flags = flags;
    info.dtype = int32_t(b->dtype);
    info.ndim = b->ndim;
    info.device = {b->storage->device.kind, b->storage->device.index};
    info.shape = b->shape;
    info.strides = b->strides;
    info.size = b->size;
    info.nbytes = b->size * itemsize(b->dtype);
    info.storage = reinterpret_cast<uint64_t>(b->storage);
}

minpy_status minpy_array_get_info(minpy_array a, minpy_array_info* io) {
    return guard([&] {
        check_alive(body(a), "a");
        need(io, "io");
        // In its place: a struct that is stored in parts and copied whole waits for its stores.
        if (io->struct_size == sizeof *io) return describe_array(body(a), a, *io);
        minpy_array_info info{};
        describe_array(body(a), a, info);
        write_struct(io, info, "io");
    });
}

int32_t minpy_array_ndim(minpy_array a) { return a ? body(a)->ndim : -1; }
int64_t minpy_array_size(minpy_array a) { return a ? body(a)->size : -1; }

minpy_status minpy_array_data(minpy_array a, void** out) {
    return guard([&] {
        need(out, "out");
        Array x = share(a);
        expose(x.storage());
        if (!x.on_cpu()) synchronize(x.device());
        *out = x.data();
    });
}

minpy_status minpy_array_item(minpy_array a, minpy_value* out) {
    return guard([&] {
        need(out, "out");
        Array x = share(a);
        if (x.size() != 1) throw value_error("can only convert an array of size 1 to a Python scalar");
        if (Recorder* r = recorder()) r->tells(x);
        InsideKernel inside;
        x = to_device(x, kCpu);
        minpy_value v{MINPY_V_SCALAR, int32_t(x.dtype()), {0}};
        if (x.dtype() == DType::complex128) {
            auto* parts = new char[16];
            memcpy(parts, x.data(), 16);
            v.v.p = parts;
        } else {
            memcpy(&v.v.bits, x.data(), size_t(x.itemsize()));
        }
        *out = v;
    });
}

int32_t minpy_array_element(minpy_array a, const minpy_value* index, int32_t n, minpy_value* out) {
    return a && out && n >= 0 && (index || !n) && element_at(body(a), {index, size_t(n)}, out);
}

// Apart, so that the short way has no frame for it.
[[gnu::noinline]] static minpy_array get_item(minpy_array a, const minpy_value* index, int32_t n) {
    minpy_value args[] = {pointer_value(MINPY_V_ARRAY, a, 0), pointer_value(MINPY_V_VALUES, index, n)};
    return give(std::move(invoke(MINPY_OP("get_item"), args).front()), Context::current());
}

minpy_status minpy_array_get(minpy_array a, const minpy_value* index, int32_t n, minpy_array* out) {
    return guard([&] {
        need(out, "out");
        check_alive(body(a), "a");
        if (n < 0) throw value_error("a negative number of indices");
        if (n) need(index, "index");
        // The short way: a window that no tape follows needs no dispatcher.
        if (!on_tape(body(a))) {
            if (Array part = basic_window(body(a), {index, size_t(n)})) {
                *out = give(std::move(part), Context::current());
                return;
            }
        }
        *out = get_item(a, index, n);
    });
}

minpy_status minpy_array_set(minpy_array a, const minpy_value* index, int32_t n, const minpy_value* value) {
    return guard([&] {
        check_alive(body(a), "a");
        need(value, "value");
        if (n < 0) throw value_error("a negative number of indices");
        if (n) need(index, "index");
        if (set_element(body(a), {index, size_t(n)}, *value)) return;
        minpy_value args[] = {pointer_value(MINPY_V_ARRAY, a, 0), pointer_value(MINPY_V_VALUES, index, n), *value};
        invoke(MINPY_OP("set_item"), args);
    });
}

minpy_status minpy_array_as_strided(minpy_array a, minpy_dtype dtype, const int64_t* shape, const int64_t* strides,
                                    int32_t ndim, int64_t offset, minpy_array* out) {
    return guard([&] {
        need(out, "out");
        Array x = share(a);
        DimsView dims = shape_from(shape, ndim);
        DType t = dtype ? checked_dtype(dtype) : x.dtype();
        checked_size(dims, itemsize(t));
        if (ndim) need(strides, "strides");
        for (int32_t i = 0; i < ndim; ++i)
            if (shape[i] > 1) checked_mul(shape[i], strides[i] < 0 ? -strides[i] : strides[i]);
        DimsView steps{strides, size_t(ndim)};
        auto [low, high] = extent(dims, steps, itemsize(t));
        int64_t start = checked_add(x.get()->offset, offset);
        if (size_of(dims) && (start + low < 0 || start + high > x.storage().nbytes))
            throw value_error("the window of shape ", to_string(dims), " leaves the array's storage of ",
                              x.storage().nbytes, " bytes");
        Array base = minpy_array_is_traced(a) ? with_current_node(x, Context::current()) : x;
        if (base.get()->node) {
            if (t != x.dtype()) throw unsupported("a view with another dtype has no derivative");
            Dims shape_d(dims.begin(), dims.end()), strides_d(steps.begin(), steps.end()),
                own(x.strides().begin(), x.strides().end());
            *out = give(call(MINPY_OP("_window"), base, shape_d, strides_d, offset, own), Context::current());
            return;
        }
        *out = give(window(x, offset, dims, steps, t), Context::current());
    });
}

minpy_status minpy_array_to_device(minpy_array a, minpy_device device, minpy_array* out) {
    return guard([&] {
        need(out, "out");
        *out = give(ops::to_device(share(a), device_from(device)), Context::current());
    });
}

minpy_status minpy_array_to_string(minpy_array a, minpy_buffer* out) {
    return guard([&] {
        need(out, "out");
        *out = make_buffer(format_array(to_device(share(a), kCpu)));
    });
}

minpy_status minpy_array_wait(minpy_array a) {
    return guard([&] {
        Array x = share(a);
        x.data();
        if (!x.on_cpu()) synchronize(x.device());
        wait_ready(x.storage());
    });
}

minpy_array minpy_array_retain(minpy_array a) {
    if (a) body(a)->refs.fetch_add(1, std::memory_order_relaxed);
    return a;
}

void minpy_array_release(minpy_array a) {
#ifndef NDEBUG
    if (a && body(a)->magic != ArrayBody::kAlive) return;
#endif
    Array::drop(body(a));
}

void minpy_arrays_release(minpy_array* a, int32_t n) {
    for (int32_t i = 0; a && i < n; ++i) {
        minpy_array_release(a[i]);
        a[i] = nullptr;
    }
}

minpy_status minpy_result_type(const minpy_value* values, int32_t n, minpy_dtype* out) {
    return guard([&] {
        need(out, "out");
        if (n <= 0) throw value_error("at least one array or dtype is required");
        need(values, "values");
        DType strong = DType::none;
        Weak most = Weak::none;
        for (int32_t i = 0; i < n; ++i) {
            const minpy_value& v = values[i];
            DType t = v.tag == MINPY_V_ARRAY    ? share(reinterpret_cast<minpy_array>(array_of(v)), "values").dtype()
                      : v.tag == MINPY_V_DTYPE  ? checked_dtype(int32_t(v.v.i))
                      : v.tag == MINPY_V_SCALAR ? checked_dtype(v.len)
                                                : DType::none;
            if (t == DType::none && weak_of(v) == Weak::none)
                throw type_error("values[", i, "] is no array, number or dtype");
            if (t == DType::none) most = std::max(most, weak_of(v));
            else strong = strong == DType::none ? t : promote(strong, t);
        }
        *out = int32_t(promote(strong, most));
    });
}

const char* minpy_dtype_name(minpy_dtype dtype) { return is_dtype(dtype) ? name(DType(dtype)) : nullptr; }
int32_t minpy_dtype_size(minpy_dtype dtype) { return is_dtype(dtype) ? int32_t(itemsize(DType(dtype))) : 0; }
