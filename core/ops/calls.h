// Operators as C++ functions, for rules and composites. Each is one call through the dispatcher: checked, counted, recorded.
#pragma once
#include "core/autograd/rules.h"
#include "core/registry/call.h"

namespace minpy::ops {

// The row of a name, looked up once per place of use.
#define MINPY_OP(name)                                         \
    ([]() -> const ::minpy::Op& {                              \
        static const ::minpy::Op& op = ::minpy::find_op(name); \
        return op;                                             \
    }())

inline Array add(const Array& a, const Array& b) { return call(MINPY_OP("add"), a, b); }
inline Array subtract(const Array& a, const Array& b) { return call(MINPY_OP("subtract"), a, b); }
inline Array multiply(const Array& a, const Array& b) { return call(MINPY_OP("multiply"), a, b); }
inline Array divide(const Array& a, const Array& b) { return call(MINPY_OP("divide"), a, b); }
inline Array negative(const Array& a) { return call(MINPY_OP("negative"), a); }
// With a Python-like (weak) number.
inline Array add(const Array& a, double b) { return call(MINPY_OP("add"), a, b); }
inline Array multiply(const Array& a, double b) { return call(MINPY_OP("multiply"), a, b); }
inline Array subtract(double a, const Array& b) { return call(MINPY_OP("subtract"), a, b); }
inline Array divide(double a, const Array& b) { return call(MINPY_OP("divide"), a, b); }
inline Array divide(const Array& a, double b) { return call(MINPY_OP("divide"), a, b); }

// Element by element; a number in place of an array is weak.
#define MINPY_CALL1(name) \
    inline Array name(const Array& a) { return call(MINPY_OP(#name), a); }
#define MINPY_CALL2(name) \
    template <class A, class B> Array name(const A& a, const B& b) { return call(MINPY_OP(#name), a, b); }
MINPY_CALL1(absolute)
MINPY_CALL1(exp)
MINPY_CALL1(log)
MINPY_CALL1(sin)
MINPY_CALL1(cos)
MINPY_CALL1(sinh)
MINPY_CALL1(cosh)
MINPY_CALL1(tanh)
MINPY_CALL1(sign)
MINPY_CALL1(sqrt)
MINPY_CALL1(square)
MINPY_CALL1(isnan)
MINPY_CALL1(logical_not)
MINPY_CALL2(equal)
MINPY_CALL2(not_equal)
MINPY_CALL2(less)
MINPY_CALL2(less_equal)
MINPY_CALL2(greater)
MINPY_CALL2(greater_equal)
MINPY_CALL2(logical_and)
MINPY_CALL2(logical_or)
MINPY_CALL2(maximum)
MINPY_CALL2(minimum)
MINPY_CALL2(power)
MINPY_CALL2(hypot) template <class A, class B> Array where(const Array& condition, const A& a, const B& b) {
    return call(MINPY_OP("where"), condition, a, b);
}
// a / b, and zero where b is: derivatives at points where none exists.
template <class A, class B> Array safe_divide(const A& a, const B& b) { return call(MINPY_OP("_safe_divide"), a, b); }

Array sum(const Array& a, DimsView axes, bool keepdims = false);
inline Array matmul(const Array& a, const Array& b) { return call(MINPY_OP("matmul"), a, b); }
Array reshape(const Array& a, DimsView shape);
Array transpose(const Array& a, DimsView axes);
inline Array swap_last_axes(const Array& a) {  // NumPy's matrix_transpose
    Dims axes;
    for (int i = 0; i < a.ndim(); ++i) axes.push_back(i);
    std::swap(axes[a.ndim() - 1], axes[a.ndim() - 2]);
    return transpose(a, axes);
}
Array broadcast_to(const Array& a, DimsView shape);
Array astype(const Array& a, DType t);
Array to_device(const Array& a, Device d);
Array conj(const Array& a);  // a itself where it is real

// ---- windows and what is put together ----
Array get_item(const Array& a, std::span<const minpy_value> index);
Array slice(const Array& a, int64_t axis, int64_t start, int64_t stop, int64_t step = 1);  // as in Python
Array insert_axis(const Array& a, int64_t axis);
Array move_axis(const Array& a, int64_t from, int64_t to);
Array concatenate(std::span<const Array> arrays, int64_t axis);
// Elements at int64 positions that are known to be good; -1 gives zero. Their axes take the place of `axis`.
Array gather(const Array& a, const Array& positions, int64_t axis);

// ---- not recorded ----
Array zeros(DimsView shape, DType t, Device device);
Array ones(DimsView shape, DType t, Device device);

// A 0-d constant in the dtype that a node's result has.
Array constant(Partial& c, double value);

// ---- cotangents ----
// These write into an operand that nobody else can see: give them away.
// g * d, and zero where g is: an infinite slope on a branch that was not taken gives no NaN.
Array scale_cotangent(Array g, Array d);
// a + b where either may be null.
Array accumulate(Array a, Array b);
// sum += a @ b, the matrices turned around or not; false, with nothing done, where that is no single pass or somebody
// else can see the sum.
bool add_matmul(Array& sum, const Array& a, bool turn_a, const Array& b, bool turn_b);
// Sums a cotangent over the axes along which `shape` was broadcast.
Array unbroadcast(const Array& g, DimsView shape);
// To the operand's dtype: complex cotangents of real operands lose their imaginary part, as d(real) demands.
Array cast_gradient(const Array& g, DType t);

}  // namespace minpy::ops

namespace minpy {
// Arithmetic for rules: `c.g() * c.in(1)`.
inline Array operator+(const Array& a, const Array& b) { return ops::add(a, b); }
inline Array operator-(const Array& a, const Array& b) { return ops::subtract(a, b); }
inline Array operator*(const Array& a, const Array& b) { return ops::multiply(a, b); }
inline Array operator/(const Array& a, const Array& b) { return ops::divide(a, b); }
inline Array operator-(const Array& a) { return ops::negative(a); }
inline Array operator+(const Array& a, double b) { return ops::add(a, b); }
inline Array operator+(double a, const Array& b) { return ops::add(b, a); }
inline Array operator*(const Array& a, double b) { return ops::multiply(a, b); }
inline Array operator*(double a, const Array& b) { return ops::multiply(b, a); }
inline Array operator-(double a, const Array& b) { return ops::subtract(a, b); }
inline Array operator-(const Array& a, double b) { return ops::add(a, -b); }
inline Array operator/(double a, const Array& b) { return ops::divide(a, b); }
inline Array operator/(const Array& a, double b) { return ops::divide(a, b); }
}  // namespace minpy
