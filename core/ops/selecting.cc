// Elements chosen by positions or conditions along an axis, read and written.
#include <atomic>

#include "core/array/indexing.h"
#include "core/autograd/rules.h"
#include "core/autograd/tape.h"
#include "core/cpu/pool.h"
#include "core/ops/calls.h"
#include "core/registry/device.h"
#include "core/registry/dispatch.h"
#include "core/registry/recorder.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {

// An index operand on the CPU; numbers and lists are arrays by now.
Array host_index(const Array& index, Casting rule) {
    if (!in(index.dtype(), kInteger | kBool) && index.size() > 0)
        throw type_error("Cannot cast array data from dtype('", name(index.dtype()),
                         "') to dtype('int64') according to the rule '", name(rule), "'");
    Array host = to_device(index, kCpu);
    host.data();
    return host;
}

// In range by the mode: an error, wrapped around, or clipped.
Array positions_by_mode(const Array& index, int64_t size, int64_t axis, std::string_view mode) {
    if (mode == "raise") return checked_positions(index, size, axis);
    if (mode != "wrap" && mode != "clip")
        throw value_error("clipmode must be one of 'clip', 'raise', or 'wrap' (got '", mode, "')");
    Array fixed = copy_of(index, DType::int64);
    auto* p = fixed.raw_as<int64_t>();
    for (int64_t i = 0; i < fixed.size(); ++i)
        p[i] = mode == "clip" ? std::clamp<int64_t>(p[i], 0, size - 1) : (p[i] % size + size) % size;
    return fixed;
}

// Many indices of the first axis are checked piece by piece as they are used: they are read once.
constexpr int64_t kManyIndices = 1 << 15;
constexpr int64_t kIndexPiece = 1 << 14;

void take_kernel(Call& c) {
    const Array &a = c.in[0], &out = c.out[0];
    Array index = contiguous(c.in[1]);
    int64_t size = a.dim(0), n = index.size(), row = n ? out.nbytes() / n : 0;
    Dims shape = a.dims();
    bool elements = a.ndim() == 1 && a.is_contiguous();
    std::atomic<bool> outside{false};
    parallel_for((n + kIndexPiece - 1) / kIndexPiece, [&](int64_t k) {
        int64_t from = k * kIndexPiece, count = std::min(kIndexPiece, n - from), signs = 0;
        const int64_t* given = index.raw_as<int64_t>() + from;
        if (elements) {
            if (!take_elements(out, a, index.raw_as<int64_t>(), from, count)) outside = true;
            return;
        }
        Array positions = empty(Dims{count}, DType::int64);
        auto* p = positions.raw_as<int64_t>();
        for (int64_t i = 0; i < count; ++i) {
            p[i] = given[i] + (given[i] >> 63 & size);  // no branch
            signs |= p[i] | int64_t(uint64_t(size - 1) - uint64_t(p[i]));
        }
        if (signs < 0) {
            outside = true;
            return;
        }
        Dims piece = shape;
        piece[0] = count;
        gather(window(out, from * row, piece, c_strides(piece, out.itemsize())), a, positions, Dims{0}, 0);
    });
    if (outside) checked_positions(index, size, 0);  // says which
}

void take(Call& c) {
    Array a = c.array(0);
    int64_t axis = 0;
    if (c.is_none(2)) a = ops::reshape(a, Dims{-1});
    else if (a.ndim() == 0) c.axis(2, 1), a = ops::reshape(a, Dims{1});
    else axis = c.axis(2, a.ndim());
    int64_t size = a.dim(axis);
    // While calls are recorded, positions are an operator's result.
    if (recorder() && size > 0 && in(c.array(1).dtype(), kInteger) && c.array(1).on_cpu())
        return c.out.push_back(
            ops::gather(a, call(MINPY_OP("_checked_positions"), c.array(1), size, axis, c.args[3]), axis));
    Array index = host_index(c.array(1), Casting::same_kind);
    if (size == 0 && index.size() > 0) throw index_error("cannot do a non-empty take from an empty axes.");
    bool simple = axis == 0 && c.text(3) == "raise" && index.dtype() == DType::int64 && index.size() >= kManyIndices;
    if (simple && a.on_cpu() && !may_be_traced(a)) return c.out.push_back(c.call(MINPY_OP("_take"), a, index));
    Array positions = positions_by_mode(index, size, axis, c.text(3));
    c.out.push_back(ops::gather(a, positions, axis));
}

// Positions of a_along_axis operators: `index` broadcast against the array on all other axes, as positions in the flattened
// array of the broadcast shape.
struct AlongAxis {
    Array a;          // broadcast to fit
    Array positions;  // flat
};

