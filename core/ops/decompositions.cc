// Rows of factorisations. Derivatives as in Giles, "An extended collection of matrix derivative results for forward and
// reverse mode automatic differentiation" (2008), Murray (2016) for Cholesky and Walter & Lehmann (2018) for QR, in
// terms of conjugated cotangents, as these papers have them: each rule conjugates on the way in and on the way out.
#include <array>
#include <cmath>

#include "core/cpu/lapack.h"
#include "core/ops/matrices.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {

using lapack::Int;

double cube(int64_t n) { return double(n) * double(n) * double(n); }

int64_t count(const Array& a) { return size_of(batch_of(a.shape())); }

Array solve(const Array& a, const Array& b) { return call(MINPY_OP("linalg.solve"), a, b); }
// x such that x @ a = b
Array solve_right(const Array& b, const Array& a) { return T(solve(T(a), T(b))); }

// 1 / d, and zero where d is: directions in which a factorisation is not unique say nothing.
Array safe_inverse(const Array& d) {
    Array zero = call(MINPY_OP("equal"), d, 0.0);
    return call(MINPY_OP("where"), zero, 0.0, 1.0 / call(MINPY_OP("where"), zero, 1.0, d));
}

// ---- Cholesky ----

void cholesky_kernel(Call& c) {
    Array a = copy_of(c.in[0]);
    int64_t n = a.dim(-1);
    bool upper = c.flag(1);
    for_linalg(a.dtype(), [&]<class T> {
        for_matrices(count(a), cube(n), [&](int64_t i) {
            T* p = a.raw_as<T>() + i * n * n;
            // Row-major seen as column-major is the transpose, so the triangles change names.
            if (n && lapack::cholesky<T>(upper ? 'L' : 'U', Int(n), p) != 0)
                throw linalg_error("Matrix is not positive definite");
            for (int64_t row = 0; row < n; ++row)
                for (int64_t column = 0; column < n; ++column)
                    if (upper ? row > column : row < column) p[row * n + column] = T{};
        });
    });
    copy_into(c.out[0], a);
}

void cholesky_reverse(Reverse& c) {
    bool upper = c.flag(1);
    Array l = upper ? H(c.out()) : c.out(), g = upper ? T(c.g()) : ops::conj(c.g());
    int64_t n = l.dim(-1);
    Array half = triangle(n, n, 1, 0.5, 0, l);
    Array inner = solve(H(l), ops::matmul(H(l), g) * half);
    Array s = hermitian_part(solve_right(inner, l));
    c.set(0, to_triangle(ops::conj(s), !upper));
}

// ---- eigenvalues of Hermitian matrices ----

bool is_lower(std::string_view uplo) {
    if (uplo == "L" || uplo == "l") return true;
    if (uplo == "U" || uplo == "u") return false;
    throw value_error("UPLO argument must be 'L' or 'U'");
}

template <bool vectors> void eigh_kernel(Call& c) {
    Array a = column_major(c.in[0]);
    int64_t n = a.dim(-1);
    char uplo = is_lower(c.text(1)) ? 'L' : 'U';
    for_linalg(a.dtype(), [&]<class T> {
        using R = Real<T>;
        for_matrices(n ? count(a) : 0, 10 * cube(n), [&](int64_t i) {
            Int info = lapack::eigh<T, R>(vectors ? 'V' : 'N', uplo, Int(n), a.raw_as<T>() + i * n * n,
                                          c.out[0].raw_as<R>() + i * n);
            if (info != 0) throw linalg_error("Eigenvalues did not converge");
        });
    });
    if (vectors) copy_into(c.out[1], swapped(a));
}

void infer_eigh(Call& c, bool vectors) {
    is_lower(c.text(1));
    check_square(c.in[0]);
    c.cast(0, linalg_dtype(c.in[0].dtype()));
    const Array& a = c.in[0];
    c.output(with_tail(batch_of(a.shape()), {a.dim(-1)}), real_of(a.dtype()));
    if (vectors) c.output(a.shape(), a.dtype());
}

