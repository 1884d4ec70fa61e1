// Operators that only the library calls: what tapes record for views and in-place writes. Their names begin with an
// underscore, and the language faces leave them out.
#include <cstring>

#include "core/autograd/node.h"
#include "core/ops/calls.h"
#include "core/registry/device.h"
#include "core/registry/function.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {

DimsView view(const Dims& d) { return {d.data(), size_t(d.size())}; }

// The part of `base` that a window touches.
Array part(const Array& base, const Dims& shape, const Dims& strides, int64_t offset) {
    return window(base, offset, view(shape), view(strides));
}

}  // namespace

void register_internal(Registry& r) {
    r.op("_alias(a)")
        .view([](Call& c) { return window(c.in[0], 0, c.in[0].shape(), c.in[0].strides()); })
        .linear([](Reverse& c) { c.set(0, c.g()); })
        .sample("f64(3)")
        .doc("The same array under another handle.");

    // A window (shape, byte strides, byte offset from the base's element 0) of a base with the given byte strides.
    r.op("_window(a, shape: ints, strides: ints, offset: int, base_strides: ints)")
        .infer([](Call& c) { c.output(view(c.ints(1)), c.in[0].dtype()); })
        .kernel([](Call& c) {
            // The base comes in any layout; the window is meant on its original one.
            Dims base_strides = c.ints(4);
            auto [low, high] = extent(c.in[0].shape(), view(base_strides), c.in[0].itemsize());
            Storage* s = Storage::create(high - low, kCpu);
            std::memset(s->data, 0, size_t(high - low));
            Array base = Array::on(s, -low, c.in[0].shape(), view(base_strides), c.in[0].dtype());
            copy_into(base, c.in[0]);
            copy_into(c.out[0], part(base, c.ints(1), c.ints(2), c.integer(3)));
        })
        .linear([](Reverse& c) {
            c.set(0, call(MINPY_OP("_unwindow"), c.g(), c.in_shape(0), c.ints(1), c.ints(2), c.integer(3), c.ints(4)));
        })
        .sample("f64(2,3), (3,), (8,), 8, (24, 8)")
        .doc("A strided window of an array.");
    r.op("_unwindow(g, base_shape: ints, shape: ints, strides: ints, offset: int, base_strides: ints)")
        .infer([](Call& c) { c.output(view(c.ints(1)), c.in[0].dtype()); })
        .kernel([](Call& c) {
            Dims base_shape = c.ints(1), base_strides = c.ints(5);
            auto [low, high] = extent(view(base_shape), view(base_strides), c.in[0].itemsize());
            Storage* s = Storage::create(high - low, kCpu);
            std::memset(s->data, 0, size_t(high - low));
            Array base = Array::on(s, -low, view(base_shape), view(base_strides), c.in[0].dtype());
            Array to = part(base, c.ints(2), c.ints(3), c.integer(4));
            add_overlapping(to, c.in[0]);
            copy_into(c.out[0], base);
        })
        .linear([](Reverse& c) {
            c.set(0, call(MINPY_OP("_window"), c.g(), c.ints(2), c.ints(3), c.integer(4), c.ints(5)));
        })
        .sample("f64(3), (2,3), (3,), (8,), 8, (24, 8)")
        .doc("The transpose of _window: a cotangent put back into zeros of the base's shape.");

    // A flat base after a window of it was overwritten by `value`; base None: constants.
    r.op("_write_window(base: array?, value: array?, shape: ints, strides: ints, offset: int)")
        .infer([](Call& c) { c.output(c.in[0].shape(), c.in[0].dtype()); })
        .kernel([](Call& c) {
            copy_into(c.out[0], c.in[0]);
            if (c.in[1]) copy_into(part(c.out[0], c.ints(2), c.ints(3), c.integer(4)), c.in[1]);
        })
        .linear([](Reverse& c) {
            Array g = c.g();
            Dims flat_strides{itemsize(c.in_dtype(0))};
            if (c.needs(1)) c.set(1, call(MINPY_OP("_window"), g, c.ints(2), c.ints(3), c.integer(4), flat_strides));
            if (c.needs(0)) {
                Array zero = ops::zeros(view(c.ints(2)), g.dtype(), g.device());
                c.set(0, call(MINPY_OP("_write_window"), g, zero, c.ints(2), c.ints(3), c.integer(4)));
            }
        })
        .sample("f64(6), f64(3), (3,), (16,), 8")
        .doc("An array of which a window was overwritten.");

    // `arguments` has a DEFAULT in the place of each operand.
    r.op("_call(function: function, arguments: value, operands: arrays)")
        .composite(call_function)
        .reverse(pull_back_function)
        .doc("A call of a function whose derivative is a callback.");
}

}  // namespace minpy
