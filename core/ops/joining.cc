// Arrays put together and taken apart: concatenate, stack, split; and repeated: tile, repeat.
#include <cstring>

#include "core/array/element_size.h"
#include "core/autograd/node.h"
#include "core/autograd/rules.h"
#include "core/cpu/elementwise.h"
#include "core/cpu/pool.h"
#include "core/ops/calls.h"
#include "core/registry/dispatch.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {

constexpr int64_t kParallel = 1 << 20;  // bytes from which threads pay

// `n` blocks that lie one behind the other, to places `step` bytes apart.
void copy_blocks(char* to, int64_t step, const char* from, int64_t block, int64_t n) {
    if (!is_element_size(block)) {
        for (int64_t i = 0; i < n; ++i) std::memcpy(to + i * step, from + i * block, size_t(block));
        return;
    }
    for_size(block, [&]<class T> {
        for (int64_t i = 0; i < n; ++i) std::memcpy(to + i * step, from + i * int64_t(sizeof(T)), sizeof(T));
    });
}

void check_join(Call& c, int64_t axis) {
    const Array& first = c.in[0];
    for (int64_t i = 1; i < c.in.size(); ++i) {
        const Array& a = c.in[i];
        for (int64_t k = 0; k < a.ndim(); ++k)
            if (k != axis && a.dim(k) != first.dim(k))
                throw shape_error(
                    "all the input array dimensions except for the concatenation axis must match exactly, but "
                    "along dimension ",
                    k, ", the array at index 0 has size ", first.dim(k), " and the array at index ", i, " has size ",
                    a.dim(k));
    }
}

// NumPy's own sentences for out=.
void check_out(Call& c, DimsView shape, bool has_dtype) {
    if (c.options.out.empty() || !c.options.out[0]) return;
    const Array& out = c.options.out[0];
    if (has_dtype)
        throw type_error("concatenate() only takes `out` or `dtype` as an argument, but both were provided.");
    if (out.ndim() != int64_t(shape.size())) throw value_error("Output array has wrong dimensionality");
    if (!same(out.shape(), shape)) throw value_error("Output array is the wrong shape");
}

void infer_concatenate(Call& c) {
    if (c.in.empty()) throw value_error("need at least one array to concatenate");
    DType t = c.dtype(2, c.promoted());
    if (c.options.casting != Casting::same_kind || !c.is_none(2))
        for (const Array& a : c.in)
            if (!can_cast(a.dtype(), t, c.options.casting))
                throw type_error("Cannot cast array data from dtype('", name(a.dtype()), "') to dtype('", name(t),
                                 "') according to the rule '", name(c.options.casting), "'");
    if (c.is_none(1)) {
        int64_t size = 0;
        for (const Array& a : c.in) size = checked_add(size, a.size());
        check_out(c, Dims{size}, !c.is_none(2));
        return c.output(Dims{size}, t);
    }
    const Array& first = c.in[0];
    if (first.ndim() == 0) throw value_error("zero-dimensional arrays cannot be concatenated");
    int64_t axis = c.axis(1, first.ndim());
    for (int64_t i = 1; i < c.in.size(); ++i)
        if (c.in[i].ndim() != first.ndim())
            throw value_error("all the input arrays must have same number of dimensions, but the array at index 0 has ",
                              first.ndim(), " dimension(s) and the array at index ", i, " has ", c.in[i].ndim(),
                              " dimension(s)");
    check_join(c, axis);
    Dims shape = first.dims();
    shape[axis] = 0;
    for (const Array& a : c.in) shape[axis] = checked_add(shape[axis], a.dim(axis));
    check_out(c, shape, !c.is_none(2));
    c.output(shape, t);
}