// u (diag(gw) + F * (u^H gu)) u^H, with F[i,j] = 1 / (w[j] - w[i]).
Array eigh_cotangent(const Array& w, const Array& u, const Array& gw, const Array& gu, bool lower) {
    Array inner;
    if (gw) inner = as_row(gw) * identity(w.dim(-1), w);
    if (gu) inner = ops::accumulate(inner, safe_inverse(as_row(w) - as_column(w)) * ops::matmul(H(u), ops::conj(gu)));
    Array s = hermitian_part(ops::matmul(ops::matmul(u, inner), H(u)));
    return to_triangle(ops::conj(s), lower);
}

// ---- QR ----

void infer_qr(Call& c) {
    std::string_view mode = c.text(1);
    if (mode != "reduced" && mode != "complete" && mode != "r" && mode != "raw")
        throw value_error("Unrecognized mode '", mode, "'");
    check_matrices(c.in[0]);
    c.cast(0, linalg_dtype(c.in[0].dtype()));
    const Array& a = c.in[0];
    int64_t m = a.dim(-2), n = a.dim(-1), k = std::min(m, n);
    Dims batch = batch_of(a.shape());
    int64_t columns = mode == "complete" ? m : k;
    if (mode == "raw") {
        c.output(with_tail(batch, {n, m}), a.dtype());
        c.output(with_tail(batch, {k}), a.dtype());
        return;
    }
    if (mode != "r") c.output(with_tail(batch, {m, columns}), a.dtype());
    c.output(with_tail(batch, {columns, n}), a.dtype());
}

void qr_kernel(Call& c) {
    std::string_view mode = c.text(1);
    Array a = column_major(c.in[0]);
    int64_t m = a.dim(-1), n = a.dim(-2), k = std::min(m, n), batches = count(a);
    bool raw = mode == "raw", only_r = mode == "r";
    int64_t columns = mode == "complete" ? m : k;
    Array q = only_r || raw ? Array() : zeros(with_tail(batch_of(a.shape()), {columns, m}), a.dtype());
    for_linalg(a.dtype(), [&]<class T> {
        for_matrices(batches, 4 * double(m) * double(n) * double(k), [&](int64_t i) {
            T* p = a.raw_as<T>() + i * m * n;
            std::vector<T> tau(static_cast<size_t>(std::max<int64_t>(k, 1)));
            if (k) lapack::qr<T>(Int(m), Int(n), p, tau.data());
            if (raw) {
                std::copy(tau.begin(), tau.begin() + k, c.out[1].raw_as<T>() + i * k);
                return;
            }
            T* r = c.out[only_r ? 0 : 1].raw_as<T>() + i * columns * n;
            for (int64_t row = 0; row < columns; ++row)
                for (int64_t column = 0; column < n; ++column)
                    r[row * n + column] = row <= column && row < m ? p[column * m + row] : T{};
            if (only_r || columns == 0) return;
            T* to = q.raw_as<T>() + i * columns * m;
            std::copy(p, p + std::min(columns, n) * m, to);
            lapack::qr_to_q<T>(Int(m), Int(columns), Int(k), to, tau.data());
        });
    });
    if (raw) copy_into(c.out[0], a);
    if (q) copy_into(c.out[0], swapped(q));
}

// Of a square or tall matrix: [gq + q copyltu(r gr^H - gq^H q)] r^-H.
Array qr_cotangent(const Array& q, const Array& r, const Array& gq, const Array& gr) {
    int64_t n = r.dim(-1);
    Array m;
    if (gr) m = ops::matmul(r, H(gr));
    if (gq) {
        Array inner = ops::matmul(H(gq), q);
        m = m ? m - inner : -inner;
    }
    Array lower = m * triangle(n, n, 1, 0, 0, m);
    Array on = hermitian_part(m * identity(n, m));
    Array sum = ops::matmul(q, lower + H(lower) + on);
    return solve_right(ops::accumulate(gq, sum), H(r));
}