// Positions along an axis, broadcast to `shape`, as positions in an array of the shape `of`.
Array flat_positions(const Array& index, DimsView shape, DimsView of, int64_t axis) {
    Array checked = checked_positions(index, of[size_t(axis)], axis);
    Array positions = copy_of(broadcast_window(checked, shape));
    // inner: elements behind the axis
    int64_t inner = 1, n = of[size_t(axis)], m = positions.dim(axis);
    for (size_t i = size_t(axis) + 1; i < of.size(); ++i) inner *= of[i];
    auto* p = positions.raw_as<int64_t>();
    for (int64_t at = 0, outer = 0; at < positions.size(); ++outer)
        for (int64_t k = 0; k < m; ++k)
            for (int64_t i = 0; i < inner; ++i, ++at) p[at] = (outer * n + p[at]) * inner + i;
    return positions;
}

AlongAxis along_axis(const Array& given, const Array& index_given, int64_t axis, bool widen) {
    Array a = given;
    if (!in(index_given.dtype(), kInteger)) throw index_error("`indices` must be an integer array");
    Array index = recorder() ? index_given : host_index(index_given, Casting::safe);
    if (a.ndim() != index.ndim()) throw value_error("`indices` and `arr` must have the same number of dimensions");
    Dims wide = a.dims(), shape = index.dims();
    for (int64_t i = 0; i < a.ndim(); ++i) {
        if (i == axis) continue;
        int64_t n = a.dim(i), m = index.dim(i);
        if (n != m && n != 1 && m != 1)
            throw index_error("shape mismatch: indexing arrays could not be broadcast together with shapes ",
                              to_string(a.shape()), " ", to_string(index.shape()));
        int64_t size = n == 1 ? m : n;
        if (widen) wide[i] = size;
        shape[i] = m == 1 ? (widen ? size : n) : m;
    }
    if (!same(a.shape(), wide)) a = ops::broadcast_to(a, wide);
    if (recorder()) return {a, call(MINPY_OP("_flat_positions"), index, shape, a.shape(), axis)};
    return {a, flat_positions(index, {shape.data(), size_t(shape.size())}, a.shape(), axis)};
}

Dims all_axes(int64_t n) {
    Dims axes;
    for (int64_t i = 0; i < n; ++i) axes.push_back(i);
    return axes;
}

void take_along_axis(Call& c) {
    Array a = c.array(0), index = c.array(1);
    int64_t axis = 0;
    if (c.is_none(2)) {
        if (index.ndim() != 1) throw value_error("when axis=None, `indices` must have a single dimension.");
        a = ops::reshape(a, Dims{-1});
    } else {
        axis = c.axis(2, a.ndim());
    }
    AlongAxis s = along_axis(a, index, axis, true);
    c.out.push_back(call(MINPY_OP("_gather"), s.a, s.positions, all_axes(s.a.ndim()), 0));
}

// a at flat positions = values, in place and recorded.
void write_flat(const Array& a, const Array& positions, const Array& values, Context& context) {
    if (positions.size() == 0) return;
    Dims axes = all_axes(a.ndim());
    bool recorded = may_be_traced(a) || may_be_traced(values);
    if (!recorded && a.on_cpu() && values.on_cpu()) {
        before_write(a.storage());
        values.data();
        return scatter(a, values, positions, axes, 0);
    }
    Array old = may_be_traced(a) ? with_current_node(a, context) : a;
    Array value = ops::broadcast_to(ops::astype(values, a.dtype()), positions.shape());
    assign(a, call(MINPY_OP("_scatter"), old, value, last_of_each(positions, a.size()), axes, 0), context);
}

Array value_operand(const minpy_value& v, DType t) {
    if (v.tag == MINPY_V_ARRAY) return Array::share(array_of(v));
    if (is_number(v)) return array_of_number(v, t);
    throw unsupported("values ", describe(v));
}

void put_along_axis(Call& c) {
    const Array& a = c.array(0);
    if (c.is_none(3)) throw unsupported("axis=None");
    AlongAxis s = along_axis(a, c.array(1), c.axis(3, a.ndim()), false);
    Array values = value_operand(c.args[2], a.dtype());
    try {
        broadcast_window(values, s.positions.shape());
    } catch (Error&) {
        throw shape_error("shape mismatch: value array of shape ", to_string(values.shape()),
                          " could not be broadcast to indexing result of shape ", to_string(s.positions.shape()));
    }
    write_flat(a, s.positions, values, c.context);
}

