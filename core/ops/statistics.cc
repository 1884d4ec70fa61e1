// Rows of means and spreads: composites over sums, as NumPy makes them. float16 is worked on in float32.
#include <algorithm>
#include <cmath>
#include <utility>

#include "core/autograd/node.h"
#include "core/cpu/elementwise.h"
#include "core/fusion/absorb.h"
#include "core/ops/axes.h"
#include "core/registry/device.h"
#include "core/registry/registry.h"
#include "core/registry/thread_state.h"

namespace minpy {
namespace {

using P = Partial&;

// The dtype that means are worked out in: integers in float64, short floats in float32.
DType mean_dtype(DType t) {
    if (in(t, kBool | kInteger)) return DType::float64;
    return in(t, kShortFloat) ? DType::float32 : t;
}

// A mean of no elements, a variance without degrees of freedom, an extreme of NaN alone: MINPY_FP_EMPTY.
constexpr uint32_t kEmptySlice = 16, kQuotients = 1 | 8;  // division by zero, invalid

// How many elements each result is made of: a number, or with a mask an array.
struct Count {
    double number = 0;
    Array array;
    Count(const Call& c, const Array& a, const Dims& axes, const Array& where, DType t, bool keepdims) {
        if (!where) {
            number = double(size_along(a.shape(), axes));
            return;
        }
        Array wide = ops::broadcast_to(where, a.shape());
        array = c.call(MINPY_OP("sum"), wide, axes, t, keepdims);
    }
    Array divide(const Array& s) const { return array ? s / array : s / number; }
    // The same where results of too few elements are worth a warning.
    Array divide_and_tell(const Array& s) const {
        uint32_t& status = thread_state().fp_status;
        uint32_t before = std::exchange(status, 0);
        Array result = divide(s);
        bool few = array ? (status & kQuotients) && array.on_cpu() && has_zero(array) : number == 0;
        status |= before | (few ? kEmptySlice : 0);
        return result;
    }
    static bool has_zero(const Array& a) {
        Array wide = copy_of(a, DType::float64);
        const double* x = wide.raw_as<double>();
        return std::find(x, x + wide.size(), 0.0) != x + wide.size();
    }
};

// NaN of empty slices is told of by its own word in nan* functions.
template <class F> void telling_of_empty_slices(F&& compute) {
    uint32_t& status = thread_state().fp_status;
    uint32_t before = std::exchange(status, 0);
    compute();
    if (status & kEmptySlice) status &= ~kQuotients;
    status |= before;
}

// Whether kernels that fold in one pass serve: they are for the CPU and know no derivative.
bool in_one_pass(const Array& a) { return a.on_cpu() && !may_be_traced(a); }

void mean(Call& c) {
    const Array &a = c.in[0], &where = c.in[1];
    DType result = c.dtype(2, in(a.dtype(), kBool | kInteger) ? DType::float64 : a.dtype());
    DType t = c.is_none(2) ? mean_dtype(a.dtype()) : result;
    Dims axes = c.axes(1, a.ndim());
    CallOptions with;
    with.context = &c.context;
    with.last_use = c.options.last_use;
    minpy_value args[] = {to_value(a), to_value(axes), to_value(t), to_value(c.flag(3)), none_value(), to_value(where)};
    Array s = std::move(invoke(MINPY_OP("sum"), args, with).front());
    c.out.push_back(ops::astype(Count(c, a, axes, where, real_of(t), c.flag(3)).divide_and_tell(s), result));
}

// Of all elements of a small array of floats, all else by default: the sum's short way, and a quotient.
Array mean_plainly(ValuesView args) {
    if (args.size() != 1 || args[0].tag != MINPY_V_ARRAY || !array_of(args[0])) return {};
    const ArrayBody* a = array_of(args[0]);
    if (a->dtype != DType::float32 && a->dtype != DType::float64) return {};
    if (a->size == 0) return {};
    Array s = MINPY_OP("sum").short_way(args);
    return s ? s / double(a->size) : Array();
}

// Of (a, axis, dtype, ddof, keepdims, where, mean, correction).
Array variance(Call& c, DType& result) {
    const Array &where = c.in[1], &given = c.in[2];
    DType own = c.in[0].dtype();
    result = c.dtype(2, real_of(in(own, kBool | kInteger) ? DType::float64 : own));
    DType t = c.is_none(2) ? mean_dtype(own) : in(own, kComplex) ? complex_of(result) : result;
    double ddof = c.number(3);
    if (!c.is_none(7)) {
        if (ddof != 0) throw value_error("ddof and correction can't be provided simultaneously.");
        ddof = c.number(7);
    }
    bool quick = in_one_pass(c.in[0]) && !(given && may_be_traced(given)) && in(t, kFloat) && in(own, ~kComplex);
    Array a = quick ? c.in[0] : ops::astype(c.in[0], t);
    Dims axes = c.axes(1, a.ndim());
    Array center = given ? ops::astype(given, t)
                         : Count(c, a, axes, where, real_of(t), true)
                               .divide(c.call(MINPY_OP("sum"), a, axes, t, true, none_value(), where));
    Array s;
    if (quick) {
        s = c.call(MINPY_OP("_squares"), a, center, where, axes, c.flag(4));
    } else {
        Array d = a - center;
        Array squares = in(t, kComplex) ? c.call(MINPY_OP("real"), d * ops::conj(d)) : d * d;
        s = fold_temporary(c, MINPY_OP("sum"), squares, axes, none_value(), c.flag(4), none_value(), where);
    }
    Count count(c, a, axes, where, real_of(t), c.flag(4));
    count.number = std::max(count.number - ddof, 0.0);
    if (count.array) count.array = c.call(MINPY_OP("maximum"), count.array - ddof, 0.0);
    return count.divide_and_tell(s);
}

// Folds of elements that are prepared on the way, of (a, …, axes, keepdims); short floats in float32.
struct OnePass {
    const char* signature;
    Fold fold;
    const char* functor;  // or null
    const char* doc;
};
constexpr OnePass kOnePass[] = {
    {"_nansum(a, axis: axes = None, keepdims: bool = False)", Fold::sum, "ZeroForNaN",
     "Sum in which NaN counts as zero, in one pass."},
    {"_nanprod(a, axis: axes = None, keepdims: bool = False)", Fold::prod, "OneForNaN",
     "Product in which NaN counts as one, in one pass."},
    {"_nanmax(a, axis: axes = None, keepdims: bool = False)", Fold::fmax, nullptr,
     "The largest element that is no NaN, in one pass."},
    {"_nanmin(a, axis: axes = None, keepdims: bool = False)", Fold::fmin, nullptr,
     "The smallest element that is no NaN, in one pass."},
};

void infer_folded(Call& c, int axes_at, DType t) {
    Dims shape = shape_without(c.in[0].shape(), c.axes(axes_at, c.in[0].ndim()), c.flag(axes_at + 1));
    c.output({shape.data(), size_t(shape.size())}, t);
}

void fold_prepared(Call& c, Fold fold, const Prepared& prepared, const Array& mask, int axes_at, DType t) {
    const Array& a = c.in[0];
    Dims axes = c.axes(axes_at, a.ndim());
    const ReduceLoop& loop = reduce_loop(fold, t);
    alignas(16) char identity[16];
    loop.identity(identity);
    const char* start = size_along(a.shape(), axes) == 0 ? identity : nullptr;
    thread_state().fp_status |=
        reduce_operand(c, loop, c.out[0], a, {axes.data(), size_t(axes.size())}, mask, identity, start, prepared);
}

template <int K> void register_one_pass(Registry& r) {
    r.op(kOnePass[K].signature)
        .infer([](Call& c) { infer_folded(c, 1, c.in[0].dtype()); })
        .kernel([](Call& c) {
            constexpr OnePass row = kOnePass[K];
            DType t = in(c.in[0].dtype(), kShortFloat) ? DType::float32 : c.in[0].dtype();
            Prepared prepared;
            if (row.functor) prepared.loop = prepared_loop(row.functor, t);
            fold_prepared(c, row.fold, prepared, {}, 1, t);
        })
        .takes_pending()
        .not_differentiable("the composite is recorded")
        .doc(kOnePass[K].doc);
}

// ---- over what is not NaN ----

bool may_be_nan(const Array& a) { return in(a.dtype(), kFloating | kComplex); }

// a with `value` in place of NaN.
Array replaced(const Call& c, const Array& a, double value) {
    return may_be_nan(a) ? c.call(MINPY_OP("where"), c.call(MINPY_OP("isnan"), a), value, a) : a;
}

// The mask of an argument and of what is no NaN together.
Array mask_of(const Call& c, const Array& a, const Array& where) {
    if (!may_be_nan(a)) return where;
    Array mask = c.call(MINPY_OP("logical_not"), c.call(MINPY_OP("isnan"), a));
    return where ? c.call(MINPY_OP("logical_and"), mask, where) : mask;
}

bool has_nan(const Array& a) {
    a.data();
    return for_dtype<kFloating | kComplex>(a.dtype(), [&]<class T> {
        const T* x = a.raw_as<T>();
        return std::any_of(x, x + a.size(), [](T y) {
            if constexpr (is_short_float<T>) return float(y) != float(y);
            else return y != y;
        });
    });
}

// Of (a, axis, keepdims, initial, where): NaN only where there is nothing else. `name` is NumPy's reduction.
void nan_extreme(Call& c, const Op& reduction, const Op& one_pass, const char* name, double worst) {
    const Array &a = c.in[0], &where = c.in[1];
    Dims axes = c.axes(1, a.ndim());
    if (c.is_none(3)) {
        if (where)
            throw value_error("reduction operation '", name,
                              "' does not have an identity, so to use a where mask one has to specify 'initial'");
        if (size_along(a.shape(), axes) == 0 && checked_size(shape_without(a.shape(), axes, false)) != 0)
            throw value_error("zero-size array to reduction operation ", name, " which has no identity");
    }
    if (in_one_pass(a) && in(a.dtype(), kFloating) && !where && c.is_none(3)) {
        c.out.push_back(c.call(one_pass, a, c.args[1], c.args[2]));
        if (has_nan(c.out[0])) thread_state().fp_status |= kEmptySlice;
        return;
    }
    Array m = c.call(reduction, replaced(c, a, worst), c.args[1], c.args[2], c.args[3], where);
    if (may_be_nan(a) && c.is_none(3)) {
        Array none = c.call(MINPY_OP("all"), c.call(MINPY_OP("isnan"), a), c.args[1], c.args[2]);
        m = c.call(MINPY_OP("where"), none, double(NAN), m);
        if (m.on_cpu() && has_nan(m)) thread_state().fp_status |= kEmptySlice;
    }
    c.out.push_back(m);
}

// Of (a, axis, dtype, keepdims, initial, where): NaN counts as `value`.
void nan_fold(Call& c, const Op& reduction, const Op& one_pass, double value) {
    const Array& a = c.in[0];
    if (in_one_pass(a) && in(a.dtype(), kFloating) && c.is_none(2) && c.is_none(4) && !c.in[1])
        return c.out.push_back(c.call(one_pass, a, c.args[1], c.args[3]));
    c.out.push_back(c.call(reduction, replaced(c, a, value), c.args[1], c.args[2], c.args[3], c.args[4], c.in[1]));
}

void check_inexact(const Call& c) {
    if (may_be_nan(c.in[0]) && !c.is_none(2) && !in(c.dtype(2, DType::none), kFloating | kComplex))
        throw type_error("If a is inexact, then dtype must be inexact");
}

// The parameters of var and std with the mask of what is no NaN; NaN where ddof leaves nothing to divide by.
void nan_spread(Call& c, const Op& spread) {
    check_inexact(c);
    const Array& a = c.in[0];
    Array mask = mask_of(c, a, c.in[1]);
    Array y;
    telling_of_empty_slices([&] {
        y = c.call(spread, replaced(c, a, 0), c.args[1], c.args[2], c.args[3], c.args[4], mask, c.in[2], c.args[7]);
    });
    double ddof = c.is_none(7) ? c.number(3) : c.number(7);
    if (may_be_nan(a) && ddof != 0) {
        Array count = c.call(MINPY_OP("sum"), ops::broadcast_to(mask, a.shape()), c.args[1], none_value(), c.args[4]);
        y = c.call(MINPY_OP("where"), c.call(MINPY_OP("less_equal"), count, ddof), double(NAN), y);
    }
    c.out.push_back(y);
}

// ---- averages and quantiles ----

// The elements of each result, in order, along the last axis.
struct Sorted {
    Array elements;
    Dims axes;
    int64_t n, last;
    Sorted(const Call& c, const Array& a, const Dims& axes) : axes(axes), n(size_along(a.shape(), axes)) {
        if (n == 0) throw unsupported(c.op.name, " of no elements");
        Dims order, flat;
        for (int64_t i = 0; i < a.ndim(); ++i)
            if (std::find(axes.begin(), axes.end(), i) == axes.end()) order.push_back(i), flat.push_back(a.dim(i));
        last = flat.size();
        for (int64_t axis : axes) order.push_back(axis);
        flat.push_back(n);
        elements = c.call(MINPY_OP("sort"), ops::reshape(ops::transpose(a, order), flat), last);
    }
    Array at(const Call& c, const Array& positions) const {
        return c.call(MINPY_OP("take"), elements, positions, last);
    }
    Array at(const Call& c, int64_t i) const {
        Array position = empty(Dims(), DType::int64);
        *position.raw_as<int64_t>() = i;
        return at(c, position);
    }
    // NaN sorts to the end and spoils all; the axis of the quantiles, if they have one, comes first.
    Array finish(const Call& c, Array y, const Array& a, bool keepdims) const {
        bool many = y.ndim() > last;
        if (many) y = ops::move_axis(y, last, 0);
        if (may_be_nan(a)) y = c.call(MINPY_OP("where"), c.call(MINPY_OP("isnan"), at(c, n - 1)), double(NAN), y);
        if (!keepdims) return y;
        Dims shape;
        if (many) shape.push_back(y.dim(0));
        for (int64_t s : shape_without(a.shape(), axes, true)) shape.push_back(s);
        return ops::reshape(y, shape);
    }
};

void median(Call& c) {
    const Array& a = c.in[0];
    Sorted s(c, a, c.axes(1, a.ndim()));
    DType t = mean_dtype(a.dtype());
    Array y = ops::astype(s.at(c, s.n / 2), t);
    if (s.n % 2 == 0) y = (ops::astype(s.at(c, s.n / 2 - 1), t) + y) / 2.0;
    if (may_be_nan(a)) y = ops::astype(y, a.dtype());
    c.out.push_back(s.finish(c, y, a, c.flag(3)));
}

// Of (a, q, axis, overwrite_input, method, keepdims, weights); `scale` is 1, or 100 for percentiles.
void quantile(Call& c, double scale) {
    const Array &a = c.in[0], &given = c.in[1];
    if (in(a.dtype(), kComplex)) throw type_error("a must be an array of real numbers");
    if (c.text(4) != "linear" || c.in[2]) throw unsupported(c.op.name, " other than method='linear' without weights");
    if (given.ndim() > 1) throw unsupported("quantiles of more than one axis");
    DType precision = in(given.dtype(), kFloating) && c.weak[1] == Weak::none ? given.dtype() : DType::float64;
    if (in(precision, kShortFloat)) throw unsupported("quantiles in ", name(precision));
    auto rounded = [&](double x) { return precision == DType::float32 ? double(float(x)) : x; };
    Array q = copy_of(minpy::to_device(without_node(given), kCpu), DType::float64);
    for (int64_t i = 0; i < q.size(); ++i) {
        double& x = q.raw_as<double>()[i];
        x = rounded(x / scale);
        if (!(x >= 0 && x <= 1))
            throw value_error(scale == 1 ? "Quantiles must be in the range [0, 1]"
                                         : "Percentiles must be in the range [0, 100]");
    }
    Sorted s(c, a, c.axes(2, a.ndim()));
    if (scale == 1 && in(given.dtype(), kBool | kInteger)) {  // the least or the largest, in its own dtype
        Array position = copy_of(q, DType::int64);
        for (int64_t i = 0; i < q.size(); ++i) position.raw_as<int64_t>()[i] *= s.n - 1;
        return c.out.push_back(s.finish(c, s.at(c, position), a, c.flag(5)));
    }
    // From the nearer neighbour, as NumPy does, so that the ends are exact.
    Array below = empty(q.shape(), DType::int64), above = empty(q.shape(), DType::int64),
          near = empty(q.shape(), DType::int64), rest = empty(q.shape(), DType::float64);
    for (int64_t i = 0; i < q.size(); ++i) {
        double at = rounded(q.raw_as<double>()[i] * double(s.n - 1)), part = at - std::floor(at);
        int64_t low = int64_t(at), high = std::min(low + 1, s.n - 1);
        below.raw_as<int64_t>()[i] = low;
        above.raw_as<int64_t>()[i] = high;
        near.raw_as<int64_t>()[i] = part < 0.5 ? low : high;
        rest.raw_as<double>()[i] = part < 0.5 ? part : rounded(part - 1);
    }
    Array width = c.call(MINPY_OP("subtract"), s.at(c, above), s.at(c, below));
    if (c.weak[1] != Weak::none) {
        width = width * *rest.raw_as<double>();
    } else {
        Array at = minpy::to_device(copy_of(rest, precision), width.device());
        if (may_be_traced(given)) {  // the same numbers as a function of q
            Array steps = ops::astype(given, precision) * (double(s.n - 1) / scale);
            at = ops::to_device(steps, width.device()) - minpy::to_device(copy_of(near, precision), width.device());
        }
        width = width * at;
    }
    c.out.push_back(s.finish(c, s.at(c, near) + width, a, c.flag(5)));
}

// log(sum(exp(a))) without overflow: the largest element is taken out, and takes no part in the derivative.
void logsumexp(Call& c) {
    Array a = in(c.in[0].dtype(), kBool | kInteger) ? ops::astype(c.in[0], DType::float64) : c.in[0];
    Dims axes = c.axes(1, a.ndim());
    Array top = c.call(MINPY_OP("max"), without_node(a), axes, true);
    top = c.call(MINPY_OP("where"), c.call(MINPY_OP("isfinite"), top), top, 0.0);
    Array s = fold_temporary(c, MINPY_OP("sum"), c.call(MINPY_OP("exp"), a - top), axes, none_value(), true);
    s = c.call(MINPY_OP("log"), s) + top;
    c.out.push_back(c.flag(2) ? s : ops::reshape(s, shape_without(a.shape(), axes, false)));
}

// The weights as they lie along the axes of a; one array of the shape of a, or of its shape along the axes.
Array spread_weights(const Call& c, const Array& a, const Array& w, const Dims& axes) {
    if (same(w.shape(), a.shape())) return w;
    if (c.is_none(1)) throw type_error("Axis must be specified when shapes of a and weights differ.");
    Dims wanted, order, wide(int64_t(a.ndim()), int64_t(1));
    for (int64_t axis : axes) wanted.push_back(a.dim(axis)), wide[axis] = a.dim(axis);
    if (!same(w.shape(), wanted))
        throw shape_error("Shape of weights must be consistent with shape of a along specified axis.");
    for (int64_t i = 0; i < axes.size(); ++i) order.push_back(i);
    std::sort(order.begin(), order.end(), [&](int64_t i, int64_t j) { return axes[i] < axes[j]; });
    return ops::reshape(ops::transpose(w, order), wide);
}

void average(Call& c) {
    const Array& a = c.in[0];
    Dims axes = c.axes(1, a.ndim());
    bool keepdims = c.flag(4), returned = c.flag(3);
    if (!c.in[1]) {
        c.out.push_back(c.call(MINPY_OP("mean"), a, axes, none_value(), keepdims));
        const Array& mean = c.out[0];
        if (mean.size() == 0) throw Error(MINPY_E_INVALID, "ZeroDivisionError", "division by zero");  // NumPy's count
        if (!returned) return;
        Array count = minpy::to_device(full_scalar(double(size_along(a.shape(), axes)), mean.dtype()), mean.device());
        c.out.push_back(c.call(MINPY_OP("copy"), ops::broadcast_to(count, mean.shape())));
        return;
    }
    DType t = promote(a.dtype(), c.in[1].dtype());
    if (in(a.dtype(), kBool | kInteger)) t = promote(t, DType::float64);
    Array w = ops::broadcast_to(ops::astype(spread_weights(c, a, c.in[1], axes), t), a.shape());
    Array total = c.call(MINPY_OP("sum"), w, axes, t, keepdims);
    Array zero = minpy::to_device(c.call(MINPY_OP("any"), c.call(MINPY_OP("equal"), without_node(total), 0.0)), kCpu);
    if (*zero.raw_as<bool>())
        throw Error(MINPY_E_INVALID, "ZeroDivisionError", "Weights sum to zero, can't be normalized");
    c.out.push_back(fold_temporary(c, MINPY_OP("sum"), ops::astype(a, t) * w, axes, t, keepdims) / total);
    if (returned) c.out.push_back(total);
}

// Rows are variables, columns observations.
void cov(Call& c) {
    if (!c.is_none(5) || !c.is_none(6)) throw unsupported("weights");
    const Array &m = c.in[0], &other = c.in[1];
    bool rows = c.flag(2);
    if (m.ndim() > 2) throw value_error("m has more than 2 dimensions");
    if (other && other.ndim() > 2) throw value_error("y has more than 2 dimensions");
    DType t = promote(m.dtype(), DType::float64);
    if (other) t = promote(t, other.dtype());
    t = c.dtype(7, t);
    auto as_rows = [&](const Array& a, bool turn) {
        Array x = ops::astype(a, t);
        while (x.ndim() < 2) x = ops::insert_axis(x, 0);
        return turn ? ops::swap_last_axes(x) : x;
    };
    Array x = as_rows(m, !rows && m.ndim() != 1);
    if (x.dim(0) == 0) throw unsupported("cov of nothing");
    if (other) {
        Array y = as_rows(other, false);
        if (!rows && y.dim(0) != 1) y = ops::swap_last_axes(y);
        Array parts[] = {x, y};
        x = ops::concatenate(parts, 0);
    }
    double ddof = c.is_none(4) ? (c.flag(3) ? 0 : 1) : c.number(4), n = double(x.dim(1)) - ddof;
    if (n <= 0) throw unsupported("cov without degrees of freedom");  // NumPy warns
    Array d = x - c.call(MINPY_OP("mean"), x, 1, none_value(), true);
    Array y = ops::matmul(d, ops::conj(ops::swap_last_axes(d))) * (1 / n);
    c.out.push_back(y.size() == 1 ? ops::reshape(y, Dims{}) : y);
}

}  // namespace

void register_statistics(Registry& r) {
    r.op("mean(a, axis: axes = None, dtype: dtype = None, keepdims: bool = False, where: array = None)")
        .composite(mean)
        .short_way(mean_plainly)
        .scalar_result()
        .sample("f64(2,3)")
        .sample("f64(2,3,4), axis=(0,2), keepdims=True")
        .c_function("a axis keepdims")
        .doc("Arithmetic mean over the given axes; of integers in float64, of float16 in float32.");
    r.op("var(a, axis: axes = None, dtype: dtype = None, ddof: float = 0, keepdims: bool = False, where: array = None, "
         "mean: array = None, correction: float = None)")
        .composite([](Call& c) {
            DType result;
            Array v = variance(c, result);
            c.out.push_back(ops::astype(v, result));
        })
        .scalar_result()
        .sample("f64(2,3)")
        .sample("f64(2,3,4), axis=(0,2), ddof=1, keepdims=True")
        .doc("Variance over the given axes: the mean of squared distances from the mean, divided by n - ddof.");
    r.op("std(a, axis: axes = None, dtype: dtype = None, ddof: float = 0, keepdims: bool = False, where: array = None, "
         "mean: array = None, correction: float = None)")
        .composite([](Call& c) {
            DType result;
            Array v = variance(c, result);
            c.out.push_back(ops::astype(c.call(MINPY_OP("_deviation"), v), result));
        })
        .scalar_result()
        .sample("f64(2,3)")
        .sample("f64(2,3,4), axis=(0,2), ddof=1, keepdims=True")
        .doc("Standard deviation over the given axes; its gradient is zero where all elements are equal.");

    r.op("ptp(a, axis: axes = None, keepdims: bool = False)")
        .composite([](Call& c) {
            Array top = c.call(MINPY_OP("max"), c.in[0], c.args[1], c.args[2]);
            c.out.push_back(top - c.call(MINPY_OP("min"), c.in[0], c.args[1], c.args[2]));
        })
        .scalar_result()
        .sample("f64(2,3), axis=1")
        .doc("The largest minus the smallest element over the given axes.");
    r.op("average(a, axis: axes = None, weights: array = None, returned: bool = False, *, keepdims: bool = False)")
        .outputs(0)
        .composite(average)
        .scalar_result()
        .sample("f64(2,3), axis=1")
        .sample("f64(2,3), axis=1, weights=f64(2,3)")
        .domain("(0.5, 2)")
        .doc("Mean with weights over the given axes; with returned, also the sum of the weights.");
    r.op("median(a, axis: axes = None, overwrite_input: bool = False, keepdims: bool = False)")
        .composite(median)
        .scalar_result()
        .sample("f64(2,3), axis=1")
        .sample("f64(2,4)")
        .doc("The middle element over the given axes, or the mean of the two in the middle.");
    r.op("quantile(a, q, axis: axes = None, overwrite_input: bool = False, method: str = 'linear', keepdims: bool = "
         "False, *, "
         "weights: array = None)")
        .composite([](Call& c) { quantile(c, 1); })
        .scalar_result()
        .sample("f64(2,5), 0.3, axis=1")
        .sample("f64(2,5), f64(2), axis=1")
        .domain("(0.05, 0.95)")
        .doc("The value below which a part q of the elements lies.");
    r.op("percentile(a, q, axis: axes = None, overwrite_input: bool = False, method: str = 'linear', keepdims: bool = "
         "False, *, weights: array = None)")
        .composite([](Call& c) { quantile(c, 100); })
        .scalar_result()
        .sample("f64(2,5), 30, axis=1")
        .doc("The value below which q percent of the elements lie.");
    r.op("cov(m, y: array? = None, rowvar: bool = True, bias: bool = False, ddof: float = None, fweights: value = "
         "None, "
         "aweights: value = None, *, dtype: dtype = None)")
        .composite(cov)
        .sample("f64(3,5)")
        .sample("f64(5), f64(5)")
        .doc("The covariances of variables, each a row of observations.");
    r.op("logsumexp(a, axis: axes = None, keepdims: bool = False)")
        .composite(logsumexp)
        .scalar_result()
        .sample("f64(2,3), axis=1")
        .doc("log(sum(exp(a))) over the given axes, without overflow.");
    r.op("nansum(a, axis: axes = None, dtype: dtype = None, keepdims: bool = False, initial: scalar = None, where: "
         "array = None)")
        .composite([](Call& c) { nan_fold(c, MINPY_OP("sum"), MINPY_OP("_nansum"), 0); })
        .scalar_result()
        .sample("f64(2,3), axis=1")
        .doc("Sum in which NaN counts as zero.");
    r.op("nanprod(a, axis: axes = None, dtype: dtype = None, keepdims: bool = False, initial: scalar = None, where: "
         "array = None)")
        .composite([](Call& c) { nan_fold(c, MINPY_OP("prod"), MINPY_OP("_nanprod"), 1); })
        .scalar_result()
        .sample("f64(2,3), axis=1")
        .doc("Product in which NaN counts as one.");
    r.op("nanmax(a, axis: axes = None, keepdims: bool = False, initial: scalar = None, where: array = None)")
        .composite([](Call& c) { nan_extreme(c, MINPY_OP("max"), MINPY_OP("_nanmax"), "fmax", -INFINITY); })
        .scalar_result()
        .sample("f64(2,3), axis=1")
        .doc("The largest element that is no NaN.");
    r.op("nanmin(a, axis: axes = None, keepdims: bool = False, initial: scalar = None, where: array = None)")
        .composite([](Call& c) { nan_extreme(c, MINPY_OP("min"), MINPY_OP("_nanmin"), "fmin", INFINITY); })
        .scalar_result()
        .sample("f64(2,3), axis=1")
        .doc("The smallest element that is no NaN.");
    r.op("nanmean(a, axis: axes = None, dtype: dtype = None, keepdims: bool = False, where: array = None)")
        .composite([](Call& c) {
            check_inexact(c);
            telling_of_empty_slices([&] {
                c.out.push_back(c.call(MINPY_OP("mean"), replaced(c, c.in[0], 0), c.args[1], c.args[2], c.args[3],
                                       mask_of(c, c.in[0], c.in[1])));
            });
        })
        .scalar_result()
        .sample("f64(2,3), axis=1")
        .doc("Mean of the elements that are no NaN.");
    r.op("nanvar(a, axis: axes = None, dtype: dtype = None, ddof: float = 0, keepdims: bool = False, where: array = "
         "None, "
         "mean: array = None, correction: float = None)")
        .composite([](Call& c) { nan_spread(c, MINPY_OP("var")); })
        .scalar_result()
        .sample("f64(2,3), axis=1")
        .doc("Variance of the elements that are no NaN.");
    r.op("nanstd(a, axis: axes = None, dtype: dtype = None, ddof: float = 0, keepdims: bool = False, where: array = "
         "None, "
         "mean: array = None, correction: float = None)")
        .composite([](Call& c) { nan_spread(c, MINPY_OP("std")); })
        .scalar_result()
        .sample("f64(2,3), axis=1")
        .doc("Standard deviation of the elements that are no NaN.");
    r.op("nancumsum(a, axis: axis = None, dtype: dtype = None)")
        .composite(
            [](Call& c) { c.out.push_back(c.call(MINPY_OP("cumsum"), replaced(c, c.in[0], 0), c.args[1], c.args[2])); })
        .sample("f64(2,3), axis=1")
        .doc("Running sum in which NaN counts as zero.");
    r.op("nancumprod(a, axis: axis = None, dtype: dtype = None)")
        .composite([](Call& c) {
            c.out.push_back(c.call(MINPY_OP("cumprod"), replaced(c, c.in[0], 1), c.args[1], c.args[2]));
        })
        .sample("f64(2,3), axis=1")
        .doc("Running product in which NaN counts as one.");

    register_one_pass<0>(r);
    register_one_pass<1>(r);
    register_one_pass<2>(r);
    register_one_pass<3>(r);
    r.op("_squares(a, center, where: array?, axis: axes, keepdims: bool)")
        .infer([](Call& c) { infer_folded(c, 3, c.in[1].dtype()); })
        .kernel([](Call& c) {
            Array center = broadcast_window(c.in[1], c.in[0].shape());
            Array mask = c.in[2] ? broadcast_window(c.in[2], c.in[0].shape()) : Array();
            DType t = c.in[1].dtype();
            fold_prepared(c, Fold::sum, {prepared_loop("SquaredDistance", t), center}, mask, 3, t);
        })
        .takes_pending()
        .not_differentiable("the composite is recorded")
        .doc("Sum of the squared distances from a center, in the center's dtype.");

    r.elementwise("_deviation(x, /)", "Deviation")
        .partial([](P c) { return call(MINPY_OP("_half_inverse"), c.out()); })
        .saves(false, true)
        .domain("(0.5, 4)")
        .doc("sqrt with derivative zero at zero.");
    r.elementwise("_half_inverse(x, /)", "HalfInverse")
        .partial([](P c) { return -2.0 * (c.out() * c.out()); })
        .saves(false, true)
        .domain("(0.5, 4)")
        .doc("1/(2x), and zero at zero.");
}

}  // namespace minpy