// Blocks of contiguous operands: memcpy row by row of what comes before the axis.
void concatenate(Call& c) {
    const Array& out = c.out[0];
    bool flat = c.is_none(1);
    int64_t axis = flat ? 0 : c.axis(1, out.ndim()), outer = 1, inner = out.itemsize();
    for (int64_t i = 0; i < axis; ++i) outer *= out.dim(i);
    for (int64_t i = axis + 1; i < out.ndim(); ++i) inner *= out.dim(i);
    int64_t row = out.dim(axis) * inner, at = 0;
    for (const Array& a : c.in) {
        int64_t block = (flat ? a.size() : a.dim(axis)) * inner;
        if (block == 0) continue;
        if (a.dtype() == out.dtype() && a.is_contiguous()) {
            char* to = out.raw() + at;
            const char* from = a.raw();
            if (a.nbytes() >= kParallel && outer > 1) {
                int64_t some = std::max<int64_t>(1, kParallel / 4 / block);
                parallel_for((outer + some - 1) / some, [&](int64_t i) {
                    copy_blocks(to + i * some * row, row, from + i * some * block, block,
                                std::min(some, outer - i * some));
                });
            } else if (outer == 1 && block >= kParallel) {
                int64_t pieces = (block + kParallel / 2 - 1) / (kParallel / 2);
                parallel_for(pieces, [&](int64_t i) {
                    int64_t start = i * (kParallel / 2);
                    std::memcpy(to + start, from + start, size_t(std::min(kParallel / 2, block - start)));
                });
            } else {
                copy_blocks(to, row, from, block, outer);
            }
        } else if (flat) {
            thread_state().fp_status |=
                convert_into(window(out, at, a.shape(), c_strides(a.shape(), out.itemsize())), a);
        } else {
            thread_state().fp_status |= convert_into(window(out, at, a.shape(), out.strides()), a);
        }
        at += block;
    }
}

// Few, small arrays of one dtype that nobody follows, one after the other along an axis, or along a new one.
template <bool along_new> Array join_plainly(ValuesView args) {
    constexpr int64_t kSmall = 1 << 14;  // bytes
    if (args.empty() || args.size() > 2 || args[0].tag != MINPY_V_ARRAYS || args[0].len < 1) return {};
    auto* arrays = static_cast<ArrayBody* const*>(args[0].v.p);
    const ArrayBody* first = arrays[0];
    if (!first || first->ndim + along_new < 1 || first->ndim + along_new > kMaxDims) return {};
    int64_t ndim = first->ndim + along_new, axis = 0;
    if (args.size() == 2 && args[1].tag == MINPY_V_INT) axis = args[1].v.i < 0 ? args[1].v.i + ndim : args[1].v.i;
    else if (args.size() == 2 && args[1].tag != MINPY_V_DEFAULT) return {};
    if (axis < 0 || axis >= ndim) return {};
    int64_t shape[kMaxDims], bytes = 0, joined = 0;
    for (int32_t i = 0; i < args[0].len; ++i) {
        const ArrayBody* a = arrays[i];
        if (!a || !is_plain(a) || a->dtype != first->dtype || a->ndim != first->ndim) return {};
        for (int64_t k = 0; k < a->ndim; ++k)
            if ((along_new || k != axis) && a->shape[k] != first->shape[k]) return {};
        bytes += a->size * itemsize(a->dtype);
        if (bytes > kSmall) return {};
        joined += along_new ? 1 : a->shape[axis];
    }
    for (int64_t k = 0; k < ndim; ++k) shape[k] = k == axis ? joined : first->shape[along_new && k > axis ? k - 1 : k];
    Array out = empty({shape, size_t(ndim)}, first->dtype);
    if (!bytes) return out;
    int64_t outer = 1, at = 0;
    for (int64_t k = 0; k < axis; ++k) outer *= shape[k];
    for (int32_t i = 0; i < args[0].len; ++i) {
        const ArrayBody* a = arrays[i];
        int64_t block = a->size * itemsize(a->dtype) / outer;
        const char* from = a->storage->data + a->offset;
        copy_blocks(out.raw() + at, bytes / outer, from, block, outer);
        at += block;
    }
    return out;
}