void qr_reverse(Reverse& c) {
    std::string_view mode = string_of(c.arg(1));
    Dims shape = c.in_shape(0);
    int64_t m = shape[shape.size() - 2], n = shape.back();
    auto undefined = [](const char* why) {
        Error e = unsupported("the derivative of linalg.qr is not defined: ", why);
        return e;
    };
    if (mode == "raw") throw undefined("mode='raw' gives reflectors");
    if (mode == "complete" && m > n) throw undefined("mode='complete' of a tall matrix leaves columns of Q free");
    Array q, r, gq, gr;
    if (mode == "r") {
        if (m < n) throw undefined("mode='r' of a wide matrix; use mode='reduced'");
        r = c.out(0);
        gr = ops::conj(c.g(0));
        q = solve_right(c.in(0), r);
    } else {
        q = c.out(0), r = c.out(1);
        if (c.has_g(0)) gq = ops::conj(c.g(0));
        if (c.has_g(1)) gr = ops::conj(c.g(1));
    }
    if (m >= n) return c.set(0, ops::conj(qr_cotangent(q, r, gq, gr)));
    // Wide: the first m columns are factored, the others follow as q^H y.
    Array first = triangle(n, m, 0, 1, 0, r), rest = identity(n, r) - ops::matmul(first, T(first));
    Array a = c.in(0), gy;
    if (gr) {
        gy = ops::matmul(gr, rest);
        gq = ops::accumulate(gq, ops::matmul(ops::matmul(a, rest), H(gy)));
        gr = ops::matmul(gr, first);
    }
    Array ga = ops::matmul(qr_cotangent(q, ops::matmul(r, first), gq, gr), T(first));
    if (gy) ga = ga + ops::matmul(q, gy);
    c.set(0, ops::conj(ga));
}

// ---- singular values ----

void infer_svd(Call& c) {
    check_matrices(c.in[0]);
    c.cast(0, linalg_dtype(c.in[0].dtype()));
    const Array& a = c.in[0];
    int64_t m = a.dim(-2), n = a.dim(-1), k = std::min(m, n);
    Dims batch = batch_of(a.shape());
    bool full = c.flag(1), vectors = c.flag(2);
    if (vectors) c.output(with_tail(batch, {m, full ? m : k}), a.dtype());
    c.output(with_tail(batch, {k}), real_of(a.dtype()));
    if (vectors) c.output(with_tail(batch, {full ? n : k, n}), a.dtype());
}

void svd_kernel(Call& c) {
    Array a = column_major(c.in[0]), u, v;
    int64_t m = a.dim(-1), n = a.dim(-2), k = std::min(m, n);
    bool full = c.flag(1), vectors = c.flag(2);
    int64_t columns_u = full ? m : k, rows_v = full ? n : k;
    if (vectors) {
        u = empty(with_tail(batch_of(a.shape()), {columns_u, m}), a.dtype());
        v = empty(with_tail(batch_of(a.shape()), {n, rows_v}), a.dtype());
    }
    for_linalg(a.dtype(), [&]<class T> {
        using R = Real<T>;
        auto one = [](T* to, int64_t size) {
            std::fill_n(to, size * size, T{});
            for (int64_t j = 0; j < size; ++j) to[j * size + j] = number<T>(1);
        };
        for_matrices(count(a), 20 * double(m) * double(n) * double(k), [&](int64_t i) {
            T* to_u = vectors ? u.raw_as<T>() + i * m * columns_u : nullptr;
            T* to_v = vectors ? v.raw_as<T>() + i * rows_v * n : nullptr;
            if (k == 0) {
                if (vectors && full) one(to_u, m), one(to_v, n);
                return;
            }
            Int info = lapack::svd<T, R>(vectors ? (full ? 'A' : 'S') : 'N', Int(m), Int(n), a.raw_as<T>() + i * m * n,
                                         c.out[vectors ? 1 : 0].raw_as<R>() + i * k, to_u, to_v);
            if (info != 0) throw linalg_error("SVD did not converge");
        });
    });
    if (!vectors) return;
    copy_into(c.out[0], swapped(u));
    copy_into(c.out[2], swapped(v));
}

