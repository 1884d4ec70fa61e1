// What rows of linear algebra share: their checks, matrices in LAPACK's column-major order, and short words for rules.
#pragma once
#include "core/autograd/rules.h"
#include "core/cpu/pool.h"
#include "core/ops/axes.h"

namespace minpy {

// The dtype that LAPACK works in: integers in float64.
inline DType linalg_dtype(DType t) {
    if (in(t, kShortFloat)) throw type_error("array type ", name(t), " is unsupported in linalg");
    return in(t, kBool | kInteger) ? DType::float64 : t;
}

// The precision that they are computed in. As in NumPy: a float32 matrix is rounded once, at the end, and what counts as
// singular does not depend on its dtype.
inline DType working_dtype(DType t) {
    return t == DType::float32 ? DType::float64 : t == DType::complex64 ? DType::complex128 : t;
}
// A kernel that gets its operands in that precision.
template <void (*kernel)(Call&)> void in_double(Call& c) {
    if (c.in[0].dtype() == working_dtype(c.in[0].dtype())) return kernel(c);
    Arrays in = c.in, out = c.out;
    for (Array& a : c.in) a = copy_of(a, working_dtype(a.dtype()));
    for (Array& a : c.out) a = empty(a.shape(), working_dtype(a.dtype()));
    kernel(c);
    for (int64_t i = 0; i < out.size(); ++i) copy_into(out[i], c.out[i]);
    c.in = std::move(in);
    c.out = std::move(out);
}

template <class F> void for_linalg(DType t, F&& f) { for_dtype<bit(DType::float64) | bit(DType::complex128)>(t, f); }

// The real type of a real or complex one, and a number of T from it.
template <class T> struct real_type { using type = T; };
template <class T> struct real_type<complex_number<T>> { using type = T; };
template <class T> using Real = typename real_type<T>::type;
template <class T> T number(Real<T> x) {
    if constexpr (is_complex<T>) return {x, 0};
    else return x;
}

inline void check_matrices(const Array& a) {
    if (a.ndim() < 2) throw linalg_error(a.ndim(), "-dimensional array given. Array must be at least two-dimensional");
    for (int64_t i : {-1, -2})
        if (a.dim(i) > 46340)
            throw value_error("matrices of more than 46,340 rows or columns are beyond LAPACK's integers");
}
inline void check_square(const Array& a) {
    check_matrices(a);
    if (a.dim(-1) != a.dim(-2)) throw linalg_error("Last 2 dimensions of the array must be square");
}

// The axes before the last two, and what follows them.
inline Dims batch_of(DimsView shape) { return Dims(shape.begin(), shape.end() - 2); }
inline Dims with_tail(Dims batch, std::initializer_list<int64_t> tail) {
    for (int64_t n : tail) batch.push_back(n);
    return batch;
}

// A window with the last two axes exchanged; a C-contiguous copy of it holds column-major matrices.
inline Array swapped(const Array& a) {
    Dims shape = a.dims(), strides(a.strides().begin(), a.strides().end());
    int64_t n = a.ndim();
    std::swap(shape[n - 1], shape[n - 2]);
    std::swap(strides[n - 1], strides[n - 2]);
    return window(a, 0, shape, strides);
}
inline Array column_major(const Array& a) { return copy_of(swapped(a)); }

// f(i) for every matrix of a batch, `work` operations each; the first error is thrown.
template <class F> void for_matrices(int64_t n, double work, F&& f) {
    int64_t each = std::max<int64_t>(1, int64_t(1e6 / std::max(work, 1.0)));
    parallel_for((n + each - 1) / each, [&](int64_t task) {
        for (int64_t i = task * each; i < std::min(n, (task + 1) * each); ++i) f(i);
    });
}

// ---- for rules; cotangents follow df = Re(sum(g * dx)), without conjugates ----
inline Array T(const Array& a) { return ops::swap_last_axes(a); }
inline Array H(const Array& a) { return ops::conj(T(a)); }

// A constant matrix: `below`, `on` and `above` the diagonal.
Array triangle(int64_t rows, int64_t columns, double below, double on, double above, const Array& like);
inline Array identity(int64_t n, const Array& like) { return triangle(n, n, 0, 1, 0, like); }
// A vector as one that scales columns, and rows.
Array as_row(const Array& v);
Array as_column(const Array& v);
// One half of a matrix and its conjugate transpose.
inline Array hermitian_part(const Array& a) { return 0.5 * (a + H(a)); }
// The cotangent of a Hermitian matrix for an operator that reads only its lower (or upper) triangle.
Array to_triangle(const Array& g, bool lower);

}  // namespace minpy