void split_cotangent(Reverse& c) {
    Array g = c.g();
    bool flat = c.is_none(1);
    int64_t n = int64_t(c.n_in()), axis = flat ? 0 : normalize_axis(c.integer(1), g.ndim()), at = 0;
    for (int64_t i = 0; i < n; ++i) {
        Dims shape = c.in_shape(i);
        int64_t size = flat ? size_of(shape) : shape[axis];
        if (c.needs(i)) {
            Array part = ops::slice(g, axis, at, at + size);
            c.set(i, flat ? ops::reshape(part, shape) : part);
        }
        at += size;
    }
}

// ---- stacks ----

void stack(Call& c) {
    if (c.in.empty()) throw value_error("need at least one array to stack");
    for (const Array& a : c.in)
        if (!same(a.shape(), c.in[0].shape())) throw shape_error("all input arrays must have the same shape");
    int64_t axis = c.axis(1, c.in[0].ndim() + 1);
    Dims shape = c.in[0].dims();
    shape.insert(axis, c.in.size());
    check_out(c, shape, !c.is_none(2));
    Arrays parts;
    for (const Array& a : c.in) parts.push_back(ops::insert_axis(a, axis));
    minpy_value args[] = {to_value(std::span<const Array>(parts.data(), size_t(parts.size()))), to_value(axis),
                          c.args[2]};
    CallOptions with;
    with.casting = c.options.casting;
    c.out = invoke(MINPY_OP("concatenate"), args, with);
}

// Each array through `prepare`, then joined.
template <class F> void join(Call& c, F&& prepare, int64_t axis) {
    Arrays parts;
    for (const Array& a : c.in) parts.push_back(prepare(a));
    if (axis < 0) axis = !parts.empty() && parts[0].ndim() == 1 ? 0 : 1;  // hstack
    minpy_value args[] = {to_value(std::span<const Array>(parts.data(), size_t(parts.size()))), to_value(axis),
                          c.args[1]};
    CallOptions with;
    with.casting = c.options.casting;
    c.out = invoke(MINPY_OP("concatenate"), args, with);
}
Array at_least(const Array& a, int64_t n) {
    Dims shape = a.dims();
    while (shape.size() < n) shape.insert(n == 3 && shape.size() == 2 ? 2 : 0, 1);
    return a.ndim() < n ? ops::reshape(a, shape) : a;
}

// ---- parts ----

void split_at(Call& c, int64_t axis, const Dims& ends) {
    int64_t at = 0;
    for (int64_t end : ends) {
        c.out.push_back(ops::slice(c.in[0], axis, at, end));
        at = end;
    }
    c.out.push_back(ops::slice(c.in[0], axis, at, MINPY_SLICE_NONE));
}

// In `n` parts: the first ones are longer by one where it does not divide.
Dims equal_parts(int64_t size, int64_t n, bool must_divide) {
    if (n <= 0) throw value_error("number sections must be larger than 0.");
    if (must_divide && size % n) throw value_error("array split does not result in an equal division");
    Dims ends;
    for (int64_t i = 0, at = 0; i + 1 < n; ++i) ends.push_back(at += size / n + (i < size % n));
    return ends;
}

void split_along(Call& c, int64_t axis, bool must_divide) {
    axis = normalize_axis(axis, c.in[0].ndim());
    const minpy_value& v = c.args[1];
    bool one = v.tag == MINPY_V_INT || v.tag == MINPY_V_BOOL || v.tag == MINPY_V_SCALAR;
    if (one && must_divide && int_of(v) == 0)
        throw Error(MINPY_E_INVALID, "ZeroDivisionError", "integer modulo by zero");
    split_at(c, axis, one ? equal_parts(c.in[0].dim(axis), int_of(v), must_divide) : c.ints(1));
}

// ---- repetition ----