void svd_reverse(Reverse& c) {
    bool full = c.flag(1), vectors = c.flag(2);
    Dims shape = c.in_shape(0);
    int64_t m = shape[shape.size() - 2], n = shape.back(), k = std::min(m, n);
    Array a = c.in(0), u, s, v, gu, gs, gv;
    if (vectors && (!full || m == n)) {
        u = c.out(0), s = c.out(1), v = H(c.out(2));
        if (c.has_g(0)) gu = ops::conj(c.g(0));
        if (c.has_g(1)) gs = c.g(1);
        if (c.has_g(2)) gv = T(c.g(2));  // of v: conj(g)^H
    } else {
        if (vectors && (c.has_g(0) || c.has_g(2)))
            throw unsupported(
                "the derivative of linalg.svd is not defined: full_matrices=True leaves vectors free; use "
                "full_matrices=False");
        Arrays parts =
            invoke(MINPY_OP("linalg.svd"), ValuesView(std::array<minpy_value, 2>{to_value(a), to_value(false)}));
        u = parts[0], s = parts[1], v = H(parts[2]);
        gs = c.g(vectors ? 1 : 0);
    }
    Array inner;
    if (gs) inner = as_row(gs) * identity(k, s);
    // E[i,j] = s[j]^2 - s[i]^2; skew(x) = x - x^H
    Array squares = s * s, E = safe_inverse(as_row(squares) - as_column(squares));
    auto skew = [](const Array& x) { return x - H(x); };
    if (gu) inner = ops::accumulate(inner, skew(ops::matmul(H(u), gu)) * E * as_row(s));
    if (gv) inner = ops::accumulate(inner, as_column(s) * (skew(ops::matmul(H(v), gv)) * E));
    if (gu && in(u.dtype(), kComplex)) {
        // The phase that u and v share: the diagonal of u^H gu has no real part of consequence.
        inner = inner + 0.5 * skew(ops::matmul(H(u), gu)) * (identity(k, s) * as_row(safe_inverse(s)));
    }
    Array ga = ops::matmul(ops::matmul(u, inner), H(v)), inverse = safe_inverse(s);
    if (gu && m > k) {
        Array outside = gu - ops::matmul(u, ops::matmul(H(u), gu));
        ga = ga + ops::matmul(outside * as_row(inverse), H(v));
    }
    if (gv && n > k) {
        Array outside = gv - ops::matmul(v, ops::matmul(H(v), gv));
        ga = ga + ops::matmul(u * as_row(inverse), H(outside));
    }
    c.set(0, ops::conj(ga));
}

// ---- eigenvalues of any matrix ----

void eig(Call& c, bool vectors) {
    check_square(c.in[0]);
    DType given = linalg_dtype(c.in[0].dtype()), t = working_dtype(given), wide = complex_of(t);
    Array a = column_major(copy_of(c.in[0], t));
    int64_t n = a.dim(-1), batches = count(a);
    Array w = empty(with_tail(batch_of(a.shape()), {n}), wide), v = empty(a.shape(), wide);
    bool finite = true, all_real = !in(t, kComplex);
    for_linalg(t, [&]<class T> {
        using R = Real<T>;
        const R* x = a.raw_as<R>();
        for (int64_t i = 0; i < a.nbytes() / int64_t(sizeof(R)); ++i) finite = finite && std::isfinite(x[i]);
        if (!finite) throw linalg_error("Array must not contain infs or NaNs");
        for_matrices(n ? batches : 0, 20 * cube(n), [&](int64_t i) {
            using C = complex_number<R>;
            Int info = lapack::eig<T, C>(Int(n), a.raw_as<T>() + i * n * n, w.raw_as<C>() + i * n,
                                         vectors ? v.raw_as<C>() + i * n * n : nullptr);
            if (info != 0) throw linalg_error("Eigenvalues did not converge");
        });
        for (int64_t i = 0; i < w.size(); ++i) all_real = all_real && w.raw_as<complex_number<R>>()[i].im == 0;
    });
    // Real where all eigenvalues are, as in NumPy.
    DType result = all_real ? given : complex_of(given);
    c.out.push_back(copy_of(w, result));
    if (vectors) c.out.push_back(copy_of(swapped(v), result));
}

