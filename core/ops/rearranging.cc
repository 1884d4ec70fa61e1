// Elements in other places: flips, rolls, diagonals, and borders around an array.
#include <algorithm>
#include <cstring>

#include "core/autograd/rules.h"
#include "core/ops/calls.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {

constexpr minpy_slice kAll{MINPY_SLICE_NONE, MINPY_SLICE_NONE, MINPY_SLICE_NONE};
constexpr minpy_slice kBackwards{MINPY_SLICE_NONE, MINPY_SLICE_NONE, -1};

Array flipped(const Array& a, const Dims& axes) {
    SmallVector<minpy_value, 8> index;
    for (int64_t i = 0; i < a.ndim(); ++i) {
        bool backwards = std::find(axes.begin(), axes.end(), i) != axes.end();
        index.push_back(pointer_value(MINPY_V_SLICE, backwards ? &kBackwards : &kAll, 0));
    }
    return ops::get_item(a, {index.data(), size_t(index.size())});
}

void flip_axis(Call& c, int64_t axis) {
    if (c.in[0].ndim() <= axis) throw value_error("Input must be >= ", axis + 1, "-d.");
    c.out.push_back(flipped(c.in[0], {axis}));
}

void rot90(Call& c) {
    const Array& m = c.in[0];
    Dims axes = c.ints(2);
    if (axes.size() != 2) throw value_error("len(axes) must be 2.");
    if (axes[0] == axes[1] || std::abs(axes[0] - axes[1]) == m.ndim()) throw value_error("Axes must be different.");
    for (int64_t& axis : axes) {
        if (axis >= m.ndim() || axis < -m.ndim())
            throw value_error("Axes=(", c.ints(2)[0], ", ", c.ints(2)[1], ") out of range for array of ndim=", m.ndim(),
                              ".");
        axis = normalize_axis(axis, m.ndim());
    }
    int64_t k = ((c.integer(1) % 4) + 4) % 4;
    Dims order;
    for (int64_t i = 0; i < m.ndim(); ++i) order.push_back(i);
    std::swap(order[axes[0]], order[axes[1]]);
    switch (k) {
        case 0: c.out.push_back(flipped(m, {})); break;
        case 2: c.out.push_back(flipped(m, axes)); break;
        case 1: c.out.push_back(ops::transpose(flipped(m, {axes[1]}), order)); break;
        default: c.out.push_back(flipped(ops::transpose(m, order), {axes[1]})); break;
    }
}

void roll(Call& c) {
    Array a = c.in[0];
    Dims shifts = c.ints(1), axes;
    bool flat = c.is_none(2);
    if (flat) {
        a = ops::reshape(a, Dims{-1});
        axes = {0};
    } else {
        axes = c.ints(2);
        for (int64_t& axis : axes) axis = normalize_axis(axis, a.ndim());
    }
    int64_t n = std::max(shifts.size(), axes.size());
    if ((shifts.size() != n && shifts.size() != 1) || (axes.size() != n && axes.size() != 1))
        throw value_error("'shift' and 'axis' should be scalars or 1D sequences");
    Dims total(a.ndim());  // shifts of one axis add up
    for (int64_t i = 0; i < n; ++i) {
        int64_t axis = axes[axes.size() == 1 ? 0 : i], size = std::max<int64_t>(a.dim(axis), 1);
        total[axis] = (total[axis] + shifts[shifts.size() == 1 ? 0 : i] % size + size) % size;
    }
    bool moved = false;
    for (int64_t axis = 0; axis < a.ndim(); ++axis) {
        if (total[axis] == 0) continue;
        int64_t cut = a.dim(axis) - total[axis];
        Array parts[] = {ops::slice(a, axis, cut, MINPY_SLICE_NONE), ops::slice(a, axis, 0, cut)};
        a = ops::concatenate(parts, axis);
        moved = true;
    }
    if (!moved) a = call(MINPY_OP("copy"), a);
    c.out.push_back(flat ? ops::reshape(a, c.in[0].shape()) : a);
}

// ---- diagonals ----

struct Diagonal {
    int64_t offset;  // bytes
    Dims shape, strides;
};

