// Rows of norms and powers of matrices: composites.
#include <cmath>

#include "core/fusion/absorb.h"
#include "core/ops/matrices.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {

// `ord` of a norm: none, a name, or a number.
struct Order {
    bool none;
    std::string name;
    double number = 0;
    explicit Order(const minpy_value& v) : none(v.tag == MINPY_V_NONE) {
        if (v.tag == MINPY_V_STRING) name = string_of(v);
        else if (!none) number = double_of(v);
    }
    bool is(double x) const { return !none && name.empty() && number == x; }
    bool is(const char* x) const { return !none && name == x; }
};

Array absolute(const Call& c, const Array& x) { return c.call(MINPY_OP("absolute"), x); }
Array total(const Call& c, const Array& x, const Dims& axes, bool keepdims) {
    return fold_temporary(c, MINPY_OP("sum"), x, axes, none_value(), keepdims);
}
Array extreme(const Call& c, bool largest, const Array& x, const Dims& axes, bool keepdims) {
    // The largest of no magnitudes is 0.
    minpy_value initial = largest && size_along(x.shape(), axes) == 0 ? to_value(0.0) : none_value();
    return fold_temporary(c, largest ? MINPY_OP("max") : MINPY_OP("min"), x, axes, keepdims, initial);
}

// The root of the sum of squares; at zero its gradient is zero.
Array euclidean(const Call& c, const Array& x, const Dims& axes, bool keepdims) {
    Array squares = in(x.dtype(), kComplex) ? c.call(MINPY_OP("real"), x * ops::conj(x)) : x * x;
    return c.call(MINPY_OP("_deviation"), total(c, squares, axes, keepdims));
}

Array vector_norm(const Call& c, const Array& x, const Order& ord, const Dims& axes, bool keepdims) {
    if (!ord.name.empty()) throw value_error("Invalid norm order '", ord.name, "' for vectors");
    if (ord.none || ord.is(2.0)) return euclidean(c, x, axes, keepdims);
    if (std::isinf(ord.number)) return extreme(c, ord.number > 0, absolute(c, x), axes, keepdims);
    if (ord.is(0.0)) {
        Array nonzero = ops::astype(c.call(MINPY_OP("not_equal"), x, 0), real_of(x.dtype()));
        return total(c, nonzero, axes, keepdims);
    }
    if (ord.is(1.0)) return total(c, absolute(c, x), axes, keepdims);
    Array powers = c.call(MINPY_OP("power"), absolute(c, x), ord.number);
    return c.call(MINPY_OP("power"), total(c, powers, axes, keepdims), 1 / ord.number);
}

Array matrix_norm(const Call& c, Array x, const Order& ord, Dims axes, bool keepdims) {
    int64_t row = axes[0], column = axes[1];
    if (ord.none || ord.is("fro") || ord.is("f")) return euclidean(c, x, axes, keepdims);
    if (ord.is(1.0) || ord.is(-1.0) || (ord.name.empty() && std::isinf(ord.number))) {
        bool rows_first = std::abs(ord.number) == 1;
        int64_t inner = rows_first ? row : column, outer = rows_first ? column : row;
        if (!keepdims && outer > inner) --outer;
        return extreme(c, ord.number > 0, total(c, absolute(c, x), Dims{inner}, keepdims), Dims{outer}, keepdims);
    }
    if (!ord.is(2.0) && !ord.is(-2.0) && !ord.is("nuc")) throw value_error("Invalid norm order for matrices.");
    Dims order;
    for (int64_t i = 0; i < x.ndim(); ++i)
        if (i != row && i != column) order.push_back(i);
    order.push_back(row), order.push_back(column);
    Array s = c.call(MINPY_OP("linalg.svd"), ops::transpose(x, order), false, false);
    Dims last{s.ndim() - 1};
    Array y = ord.is("nuc") ? total(c, s, last, false) : extreme(c, ord.number > 0, s, last, false);
    return keepdims ? ops::reshape(y, shape_without(x.shape(), axes, true)) : y;
}