// ---- pseudo-inverse ----

void pinv_kernel(Call& c) {
    const Array& a = c.in[0];
    int64_t m = a.dim(-2), n = a.dim(-1), k = std::min(m, n);
    if (k == 0) return;
    double rcond = !c.is_none(1) ? c.number(1) : !c.is_none(3) ? c.number(3) : 1e-15;  // NumPy's
    Array A = copy_of(a);
    for_linalg(a.dtype(), [&]<class T> {
        using R = Real<T>;
        for_matrices(count(a), 20 * double(m) * double(n) * double(k), [&](int64_t i) {
            // A^T = u diag(s) vt, column-major; so pinv(A)[i,j] = sum over l of conj(u)[i,l] / s[l] conj(vt)[l,j].
            std::vector<T> u(static_cast<size_t>(n * k)), v(static_cast<size_t>(k * m));
            std::vector<R> s(static_cast<size_t>(k));
            if (lapack::svd<T, R>('S', Int(n), Int(m), A.raw_as<T>() + i * m * n, s.data(), u.data(), v.data()) != 0)
                throw linalg_error("SVD did not converge");
            auto conjugate = [](T x) {
                if constexpr (is_complex<T>) x.im = -x.im;
                return x;
            };
            T* to = c.out[0].raw_as<T>() + i * n * m;
            std::fill_n(to, n * m, T{});
            for (int64_t l = 0; l < k; ++l) {
                if (!(s[size_t(l)] > R(rcond) * s[0])) continue;
                T scale = number<T>(1 / s[size_t(l)]);
                for (int64_t row = 0; row < n; ++row)
                    for (int64_t column = 0; column < m; ++column)
                        to[row * m + column] +=
                            scale * conjugate(u[size_t(l * n + row)]) * conjugate(v[size_t(column * k + l)]);
            }
        });
    });
}

// Golub & Pereyra (1973): dP = -P dA P + P P^H dA^H (1 - A P) + (1 - P A) dA^H P^H P, at constant rank.
void pinv_reverse(Reverse& c) {
    Array a = c.in(0), p = c.out(), g = ops::conj(c.g());
    auto product = [](const Array& x, const Array& y, const Array& z) { return ops::matmul(ops::matmul(x, y), z); };
    Array left = ops::matmul(H(g), ops::matmul(p, H(p)));   // [m, n] of g^H P P^H
    Array right = ops::matmul(ops::matmul(H(p), p), H(g));  // P^H P g^H
    Array ga = -product(H(p), g, H(p)) + (left - product(a, p, left)) + (right - product(right, p, a));
    c.set(0, ops::conj(ga));
}

}  // namespace