Diagonal diagonal_of(DimsView shape, DimsView strides, int64_t k, int64_t axis1, int64_t axis2) {
    int64_t ndim = int64_t(shape.size());
    if (ndim < 2) throw value_error("diag requires an array of at least two dimensions");
    axis1 = normalize_axis(axis1, ndim);
    axis2 = normalize_axis(axis2, ndim);
    if (axis1 == axis2) throw value_error("axis1 and axis2 cannot be the same");
    Diagonal d{0, {}, {}};
    for (int64_t i = 0; i < ndim; ++i) {
        if (i == axis1 || i == axis2) continue;
        d.shape.push_back(shape[size_t(i)]);
        d.strides.push_back(strides[size_t(i)]);
    }
    int64_t rows = shape[size_t(axis1)], columns = shape[size_t(axis2)];
    int64_t down = k < 0 ? std::min(-std::max(k, -rows), rows) : 0, right = k > 0 ? std::min(k, columns) : 0;
    int64_t length = std::max<int64_t>(0, std::min(rows - down, columns - right));
    if (length) d.offset = down * strides[size_t(axis1)] + right * strides[size_t(axis2)];
    d.shape.push_back(length);
    d.strides.push_back(strides[size_t(axis1)] + strides[size_t(axis2)]);
    return d;
}

Array diagonal_window(const Array& a, int64_t k, int64_t axis1, int64_t axis2) {
    Diagonal d = diagonal_of(a.shape(), a.strides(), k, axis1, axis2);
    return window(a, d.offset, d.shape, d.strides);
}

Array diagonal(const Array& a, int64_t k) { return call(MINPY_OP("diagonal"), a, k, 0, 1); }

void diag(Call& c) {
    const Array& v = c.in[0];
    int64_t k = c.integer(1);
    if (v.ndim() == 2) return c.out.push_back(diagonal(v, k));
    if (v.ndim() != 1) throw value_error("Input must be 1- or 2-d.");
    int64_t n = checked_add(v.dim(0), std::abs(k));
    c.out.push_back(call(MINPY_OP("_put_diagonal"), v, Dims{n, n}, k, 0, 1));
}

// ---- borders ----

using Widths = SmallVector<std::pair<int64_t, int64_t>, 4>;  // before and after each axis

// A number, a pair, or a pair per axis.
Array as_pairs(const minpy_value& v, DType t, const char* what) {
    if (v.tag == MINPY_V_ARRAY) {
        Array a = Array::share(array_of(v));
        a.data();
        return copy_of(a, t);
    }
    if (v.tag == MINPY_V_INTS) {
        Array a = empty(Dims{v.len}, DType::int64);
        std::copy_n(static_cast<const int64_t*>(v.v.p), v.len, a.raw_as<int64_t>());
        return copy_of(a, t);
    }
    if (v.tag == MINPY_V_VALUES) {
        auto* items = static_cast<const minpy_value*>(v.v.p);
        Arrays parts;
        for (int32_t i = 0; i < v.len; ++i) parts.push_back(as_pairs(items[i], t, what));
        Dims shape = parts.empty() ? Dims() : parts[0].dims();
        shape.insert(0, v.len);
        Array a = empty(shape, t);
        for (int64_t i = 0; i < parts.size(); ++i) {
            if (!same(parts[i].shape(), parts[0].shape())) throw unsupported(what, " of different lengths");
            std::memcpy(a.raw() + i * parts[0].nbytes(), parts[i].raw(), size_t(parts[0].nbytes()));
        }
        return a;
    }
    if (!is_number(v)) throw unsupported(what, " ", describe(v));
    return array_of_number(v, t);
}

Array pairs_for(const minpy_value& v, int64_t ndim, DType t, const char* what) {
    Array given = as_pairs(v, t, what);
    Dims shape{ndim, 2};
    if (given.ndim() > 2) throw value_error("input operand has more dimensions than allowed by the axis remapping");
    try {
        return copy_of(broadcast_window(given, shape));
    } catch (Error&) {
        throw value_error("operands could not be broadcast together with remapped shapes [original->remapped]: ",
                          to_string(given.shape()), "  and requested shape ", to_string(shape));
    }
}

bool is_integral(const minpy_value& v) {
    switch (v.tag) {
        case MINPY_V_INT:
        case MINPY_V_INTS: return true;
        case MINPY_V_SCALAR: return in(DType(v.len), kInteger);
        case MINPY_V_ARRAY: return in(array_of(v)->dtype, kInteger);
        case MINPY_V_VALUES:
            for (int32_t i = 0; i < v.len; ++i)
                if (!is_integral(static_cast<const minpy_value*>(v.v.p)[i])) return false;
            return true;
        default: return false;
    }
}

Widths widths_for(const minpy_value& v, int64_t ndim) {
    if (!is_integral(v)) throw type_error("`pad_width` must be of integral type.");
    Array pairs = pairs_for(v, ndim, DType::int64, "pad_width");
    Widths result;
    auto* p = pairs.raw_as<int64_t>();
    for (int64_t i = 0; i < ndim; ++i, p += 2) {
        if (p[0] < 0 || p[1] < 0) throw value_error("index can't contain negative values");
        result.push_back({p[0], p[1]});
    }
    return result;
}