void put(Call& c) {
    const Array& a = c.array(0);
    Array index = host_index(c.array(1), Casting::safe);
    Array positions = positions_by_mode(ops::reshape(index, Dims{-1}), a.size(), 0, c.text(3));
    Array values = ops::reshape(value_operand(c.args[2], a.dtype()), Dims{-1});
    int64_t n = positions.size();
    if (n == 0 || values.size() == 0) return;
    // Too few values are repeated, too many ignored.
    if (values.size() != n && values.size() != 1) {
        Array repeated = empty(Dims{n}, DType::int64);
        for (int64_t i = 0; i < n; ++i) repeated.raw_as<int64_t>()[i] = i % values.size();
        values = ops::gather(values, repeated, 0);
    }
    write_flat(a, positions, values, c.context);
}

void compress(Call& c) {
    Array condition = to_device(c.array(0), kCpu), a = c.array(1);
    condition.data();
    if (condition.ndim() != 1) throw value_error("condition must be a 1-d array");
    int64_t axis = 0;
    if (c.is_none(2)) a = ops::reshape(a, Dims{-1});
    else axis = c.axis(2, a.ndim());
    Array positions = positions_of(copy_of(condition, DType::boolean));
    c.out.push_back(ops::gather(a, checked_positions(positions, a.dim(axis), axis), axis));
}

void extract(Call& c) {
    Array condition = to_device(c.array(0), kCpu);
    condition.data();
    Array flat = ops::reshape(c.array(1), Dims{-1});
    Array positions = positions_of(copy_of(condition, DType::boolean));
    c.out.push_back(ops::gather(flat, checked_positions(positions, flat.dim(0), 0), 0));
}

// ---- deletion ----

void delete_items(Call& c) {
    Array a = c.array(0);
    int64_t axis = 0;
    if (c.is_none(2)) a = ops::reshape(a, Dims{-1});
    else axis = c.axis(2, a.ndim());
    int64_t n = a.dim(axis);
    if (c.args[1].tag == MINPY_V_BOOL)
        throw value_error("boolean array argument obj to delete must be one dimensional and match the axis length of ",
                          n);
    if (c.args[1].tag == MINPY_V_INT && c.integer(1) >= -n && c.integer(1) < n) {  // what is before and behind it
        int64_t at = c.integer(1) < 0 ? c.integer(1) + n : c.integer(1);
        Array parts[] = {ops::slice(a, axis, 0, at), ops::slice(a, axis, at + 1, MINPY_SLICE_NONE)};
        return c.out.push_back(ops::concatenate(parts, axis));
    }
    SmallVector<bool, 64> keep(n, true);
    for (int64_t i : c.ints(1)) {
        // NumPy marks a list in a mask of one axis.
        if (i < -n || i >= n)
            throw index_error("index ", i, " is out of bounds for axis ", c.args[1].tag == MINPY_V_INT ? axis : 0,
                              " with size ", n);
        keep[i < 0 ? i + n : i] = false;
    }
    Array mask = empty(Dims{n}, DType::boolean);
    std::copy(keep.begin(), keep.end(), mask.raw_as<bool>());
    c.out.push_back(ops::gather(a, positions_of(mask), axis));
}

void append(Call& c) {
    Array parts[] = {c.array(0), c.array(1)};
    if (c.is_none(2))
        for (Array& a : parts) a = ops::reshape(a, Dims{-1});
    int64_t axis = c.is_none(2) ? 0 : c.integer(2);
    c.out.push_back(ops::concatenate(parts, axis));
}

// ---- differences ----

void diff(Call& c) {
    Array a = c.array(0);
    int64_t n = c.integer(1);
    if (n < 0) throw value_error("order must be non-negative but got ", n);
    if (a.ndim() == 0) throw value_error("diff requires input that is at least one dimensional");
    int64_t axis = c.axis(2, a.ndim());
    if (n == 0) return c.out.push_back(a);
    auto border = [&](const Array& b) {
        if (b.ndim() > 0) return b;
        Dims shape = a.dims();
        shape[axis] = 1;
        return ops::broadcast_to(b, shape);
    };
    Arrays parts;
    if (!c.is_none(3)) parts.push_back(border(c.array(3)));
    parts.push_back(a);
    if (!c.is_none(4)) parts.push_back(border(c.array(4)));
    if (parts.size() > 1) a = ops::concatenate({parts.data(), size_t(parts.size())}, axis);
    for (int64_t i = 0; i < n; ++i) {
        Array later = ops::slice(a, axis, 1, MINPY_SLICE_NONE), earlier = ops::slice(a, axis, 0, -1);
        a = a.dtype() == DType::boolean ? call(MINPY_OP("not_equal"), later, earlier) : later - earlier;
    }
    c.out.push_back(a);
}