void register_decompositions(Registry& r) {
    r.op("linalg.cholesky(a, /, *, upper: bool = False)")
        .infer([](Call& c) {
            check_square(c.in[0]);
            c.cast(0, linalg_dtype(c.in[0].dtype()));
            c.output(c.in[0].shape(), c.in[0].dtype());
        })
        .kernel(in_double<cholesky_kernel>)
        .reverse(cholesky_reverse)
        .saves(false, true)
        .sample("spd(3)")
        .sample("spd(3), upper=True")
        .doc(
            "The triangular factor L of a = L @ L^H; reads the lower triangle (with upper, the upper one, and gives "
            "L^H).");
    r.op("linalg.qr(a, mode: str = 'reduced')")
        .outputs(0)
        .infer(infer_qr)
        .kernel(in_double<qr_kernel>)
        .reverse(qr_reverse)
        .sample("f64(3,2)")
        .sample("f64(2,3)")
        .sample("f64(3,3), mode='r'")
        .doc("Orthonormal Q and upper triangular R of a = Q @ R. Columns of Q are unique up to their signs.");
    r.op("linalg.svd(a, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False)")
        .outputs(0)
        .infer(infer_svd)
        .kernel(in_double<svd_kernel>)
        .reverse(svd_reverse)
        .sample("f64(3,2), full_matrices=False")
        .sample("f64(2,3), compute_uv=False")
        .doc(
            "Singular values S in descending order and vectors of a = U @ diag(S) @ Vh. Vectors are unique up to "
            "signs.");
    r.op("linalg.svdvals(x, /)")
        .composite([](Call& c) { c.out.push_back(c.call(MINPY_OP("linalg.svd"), c.in[0], false, false)); })
        .sample("f64(3,2)")
        .doc("Singular values in descending order.");
    r.op("linalg.eigh(a, UPLO: str = 'L')")
        .outputs(2)
        .infer([](Call& c) { infer_eigh(c, true); })
        .kernel(in_double<eigh_kernel<true>>)
        .reverse([](Reverse& c) {
            Array gw = c.has_g(0) ? c.g(0) : Array(), gu = c.has_g(1) ? c.g(1) : Array();
            c.set(0, eigh_cotangent(c.out(0), c.out(1), gw, gu, is_lower(string_of(c.arg(1)))));
        })
        .saves(false, true)
        .sample("spd(3)")
        .doc(
            "Eigenvalues in ascending order and vectors of a Hermitian matrix, of which one triangle is read. Vectors "
            "are "
            "unique up to signs.");
    r.op("linalg.eigvalsh(a, UPLO: str = 'L')")
        .infer([](Call& c) { infer_eigh(c, false); })
        .kernel(in_double<eigh_kernel<false>>)
        .reverse([](Reverse& c) {
            Array a = c.in(0);
            Arrays parts =
                invoke(MINPY_OP("linalg.eigh"), ValuesView(std::array<minpy_value, 2>{to_value(a), c.arg(1)}));
            c.set(0, eigh_cotangent(parts[0], parts[1], c.g(0), Array(), is_lower(string_of(c.arg(1)))));
        })
        .saves(true, false)
        .sample("spd(3)")
        .doc("Eigenvalues of a Hermitian matrix in ascending order.");
    r.op("linalg.eig(a)")
        .outputs(2)
        .compute([](Call& c) { eig(c, true); })
        .not_differentiable("eigenvalues of general matrices may meet and split; use linalg.eigh for Hermitian ones")
        .sample("f64(3,3)")
        .doc("Eigenvalues and right eigenvectors; real where all eigenvalues are.");
    r.op("linalg.eigvals(a)")
        .compute([](Call& c) { eig(c, false); })
        .not_differentiable(
            "eigenvalues of general matrices may meet and split; use linalg.eigvalsh for Hermitian ones")
        .sample("f64(3,3)")
        .doc("Eigenvalues; real where all are.");
    r.op("linalg.pinv(a, rcond: float = None, hermitian: bool = False, *, rtol: float = None)")
        .infer([](Call& c) {
            if (!c.is_none(1) && !c.is_none(3)) throw value_error("`rtol` and `rcond` can't be both set.");
            check_matrices(c.in[0]);
            const Array& a = c.in[0];
            if (a.dim(-1) != 0 && a.dim(-2) != 0) c.cast(0, linalg_dtype(a.dtype()));  // nothing keeps its dtype
            c.output(with_tail(batch_of(a.shape()), {a.dim(-1), a.dim(-2)}), c.in[0].dtype());
        })
        .kernel(in_double<pinv_kernel>)
        .reverse(pinv_reverse)
        .sample("f64(3,2)")
        .sample("f64(2,3)")
        .doc("The Moore-Penrose inverse; singular values below rcond times the largest count as zero.");
}

}  // namespace minpy