Array floating(const Array& x) { return in(x.dtype(), kBool | kInteger) ? ops::astype(x, DType::float64) : x; }

// Of (x, ord, axis, keepdims).
void norm(Call& c) {
    Array x = floating(c.in[0]);
    Order ord(c.args[1]);
    bool keepdims = c.flag(3);
    int64_t n = x.ndim();
    if (c.is_none(2)) {
        Dims all = c.axes(2, n);
        bool flat = ord.none || (n == 2 && (ord.is("fro") || ord.is("f"))) || (n == 1 && ord.is(2.0));
        c.out.push_back(flat     ? euclidean(c, x, all, keepdims)
                        : n == 1 ? vector_norm(c, x, ord, all, keepdims)
                        : n == 2 ? matrix_norm(c, x, ord, all, keepdims)
                                 : throw value_error("Improper number of dimensions to norm."));
        return;
    }
    Dims axes = ints_from(c.args[2]);
    for (int64_t& axis : axes) axis = normalize_axis(axis, n);
    if (axes.size() == 1) return c.out.push_back(vector_norm(c, x, ord, axes, keepdims));
    if (axes.size() != 2) throw value_error("Improper number of dimensions to norm.");
    if (axes[0] == axes[1]) throw value_error("Duplicate axes given.");
    c.out.push_back(matrix_norm(c, x, ord, axes, keepdims));
}

void matrix_power(Call& c) {
    Array a = c.in[0];
    check_square(a);
    int64_t n = c.integer(1);
    if (n == 0) {
        Array one = identity(a.dim(-1), a);
        c.out.push_back(ops::broadcast_to(one, a.shape()));
        c.out[0] = c.call(MINPY_OP("copy"), c.out[0]);
        return;
    }
    if (n < 0) a = c.call(MINPY_OP("linalg.inv"), a);
    // By squares, from the lowest bit.
    Array result;
    for (uint64_t left = n < 0 ? 0 - uint64_t(n) : uint64_t(n); left; left >>= 1) {
        if (left & 1) result = result ? ops::matmul(result, a) : a;
        if (left > 1) a = ops::matmul(a, a);
    }
    c.out.push_back(result.is(c.in[0]) ? c.call(MINPY_OP("copy"), result) : result);
}

}  // namespace

void register_norms(Registry& r) {
    r.op("linalg.norm(x, ord: value = None, axis: axes = None, keepdims: bool = False)")
        .composite(norm)
        .scalar_result()
        .sample("f64(2,3)")
        .sample("f64(2,3), ord=1, axis=1")
        .sample("f64(3,2), ord='nuc'")
        .sample("f64(3,2), ord=2")
        .doc("Norm of a vector or matrix, or of those along one or two axes.");
    r.op("linalg.vector_norm(x, /, *, axis: axes = None, keepdims: bool = False, ord: value = 2)")
        .composite([](Call& c) {
            Array x = floating(c.in[0]);
            c.out.push_back(vector_norm(c, x, Order(c.args[3]), c.axes(1, x.ndim()), c.flag(2)));
        })
        .scalar_result()
        .sample("f64(2,3), axis=1, ord=3")
        .doc("Norm of the elements over the given axes, as of one vector.");
    r.op("linalg.matrix_norm(x, /, *, keepdims: bool = False, ord: value = 'fro')")
        .composite([](Call& c) {
            Array x = floating(c.in[0]);
            check_matrices(x);
            c.out.push_back(matrix_norm(c, x, Order(c.args[2]), Dims{x.ndim() - 2, x.ndim() - 1}, c.flag(1)));
        })
        .scalar_result()
        .sample("f64(2,3)")
        .doc("Norm of each matrix.");
    r.op("linalg.matrix_power(a, n: int)")
        .composite(matrix_power)
        .sample("f64(3,3), 3")
        .sample("spd(3), -2")
        .doc("A matrix times itself n times; of a negative n, its inverse.");
}

}  // namespace minpy