// Where the padded axis reads from.
int64_t source(std::string_view mode, int64_t i, int64_t n) {
    if (mode == "edge") return std::clamp<int64_t>(i, 0, n - 1);
    if (mode == "wrap") return (i % n + n) % n;
    bool twice = mode == "symmetric";  // the border itself is repeated
    int64_t period = twice ? 2 * n : std::max<int64_t>(1, 2 * n - 2);
    int64_t k = (i % period + period) % period;
    return k < n ? k : period - k - (twice ? 1 : 0);
}

// Gathers along each axis.
Array pad_from_array(Array a, const Widths& widths, std::string_view mode) {
    for (int64_t axis = 0; axis < a.ndim(); ++axis) {
        auto [before, after] = widths[axis];
        int64_t n = a.dim(axis);
        if (before == 0 && after == 0) continue;
        if (n == 0)
            throw value_error("can't extend empty axis ", axis, " using modes other than 'constant' or 'empty'");
        Array positions = empty(Dims{checked_add(n, checked_add(before, after))}, DType::int64);
        for (int64_t i = 0; i < positions.size(); ++i) positions.raw_as<int64_t>()[i] = source(mode, i - before, n);
        a = ops::gather(a, positions, axis);
    }
    return a;
}

// One copy for all axes.
Array pad_with_zeros(const Array& a, const Widths& widths) {
    SmallVector<minpy_slice, 4> slices;
    SmallVector<minpy_value, 8> index;
    Dims shape;
    for (int64_t axis = 0; axis < a.ndim(); ++axis) {
        auto [before, after] = widths[axis];
        slices.push_back({before, before + a.dim(axis), 1});
        shape.push_back(checked_add(a.dim(axis), checked_add(before, after)));
    }
    for (const minpy_slice& s : slices) index.push_back(pointer_value(MINPY_V_SLICE, &s, 0));
    return call(MINPY_OP("_put_window"), a, shape, pointer_value(MINPY_V_VALUES, index.data(), index.size()));
}

// Borders of `values`, a pair for each axis, joined axis by axis.
Array pad_with(Array a, const Widths& widths, const Array& values, bool backwards) {
    for (int64_t k = 0; k < a.ndim(); ++k) {
        int64_t axis = backwards ? a.ndim() - 1 - k : k;  // corners take what the last axis has
        Dims shape = a.dims();
        Arrays parts;
        auto border = [&](int64_t width, int64_t side) {
            if (width == 0) return;
            shape[axis] = width;
            Array value =
                window(values, axis * values.strides()[0] + side * values.strides()[1], DimsView{}, DimsView{});
            parts.push_back(ops::to_device(copy_of(broadcast_window(value, shape)), a.device()));
        };
        border(widths[axis].first, 0);
        parts.push_back(a);
        border(widths[axis].second, 1);
        if (parts.size() > 1) a = ops::concatenate({parts.data(), size_t(parts.size())}, axis);
    }
    return a;
}

void pad(Call& c) {
    Array a = c.in[0];
    int64_t ndim = a.ndim();
    Widths widths = widths_for(c.args[1], ndim);
    if (c.is_none(2)) throw value_error("mode 'None' is not supported");
    std::string_view mode = c.text(2);
    bool constant = mode == "constant" || mode == "empty";
    bool mirrors = mode == "reflect" || mode == "symmetric";
    if (!constant && !mirrors && mode != "edge" && mode != "wrap") throw unsupported("pad in mode '", mode, "'");
    // NumPy refuses options of other modes.
    if ((mode != "constant" && !c.is_none(3)) || (!c.is_none(4) && (!mirrors || c.text(4) != "even")))
        throw unsupported("options of pad in mode '", mode, "'");
    bool nothing = true;
    for (auto [before, after] : widths) nothing = nothing && before == 0 && after == 0;
    if (nothing) return c.out.push_back(call(MINPY_OP("copy"), a));
    // What is laid out column by column stays so: padded the other way round.
    bool turned = ndim > 1 && !a.is_contiguous() && is_f_contiguous(a.shape(), a.strides(), a.itemsize());
    auto turn = [&](const Array& x) {
        Dims axes;
        for (int64_t i = ndim - 1; i >= 0; --i) axes.push_back(i);
        return ops::transpose(x, axes);
    };
    if (turned) {
        a = turn(a);
        std::reverse(widths.begin(), widths.end());
    }
    Array result;
    if (!constant) {
        result = pad_from_array(a, widths, mode);
    } else {
        minpy_value zero = to_value(0);
        Array values =
            pairs_for(mode == "empty" || c.is_none(3) ? zero : c.args[3], ndim, a.dtype(), "constant_values");
        bool all_zero = std::all_of(values.raw(), values.raw() + values.nbytes(), [](char byte) { return byte == 0; });
        int64_t strides[] = {-values.strides()[0], values.strides()[1]};
        if (turned && ndim) values = window(values, (ndim - 1) * values.strides()[0], values.shape(), strides);
        result = all_zero ? pad_with_zeros(a, widths) : pad_with(a, widths, values, turned);
    }
    c.out.push_back(turned ? turn(result) : result);
}

}  // namespace

