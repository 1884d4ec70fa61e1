// Choices among arrays, and index arithmetic.
#include <algorithm>
#include <numeric>

#include "core/array/indexing.h"
#include "core/autograd/rules.h"
#include "core/autograd/tape.h"
#include "core/cpu/sort.h"
#include "core/ops/calls.h"
#include "core/registry/device.h"
#include "core/registry/dispatch.h"
#include "core/registry/registry.h"
#include "core/registry/thread_state.h"

namespace minpy {
namespace {

Array where(const Array& condition, const Array& x, const Array& y) { return call(MINPY_OP("where"), condition, x, y); }

// The first condition that holds chooses: the last is looked at first.
void select(Call& c) {
    auto conditions = c.arrays(0), choices = c.arrays(1);
    if (conditions.size() != choices.size())
        throw value_error("list of cases must be same length as list of conditions");
    if (conditions.empty()) throw value_error("select with an empty condition list is not possible");
    for (size_t i = 0; i < conditions.size(); ++i)
        if (conditions[i].dtype() != DType::boolean)
            throw type_error("invalid entry ", i, " in condlist: should be boolean ndarray");
    SmallVector<int, 8> which;
    for (int64_t i = c.first[1]; i < c.in.size(); ++i) which.push_back(int(i));
    DType t = c.promoted({which.data(), size_t(which.size())});
    Array result = ops::astype(c.array(2), t);
    for (size_t i = conditions.size(); i-- > 0;) result = where(conditions[i], ops::astype(choices[i], t), result);
    c.out.push_back(result);
}

void choose(Call& c) {
    auto choices = c.arrays(1);
    std::string_view mode = c.text(2);
    if (choices.empty()) throw unsupported("choose from nothing");
    Array index = to_device(c.array(0), kCpu);
    index.data();
    if (!in(index.dtype(), kInteger | kBool))
        throw type_error("Cannot cast array data from dtype('", name(index.dtype()),
                         "') to dtype('int64') according to the rule 'safe'");
    int64_t n = int64_t(choices.size());
    Array positions = copy_of(index, DType::int64);
    auto* p = positions.raw_as<int64_t>();
    for (int64_t i = 0; i < positions.size(); ++i) {
        if (mode == "clip") p[i] = std::clamp<int64_t>(p[i], 0, n - 1);
        else if (mode == "wrap") p[i] = (p[i] % n + n) % n;
        else if (p[i] < 0 || p[i] >= n) throw value_error("invalid entry in choice array");
    }
    SmallVector<int, 8> which;
    for (int64_t i = c.first[1]; i < c.in.size(); ++i) which.push_back(int(i));
    DType t = c.promoted({which.data(), size_t(which.size())});
    Array result;
    for (int64_t k = n - 1; k >= 0; --k) {
        Array choice = ops::astype(choices[size_t(k)], t);
        result = result ? where(call(MINPY_OP("equal"), positions, k), choice, result) : choice;
    }
    if (n == 1)
        result = call(MINPY_OP("copy"), ops::broadcast_to(result, broadcast_shapes(result.shape(), positions.shape())));
    c.out.push_back(result);
}

// In place where a mask holds: the values' elements, repeated, as they come (place) or by their position (putmask).
void place(Call& c, bool as_they_come) {
    const Array& a = c.array(0);
    Array mask = to_device(c.array(1), kCpu);
    mask.data();
    if (mask.size() != a.size())
        throw value_error(as_they_come ? "place: mask and data must be the same size"
                                       : "putmask: mask and data must be the same size");
    Array at = positions_of(mask.dtype() == DType::boolean ? mask : copy_of(mask, DType::boolean));
    if (at.size() == 0) return;
    Array values = ops::reshape(c.array(2), Dims{-1});
    if (values.size() == 0) throw value_error("Cannot insert from an empty array!");
    Array from = empty(at.shape(), DType::int64);
    for (int64_t i = 0; i < at.size(); ++i)
        from.raw_as<int64_t>()[i] = (as_they_come ? i : at.raw_as<int64_t>()[i]) % values.size();
    call(MINPY_OP("put"), a, at, ops::gather(values, from, 0));
}

void insert(Call& c) {
    Array a = c.array(0);
    int64_t axis = 0;
    if (c.is_none(3)) a = ops::reshape(a, Dims{-1});
    else axis = c.axis(3, a.ndim());
    int64_t n = a.dim(axis);
    Array values = ops::astype(c.array(2), a.dtype());
    Dims at = c.ints(1);
    bool one = c.args[1].tag == MINPY_V_INT;
    for (int64_t& i : at) {
        if (i < -n || i > n) throw index_error("index ", i, " is out of bounds for axis ", axis, " with size ", n);
        if (i < 0) i += n;
    }
    Dims shape = a.dims();
    if (at.size() == 1) {  // one place takes as many as there are
        while (values.ndim() < a.ndim()) values = ops::insert_axis(values, 0);
        if (one) values = ops::move_axis(values, 0, axis);
        shape[axis] = values.dim(axis);
        Array parts[] = {ops::slice(a, axis, 0, at[0]), ops::broadcast_to(values, shape),
                         ops::slice(a, axis, at[0], MINPY_SLICE_NONE)};
        return c.out.push_back(ops::concatenate(parts, axis));
    }
    // Behind the elements stand the new ones, and all are gathered in order.
    int64_t m = at.size();
    shape[axis] = m;
    Array both[] = {a, ops::broadcast_to(values, shape)};
    Dims order(m);
    std::iota(order.begin(), order.end(), int64_t(0));
    std::stable_sort(order.begin(), order.end(), [&](int64_t x, int64_t y) { return at[x] < at[y]; });
    Array positions = empty(Dims{checked_add(n, m)}, DType::int64);
    auto* p = positions.raw_as<int64_t>();
    for (int64_t i = 0, k = 0; i <= n; ++i) {
        for (; k < m && at[order[k]] == i; ++k) *p++ = n + order[k];
        if (i < n) *p++ = i;
    }
    c.out.push_back(ops::gather(ops::concatenate(both, axis), positions, axis));
}

void isin(Call& c) {
    Array element = to_device(c.array(0), kCpu), test = to_device(c.array(1), kCpu);
    bool inverted = c.flag(3);
    if (!c.is_none(4)) throw unsupported("isin of a kind");
    element.data(), test.data();
    DType t = promote(element.dtype(), test.dtype());
    Array sorted = copy_of(ops::reshape(without_node(test), Dims{-1}), t);
    sort_rows(sorted.raw(), t, 1, sorted.size());
    Array out = empty(element.shape(), DType::boolean);
    if (sorted.size() == 0) {
        std::fill_n(out.raw_as<bool>(), out.size(), inverted);
        return c.out.push_back(out);
    }
    Array wide = copy_of(element, t);
    Array at = call(MINPY_OP("searchsorted"), sorted, wide);
    int64_t last = sorted.size() - 1;
    for (int64_t i = 0; i < at.size(); ++i) at.raw_as<int64_t>()[i] = std::min(at.raw_as<int64_t>()[i], last);
    Array found = call(MINPY_OP("equal"), ops::gather(sorted, at, 0), wide);
    c.out.push_back(inverted ? call(MINPY_OP("logical_not"), found) : found);
}

// |a - b| <= atol + rtol |b|, and equal where not finite.
void isclose(Call& c) {
    Array a = c.array(0), b = c.array(1);
    uint32_t flags = thread_state().fp_status;  // differences of infinities are no news
    DType t = promote(b.dtype(), Weak::floating);
    Array wide = b.dtype() == t ? b : ops::astype(b, t);
    // A Python number takes the dtype of what it is compared with.
    minpy_value other = c.weak[c.first[1]] == Weak::none ? to_value(wide) : c.args[1];
    Array bound =
        call(MINPY_OP("add"), call(MINPY_OP("multiply"), call(MINPY_OP("absolute"), wide), c.args[2]), c.args[3]);
    Array near = call(MINPY_OP("less_equal"), call(MINPY_OP("absolute"), call(MINPY_OP("subtract"), a, other)), bound);
    near = call(MINPY_OP("logical_and"), near, call(MINPY_OP("isfinite"), wide));
    near = call(MINPY_OP("logical_or"), near,
                c.weak[c.first[1]] == Weak::none ? call(MINPY_OP("equal"), a, b) : call(MINPY_OP("equal"), a, other));
    if (c.flag(4)) {
        Array both = call(MINPY_OP("logical_and"), call(MINPY_OP("isnan"), a), call(MINPY_OP("isnan"), wide));
        near = call(MINPY_OP("logical_or"), near, both);
    }
    thread_state().fp_status = flags;
    c.out.push_back(near);
}

// ---- index arithmetic ----

void unravel_index(Call& c) {
    Dims shape = c.ints(1);
    bool fortran = c.text(2) == "F";
    if (shape.empty() || c.array(0).size() == 0) throw unsupported("unravel_index of nothing");
    int64_t size = checked_size(shape);
    if (!in(c.array(0).dtype(), kInteger)) throw type_error("only int indices permitted");
    Array flat = copy_of(c.array(0), DType::int64);
    const int64_t* p = flat.raw_as<int64_t>();
    for (int64_t i = 0; i < flat.size(); ++i)
        if (p[i] < 0 || p[i] >= size) throw value_error("index ", p[i], " is out of bounds for array with size ", size);
    for (int64_t k = 0; k < shape.size(); ++k) c.out.push_back(empty(flat.shape(), DType::int64));
    for (int64_t step = 0, inner = 1; step < shape.size(); ++step) {
        int64_t k = fortran ? step : shape.size() - 1 - step;
        for (int64_t i = 0; i < flat.size(); ++i) c.out[k].raw_as<int64_t>()[i] = p[i] / inner % shape[k];
        inner *= shape[k];
    }
}

void lexsort(Call& c) {
    auto keys = c.arrays(0);
    if (keys.empty()) throw type_error("need sequence of keys with len > 0 in lexsort");
    for (const Array& k : keys)
        if (!same(k.shape(), keys[0].shape())) throw value_error("all keys need to be the same shape");
    if (keys[0].ndim() != 1) throw unsupported("lexsort of more than one dimension");
    // From the least important key on: each sort keeps the order of equals.
    Array order;
    for (const Array& k : keys) {
        Array by = call(MINPY_OP("_argsort"), order ? ops::gather(k, order, 0) : k, 0);
        order = order ? ops::gather(order, by, 0) : by;
    }
    c.out.push_back(order);
}

void trapezoid(Call& c) {
    Array y = c.array(0);
    int64_t axis = c.axis(3, y.ndim());
    Array sides = ops::slice(y, axis, 1, MINPY_SLICE_NONE) + ops::slice(y, axis, 0, -1);
    Array steps;
    if (c.is_none(1)) {
        steps = call(MINPY_OP("multiply"), sides, c.args[2]);
    } else {
        const Array& x = c.array(1);
        int64_t along = x.ndim() == 1 ? 0 : axis;
        Array d = ops::slice(x, along, 1, MINPY_SLICE_NONE) - ops::slice(x, along, 0, -1);
        if (x.ndim() == 1) {
            Dims shape(int64_t(y.ndim()), 1);
            shape[axis] = d.dim(0);
            d = ops::reshape(d, shape);
        }
        steps = d * sides;
    }
    c.out.push_back(ops::sum(steps / 2.0, Dims{axis}));
}

}  // namespace

void register_choosing(Registry& r) {
    r.op("select(condlist: arrays, choicelist: arrays, default = 0)")
        .composite(select)
        .sample("[b(3), b(3)], [f64(3), f64(3)], f64(3)")
        .doc("Elements of the first choice whose condition holds.");
    r.op("choose(a, choices: arrays, mode: str = 'raise')")
        .composite(choose)
        .sample("[0, 1, 1], [f64(3), f64(3)]")
        .doc("Elements of the choice that an index names.");
    r.op("place(arr, mask, vals)")
        .composite([](Call& c) { place(c, true); })
        .outputs(0)
        .doc("Writes values one after the other where a mask holds, in place.");
    r.op("putmask(a, mask, values)")
        .composite([](Call& c) { place(c, false); })
        .outputs(0)
        .doc("Writes the values at the same positions where a mask holds, in place.");
    r.op("insert(arr, obj: ints, values, axis: axis = None)")
        .composite(insert)
        .sample("f64(3,4), 1, f64(4), axis=0")
        .sample("f64(3,4), [0,2], f64(3,2), axis=1")
        .doc("With values before some indices along an axis.");
    r.op("isin(element, test_elements, assume_unique: bool = False, invert: bool = False, *, kind: str = None)")
        .composite(isin)
        .no_gradient()
        .sample("f64(3), f64(2)")
        .doc("Whether each element is among the test elements.");
    r.op("isclose(a, b, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False)")
        .composite(isclose)
        .no_gradient()
        .scalar_result()
        .sample("f64(3), f64(3)")
        .doc("Whether a is within atol + rtol |b| of b, element by element.");
    r.op("unravel_index(indices, shape: ints, order: str = 'C')")
        .compute(unravel_index)
        .list_result()
        .no_gradient()
        .sample("i64(3), (3,4)")
        .doc("Positions in a flattened array as one index for each axis.");
    r.op("lexsort(keys: arrays)")
        .composite(lexsort)
        .no_gradient()
        .sample("[f64(4), f64(4)]")
        .doc("The indices that sort by several keys, the last one first.");
    r.op("trapezoid(y, x: array? = None, dx: scalar = 1.0, axis: axis = -1)")
        .composite(trapezoid)
        .scalar_result()
        .sample("f64(2,4)")
        .sample("f64(2,4), f64(4)")
        .doc("The integral along an axis by the trapezoidal rule.");
}

}  // namespace minpy
