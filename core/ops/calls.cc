#include "core/ops/calls.h"

#include "core/autograd/node.h"
#include "core/cpu/blas.h"
#include "core/fusion/deferred.h"
#include "core/registry/device.h"
#include "core/registry/dispatch.h"
#include "core/registry/recorder.h"
#include "core/registry/statistics.h"
#include "core/registry/thread_state.h"

namespace minpy::ops {

Array sum(const Array& a, DimsView axes, bool keepdims) {
    return call(MINPY_OP("sum"), a, axes, none_value(), keepdims);
}
Array reshape(const Array& a, DimsView shape) { return call(MINPY_OP("reshape"), a, shape); }
Array transpose(const Array& a, DimsView axes) { return call(MINPY_OP("transpose"), a, axes); }
Array broadcast_to(const Array& a, DimsView shape) {
    if (same(a.shape(), shape)) return a;
    return call(MINPY_OP("broadcast_to"), a, shape);
}
Array astype(const Array& a, DType t) { return a.dtype() == t ? a : call(MINPY_OP("astype"), a, t); }
Array to_device(const Array& a, Device d) {
    if (a.device() == d) return a;
    minpy_value where{MINPY_V_DEVICE, 0, {int64_t(uint32_t(d.kind)) | int64_t(d.index) << 32}};
    return call(MINPY_OP("to_device"), a, where);
}
Array get_item(const Array& a, std::span<const minpy_value> index) {
    return call(MINPY_OP("get_item"), a, pointer_value(MINPY_V_VALUES, index.data(), int64_t(index.size())));
}
Array slice(const Array& a, int64_t axis, int64_t start, int64_t stop, int64_t step) {
    static const minpy_slice all{MINPY_SLICE_NONE, MINPY_SLICE_NONE, MINPY_SLICE_NONE};
    minpy_slice part{start, stop, step};
    SmallVector<minpy_value, 8> index;
    for (int64_t i = 0; i < axis; ++i) index.push_back(pointer_value(MINPY_V_SLICE, &all, 0));
    index.push_back(pointer_value(MINPY_V_SLICE, &part, 0));
    return get_item(a, {index.data(), size_t(index.size())});
}
Array insert_axis(const Array& a, int64_t axis) {
    Dims shape = a.dims();
    shape.insert(axis, 1);
    return reshape(a, shape);
}
Array move_axis(const Array& a, int64_t from, int64_t to) {
    Dims axes;
    for (int64_t i = 0; i < a.ndim(); ++i)
        if (i != from) axes.push_back(i);
    axes.insert(to, from);
    return from == to ? a : transpose(a, axes);
}
Array concatenate(std::span<const Array> arrays, int64_t axis) { return call(MINPY_OP("concatenate"), arrays, axis); }
Array gather(const Array& a, const Array& positions, int64_t axis) {
    return call(MINPY_OP("_gather"), a, positions, Dims{axis}, axis);
}
Array conj(const Array& a) { return in(a.dtype(), kComplex) ? call(MINPY_OP("conjugate"), a) : a; }

Array zeros(DimsView shape, DType t, Device device) {
    Array a = minpy::zeros(shape, t);
    if (Recorder* r = recorder()) r->made(a);
    return minpy::to_device(a, device);
}

Array ones(DimsView shape, DType t, Device device) {
    Array a = empty(shape, t);
    if (a.size() == 1) store_number(to_value(1.0), t, a.raw());  // the seed of most gradients
    else copy_into(a, full_scalar(1, t));
    if (Recorder* r = recorder()) r->made(a);
    return minpy::to_device(a, device);
}

Array constant(Partial& c, double value) {
    return minpy::to_device(full_scalar(value, c.node.out_meta()[0].dtype), c.node.device);
}

namespace {

bool is_own(const ArrayBody* a) {
    return a->refs.load() == 1 && a->storage->refs.load() == 1 &&
           !a->storage->has(Storage::kExposed | Storage::kReadOnly | Storage::kRead) && !a->storage->is_saved();
}

// One element broadcast along all axes.
bool repeats_one(const ArrayBody* a) {
    for (int i = 0; i < a->ndim; ++i)
        if (a->strides[i] != 0) return false;
    return a->ndim > 0 && a->size > 0 && a->storage->device.is_cpu() &&
           !a->storage->has(Storage::kPending | Storage::kPoisoned);
}

// An element-wise operator of two operands, into one of them where nobody else can see it.
Array combine(const Op& op, Array a, Array b) {
    constexpr int64_t kSmall = 4096;  // above it threads may help
    const ArrayBody *x = a.get(), *y = b.get();
    const Loop* loop = op.loops[int(x->dtype)];
    Context& context = Context::current();
    bool same_shape = has_shape(x, b.shape()), one_x = same_shape && repeats_one(x);
    bool one_y = same_shape ? repeats_one(y) : y->ndim == 0;
    if (!loop || x->dtype != y->dtype || !(same_shape || one_y) || (one_x && one_y) || !(one_x || is_ready(x)) ||
        !(repeats_one(y) || is_ready(y)) || is_followed(x, context) || is_followed(y, context) ||
        observed.load(std::memory_order_relaxed) || (x->size >= deferral_threshold() && deferral_enabled()))
        return call(op, a, b);
    bool into_a = !one_x && is_own(x), into_b = !into_a && !one_y && is_own(y), small = x->size <= kSmall;
    if (!small && !into_a && !into_b) return call(op, a, b);
    Array fresh = into_a || into_b ? Array() : empty(a.shape(), x->dtype);
    Array& out = into_a ? a : into_b ? b : fresh;
    if (small) {
        char* p[] = {a.raw(), b.raw(), out.raw()};
        if (x->size) loop->run(p, uint32_t(one_x) | uint32_t(one_y) << 1, x->size);
    } else {
        const Array inputs[] = {a, b};
        thread_state().fp_status |= run_loop(*loop, inputs, out);
    }
    count_call(op);
    return std::move(out);
}

}  // namespace

Array scale_cotangent(Array g, Array d) { return combine(MINPY_OP("_scale_cotangent"), std::move(g), std::move(d)); }

Array accumulate(Array a, Array b) {
    if (!a) return b;
    if (!b) return a;
    return combine(MINPY_OP("add"), std::move(a), std::move(b));
}

bool add_matmul(Array& sum, const Array& a, bool turn_a, const Array& b, bool turn_b) {
    const Array* all[] = {&sum, &a, &b};
    Context& context = Context::current();
    for (const Array* x : all)
        if (x->ndim() != 2 || x->dtype() != sum.dtype() || !x->on_cpu() || is_followed(x->get(), context)) return false;
    if (!is_own(sum.get()) || !sum.is_contiguous() || observed.load(std::memory_order_relaxed)) return false;
    sum.data();
    auto view = [](const Array& x, bool turn) { return MatrixView{x.data(), x.strides()[turn], x.strides()[!turn]}; };
    MatrixView left = view(a, turn_a), right = view(b, turn_b);
    int64_t m = a.dim(turn_a), k = a.dim(!turn_a), n = b.dim(!turn_b);
    if (m != sum.dim(0) || n != sum.dim(1) || k != b.dim(turn_b) || k == 0 ||
        !is_product_matrix(sum.dtype(), left, m, k) || !is_product_matrix(sum.dtype(), right, k, n) ||
        !add_tiled_product(sum.dtype(), left, right, sum.raw(), m, n, k))
        return false;
    count_call(MINPY_OP("matmul"));
    return true;
}

Array unbroadcast(const Array& g, DimsView shape) {
    if (same(g.shape(), shape)) return g;
    int64_t lead = g.ndim() - int64_t(shape.size());
    Dims axes;
    for (int64_t i = 0; i < lead; ++i) axes.push_back(i);
    for (size_t i = 0; i < shape.size(); ++i)
        if (shape[i] == 1 && g.dim(lead + int64_t(i)) != 1) axes.push_back(lead + int64_t(i));
    Array result = axes.empty() ? g : sum(g, axes);
    return same(result.shape(), shape) ? result : reshape(result, shape);
}

Array cast_gradient(const Array& g, DType t) {
    if (in(g.dtype(), kComplex) && !in(t, kComplex)) return astype(call(MINPY_OP("real"), g), t);
    return astype(g, t);
}

}  // namespace minpy::ops