void ediff1d(Call& c) {
    Array a = ops::reshape(c.array(0), Dims{-1});
    if (a.dtype() == DType::boolean) throw unsupported("ediff1d of bool");
    Array middle = ops::slice(a, 0, 1, MINPY_SLICE_NONE) - ops::slice(a, 0, 0, -1);
    Arrays parts;
    auto border = [&](int i, const char* what) {
        if (c.is_none(i)) return;
        if (!can_cast(c.array(i).dtype(), a.dtype(), Casting::same_kind))
            throw type_error("dtype of `", what, "` must be compatible with input `ary` under the `same_kind` rule.");
        parts.push_back(ops::astype(ops::reshape(c.array(i), Dims{-1}), a.dtype()));
    };
    border(2, "to_begin");
    parts.push_back(middle);
    border(1, "to_end");
    c.out.push_back(parts.size() > 1 ? ops::concatenate({parts.data(), size_t(parts.size())}, 0) : middle);
}

}  // namespace

void register_selecting(Registry& r) {
    r.op("_checked_positions(indices, size: int, axis: int, mode: str)")
        .infer([](Call& c) { c.output(c.in[0].shape(), DType::int64); })
        .kernel([](Call& c) { copy_into(c.out[0], positions_by_mode(c.in[0], c.integer(1), c.integer(2), c.text(3))); })
        .no_gradient()
        .doc("Positions along an axis, in range.");
    r.op("_flat_positions(indices, shape: ints, of: ints, axis: int)")
        .infer([](Call& c) {
            Dims shape = c.ints(1);
            c.output({shape.data(), size_t(shape.size())}, DType::int64);
        })
        .kernel([](Call& c) {
            Dims shape = c.ints(1), of = c.ints(2);
            copy_into(c.out[0], flat_positions(c.in[0], {shape.data(), size_t(shape.size())},
                                               {of.data(), size_t(of.size())}, c.integer(3)));
        })
        .no_gradient()
        .doc("Positions along an axis as positions in the flattened array.");

    r.op("take(a, indices, axis: axis = None, mode: str = 'raise')")
        .composite(take)
        .scalar_result()
        .sample("f64(3,4), i64(2), axis=0")
        .sample("f64(3,4), [0,-1,0]")
        .c_function()
        .doc("The elements at indices along an axis, or of the flattened array.");
    r.op("_take(a, indices)")
        .infer([](Call& c) {
            Dims axis{0};
            c.output(gathered_shape(c.in[0].shape(), axis, 0, c.in[1].shape()), c.in[0].dtype());
        })
        .kernel(take_kernel)
        .not_differentiable("take records positions")
        .doc("The elements at many int64 indices along the first axis.");
    r.op("take_along_axis(arr, indices, axis: axis? = -1)")
        .composite(take_along_axis)
        .sample("f64(3,4), i64(3,2), axis=1")
        .doc("Elements along an axis at indices of their own for each place of the other axes.");
    r.op("put_along_axis(arr, indices, values: value, axis: axis?)")
        .composite(put_along_axis)
        .outputs(0)
        .doc("Writes elements along an axis, in place, at indices of their own for each place of the other axes.");
    r.op("put(a, ind, v: value, mode: str = 'raise')")
        .composite(put)
        .outputs(0)
        .doc("Writes elements of the flattened array, in place; too few values are repeated.");
    r.op("compress(condition, a, axis: axis = None)")
        .composite(compress)
        .sample("b(3), f64(3,4), axis=0")
        .doc("The slices along an axis for which a condition holds.");
    r.op("extract(condition, arr)")
        .composite(extract)
        .sample("b(2,3), f64(2,3)")
        .doc("The elements for which a condition holds, as one dimension.");
    r.op("delete(arr, obj: ints, axis: axis = None)")
        .composite(delete_items)
        .sample("f64(3,4), [0,2], axis=1")
        .doc("Without the slices at some indices along an axis.");
    r.op("append(arr, values, axis: axis = None)")
        .composite(append)
        .sample("f64(2,3), f64(1,3), axis=0")
        .doc("With values behind the elements, along an axis or flattened.");
    r.op("diff(a, n: int = 1, axis: axis? = -1, prepend: array? = None, append: array? = None)")
        .composite(diff)
        .sample("f64(3,4)")
        .sample("f64(3,4), 2, axis=0")
        .doc("Differences of neighbours along an axis, n times.");
    r.op("ediff1d(ary, to_end: array? = None, to_begin: array? = None)")
        .composite(ediff1d)
        .sample("f64(4)")
        .doc("Differences of neighbours in the flattened array.");
}

}  // namespace minpy
