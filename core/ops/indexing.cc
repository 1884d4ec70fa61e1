// a[index] and a[index] = value, and the operators on positions that they are made of.
#include "core/array/indexing.h"

#include <cstring>
#include <optional>

#include "core/autograd/rules.h"
#include "core/autograd/tape.h"
#include "core/cpu/elementwise.h"
#include "core/ops/calls.h"
#include "core/registry/dispatch.h"
#include "core/registry/pattern.h"
#include "core/registry/recorder.h"
#include "core/registry/registry.h"
#include "core/registry/thread_state.h"

namespace minpy {
namespace {

DimsView view(const Dims& d) { return {d.data(), size_t(d.size())}; }

// A list is the items of a tuple; anything else is one item.
IndexView items_of(const minpy_value& index) {
    if (index.tag == MINPY_V_VALUES) return {static_cast<const minpy_value*>(index.v.p), size_t(index.len)};
    return {&index, 1};
}

// The window of the basic part, recorded where a tape follows the array.
Array followed(const Array& a, const Selection& s) {
    if (!may_be_traced(a)) return s.window;
    minpy_value basic = pointer_value(MINPY_V_VALUES, s.basic.data(), s.basic.size());
    return call(MINPY_OP("_basic_index"), a, basic);
}

// While calls are recorded, positions that do not change the result's shape are an operator's result.
bool is_recordable(IndexView index) {
    if (!recorder()) return false;
    for (const minpy_value& v : index)
        if (v.tag == MINPY_V_BOOL || (v.tag == MINPY_V_ARRAY && array_of(v)->dtype == DType::boolean)) return false;
    return true;
}

Array recorded_positions(const Array& a, IndexView index, const Array& found) {
    Pattern pattern(index);
    return call(MINPY_OP("_positions"),
                std::span<const Array>(pattern.operands.data(), size_t(pattern.operands.size())), a.shape(),
                pointer_value(MINPY_V_VALUES, pattern.values.data(), pattern.values.size()), found.shape());
}

void get_item(Call& c) {
    const Array& a = c.in[0];
    const minpy_value& index = c.args[1];
    if (Array plain = may_be_traced(a) ? Array() : basic_window(a, items_of(index))) {
        c.out.push_back(std::move(plain));
        return;
    }
    if (!may_be_traced(a) && is_plain_mask(a, items_of(index)))
        return c.out.push_back(masked(a, Array::share(array_of(items_of(index)[0]))));
    bool recordable = is_recordable(items_of(index));
    Selection s;
    {
        std::optional<InsideKernel> looking;
        if (recordable) looking.emplace();
        s = select(a, items_of(index));
    }
    if (recordable && s.advanced) s.positions = recorded_positions(a, items_of(index), s.positions);
    Array part = followed(a, s);
    if (s.advanced) part = call(MINPY_OP("_gather"), part, s.positions, s.axes, s.at);
    else if (s.copies) part = call(MINPY_OP("copy"), part);
    c.out.push_back(std::move(part));
}

// What is assigned, without leading sizes of 1 that the target has no room for.
Array fitted(const Array& value, int64_t ndim) {
    int64_t extra = 0;
    while (value.ndim() - extra > ndim && value.dim(extra) == 1) ++extra;
    if (extra == 0) return value;
    return ops::reshape(value, value.shape().subspan(size_t(extra)));
}

// A boolean array of the target's rank takes a number or a list of as many values as it has true elements.
void check_mask_value(const Array& value, int64_t count) {
    if (value.ndim() > 1)
        throw type_error("NumPy boolean array indexing assignment requires a 0 or 1-dimensional input, input has ",
                         value.ndim(), " dimensions");
    if (value.ndim() == 1 && value.dim(0) != 1 && value.dim(0) != count)
        throw value_error("NumPy boolean array indexing assignment cannot assign ", value.dim(0),
                          " input values to the ", count, " output values where the mask is true");
}

void set_item(Call& c) {
    const Array& a = c.in[0];
    const minpy_value& index = c.args[1];
    const minpy_value& given = c.args[2];
    if (a.storage().has(Storage::kReadOnly)) throw value_error("assignment destination is read-only");
    Array value;
    if (given.tag == MINPY_V_ARRAY) value = Array::share(array_of(given));
    else if (is_number(given)) store_item(given, a.dtype(), (value = empty(DimsView{}, a.dtype())).raw());
    else throw type_error("an array or a number is needed, got ", describe(given)).in_argument("value");

    if (value.size() == 1 && value.ndim() <= 1 && value.on_cpu() && !may_be_traced(a) && !may_be_traced(value) &&
        is_plain_mask(a, items_of(index))) {
        Array mask = Array::share(array_of(items_of(index)[0]));
        if (!may_overlap(a, mask)) {
            value.data(), mask.data();
            before_write(a.storage());
            fill_masked(a, mask, value);
            return c.out.push_back(a);
        }
    }
    Selection s = select(a, items_of(index));
    Array part = followed(a, s);
    c.out.push_back(a);
    if (!s.advanced) {
        if (part.ndim() == 0 && s.basic.size() == a.ndim() && value.ndim() > 0)
            throw value_error("setting an array element with a sequence.");
        return assign(part, fitted(value, part.ndim()), c.context);
    }
    if (s.mask) check_mask_value(value, s.positions.size());
    Dims shape = gathered_shape(part.shape(), view(s.axes), s.at, s.positions.shape());
    Array fit = fitted(value, shape.size());
    try {
        broadcast_window(fit, view(shape));
    } catch (Error&) {
        throw shape_error("shape mismatch: value array of shape ", to_string(value.shape()),
                          " could not be broadcast to indexing result of shape ", to_string(view(shape)));
    }
    value = std::move(fit);
    bool recorded = may_be_traced(a) || may_be_traced(value);
    if (!recorded && a.on_cpu() && value.on_cpu()) {
        before_write(a.storage());
        value.data();
        if (value.dtype() != a.dtype()) {
            Array cast = empty(value.shape(), a.dtype());
            thread_state().fp_status |= convert_into(cast, value);
            value = cast;
        }
        scatter(part, value, s.positions, view(s.axes), s.at);
        return;
    }
    // On a tape the write is a value: the window with some elements replaced, assigned to the window.
    int64_t size = 1;
    for (int64_t axis : s.axes) size *= part.dim(axis);
    Array positions = last_of_each(s.positions, size);
    value = ops::broadcast_to(ops::astype(value, a.dtype()), view(shape));
    Array old = may_be_traced(part) ? with_current_node(part, c.context) : part;
    assign(part, call(MINPY_OP("_scatter"), old, value, positions, s.axes, s.at), c.context);
}

}  // namespace

void register_indexing(Registry& r) {
    r.op("get_item(a, index: index)")
        .composite(get_item)
        .sample("f64(3,4), 1")
        .doc("a[index]: a view for ints, slices, ellipsis and newaxis, a copy where arrays are among them.");
    r.op("set_item(a, index: index, value: value)")
        .composite(set_item)
        .doc("a[index] = value, in place; gives a. Of values for one element the last is kept.");

    r.op("_basic_index(a, index: index)")
        .view([](Call& c) { return basic_window(c.in[0], items_of(c.args[1])); })
        .linear([](Reverse& c) { c.set(0, call(MINPY_OP("_put_window"), c.g(), c.in_shape(0), c.arg(1))); })
        .sample("f64(3,4), 1")
        .doc("The window that an index without arrays selects.");
    r.op("_put_window(g, shape: ints, index: index)")
        .infer([](Call& c) { c.output(view(c.ints(1)), c.in[0].dtype()); })
        .kernel([](Call& c) {
            std::memset(c.out[0].raw(), 0, size_t(c.out[0].nbytes()));
            copy_into(basic_window(c.out[0], items_of(c.args[2])), c.in[0]);
        })
        .linear([](Reverse& c) { c.set(0, call(MINPY_OP("_basic_index"), c.g(), c.arg(2))); })
        .sample("f64(4), (3,4), 1")
        .doc("The transpose of _basic_index: a window put into zeros.");

    // `index` has a DEFAULT in the place of each array.
    r.op("_positions(arrays: arrays, shape: ints, index: value, positions: ints)")
        .infer([](Call& c) { c.output(view(c.ints(3)), DType::int64); })
        .kernel([](Call& c) {
            Filled index(items_of(c.args[2]), c.in);
            Array any = broadcast_window(scalar(false), view(c.ints(1)));
            Selection s = select(any, {index.values().data(), size_t(index.values().size())});
            copy_into(c.out[0], s.positions);
        })
        .no_gradient()
        .doc("What an index of integers selects, as positions.");

    // Positions along some axes of `a`, seen as one in C order; -1 is nowhere. In the result their axes stand in front of
    // the other axes' number `at`.
    r.op("_gather(a, positions, axes: ints, at: int)")
        .infer([](Call& c) {
            Dims axes = c.ints(2);
            c.output(view(gathered_shape(c.in[0].shape(), view(axes), c.integer(3), c.in[1].shape())), c.in[0].dtype());
        })
        .kernel([](Call& c) {
            Dims axes = c.ints(2);
            gather(c.out[0], c.in[0], contiguous(c.in[1]), view(axes), c.integer(3));
        })
        .linear([](Reverse& c) {
            c.set(0, call(MINPY_OP("_scatter_add"), c.g(), c.in(1), c.in_shape(0), c.ints(2), c.integer(3)));
        })
        .saves(true, false)
        .sample("f64(3,4), i64(2), (1,), 1")
        .doc("Elements at positions.");
    r.op("_scatter_add(g, positions, shape: ints, axes: ints, at: int)")
        .infer([](Call& c) { c.output(view(c.ints(2)), c.in[0].dtype()); })
        .kernel([](Call& c) {
            std::memset(c.out[0].raw(), 0, size_t(c.out[0].nbytes()));
            Dims axes = c.ints(3);
            scatter_add(c.out[0], c.in[0], contiguous(c.in[1]), view(axes), c.integer(4));
        })
        .linear([](Reverse& c) { c.set(0, call(MINPY_OP("_gather"), c.g(), c.in(1), c.ints(3), c.integer(4))); })
        .saves(true, false)
        .sample("f64(3,2), i64(2), (3,4), (1,), 1")
        .doc("The transpose of _gather: elements added up in zeros.");
    // Each position but -1 comes once.
    r.op("_scatter(a, values, positions, axes: ints, at: int)")
        .infer([](Call& c) { c.output(c.in[0].shape(), c.in[0].dtype()); })
        .kernel([](Call& c) {
            copy_into(c.out[0], c.in[0]);
            Dims axes = c.ints(3);
            scatter(c.out[0], c.in[1], contiguous(c.in[2]), view(axes), c.integer(4));
        })
        .linear([](Reverse& c) {
            if (c.needs(1)) c.set(1, call(MINPY_OP("_gather"), c.g(), c.in(2), c.ints(3), c.integer(4)));
            if (!c.needs(0)) return;
            Array zero = ops::zeros(view(c.in_shape(1)), c.out_dtype(), c.in_device(0));
            c.set(0, call(MINPY_OP("_scatter"), c.g(), zero, c.in(2), c.ints(3), c.integer(4)));
        })
        .saves(true, false)
        .doc("The array with other elements at positions.");
}

}  // namespace minpy
