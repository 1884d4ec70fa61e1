// Shapes and layouts: views where strides allow, copies where not; and conversions of dtype and device.
#include "core/autograd/rules.h"
#include "core/ops/calls.h"
#include "core/registry/device.h"
#include "core/registry/registry.h"

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
    if (c.args[2].tag == MINPY_V_STRING && (c.text(2) == "F" || (c.text(2) == "A" && !a.is_contiguous() &&
                                                                is_f_contiguous(a.shape(), a.strides(), a.itemsize())))) {
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

}  // namespace

void register_manipulation(Registry& r) {
    r.op("reshape(a, shape: ints, order: str = 'C')")
        .view(reshape)
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
                throw shape_error("operands could not be broadcast together with remapped shapes [original->remapped]: ",
                                  to_string(c.in[0].shape()), "  and requested shape ", to_string(view(shape)));
            }
        })
        .linear([](Reverse& c) { c.set(0, ops::unbroadcast(c.g(), view(c.in_shape(0)))); })
        .sample("f64(1,3), (2,3)")
        .c_function()
        .doc("A view of a larger shape in which sizes of 1 are repeated without a copy.");
    r.op("astype(x, dtype: dtype, copy: bool = True)")
        .infer([](Call& c) { c.output(c.in[0].shape(), c.dtype(1, DType::float64)); })
        .kernel([](Call& c) { copy_into(c.out[0], c.in[0]); })
        .linear([](Reverse& c) { c.set(0, c.g()); })
        .sample("f64(3), 'float64'")
        .c_function()
        .doc("The elements converted to a dtype: a copy.");
    r.op("copy(a)")
        .infer([](Call& c) { c.output(c.in[0].shape(), c.in[0].dtype()); })
        .kernel([](Call& c) { copy_into(c.out[0], c.in[0]); })
        .linear([](Reverse& c) { c.set(0, c.g()); })
        .sample("f64(2,3)")
        .c_function()
        .doc("A copy in C order.");
    r.op("to_device(a, device: device)")
        .any_device()
        .view([](Call& c) {
            int64_t packed = c.args[1].v.i;
            return minpy::to_device(c.in[0], Device{int32_t(packed), int32_t(packed >> 32)});
        })
        .linear([](Reverse& c) { c.set(0, ops::to_device(c.g(), c.in_device(0))); })
        .doc("The array on a device: itself if it is there already.");
}

}  // namespace minpy
