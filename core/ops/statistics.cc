// Rows of means and spreads: composites over sums, as NumPy makes them. float16 is worked on in float32.
#include "core/autograd/node.h"
#include "core/ops/axes.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {

using P = Partial&;

// The dtype that means are worked out in: integers in float64, short floats in float32.
DType mean_dtype(DType t) {
    if (in(t, kBool | kInteger)) return DType::float64;
    return in(t, kShortFloat) ? DType::float32 : t;
}

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
};

void mean(Call& c) {
    const Array &a = c.in[0], &where = c.in[1];
    DType result = c.dtype(2, in(a.dtype(), kBool | kInteger) ? DType::float64 : a.dtype());
    DType t = c.is_none(2) ? mean_dtype(a.dtype()) : result;
    Dims axes = c.axes(1, a.ndim());
    Array s = c.call(MINPY_OP("sum"), a, axes, t, c.flag(3), none_value(), where);
    c.out.push_back(ops::astype(Count(c, a, axes, where, real_of(t), c.flag(3)).divide(s), result));
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
    Array a = ops::astype(c.in[0], t);
    Dims axes = c.axes(1, a.ndim());
    Array center = given ? ops::astype(given, t)
                         : Count(c, a, axes, where, real_of(t), true)
                               .divide(c.call(MINPY_OP("sum"), a, axes, none_value(), true, none_value(), where));
    Array d = a - center;
    Array squares = in(t, kComplex) ? c.call(MINPY_OP("real"), d * ops::conj(d)) : d * d;
    Array s = c.call(MINPY_OP("sum"), squares, axes, none_value(), c.flag(4), none_value(), where);
    Count count(c, a, axes, where, real_of(t), c.flag(4));
    count.number = std::max(count.number - ddof, 0.0);
    if (count.array) count.array = c.call(MINPY_OP("maximum"), count.array - ddof, 0.0);
    return count.divide(s);
}

}  // namespace

void register_statistics(Registry& r) {
    r.op("mean(a, axis: axes = None, dtype: dtype = None, keepdims: bool = False, where: array = None)")
        .composite(mean)
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