void register_rearranging(Registry& r) {
    r.op("flip(m, axis: axes = None)")
        .composite([](Call& c) { c.out.push_back(flipped(c.in[0], c.axes(1, c.in[0].ndim()))); })
        .sample("f64(2,3)")
        .sample("f64(2,3), axis=1")
        .doc("With the order of the elements reversed along the given axes, or all; a view.");
    r.op("flipud(m)")
        .composite([](Call& c) { flip_axis(c, 0); })
        .sample("f64(2,3)")
        .doc("With the rows in reversed order; a view.");
    r.op("fliplr(m)")
        .composite([](Call& c) { flip_axis(c, 1); })
        .sample("f64(2,3)")
        .doc("With the columns in reversed order; a view.");
    r.op("rot90(m, k: int = 1, axes: axes = (0,1))")
        .composite(rot90)
        .sample("f64(2,3)")
        .sample("f64(2,3,2), 3, (1,2)")
        .doc("Rotated k times by 90 degrees in the plane of two axes, from the first towards the second.");
    r.op("roll(a, shift: ints, axis: axes = None)")
        .composite(roll)
        .sample("f64(2,3), 2")
        .sample("f64(2,3), (1,-1), axis=(0,1)")
        .doc("Shifted along axes; what leaves at the end comes in at the beginning.");

    r.op("diagonal(a, offset: int = 0, axis1: axis = 0, axis2: axis = 1)")
        .view([](Call& c) { return diagonal_window(c.in[0], c.integer(1), c.integer(2), c.integer(3)); })
        .linear([](Reverse& c) {
            c.set(0, call(MINPY_OP("_put_diagonal"), c.g(), c.in_shape(0), c.integer(1), c.integer(2), c.integer(3)));
        })
        .sample("f64(3,4)")
        .sample("f64(2,3,4), 1, 2, 0")
        .doc("The diagonal of two axes as the last axis; a view.");
    r.op("_put_diagonal(v, shape: ints, offset: int = 0, axis1: int = 0, axis2: int = 1)")
        .infer([](Call& c) { c.output(c.ints(1), c.in[0].dtype()); })
        .kernel([](Call& c) {
            std::memset(c.out[0].raw(), 0, size_t(c.out[0].nbytes()));
            copy_into(diagonal_window(c.out[0], c.integer(2), c.integer(3), c.integer(4)), c.in[0]);
        })
        .linear(
            [](Reverse& c) { c.set(0, call(MINPY_OP("diagonal"), c.g(), c.integer(2), c.integer(3), c.integer(4))); })
        .sample("f64(3), (3,4)")
        .doc("The transpose of diagonal: zeros with a diagonal put into them.");
    r.op("diag(v, k: int = 0)")
        .composite(diag)
        .sample("f64(3), 1")
        .sample("f64(3,4), -1")
        .doc("The diagonal of a matrix; of a vector the matrix with that diagonal.");
    r.op("diagflat(v, k: int = 0)")
        .composite(
            [](Call& c) { c.out.push_back(call(MINPY_OP("diag"), ops::reshape(c.in[0], Dims{-1}), c.integer(1))); })
        .sample("f64(2,2), 1")
        .doc("A matrix with the flattened elements as a diagonal.");
    r.op("trace(a, offset: int = 0, axis1: axis = 0, axis2: axis = 1, dtype: dtype = None)")
        .composite([](Call& c) {
            Array d = call(MINPY_OP("diagonal"), c.in[0], c.integer(1), c.integer(2), c.integer(3));
            c.out.push_back(call(MINPY_OP("sum"), d, -1, c.args[4]));
        })
        .scalar_result()
        .sample("f64(3,4), 1")
        .doc("The sum of a diagonal.");

    r.op("pad(array, pad_width: value?, mode: str? = 'constant', *, constant_values: value = None, "
         "reflect_type: str = None)")
        .composite(pad)
        .sample("f64(2,3), 1")
        .sample("f64(2,3), ((1,0),(0,2)), constant_values=2")
        .sample("f64(3,4), 2, mode='reflect'")
        .sample("f64(3,4), (1,2), mode='edge'")
        .doc("With borders: a constant, the edge, or the array mirrored or repeated.");
}

}  // namespace minpy