void tile(Call& c) {
    Array a = c.in[0];
    Dims reps = c.ints(1);
    while (reps.size() < a.ndim()) reps.insert(0, 1);
    Dims shape = a.dims(), split, wide, result;
    while (shape.size() < reps.size()) shape.insert(0, 1);
    for (int64_t i = 0; i < shape.size(); ++i) {
        if (reps[i] < 0) throw value_error("negative dimensions are not allowed");
        split.push_back(1), split.push_back(shape[i]);
        wide.push_back(reps[i]), wide.push_back(shape[i]);
        result.push_back(checked_mul(reps[i], shape[i]));
    }
    if (split.size() > kMaxDims) throw unsupported("tile of so many dimensions");
    a = ops::broadcast_to(ops::reshape(a, split), wide);
    a = ops::reshape(a, result);
    bool shared = &a.storage() == &c.in[0].storage();
    c.out.push_back(shared ? call(MINPY_OP("copy"), a) : a);
}

// Each part of an axis so many times.
Array repeated(const Array& a, int64_t axis, int64_t times) {
    a.data();
    Array source = contiguous(a);
    Dims shape = a.dims();
    shape[axis] = checked_mul(shape[axis], times);
    checked_size(shape, a.itemsize());
    Array out = empty(shape, a.dtype());
    int64_t block = a.itemsize(), n = 1;
    for (int64_t i = 0; i < a.ndim(); ++i) (i > axis ? block : n) *= a.dim(i);
    if (out.size() == 0) return out;
    const char* from = source.raw();
    char* to = out.raw();
    if (!is_element_size(block)) {
        for (int64_t i = 0; i < n; ++i)
            for (int64_t k = 0; k < times; ++k, to += block) std::memcpy(to, from + i * block, size_t(block));
        return out;
    }
    for_size(block, [&]<class T> {
        for (int64_t i = 0; i < n; ++i) {
            T x;
            std::memcpy(&x, from + i * int64_t(sizeof(T)), sizeof x);
            for (int64_t k = 0; k < times; ++k, to += sizeof(T)) std::memcpy(to, &x, sizeof x);
        }
    });
    return out;
}

void repeat(Call& c) {
    Array a = c.in[0];
    int64_t axis = 0;
    if (c.is_none(2)) a = ops::reshape(a, Dims{-1});
    else axis = c.axis(2, a.ndim());
    Dims counts = c.ints(1);
    int64_t n = a.dim(axis);
    for (int64_t k : counts)
        if (k < 0) throw value_error("repeats may not contain negative values.");
    if (counts.size() == 1 && a.on_cpu() && !may_be_traced(a)) return c.out.push_back(repeated(a, axis, counts[0]));
    if (counts.size() == 1) counts = Dims(n, counts[0]);
    else if (counts.size() != n)
        throw shape_error("operands could not be broadcast together with shape ", to_string(Dims{n}), " ",
                          to_string(Dims{counts.size()}));
    int64_t total = 0;
    for (int64_t k : counts) total = checked_add(total, k);
    Array positions = empty(Dims{total}, DType::int64);
    auto* p = positions.raw_as<int64_t>();
    for (int64_t i = 0; i < n; ++i) p = std::fill_n(p, counts[i], i);
    c.out.push_back(ops::gather(a, positions, axis));
}

}  // namespace

