#include "core/cpu/lapack.h"

#define LAPACK_COMPLEX_CUSTOM
#define lapack_complex_float  minpy::complex64
#define lapack_complex_double minpy::complex128
#include <lapacke.h>

#include <algorithm>
#include <vector>

#include "core/cpu/blas.h"

namespace minpy::lapack {
namespace {

constexpr int kOrder = LAPACK_COL_MAJOR;

Int lead(Int rows) { return std::max<Int>(rows, 1); }

// A function asked for the length of its workspace gives it as the first element.
Int length(double x) { return Int(x); }
Int length(complex128 x) { return Int(x.re); }

}  // namespace

// The `_work` variants neither look for NaN nor allocate.
#define MINPY_REAL_AND_COMPLEX(M) \
    M(double, double, d, or)      \
    M(complex128, double, z, un)

#define MINPY_COMMON(T, R, p, q)                                                                                \
    template <> Int solve<T>(Int n, Int columns, T * a, Int * pivots, T * b) {                                  \
        initialize_blas();                                                                                      \
        return LAPACKE_##p##gesv_work(kOrder, n, columns, a, lead(n), pivots, b, lead(n));                      \
    }                                                                                                           \
    template <> Int factor<T>(Int n, T * a, Int * pivots) {                                                     \
        initialize_blas();                                                                                      \
        return LAPACKE_##p##getrf_work(kOrder, n, n, a, lead(n), pivots);                                       \
    }                                                                                                           \
    template <> Int cholesky<T>(char uplo, Int n, T* a) {                                                       \
        initialize_blas();                                                                                      \
        return LAPACKE_##p##potrf_work(kOrder, uplo, n, a, lead(n));                                            \
    }                                                                                                           \
    template <> Int qr<T>(Int m, Int n, T * a, T * tau) {                                                       \
        initialize_blas();                                                                                      \
        T best{};                                                                                               \
        LAPACKE_##p##geqrf_work(kOrder, m, n, a, lead(m), tau, &best, -1);                                      \
        std::vector<T> work(size_t(std::max(length(best), lead(n))));                                           \
        return LAPACKE_##p##geqrf_work(kOrder, m, n, a, lead(m), tau, work.data(), Int(work.size()));           \
    }                                                                                                           \
    template <> Int qr_to_q<T>(Int m, Int columns, Int k, T * a, const T* tau) {                                \
        initialize_blas();                                                                                      \
        T best{};                                                                                               \
        LAPACKE_##p##q##gqr_work(kOrder, m, columns, k, a, lead(m), tau, &best, -1);                            \
        std::vector<T> work(size_t(std::max(length(best), lead(columns))));                                     \
        return LAPACKE_##p##q##gqr_work(kOrder, m, columns, k, a, lead(m), tau, work.data(), Int(work.size())); \
    }
MINPY_REAL_AND_COMPLEX(MINPY_COMMON)

template <> Int svd<double, double>(char jobz, Int m, Int n, double* a, double* s, double* u, double* vt) {
    initialize_blas();
    Int k = std::min(m, n), ldvt = lead(jobz == 'A' ? n : k);
    std::vector<Int> integers(size_t(8 * lead(k)));
    double best{};
    LAPACKE_dgesdd_work(kOrder, jobz, m, n, a, lead(m), s, u, lead(m), vt, ldvt, &best, -1, integers.data());
    std::vector<double> work(size_t(std::max<Int>(length(best), 1)));
    return LAPACKE_dgesdd_work(kOrder, jobz, m, n, a, lead(m), s, u, lead(m), vt, ldvt, work.data(), Int(work.size()),
                               integers.data());
}
template <> Int eigh<double, double>(char jobz, char uplo, Int n, double* a, double* w) {
    initialize_blas();
    double best{};
    Int best_integers = 1;
    LAPACKE_dsyevd_work(kOrder, jobz, uplo, n, a, lead(n), w, &best, -1, &best_integers, -1);
    std::vector<double> work(size_t(std::max<Int>(length(best), 1)));
    std::vector<Int> integers(size_t(std::max<Int>(best_integers, 1)));
    return LAPACKE_dsyevd_work(kOrder, jobz, uplo, n, a, lead(n), w, work.data(), Int(work.size()), integers.data(),
                               Int(integers.size()));
}
template <>
Int eig<double, complex_number<double>>(Int n, double* a, complex_number<double>* w, complex_number<double>* vectors) {
    initialize_blas();
    char job = vectors ? 'V' : 'N';
    std::vector<double> re(size_t(lead(n))), im(size_t(lead(n))), v(size_t(vectors ? lead(n) * lead(n) : 1));
    double best{};
    LAPACKE_dgeev_work(kOrder, 'N', job, n, a, lead(n), re.data(), im.data(), nullptr, 1, v.data(), lead(n), &best, -1);
    std::vector<double> work(size_t(std::max<Int>(length(best), 1)));
    Int info = LAPACKE_dgeev_work(kOrder, 'N', job, n, a, lead(n), re.data(), im.data(), nullptr, 1, v.data(), lead(n),
                                  work.data(), Int(work.size()));
    for (Int j = 0; j < n; ++j) w[j] = {re[size_t(j)], im[size_t(j)]};
    /* Vectors of a conjugate pair share two columns: real and imaginary parts. */
    for (Int j = 0; vectors && j < n; ++j) {
        bool pair = im[size_t(j)] != 0 && j + 1 < n;
        for (Int i = 0; i < n; ++i) {
            double x = v[size_t(j) * size_t(n) + size_t(i)],
                   y = pair ? v[size_t(j + 1) * size_t(n) + size_t(i)] : double(0);
            vectors[int64_t(j) * n + i] = {x, y};
            if (pair) vectors[int64_t(j + 1) * n + i] = {x, -y};
        }
        j += pair;
    }
    return info;
}
template <>
Int least_squares<double, double>(Int m, Int n, Int columns, double* a, double* b, double* s, double rcond, Int* rank) {
    initialize_blas();
    double best{};
    Int best_integers = 1, ldb = lead(std::max(m, n));
    LAPACKE_dgelsd_work(kOrder, m, n, columns, a, lead(m), b, ldb, s, rcond, rank, &best, -1, &best_integers);
    std::vector<double> work(size_t(std::max<Int>(length(best), 1)));
    std::vector<Int> integers(size_t(std::max<Int>(best_integers, 1)));
    return LAPACKE_dgelsd_work(kOrder, m, n, columns, a, lead(m), b, ldb, s, rcond, rank, work.data(), Int(work.size()),
                               integers.data());
}

template <>
Int svd<complex128, double>(char jobz, Int m, Int n, complex128* a, double* s, complex128* u, complex128* vt) {
    initialize_blas();
    int64_t k = std::min(m, n), large = std::max(m, n);
    Int ldvt = lead(jobz == 'A' ? n : Int(k));
    std::vector<Int> integers(size_t(8 * k + 1));
    std::vector<double> reals(size_t(jobz == 'N' ? 7 * k + 1 : k * std::max(5 * k + 7, 2 * large + 2 * k + 1) + 1));
    complex128 best{};
    LAPACKE_zgesdd_work(kOrder, jobz, m, n, a, lead(m), s, u, lead(m), vt, ldvt, &best, -1, reals.data(),
                        integers.data());
    std::vector<complex128> work(size_t(std::max<Int>(length(best), 1)));
    return LAPACKE_zgesdd_work(kOrder, jobz, m, n, a, lead(m), s, u, lead(m), vt, ldvt, work.data(), Int(work.size()),
                               reals.data(), integers.data());
}
template <> Int eigh<complex128, double>(char jobz, char uplo, Int n, complex128* a, double* w) {
    initialize_blas();
    complex128 best{};
    double best_reals = 1;
    Int best_integers = 1;
    LAPACKE_zheevd_work(kOrder, jobz, uplo, n, a, lead(n), w, &best, -1, &best_reals, -1, &best_integers, -1);
    std::vector<complex128> work(size_t(std::max<Int>(length(best), 1)));
    std::vector<double> reals(size_t(std::max<Int>(length(best_reals), 1)));
    std::vector<Int> integers(size_t(std::max<Int>(best_integers, 1)));
    return LAPACKE_zheevd_work(kOrder, jobz, uplo, n, a, lead(n), w, work.data(), Int(work.size()), reals.data(),
                               Int(reals.size()), integers.data(), Int(integers.size()));
}
template <> Int eig<complex128, complex128>(Int n, complex128* a, complex128* w, complex128* vectors) {
    initialize_blas();
    std::vector<double> reals(size_t(2 * lead(n)));
    char job = vectors ? 'V' : 'N';
    complex128 best{}, none{};
    complex128* v = vectors ? vectors : &none;
    LAPACKE_zgeev_work(kOrder, 'N', job, n, a, lead(n), w, nullptr, 1, v, lead(n), &best, -1, reals.data());
    std::vector<complex128> work(size_t(std::max<Int>(length(best), 1)));
    return LAPACKE_zgeev_work(kOrder, 'N', job, n, a, lead(n), w, nullptr, 1, v, lead(n), work.data(), Int(work.size()),
                              reals.data());
}
template <>
Int least_squares<complex128, double>(Int m, Int n, Int columns, complex128* a, complex128* b, double* s, double rcond,
                                      Int* rank) {
    initialize_blas();
    complex128 best{};
    double best_reals = 1;
    Int best_integers = 1, ldb = lead(std::max(m, n));
    LAPACKE_zgelsd_work(kOrder, m, n, columns, a, lead(m), b, ldb, s, rcond, rank, &best, -1, &best_reals,
                        &best_integers);
    std::vector<complex128> work(size_t(std::max<Int>(length(best), 1)));
    std::vector<double> reals(size_t(std::max<Int>(length(best_reals), 1)));
    std::vector<Int> integers(size_t(std::max<Int>(best_integers, 1)));
    return LAPACKE_zgelsd_work(kOrder, m, n, columns, a, lead(m), b, ldb, s, rcond, rank, work.data(), Int(work.size()),
                               reals.data(), integers.data());
}

}  // namespace minpy::lapack
