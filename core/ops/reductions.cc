// Rows of folds over axes: sums, products, extremes, any and all; what they fold with is in reductions.h.
#include <cstring>

#include "core/cpu/elementwise.h"
#include "core/fusion/absorb.h"
#include "core/ops/axes.h"
#include "core/registry/dispatch.h"
#include "core/registry/registry.h"
#include "core/registry/thread_state.h"

namespace minpy {
namespace {

DimsView view(const Dims& d) { return {d.data(), size_t(d.size())}; }

// ---- forward ----

DType sum_dtype(DType t) {
    if (in(t, kUnsigned)) return DType::uint64;
    return in(t, kBool | kSigned) ? DType::int64 : t;
}

// The dtype that the loop works in.
DType fold_dtype(DType t) { return in(t, kShortFloat) ? DType::float32 : t; }
DType wide_fold_dtype(DType t) { return in(t, kInteger) ? sum_dtype(t) : fold_dtype(t); }

Array broadcast_mask(const Array& where, const Array& a) {
    if (!where) return {};
    if (where.dtype() != DType::boolean)
        throw type_error("Cannot cast array data from dtype('", name(where.dtype()),
                         "') to dtype('bool') according to the rule 'safe'");
    try {
        return broadcast_window(where, a.shape());
    } catch (Error&) {
        throw shape_error("non-broadcastable operand: a mask of shape ", to_string(where.shape()),
                          " for an array of shape ", to_string(a.shape()));
    }
}

// Axes of a fold; NumPy takes 0 and -1 for those of a 0-d array.
template <class C> Dims folded_axes(const C& c, int at, int64_t ndim) {
    bool none = ndim == 0 && !c.is_none(at);
    if (none) {
        Dims given = c.ints(at);
        if (given.size() == 1 && (given[0] == 0 || given[0] == -1)) return {};
    }
    return c.axes(at, ndim);
}

// `extreme`: NumPy's name of a fold without identity.
void fold(Call& c, Fold functor, DType type, int axes_at, int initial_at, int where_at, const char* extreme) {
    const Array &a = c.in[0], &to = c.out[0];
    Dims axes = folded_axes(c, axes_at, a.ndim());
    Array mask = broadcast_mask(where_at >= 0 ? c.array(where_at) : Array(), a);
    alignas(16) char identity[16], initial[16];
    bool has_initial = initial_at >= 0 && !c.is_none(initial_at);
    if (has_initial) store_number(c.args[initial_at], type, initial);
    const ReduceLoop& loop = reduce_loop(functor, type);
    loop.identity(identity);
    if (extreme && !has_initial) {
        if (mask)
            throw value_error("reduction operation '", extreme,
                              "' does not have an identity, so to use a where mask one has to "
                              "specify 'initial'");
        if (to.size() != 0 && size_along(a.shape(), axes) == 0)
            throw value_error("zero-size array to reduction operation ", extreme, " which has no identity");
    }
    bool empty = size_along(a.shape(), axes) == 0;
    const char* start = has_initial ? initial : empty ? identity : nullptr;
    thread_state().fp_status |= reduce_operand(c, loop, to, a, view(axes), mask, extreme ? initial : identity, start);
}

// All elements of a small array, nothing else asked for.
template <Fold F> Array fold_all(ValuesView args) {
    if (args.empty() || args[0].tag != MINPY_V_ARRAY) return {};
    const ArrayBody* a = array_of(args[0]);
    if (!a || !is_plain(a) || a->size == 0 || a->size > kReduceBlock) return {};
    for (const minpy_value& v : args.subspan(1))
        if (v.tag != MINPY_V_NONE && v.tag != MINPY_V_DEFAULT && !(v.tag == MINPY_V_BOOL && v.v.i == 0)) return {};
    constexpr bool extreme = F == Fold::max || F == Fold::min;
    if (!in(a->dtype, extreme ? kAll & ~kShortFloat : bit(DType::int64) | bit(DType::uint64) | kFloat | kComplex))
        return {};
    if (args.size() > (extreme ? 5u : 6u)) return {};
    const ReduceLoop& loop = reduce_loop(F, a->dtype);
    Array out = empty(DimsView{}, a->dtype);
    if (loop.hardware_flags && in(a->dtype, kFloat | kComplex)) {
        HardwareFlags flags;
        loop.fold(a->storage->data + a->offset, a->size, out.raw());
        if (uint32_t raised = flags.take()) thread_state().fp_status |= raised;
    } else {
        loop.fold(a->storage->data + a->offset, a->size, out.raw());
    }
    return out;
}

// Sums and products of bools, asked for by dtype=bool, are any and all.
void sum_kernel(Call& c) {
    DType t = c.out[0].dtype();
    if (t == DType::boolean) return fold(c, Fold::max, t, 1, 4, 5, nullptr);
    fold(c, Fold::sum, wide_fold_dtype(t), 1, 4, 5, nullptr);
}
void prod_kernel(Call& c) {
    DType t = c.out[0].dtype();
    if (t == DType::boolean) return fold(c, Fold::min, t, 1, 4, 5, nullptr);
    fold(c, Fold::prod, wide_fold_dtype(t), 1, 4, 5, nullptr);
}

void infer_sum(Call& c) {
    Dims axes = folded_axes(c, 1, c.in[0].ndim());
    c.output(view(shape_without(c.in[0].shape(), axes, c.flag(3))), c.dtype(2, sum_dtype(c.in[0].dtype())));
}
template <DType T = DType::none> void infer_extreme(Call& c) {
    Dims axes = folded_axes(c, 1, c.in[0].ndim());
    c.output(view(shape_without(c.in[0].shape(), axes, c.flag(2))), T == DType::none ? c.in[0].dtype() : T);
}

// ---- derivatives ----

bool has_mask(const Reverse& c) { return c.in_dtype(1) != DType::none; }

// The cotangent of a fold at every element that was folded.
Array spread(Reverse& c, const Array& g) {
    Dims shape = c.in_shape(0);
    Array wide = ops::broadcast_to(with_axes(g, view(shape), folded_axes(c, 1, shape.size()), c.flag(3)), view(shape));
    return has_mask(c) ? call(MINPY_OP("where"), c.in(1), wide, 0.0) : wide;
}

// Where several elements are the extreme one, they share its cotangent equally, as central differences say.
void extreme_reverse(Reverse& c) {
    Dims shape = c.in_shape(0), axes = folded_axes(c, 1, shape.size());
    Array a = c.in(0), y = with_axes(c.out(), view(shape), axes, c.flag(2));
    Array share = call(MINPY_OP("_share_of_extreme"), a, y, has_mask(c) ? c.in(1) : Array(), axes, c.arg(3));
    Array g = with_axes(c.g(), view(shape), axes, c.flag(2));
    c.set(0, ops::scale_cotangent(ops::broadcast_to(g, view(shape)), share));
}

void share_kernel(Call& c) {
    const Array& to = c.out[0];
    DType t = fold_dtype(c.in[0].dtype()), real = real_of(t);
    Array a = copy_of(c.in[0], t), y = copy_of(broadcast_window(c.in[1], a.shape()), t), hits = empty(a.shape(), real);
    Array mask = broadcast_mask(c.in[2], a);
    if (mask) mask = contiguous(mask);
    for_dtype<kFloat | kComplex>(t, [&]<class T> {
        for_dtype<kFloat>(real, [&]<class R> {
            for (int64_t i = 0; i < a.size(); ++i)
                hits.raw_as<R>()[i] = R(a.raw_as<T>()[i] == y.raw_as<T>()[i] && (!mask || mask.raw_as<bool>()[i]));
        });
    });
    Dims axes = c.axes(3, a.ndim());
    Array counts = empty(view(shape_without(a.shape(), axes, true)), real);
    copy_into(counts, zeros(DimsView{}, real));
    if (a.size()) reduce(reduce_loop(Fold::sum, real), counts, hits, view(axes), {}, nullptr, nullptr);
    for_dtype<kFloat>(real, [&]<class R> {
        if (!c.is_none(4)) {  // `initial` is one of those that share
            Array initial = array_of_number(c.args[4], t), results = copy_of(c.in[1], t);
            for_dtype<kFloat | kComplex>(t, [&]<class T> {
                for (int64_t i = 0; i < counts.size(); ++i)
                    counts.raw_as<R>()[i] += R(results.raw_as<T>()[i] == *initial.raw_as<T>());
            });
        }
        Array wide = contiguous(broadcast_window(counts, a.shape()));
        for (int64_t i = 0; i < a.size(); ++i)
            if (hits.raw_as<R>()[i] != 0) hits.raw_as<R>()[i] = 1 / wide.raw_as<R>()[i];
    });
    copy_into(to, hits);
}

// The product of all other elements, by products of those before and those behind: right where elements are zero, and
// differentiable again.
Array product_of_others(const Array& a, const Dims& axes) {
    Dims order, flat;
    for (int64_t i = 0; i < a.ndim(); ++i)
        if (std::find(axes.begin(), axes.end(), i) == axes.end()) order.push_back(i), flat.push_back(a.dim(i));
    for (int64_t axis : axes) order.push_back(axis);
    Array last = ops::transpose(a, view(order));
    Dims shape = last.dims();
    flat.push_back(size_along(a.shape(), axes));
    last = ops::reshape(last, view(flat));
    int64_t n = last.ndim() - 1;  // the axis
    Array before = call(MINPY_OP("_shift"), call(MINPY_OP("cumprod"), last, n), n, 1, 1.0);
    // 1 behind the last element, and from there backwards times each element.
    Array one = call(MINPY_OP("_shift"), ops::zeros(view(flat), a.dtype(), a.device()), n, -1, 1.0);
    Array behind = call(MINPY_OP("_scan"), last, one, n, true);
    Array others = ops::reshape(before * behind, view(shape));
    Dims back(order.size());
    for (int64_t i = 0; i < order.size(); ++i) back[order[i]] = i;
    return ops::transpose(others, view(back));
}

void prod_reverse(Reverse& c) {
    Dims shape = c.in_shape(0);
    Array a = ops::astype(c.in(0), c.out_dtype());
    if (has_mask(c)) a = call(MINPY_OP("where"), c.in(1), a, 1.0);
    Array g = c.g();
    if (!c.is_none(4)) g = call(MINPY_OP("multiply"), g, c.arg(4));
    c.set(0, spread(c, g) * product_of_others(a, folded_axes(c, 1, shape.size())));
}

}  // namespace

void register_reductions(Registry& r) {
    r.op("sum(a, axis: axes = None, dtype: dtype = None, keepdims: bool = False, initial: scalar = None, where: array "
         "= None)")
        .infer(infer_sum)
        .kernel(sum_kernel)
        .takes_pending()
        .short_way(fold_all<Fold::sum>)
        .linear([](Reverse& c) { c.set(0, spread(c, c.g())); })
        .saves(true, false)  // the mask
        .scalar_result()
        .sample("f64(2,3)")
        .sample("f64(2,3,4), axis=(0,2), keepdims=True")
        .sample("f64(2,3), axis=1, initial=2.0, where=b(2,3)")
        .c_function("a axis keepdims")
        .doc("Sum of the elements over the given axes; bools and short integers sum in 64 bits.");
    r.op("prod(a, axis: axes = None, dtype: dtype = None, keepdims: bool = False, initial: scalar = None, where: array "
         "= None)")
        .infer(infer_sum)
        .kernel(prod_kernel)
        .takes_pending()
        .short_way(fold_all<Fold::prod>)
        .reverse(prod_reverse)
        .saves(true, false)
        .scalar_result()
        .sample("f64(2,3)")
        .sample("f64(2,3,2), axis=(0,2), keepdims=True")
        .sample("f64(2,3), axis=1, initial=2.0, where=b(2,3)")
        .c_function("a axis keepdims")
        .doc("Product of the elements over the given axes.");
    r.op("max(a, axis: axes = None, keepdims: bool = False, initial: scalar = None, where: array = None)")
        .infer(infer_extreme<>)
        .kernel([](Call& c) { fold(c, Fold::max, fold_dtype(c.out[0].dtype()), 1, 3, 4, "maximum"); })
        .takes_pending()
        .short_way(fold_all<Fold::max>)
        .reverse(extreme_reverse)
        .scalar_result()
        .sample("f64(2,3)")
        .sample("f64(2,3,4), axis=(0,2), keepdims=True")
        .sample("f64(2,3), axis=1, initial=0.0, where=b(2,3)")
        .c_function("a axis keepdims")
        .doc("The largest element over the given axes; NaN where there is one. Equal ones share the gradient.");
    r.alias("amax", "max");
    r.op("min(a, axis: axes = None, keepdims: bool = False, initial: scalar = None, where: array = None)")
        .infer(infer_extreme<>)
        .kernel([](Call& c) { fold(c, Fold::min, fold_dtype(c.out[0].dtype()), 1, 3, 4, "minimum"); })
        .takes_pending()
        .short_way(fold_all<Fold::min>)
        .reverse(extreme_reverse)
        .scalar_result()
        .sample("f64(2,3)")
        .sample("f64(2,3,4), axis=(0,2), keepdims=True")
        .c_function("a axis keepdims")
        .doc("The smallest element over the given axes; NaN where there is one. Equal ones share the gradient.");
    r.alias("amin", "min");
    r.op("any(a, axis: axes = None, keepdims: bool = False, where: array = None)")
        .infer(infer_extreme<DType::boolean>)
        .kernel([](Call& c) { fold(c, Fold::max, DType::boolean, 1, -1, 3, nullptr); })
        .takes_pending()
        .no_gradient()
        .scalar_result()
        .sample("b(2,3), axis=1")
        .c_function("a axis keepdims")
        .doc("Whether any element over the given axes is true, that is not zero.");
    r.op("all(a, axis: axes = None, keepdims: bool = False, where: array = None)")
        .infer(infer_extreme<DType::boolean>)
        .kernel([](Call& c) { fold(c, Fold::min, DType::boolean, 1, -1, 3, nullptr); })
        .takes_pending()
        .no_gradient()
        .scalar_result()
        .sample("b(2,3), axis=1")
        .c_function("a axis keepdims")
        .doc("Whether all elements over the given axes are true, that is not zero.");

    r.op("_share_of_extreme(a, y, where: array?, axes: axes, initial: scalar = None)")
        .infer([](Call& c) { c.output(c.in[0].shape(), real_of(c.in[0].dtype())); })
        .kernel(share_kernel)
        .no_gradient()
        .doc("1/n at the n elements that equal the extreme y of their fold, 0 elsewhere.");
}

}  // namespace minpy