void register_joining(Registry& r) {
    r.op("concatenate(arrays: arrays, /, axis: axis? = 0, dtype: dtype = None)")
        .infer(infer_concatenate)
        .kernel(concatenate)
        .short_way(join_plainly<false>)
        .linear(split_cotangent)
        .sample("[f64(2,3), f64(1,3)]")
        .sample("[f64(2,3), f64(2,1)], axis=-1")
        .sample("[f64(2,3), f64(2)], axis=None")
        .c_function()
        .doc("Arrays one after the other along an axis; flattened for None.");
    r.alias("concat", "concatenate");
    r.op("stack(arrays: arrays, axis: axis? = 0, *, dtype: dtype = None)")
        .composite(stack)
        .short_way(join_plainly<true>)
        .sample("[f64(2,3), f64(2,3)]")
        .sample("[f64(2,3), f64(2,3)], axis=-1")
        .c_function()
        .doc("Arrays of one shape along a new axis.");
    r.op("vstack(tup: arrays, *, dtype: dtype = None)")
        .composite([](Call& c) {
            join(
                c, [](const Array& a) { return at_least(a, 2); }, 0);
        })
        .sample("[f64(3), f64(2,3)]")
        .doc("Arrays below one another: along axis 0, one-dimensional ones as rows.");
    r.op("hstack(tup: arrays, *, dtype: dtype = None)")
        .composite([](Call& c) {
            join(
                c, [](const Array& a) { return at_least(a, 1); }, -1);
        })
        .sample("[f64(2,1), f64(2,3)]")
        .doc("Arrays side by side: along axis 1, of one-dimensional ones axis 0.");
    r.op("dstack(tup: arrays)")
        .composite([](Call& c) {
            c.args.push_back(none_value());  // dtype
            join(
                c, [](const Array& a) { return at_least(a, 3); }, 2);
        })
        .sample("[f64(2,3), f64(2,3)]")
        .doc("Arrays behind one another: along axis 2.");
    r.op("column_stack(tup: arrays)")
        .composite([](Call& c) {
            c.args.push_back(none_value());  // dtype
            join(
                c,
                [](const Array& a) {
                    return a.ndim() < 2 ? ops::reshape(a, Dims{-1, 1}) : a;
                },
                1);
        })
        .sample("[f64(2), f64(2,3)]")
        .doc("Arrays side by side, one-dimensional ones as columns.");

    r.op("split(ary, indices_or_sections: ints, axis: axis = 0)")
        .composite([](Call& c) { split_along(c, c.integer(2), true); })
        .list_result()
        .sample("f64(4,2), 2")
        .sample("f64(2,4), [1,3], axis=1")
        .doc("Views of equal parts along an axis, or of the parts between indices.");
    r.op("array_split(ary, indices_or_sections: ints, axis: axis = 0)")
        .composite([](Call& c) { split_along(c, c.integer(2), false); })
        .list_result()
        .sample("f64(5,2), 3")
        .doc("As split; the first parts may be longer by one.");
    r.op("vsplit(ary, indices_or_sections: ints)")
        .composite([](Call& c) {
            if (c.in[0].ndim() < 2) throw value_error("vsplit only works on arrays of 2 or more dimensions");
            split_along(c, 0, true);
        })
        .list_result()
        .sample("f64(4,2), 2")
        .doc("As split along axis 0.");
    r.op("hsplit(ary, indices_or_sections: ints)")
        .composite([](Call& c) {
            if (c.in[0].ndim() < 1) throw value_error("hsplit only works on arrays of 1 or more dimensions");
            split_along(c, c.in[0].ndim() > 1 ? 1 : 0, true);
        })
        .list_result()
        .sample("f64(2,4), 2")
        .doc("As split along axis 1, of one-dimensional arrays axis 0.");
    r.op("dsplit(ary, indices_or_sections: ints)")
        .composite([](Call& c) {
            if (c.in[0].ndim() < 3) throw value_error("dsplit only works on arrays of 3 or more dimensions");
            split_along(c, 2, true);
        })
        .list_result()
        .sample("f64(1,2,4), 2")
        .doc("As split along axis 2.");
    r.op("unstack(x, /, *, axis: axis = 0)")
        .composite([](Call& c) {
            if (c.in[0].ndim() == 0) throw value_error("Input array must be at least 1-d.");
            int64_t axis = c.axis(1, c.in[0].ndim());
            Array front = ops::move_axis(c.in[0], axis, 0);
            for (int64_t i = 0; i < front.dim(0); ++i) {
                minpy_value at = to_value(i);
                c.out.push_back(ops::get_item(front, {&at, 1}));
            }
        })
        .list_result()
        .sample("f64(2,3), axis=1")
        .doc("Views of what lies at each place of an axis.");

    r.op("tile(A, reps: ints)").composite(tile).sample("f64(2,3), (2,1,2)").doc("The array repeated along each axis.");
    r.op("repeat(a, repeats: ints, axis: axis = None)")
        .composite(repeat)
        .sample("f64(2,3), 2")
        .sample("f64(2,3), [1,0,2], axis=1")
        .doc("Each element repeated, as often as `repeats` says.");
}

}  // namespace minpy
