// Rows of linear systems, inverses and determinants.
#include <cmath>
#include <cstring>

#include "core/cpu/lapack.h"
#include "core/ops/matrices.h"
#include "core/registry/device.h"
#include "core/registry/registry.h"

namespace minpy {

Array triangle(int64_t rows, int64_t columns, double below, double on, double above, const Array& like) {
    Array m = empty(Dims{rows, columns}, DType::float64);
    for (int64_t i = 0; i < rows; ++i)
        for (int64_t j = 0; j < columns; ++j) m.raw_as<double>()[i * columns + j] = i > j ? below : i == j ? on : above;
    return to_device(copy_of(m, like.dtype()), like.device());
}

Array as_row(const Array& v) {
    Dims shape = v.dims();
    shape.insert(v.ndim() - 1, 1);
    return ops::reshape(v, shape);
}
Array as_column(const Array& v) {
    Dims shape = v.dims();
    shape.push_back(1);
    return ops::reshape(v, shape);
}

Array to_triangle(const Array& g, bool lower) {
    int64_t n = g.dim(-1);
    return g * triangle(n, n, lower ? 2 : 0, 1, lower ? 0 : 2, g);
}

namespace {

using lapack::Int;

// ---- solve ----

// b is one vector only if it has one axis (NumPy 2).
struct SolveShape {
    bool vector;
    Dims batch, result;
    SolveShape(const Array& a, const Array& b) : vector(b.ndim() == 1) {
        check_square(a);
        if (b.ndim() == 0)
            throw value_error(
                "solve: Input operand 1 does not have enough dimensions (has 0, gufunc core with signature "
                "(m,m),(m,n)->(m,n) requires 2)");
        int64_t rows = vector ? b.dim(0) : b.dim(-2);
        if (rows != a.dim(-1))
            throw shape_error(vector ? "solve1" : "solve",
                              ": Input operand 1 has a mismatch in its core dimension 0, with gufunc "
                              "signature ",
                              vector ? "(m,m),(m)->(m)" : "(m,m),(m,n)->(m,n)", " (size ", rows, " is different from ",
                              a.dim(-1), ")");
        Dims batch_a = batch_of(a.shape()), batch_b = vector ? Dims() : batch_of(b.shape());
        batch = broadcast_shapes(batch_a, batch_b);
        result = vector ? with_tail(batch, {a.dim(-1)}) : with_tail(batch, {a.dim(-1), b.dim(-1)});
    }
};

void solve_kernel(Call& c) {
    Array a = c.in[0], b = c.in[1];
    SolveShape s(a, b);
    int64_t n = a.dim(-1), columns = s.vector ? 1 : b.dim(-1), batches = size_of(s.batch);
    if (s.vector) b = window(b, 0, Dims{n, 1}, Dims{b.strides()[0], 0});
    Array A = column_major(broadcast_window(a, with_tail(s.batch, {n, n})));
    Array B = column_major(broadcast_window(b, with_tail(s.batch, {n, columns})));
    if (n > 0 && columns > 0)
        for_linalg(a.dtype(), [&]<class T> {
            for_matrices(batches, double(n) * double(n) * double(n), [&](int64_t i) {
                std::vector<Int> pivots(static_cast<size_t>(n));
                Int info = lapack::solve<T>(Int(n), Int(columns), A.raw_as<T>() + i * n * n, pivots.data(),
                                            B.raw_as<T>() + i * n * columns);
                if (info != 0) throw linalg_error("Singular matrix");
            });
        });
    copy_into(s.vector
                  ? window(c.out[0], 0, with_tail(s.batch, {n, 1}), c_strides(with_tail(s.batch, {n, 1}), a.itemsize()))
                  : c.out[0],
              swapped(B));
}

void solve_reverse(Reverse& c) {
    Array a = c.in(0), x = c.out(), g = c.g();
    bool vector = c.in_shape(1).size() == 1;
    if (vector) g = as_column(g), x = as_column(x);
    Array gb = call(MINPY_OP("linalg.solve"), T(a), g);
    if (c.needs(0)) c.set(0, ops::unbroadcast(-ops::matmul(gb, T(x)), a.shape()));
    if (!c.needs(1)) return;
    if (vector) {
        Dims shape = gb.dims();
        shape.pop_back();
        gb = ops::reshape(gb, shape);
    }
    c.set(1, ops::unbroadcast(gb, c.in_shape(1)));
}

void inv_kernel(Call& c) {
    const Array& a = c.in[0];
    int64_t n = a.dim(-1), batches = n ? a.size() / (n * n) : 0;
    Array A = column_major(a), B = zeros(a.shape(), a.dtype());
    for_linalg(a.dtype(), [&]<class T> {
        for_matrices(batches, double(n) * double(n) * double(n), [&](int64_t i) {
            T* b = B.raw_as<T>() + i * n * n;
            for (int64_t k = 0; k < n; ++k) b[k * n + k] = number<T>(1);
            std::vector<Int> pivots(static_cast<size_t>(n));
            if (lapack::solve<T>(Int(n), Int(n), A.raw_as<T>() + i * n * n, pivots.data(), b) != 0)
                throw linalg_error("Singular matrix");
        });
    });
    copy_into(c.out[0], swapped(B));
}

// ---- determinants ----

template <class T> auto magnitude(T x) {
    if constexpr (is_complex<T>) return std::hypot(x.re, x.im);
    else return std::abs(x);
}
template <class T> T over(T x, Real<T> by) {
    if constexpr (is_complex<T>) return {x.re / by, x.im / by};
    else return x / by;
}

// each(i, factors, odd): the diagonal of the factors and the sign of the row exchanges.
template <class F> void factored(const Array& a, F&& each) {
    int64_t n = a.dim(-1), batches = size_of(batch_of(a.shape()));
    Array A = copy_of(a);  // the transpose has the same determinant
    for_linalg(a.dtype(), [&]<class T> {
        for_matrices(batches, double(n) * double(n) * double(n), [&](int64_t i) {
            T* p = A.raw_as<T>() + i * n * n;
            std::vector<Int> pivots(static_cast<size_t>(n));
            if (n) lapack::factor<T>(Int(n), p, pivots.data());
            bool odd = false;
            for (int64_t k = 0; k < n; ++k) odd ^= pivots[size_t(k)] != k + 1;
            each(i, p, odd);
        });
    });
}

void det_kernel(Call& c) {
    int64_t n = c.in[0].dim(-1);
    factored(c.in[0], [&]<class T>(int64_t i, const T* p, bool odd) {
        T product = number<T>(1);
        for (int64_t k = 0; k < n; ++k) product *= p[k * n + k];
        c.out[0].raw_as<T>()[i] = odd ? -product : product;
    });
}

void slogdet_kernel(Call& c) {
    int64_t n = c.in[0].dim(-1);
    factored(c.in[0], [&]<class T>(int64_t i, const T* p, bool odd) {
        using R = Real<T>;
        T sign = number<T>(odd ? R(-1) : R(1));
        R sum = 0;
        for (int64_t k = 0; k < n; ++k) {
            R size = magnitude(p[k * n + k]);
            sign = size == 0 ? T{} : sign * over(p[k * n + k], size);
            sum += std::log(size);
        }
        c.out[0].raw_as<T>()[i] = sign;
        c.out[1].raw_as<R>()[i] = sum;
    });
}

// The cofactors of each matrix from its singular values: they exist where the inverse does not.
void cofactors_kernel(Call& c) {
    const Array& a = c.in[0];
    int64_t n = a.dim(-1), batches = size_of(batch_of(a.shape()));
    Array A = column_major(a), to = empty(a.shape(), a.dtype());
    for_linalg(a.dtype(), [&]<class T> {
        using R = Real<T>;
        for_matrices(batches, 20 * double(n) * double(n) * double(n), [&](int64_t i) {
            // cof(A) = det(U) det(Vh) conj(U) diag(products of the other singular values) conj(Vh)
            std::vector<T> u(static_cast<size_t>(n * n)), v(u.size()), copy;
            std::vector<R> s(static_cast<size_t>(n));
            if (lapack::svd<T, R>('A', Int(n), Int(n), A.raw_as<T>() + i * n * n, s.data(), u.data(), v.data()) != 0)
                throw linalg_error("SVD did not converge");
            T unit = number<T>(1);
            for (auto* m : {&u, &v}) {
                copy = *m;
                std::vector<Int> pivots(static_cast<size_t>(n));
                lapack::factor<T>(Int(n), copy.data(), pivots.data());
                for (int64_t k = 0; k < n; ++k) {
                    unit *= copy[size_t(k * n + k)];
                    if (pivots[size_t(k)] != k + 1) unit = -unit;
                }
            }
            auto conjugate = [](T x) {
                if constexpr (is_complex<T>) x.im = -x.im;
                return x;
            };
            T* out = to.raw_as<T>() + i * n * n;
            for (int64_t k = 0; k < n; ++k) {
                R others = 1;
                for (int64_t l = 0; l < n; ++l) others *= l == k ? R(1) : s[size_t(l)];
                T scale = unit * number<T>(others);
                for (int64_t row = 0; row < n; ++row)
                    for (int64_t column = 0; column < n; ++column)
                        out[row * n + column] +=
                            scale * conjugate(u[size_t(k * n + row)]) * conjugate(v[size_t(column * n + k)]);
            }
        });
    });
    copy_into(c.out[0], to);
}

bool any_zero(const Array& a) {
    Array host = copy_of(to_device(a, kCpu));
    bool found = false;
    for_dtype<kFloat | kComplex>(host.dtype(), [&]<class T> {
        for (int64_t i = 0; i < host.size(); ++i) found = found || host.raw_as<T>()[i] == T{};
    });
    return found;
}

// Jacobi: d det = tr(adj(A) dA). The inverse is differentiable again; singular matrices have cofactors only.
void det_reverse(Reverse& c) {
    Array a = c.in(0), y = c.out();
    auto wide = [](const Array& x) { return as_column(as_column(x)); };
    if (any_zero(y)) c.set(0, wide(c.g()) * call(MINPY_OP("_cofactors"), a));
    else c.set(0, wide(c.g() * y) * T(call(MINPY_OP("linalg.inv"), a)));
}

// d log|det A| = Re(tr(inv(A) dA)); d sign = i sign Im(tr(inv(A) dA)), which is zero for real numbers.
void slogdet_reverse(Reverse& c) {
    auto wide = [](const Array& x) { return as_column(as_column(x)); };
    Array inverse = T(call(MINPY_OP("linalg.inv"), c.in(0)));
    Array g = wide(c.g(1)) * inverse;
    if (in(c.in_dtype(0), kComplex) && c.has_g(0)) {
        double i[2] = {0, 1};
        Array turn = call(MINPY_OP("imag"), c.g(0) * c.out(0));
        g = g + wide(call(MINPY_OP("multiply"), turn, pointer_value(MINPY_V_COMPLEX, i, 0))) * inverse;
    }
    c.set(0, g);
}

void infer_square(Call& c) {
    check_square(c.in[0]);
    c.cast(0, linalg_dtype(c.in[0].dtype()));
}

// ---- least squares ----

void lstsq(Call& c) {
    Array a = c.in[0], b = c.in[1];
    if (a.ndim() != 2) throw linalg_error(a.ndim(), "-dimensional array given. Array must be two-dimensional");
    bool vector = b.ndim() == 1;
    if (!vector && b.ndim() != 2)
        throw linalg_error(b.ndim(), "-dimensional array given. Array must be two-dimensional");
    check_matrices(a);
    int64_t m = a.dim(0), n = a.dim(1), columns = vector ? 1 : b.dim(1), k = std::min(m, n);
    if (b.dim(0) != m) throw linalg_error("Incompatible dimensions");
    DType given = linalg_dtype(c.promoted()), t = working_dtype(given), real = real_of(t);
    double rcond = c.is_none(2) ? 0x1p-52 * double(std::max(m, n)) : c.number(2);
    Array A = column_major(copy_of(a, t)),
          B = zeros(Dims{std::max<int64_t>(columns, 1), std::max<int64_t>({m, n, 1})}, t);
    copy_into(window(B, 0, Dims{m, columns}, Dims{B.itemsize(), B.strides()[0]}),
              vector ? window(b, 0, Dims{m, 1}, Dims{b.strides()[0], 0}) : b);
    Array s = empty(Dims{k}, real);
    Int rank = 0;
    for_linalg(t, [&]<class T> {
        using R = Real<T>;
        if (k == 0) return;
        if (lapack::least_squares<T, R>(Int(m), Int(n), Int(B.dim(0)), A.raw_as<T>(), B.raw_as<T>(), s.raw_as<R>(),
                                        R(rcond), &rank) != 0)
            throw linalg_error("SVD did not converge in Linear Least Squares");
    });
    Array x = copy_of(window(B, 0, Dims{n, columns}, Dims{B.itemsize(), B.strides()[0]}), given);
    // Residuals are what is left in the rows past n, where there is one solution.
    Array residuals = empty(Dims{rank == n && m > n ? columns : 0}, real);
    for_linalg(t, [&]<class T> {
        using R = Real<T>;
        for (int64_t j = 0; j < residuals.size(); ++j) {
            R sum = 0;
            for (int64_t i = n; i < m; ++i) {
                R size = magnitude(B.raw_as<T>()[j * B.dim(1) + i]);
                sum += size * size;
            }
            residuals.raw_as<R>()[j] = sum;
        }
    });
    c.out.push_back(vector ? reshape_window(x, Dims{n}) : x);
    c.out.push_back(copy_of(residuals, real_of(given)));
    c.out.push_back(scalar(int32_t(rank)));
    c.out.push_back(copy_of(s, real_of(given)));
}

}  // namespace

void register_solve(Registry& r) {
    r.op("linalg.solve(a, b)")
        .infer([](Call& c) {
            DType t = linalg_dtype(c.promoted());
            SolveShape s(c.in[0], c.in[1]);
            c.cast_all(t);
            c.output(s.result, t);
        })
        .kernel(in_double<solve_kernel>)
        .reverse(solve_reverse)
        .sample("spd(3), f64(3)")
        .sample("spd(3), f64(2,3,2)")
        .doc("x such that a @ x = b; leading axes broadcast.");
    r.op("linalg.inv(a)")
        .infer([](Call& c) {
            infer_square(c);
            c.output(c.in[0].shape(), c.in[0].dtype());
        })
        .kernel(in_double<inv_kernel>)
        .reverse([](Reverse& c) {
            Array y = T(c.out());
            c.set(0, -ops::matmul(ops::matmul(y, c.g()), y));
        })
        .saves(false, true)
        .sample("spd(3)")
        .doc("The inverse of each matrix.");
    r.op("linalg.det(a)")
        .infer([](Call& c) {
            infer_square(c);
            c.output(batch_of(c.in[0].shape()), c.in[0].dtype());
        })
        .kernel(in_double<det_kernel>)
        .reverse(det_reverse)
        .scalar_result()
        .sample("spd(3)")
        .sample("f64(2,2,2)")
        .doc("The determinant of each matrix.");
    r.op("linalg.slogdet(a)")
        .outputs(2)
        .infer([](Call& c) {
            infer_square(c);
            c.output(batch_of(c.in[0].shape()), c.in[0].dtype());
            c.output(batch_of(c.in[0].shape()), real_of(c.in[0].dtype()));
        })
        .kernel(in_double<slogdet_kernel>)
        .reverse(slogdet_reverse)
        .scalar_result()
        .sample("spd(3)")
        .doc("Sign and logarithm of the absolute value of the determinant, which does not overflow.");
    r.op("linalg.lstsq(a, b, rcond: float = None)")
        .outputs(4)
        .compute(lstsq)
        .scalar_result()
        .not_differentiable("the rank may change; use linalg.pinv or linalg.solve")
        .sample("f64(4,2), f64(4)")
        .doc("Least squares: solution of least norm, residuals, rank, and singular values of a.");

    r.op("_cofactors(a)")
        .infer([](Call& c) {
            infer_square(c);
            c.output(c.in[0].shape(), c.in[0].dtype());
        })
        .kernel(in_double<cofactors_kernel>)
        .not_differentiable("a second derivative of the determinant of a singular matrix")
        .doc("The cofactors of a matrix, also of a singular one.");
}

}  // namespace minpy
