// Shapes and layouts: views where strides allow, copies where not; and conversions of dtype and device.
#include <algorithm>
#include <cstring>

#include "core/array/casting.h"
#include "core/array/indexing.h"
#include "core/autograd/rules.h"
#include "core/cpu/elementwise.h"
#include "core/ops/calls.h"
#include "core/registry/device.h"
#include "core/registry/dispatch.h"
#include "core/registry/registry.h"
#include "core/registry/thread_state.h"

namespace minpy {
namespace {

DimsView view(const Dims& d) { return {d.data(), size_t(d.size())}; }

// One size may be -1: what is left.
Dims known_shape(Dims shape, const Array& a) {
    int64_t unknown = -1, product = 1;
    for (int64_t i = 0; i < shape.size(); ++i) {
        if (shape[i] == -1) {
            if (unknown >= 0) throw value_error("can only specify one unknown dimension");
            unknown = i;
        } else {
            if (shape[i] < 0) throw value_error("negative dimensions not allowed");
            product = checked_mul(product, shape[i]);
        }
    }
    Dims asked = shape;
    if (unknown >= 0 && product != 0 && a.size() % product == 0) {
        shape[unknown] = a.size() / product;
        product *= shape[unknown];
    }
    if (product != a.size() || (unknown >= 0 && shape[unknown] == -1))
        throw shape_error("cannot reshape array of size ", a.size(), " into shape ", to_string(view(asked)));
    checked_size(view(shape));
    return shape;
}

Array on_cpu_or_device_copy(const Array& a) { return a.on_cpu() ? (a.data(), copy_of(a)) : copy_on_device(a); }

// Recorded as one reshape, whether it is a view or a copy.
Array reshape(Call& c) {
    const Array& a = c.in[0];
    Dims shape = known_shape(c.ints(1), a);
    if (c.args[2].tag == MINPY_V_STRING &&
        (c.text(2) == "F" ||
         (c.text(2) == "A" && !a.is_contiguous() && is_f_contiguous(a.shape(), a.strides(), a.itemsize())))) {
        // Column-major: reverse the axes, reshape, reverse back.
        Dims axes, reversed_shape(shape.size());
        for (int i = a.ndim() - 1; i >= 0; --i) axes.push_back(i);
        std::reverse_copy(shape.begin(), shape.end(), reversed_shape.begin());
        Dims s(a.ndim()), t(a.ndim());
        for (int i = 0; i < a.ndim(); ++i) s[i] = a.dim(axes[i]), t[i] = a.strides()[size_t(axes[i])];
        Array turned = window(a, 0, view(s), view(t));
        Array flat = reshape_window(turned, view(reversed_shape));
        if (!flat) flat = reshape_window(on_cpu_or_device_copy(turned), view(reversed_shape));
        Dims back_shape(shape.size()), back_strides(shape.size());
        for (int64_t i = 0; i < shape.size(); ++i) {
            back_shape[i] = flat.dim(shape.size() - 1 - i);
            back_strides[i] = flat.strides()[size_t(shape.size() - 1 - i)];
        }
        return window(flat, 0, view(back_shape), view(back_strides));
    }
    if (c.args[2].tag == MINPY_V_STRING && c.text(2) != "C" && c.text(2) != "A")
        throw value_error("order must be one of 'C', 'F', or 'A' (got '", c.text(2), "')");
    Array result = reshape_window(a, view(shape));
    return result ? result : reshape_window(on_cpu_or_device_copy(a), view(shape));
}

Dims reversed_axes(int64_t ndim) {
    Dims axes;
    for (int64_t i = ndim - 1; i >= 0; --i) axes.push_back(i);
    return axes;
}

Array transpose(Call& c) {
    const Array& a = c.in[0];
    Dims axes;
    if (c.is_none(1)) {
        axes = reversed_axes(a.ndim());
    } else {
        axes = c.ints(1);
        if (axes.size() != a.ndim()) throw value_error("axes don't match array");
        Dims seen(a.ndim());
        for (int64_t& axis : axes) {
            axis = normalize_axis(axis, a.ndim());
            if (seen[axis]++) throw value_error("repeated axis in transpose");
        }
    }
    Dims shape, strides;
    for (int64_t axis : axes) {
        shape.push_back(a.dim(axis));
        strides.push_back(a.strides()[size_t(axis)]);
    }
    return window(a, 0, view(shape), view(strides));
}

// ---- the short ways: no tape, and for reshape elements in C order ----

// The operand of a call that nobody follows, or null.
const ArrayBody* untraced(ValuesView args) {
    if (args.empty() || args[0].tag != MINPY_V_ARRAY || !array_of(args[0])) return nullptr;
    const ArrayBody* a = array_of(args[0]);
    return a->node || a->storage->has(Storage::kTraced) ? nullptr : a;
}

// Ints of an argument; false if it is something else.
bool plain_ints(const minpy_value& v, DimsView& ints) {
    if (v.tag == MINPY_V_INT) ints = {&v.v.i, 1};
    else if (v.tag == MINPY_V_INTS) ints = ints_of(v);
    else return false;
    return ints.size() <= kMaxDims;
}

Array reshape_plainly(ValuesView args) {
    const ArrayBody* a = untraced(args);
    DimsView asked;
    if (!a || args.size() != 2 || !a->contiguous || a->size == 0 || !plain_ints(args[1], asked)) return {};
    int64_t shape[kMaxDims], known = 1, unknown = -1, n = int64_t(asked.size());
    for (int64_t i = 0; i < n; ++i) {
        shape[i] = asked[size_t(i)];
        if (shape[i] == -1 && unknown < 0) {
            unknown = i;
        } else if (shape[i] <= 0 || __builtin_mul_overflow(known, shape[i], &known)) {
            return {};
        }
    }
    if (unknown >= 0) {
        if (a->size % known) return {};
        shape[unknown] = a->size / known;
    } else if (known != a->size) {
        return {};
    }
    return contiguous_window(a, {shape, size_t(n)});
}

Array transpose_plainly(ValuesView args) {
    const ArrayBody* a = untraced(args);
    if (!a || args.size() > 2) return {};
    int64_t shape[kMaxDims], strides[kMaxDims], n = a->ndim;
    if (args.size() == 1 || args[1].tag == MINPY_V_NONE || args[1].tag == MINPY_V_DEFAULT) {
        for (int64_t i = 0; i < n; ++i) shape[i] = a->shape[n - 1 - i], strides[i] = a->strides[n - 1 - i];
    } else {
        DimsView axes;
        if (!plain_ints(args[1], axes) || int64_t(axes.size()) != n) return {};
        uint64_t seen = 0;
        for (int64_t i = 0; i < n; ++i) {
            int64_t axis = axes[size_t(i)] < 0 ? axes[size_t(i)] + n : axes[size_t(i)];
            if (uint64_t(axis) >= uint64_t(n) || seen >> axis & 1) return {};
            seen |= uint64_t(1) << axis;
            shape[i] = a->shape[axis], strides[i] = a->strides[axis];
        }
    }
    return window(a, 0, {shape, size_t(n)}, {strides, size_t(n)}, a->dtype);
}

constexpr int64_t kSmall = 4096;  // elements: beyond, threads and blocks may help

Array astype_plainly(ValuesView args) {
    const ArrayBody* a = untraced(args);
    if (!a || args.size() != 2 || args[1].tag != MINPY_V_DTYPE || !is_ready(a) || a->size > kSmall) return {};
    DType t = DType(args[1].v.i);
    if (!cast_function(a->dtype, t)) return {};
    Array out = empty({a->shape, size_t(a->ndim)}, t);
    thread_state().fp_status |=
        cast_elements(a->storage->data + a->offset, itemsize(a->dtype), a->dtype, out.raw(), itemsize(t), t, a->size);
    return out;
}

Array copy_plainly(ValuesView args) {
    const ArrayBody* a = untraced(args);
    if (!a || args.size() != 1 || !is_ready(a) || a->size > kSmall) return {};
    Array out = empty({a->shape, size_t(a->ndim)}, a->dtype);
    std::memcpy(out.raw(), a->storage->data + a->offset, size_t(a->size * itemsize(a->dtype)));
    return out;
}

// ---- axes: compositions of reshape and transpose ----

Dims iota(int64_t n) {
    Dims axes;
    for (int64_t i = 0; i < n; ++i) axes.push_back(i);
    return axes;
}

void ravel(Call& c) {
    std::string_view order = c.text(1);
    const Array& a = c.in[0];
    if (order != "K") {
        c.out.push_back(call(MINPY_OP("reshape"), a, -1, c.args[1]));
        return;
    }
    // As the elements lie in memory.
    Dims axes = iota(a.ndim());
    std::stable_sort(axes.begin(), axes.end(), [&](int64_t x, int64_t y) {
        return std::abs(a.strides()[size_t(x)]) > std::abs(a.strides()[size_t(y)]);
    });
    c.out.push_back(call(MINPY_OP("reshape"), ops::transpose(a, axes), -1));
}

void squeeze(Call& c) {
    const Array& a = c.in[0];
    Dims shape, gone = c.is_none(1) ? Dims() : c.axes(1, a.ndim());
    for (int64_t i = 0; i < a.ndim(); ++i) {
        bool chosen = c.is_none(1) ? a.dim(i) == 1 : std::find(gone.begin(), gone.end(), i) != gone.end();
        if (chosen && a.dim(i) != 1)
            throw value_error("cannot select an axis to squeeze out which has size not equal to one");
        if (!chosen) shape.push_back(a.dim(i));
    }
    c.out.push_back(ops::reshape(a, shape));
}

void expand_dims(Call& c) {
    const Array& a = c.in[0];
    Dims axes = c.ints(1), shape = a.dims();
    axes = normalize_axes(axes, a.ndim() + axes.size());
    std::sort(axes.begin(), axes.end());
    for (int64_t axis : axes) shape.insert(axis, 1);
    c.out.push_back(ops::reshape(a, shape));
}

// "source: axis 3 is out of bounds for array of dimension 2"
int64_t named_axis(int64_t axis, int64_t ndim, const char* name) {
    if (axis >= -ndim && axis < ndim) return axis < 0 ? axis + ndim : axis;
    throw Error(MINPY_E_INDEX, "AxisError", cat(name, ": ", axis_error(axis, ndim).text));
}

void swapaxes(Call& c) {
    Dims axes = iota(c.in[0].ndim());
    int64_t first = named_axis(c.integer(1), axes.size(), "axis1"),
            second = named_axis(c.integer(2), axes.size(), "axis2");
    std::swap(axes[first], axes[second]);
    c.out.push_back(ops::transpose(c.in[0], axes));
}

void moveaxis(Call& c) {
    int64_t n = c.in[0].ndim();
    Dims from = c.ints(1), to = c.ints(2);
    for (int64_t& axis : from) axis = named_axis(axis, n, "source");
    for (int64_t& axis : to) axis = named_axis(axis, n, "destination");
    for (auto [axes, name] : {std::pair{&from, "source"}, {&to, "destination"}})
        for (int64_t i = 0; i < axes->size(); ++i)
            if (std::count(axes->begin(), axes->end(), (*axes)[i]) > 1)
                throw value_error("repeated axis in `", name, "` argument");
    if (from.size() != to.size())
        throw value_error("`source` and `destination` arguments must have the same number of elements");
    Dims axes, order = iota(from.size());
    for (int64_t i = 0; i < n; ++i)
        if (std::find(from.begin(), from.end(), i) == from.end()) axes.push_back(i);
    std::sort(order.begin(), order.end(), [&](int64_t x, int64_t y) { return to[x] < to[y]; });
    for (int64_t i : order) axes.insert(to[i], from[i]);
    c.out.push_back(ops::transpose(c.in[0], axes));
}

void rollaxis(Call& c) {
    int64_t n = c.in[0].ndim(), axis = c.axis(1, n), start = c.integer(2);
    if (start < -n || start > n)
        throw Error(MINPY_E_INDEX, "AxisError",
                    cat("'start' arg requires ", -n, " <= start < ", n + 1, ", but ", start, " was passed in"));
    if (start < 0) start += n;
    if (axis < start) --start;
    c.out.push_back(ops::move_axis(c.in[0], axis, start));
}

// Sizes of 1 until there are `n` axes: before the others, but (3-D) one of them after.
template <int n> void atleast(Call& c) {
    for (const Array& a : c.in) {
        Dims shape = a.dims();
        while (shape.size() < n) shape.insert(n == 3 && shape.size() == 2 ? 2 : 0, 1);
        c.out.push_back(a.ndim() < n ? ops::reshape(a, shape) : a);
    }
}

void broadcast_arrays(Call& c) {
    SmallVector<DimsView, 4> shapes;
    for (const Array& a : c.in) shapes.push_back(a.shape());
    Dims shape = broadcast_shapes(std::span<const DimsView>(shapes.data(), size_t(shapes.size())));
    for (const Array& a : c.in) c.out.push_back(ops::broadcast_to(a, shape));
}

void meshgrid(Call& c) {
    std::string_view indexing = c.text(3);
    if (indexing != "xy" && indexing != "ij") throw value_error("Valid values for `indexing` are 'xy' and 'ij'.");
    bool sparse = c.flag(2), copied = c.flag(1);
    int64_t n = c.in.size();
    Dims full;
    for (const Array& a : c.in) full.push_back(a.size());
    auto place = [&](int64_t i) { return indexing == "xy" && n > 1 && i < 2 ? 1 - i : i; };
    if (n > 1 && indexing == "xy") std::swap(full[0], full[1]);
    for (int64_t i = 0; i < n; ++i) {
        Dims shape(n, 1);
        shape[place(i)] = c.in[i].size();
        Array part = ops::reshape(c.in[i], shape);
        if (!sparse) part = ops::broadcast_to(part, full);
        c.out.push_back(copied ? call(MINPY_OP("copy"), part) : part);
    }
}

}  // namespace

void register_manipulation(Registry& r) {
    r.op("reshape(a, shape: ints, order: str = 'C')")
        .view(reshape)
        .short_way(reshape_plainly)
        .linear([](Reverse& c) {
            minpy_value order = c.arg(2);
            c.set(0, call(MINPY_OP("reshape"), c.g(), c.in_shape(0), order));
        })
        .sample("f64(2,3), (3,2)")
        .sample("f64(2,3), (3,2), order='F'")
        .c_function()
        .doc("The elements in a new shape; a view where strides allow. One size may be -1.");
    r.op("transpose(a, axes: axes = None)")
        .view(transpose)
        .short_way(transpose_plainly)
        .linear([](Reverse& c) {
            int64_t n = int64_t(c.in_shape(0).size());
            Dims back(n), axes = c.is_none(1) ? reversed_axes(n) : c.ints(1);
            for (int64_t i = 0; i < n; ++i) back[normalize_axis(axes[i], n)] = i;
            c.set(0, ops::transpose(c.g(), view(back)));
        })
        .sample("f64(2,3)")
        .sample("f64(2,3,4), (1,0,2)")
        .c_function()
        .doc("The axes in another order, reversed by default; a view.");
    r.op("broadcast_to(array, shape: ints)")
        .view([](Call& c) {
            Dims shape = c.ints(1);
            checked_size(view(shape), c.in[0].itemsize());
            for (int64_t s : shape)
                if (s < 0) throw value_error("all elements of broadcast shape must be non-negative");
            try {
                return broadcast_window(c.in[0], view(shape));
            } catch (Error&) {
                throw shape_error(
                    "operands could not be broadcast together with remapped shapes [original->remapped]: ",
                    to_string(c.in[0].shape()), "  and requested shape ", to_string(view(shape)));
            }
        })
        .linear([](Reverse& c) { c.set(0, ops::unbroadcast(c.g(), view(c.in_shape(0)))); })
        .sample("f64(1,3), (2,3)")
        .c_function()
        .doc("A view of a larger shape in which sizes of 1 are repeated without a copy.");
    r.op("astype(x, dtype: dtype, copy: bool = True)")
        .infer([](Call& c) { c.output(c.in[0].shape(), c.dtype(1, DType::float64)); })
        .kernel([](Call& c) { thread_state().fp_status |= convert_into(c.out[0], c.in[0]); })
        .short_way(astype_plainly)
        .linear([](Reverse& c) { c.set(0, c.g()); })
        .sample("f64(3), 'float64'")
        .c_function()
        .doc("The elements converted to a dtype: a copy.");
    r.op("copy(a)")
        .infer([](Call& c) { c.output(c.in[0].shape(), c.in[0].dtype()); })
        .kernel([](Call& c) { copy_into(c.out[0], c.in[0]); })
        .short_way(copy_plainly)
        .linear([](Reverse& c) { c.set(0, c.g()); })
        .sample("f64(2,3)")
        .c_function()
        .doc("A copy in C order.");
    r.op("to_device(a, device: device)")
        .view([](Call& c) {
            int64_t packed = c.args[1].v.i;
            return minpy::to_device(c.in[0], Device{int32_t(packed), int32_t(packed >> 32)});
        })
        .linear([](Reverse& c) { c.set(0, ops::to_device(c.g(), c.in_device(0))); })
        .doc("The array on a device: itself if it is there already.");

    r.alias("permute_dims", "transpose");
    r.op("ravel(a, order: str = 'C')")
        .composite(ravel)
        .sample("f64(2,3)")
        .sample("f64(2,3), order='F'")
        .doc("The elements as one dimension; a view where strides allow.");
    r.op("squeeze(a, axis: axes = None)")
        .composite(squeeze)
        .sample("f64(1,3,1)")
        .sample("f64(1,3,1), axis=0")
        .c_function()
        .doc("Without axes of size 1, all of them or those given; a view.");
    r.op("expand_dims(a, axis: axes)")
        .composite(expand_dims)
        .sample("f64(2,3), 1")
        .sample("f64(2,3), (0,-1)")
        .c_function()
        .doc("With new axes of size 1 at these places of the result; a view.");
    r.op("swapaxes(a, axis1: axis, axis2: axis)")
        .composite(swapaxes)
        .sample("f64(2,3,4), 0, -1")
        .doc("With two axes exchanged; a view.");
    r.op("matrix_transpose(x, /)")
        .composite([](Call& c) {
            if (c.in[0].ndim() < 2)
                throw value_error("Input array must be at least 2-dimensional, but it is ", c.in[0].ndim());
            c.out.push_back(ops::swap_last_axes(c.in[0]));
        })
        .sample("f64(2,3,4)")
        .doc("With the last two axes exchanged; a view.");
    r.op("moveaxis(a, source: axes, destination: axes)")
        .composite(moveaxis)
        .sample("f64(2,3,4), 0, -1")
        .sample("f64(2,3,4), (0,1), (-1,0)")
        .doc("With some axes moved to new places, the others in their order; a view.");
    r.op("rollaxis(a, axis: axis, start: int = 0)")
        .composite(rollaxis)
        .sample("f64(2,3,4), 2")
        .doc("With an axis moved in front of another; a view.");
    r.op("atleast_1d(*arys: arrays)")
        .composite(atleast<1>)
        .outputs(0)
        .sample("f64(), f64(2)")
        .doc("With at least one axis.");
    r.op("atleast_2d(*arys: arrays)").composite(atleast<2>).outputs(0).sample("f64(3)").doc("With at least two axes.");
    r.op("atleast_3d(*arys: arrays)")
        .composite(atleast<3>)
        .outputs(0)
        .sample("f64(3,2)")
        .doc("With at least three axes.");
    r.op("broadcast_arrays(*args: arrays)")
        .composite(broadcast_arrays)
        .list_result()
        .sample("f64(3), f64(2,1)")
        .doc("Views of a common shape.");
    r.op("meshgrid(*xi: arrays, copy: bool = True, sparse: bool = False, indexing: str = 'xy')")
        .composite(meshgrid)
        .list_result()
        .sample("f64(3), f64(2)")
        .sample("f64(3), f64(2), sparse=True, indexing='ij'")
        .doc("Coordinates along each axis as arrays of the grid's shape.");
}

}  // namespace minpy
