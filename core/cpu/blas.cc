#include "core/cpu/blas.h"

#include <cblas.h>

#include <algorithm>
#include <cstring>

#include "core/array/error.h"
#include "core/cpu/pool.h"

namespace minpy {
namespace {

constexpr int64_t kSmall = 512;           // multiplications below which plain loops are fastest
constexpr double kComplexWork = 1 << 16;  // multiplications of complex numbers that pay for taking them apart
constexpr double kThreads = 1 << 20;      // multiplications that are worth a second thread
constexpr int64_t kVectorWork = 1 << 17;  // the same for a matrix times a vector, which memory bounds

void gemm_tile(DType t, bool ta, bool tb, int64_t m, int64_t n, int64_t k, const char* a, int64_t lda, const char* b,
               int64_t ldb, char* c, int64_t ldc) {
    auto A = ta ? CblasTrans : CblasNoTrans, B = tb ? CblasTrans : CblasNoTrans;
    int M = int(m), N = int(n), K = int(k), LA = int(lda), LB = int(ldb), LC = int(ldc);
    switch (t) {
        case DType::float32:
            return cblas_sgemm(CblasRowMajor, A, B, M, N, K, 1, reinterpret_cast<const float*>(a), LA,
                               reinterpret_cast<const float*>(b), LB, 0, reinterpret_cast<float*>(c), LC);
        case DType::float64:
            return cblas_dgemm(CblasRowMajor, A, B, M, N, K, 1, reinterpret_cast<const double*>(a), LA,
                               reinterpret_cast<const double*>(b), LB, 0, reinterpret_cast<double*>(c), LC);
        case DType::complex64: {
            const float one[2] = {1, 0}, zero[2] = {0, 0};
            return cblas_cgemm(CblasRowMajor, A, B, M, N, K, one, a, LA, b, LB, zero, c, LC);
        }
        case DType::complex128: {
            const double one[2] = {1, 0}, zero[2] = {0, 0};
            return cblas_zgemm(CblasRowMajor, A, B, M, N, K, one, a, LA, b, LB, zero, c, LC);
        }
        default: throw_unsupported(t);
    }
}

// y[m] = a[m,k] @ x[k], `a` row-major, or stored transposed.
void gemv_tile(DType t, bool ta, int64_t m, int64_t k, const char* a, int64_t lda, const char* x, int64_t incx,
               char* y) {
    auto A = ta ? CblasTrans : CblasNoTrans;
    int rows = int(ta ? k : m), columns = int(ta ? m : k), LA = int(lda), IX = int(incx);
    switch (t) {
        case DType::float32:
            return cblas_sgemv(CblasRowMajor, A, rows, columns, 1, reinterpret_cast<const float*>(a), LA,
                               reinterpret_cast<const float*>(x), IX, 0, reinterpret_cast<float*>(y), 1);
        case DType::float64:
            return cblas_dgemv(CblasRowMajor, A, rows, columns, 1, reinterpret_cast<const double*>(a), LA,
                               reinterpret_cast<const double*>(x), IX, 0, reinterpret_cast<double*>(y), 1);
        case DType::complex64: {
            const float one[2] = {1, 0}, zero[2] = {0, 0};
            return cblas_cgemv(CblasRowMajor, A, rows, columns, one, a, LA, x, IX, zero, y, 1);
        }
        case DType::complex128: {
            const double one[2] = {1, 0}, zero[2] = {0, 0};
            return cblas_zgemv(CblasRowMajor, A, rows, columns, one, a, LA, x, IX, zero, y, 1);
        }
        default: throw_unsupported(t);
    }
}

void dot(DType t, int64_t n, const char* x, int64_t incx, const char* y, int64_t incy, char* to) {
    int N = int(n), IX = int(incx), IY = int(incy);
    switch (t) {
        case DType::float32:
            *reinterpret_cast<float*>(to) =
                cblas_sdot(N, reinterpret_cast<const float*>(x), IX, reinterpret_cast<const float*>(y), IY);
            return;
        case DType::float64:
            *reinterpret_cast<double*>(to) =
                cblas_ddot(N, reinterpret_cast<const double*>(x), IX, reinterpret_cast<const double*>(y), IY);
            return;
        case DType::complex64: return cblas_cdotu_sub(N, x, IX, y, IY, to);
        case DType::complex128: return cblas_zdotu_sub(N, x, IX, y, IY, to);
        default: throw_unsupported(t);
    }
}

struct BlasMatrix {
    int64_t ld;
    bool transposed;
};

// One of the axes is contiguous, the other one's steps do not overlap.
bool as_blas(const MatrixView& a, int64_t rows, int64_t columns, int64_t item, BlasMatrix& out) {
    auto fits = [&](int64_t step, int64_t length, int64_t lines) {
        return lines <= 1 ||
               (step % item == 0 && step / item >= std::max<int64_t>(length, 1) && step / item <= INT32_MAX);
    };
    if ((a.column_step == item || columns <= 1) && fits(a.row_step, columns, rows)) {
        out = {rows <= 1 ? std::max<int64_t>(columns, 1) : a.row_step / item, false};
        return true;
    }
    if ((a.row_step == item || rows <= 1) && fits(a.column_step, rows, columns)) {
        out = {columns <= 1 ? std::max<int64_t>(rows, 1) : a.column_step / item, true};
        return true;
    }
    return false;
}

template <class T> T mul_add(T sum, T x, T y) {
    if constexpr (std::is_same_v<T, bool>) return sum | (x & y);
    else if constexpr (std::is_integral_v<T>) return T(uint64_t(sum) + uint64_t(x) * uint64_t(y));
    else return sum + x * y;
}

// Rows [from, to) of c, row by row: columns of b are contiguous or not.
template <class T>
void plain_rows(const MatrixView& a, const MatrixView& b, T* c, int64_t from, int64_t to, int64_t n, int64_t k) {
    for (int64_t i = from; i < to; ++i) {
        T* __restrict row = c + i * n;
        for (int64_t j = 0; j < n; ++j) row[j] = T{};
        for (int64_t l = 0; l < k; ++l) {
            T x = *reinterpret_cast<const T*>(a.data + i * a.row_step + l * a.column_step);
            const char* y = b.data + l * b.row_step;
            if (b.column_step == int64_t(sizeof(T)))
                for (int64_t j = 0; j < n; ++j) row[j] = mul_add(row[j], x, reinterpret_cast<const T*>(y)[j]);
            else
                for (int64_t j = 0; j < n; ++j)
                    row[j] = mul_add(row[j], x, *reinterpret_cast<const T*>(y + j * b.column_step));
        }
    }
}

void plain(DType t, const MatrixView& a, const MatrixView& b, char* c, int64_t m, int64_t n, int64_t k) {
    double work = double(m) * double(n) * double(k);
    for_dtype<kBool | kInteger | kFloat | kComplex>(t, [&]<class T> {
        int64_t rows = work < kThreads ? m : std::max<int64_t>(1, int64_t(kThreads / (double(n) * double(k))));
        parallel_for((m + rows - 1) / rows, [&](int64_t i) {
            plain_rows(a, b, reinterpret_cast<T*>(c), i * rows, std::min(m, (i + 1) * rows), n, k);
        });
    });
}

}  // namespace

void initialize_blas() {
    static const bool done = [] {
        openblas_set_num_threads(1);
        // Its work buffers are mapped at the first product; when that is refused later it would never return.
        double a[64 * 64] = {}, c[64 * 64];
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, 64, 64, 64, 1, a, 64, a, 64, 0, c, 64);
        return true;
    }();
    (void)done;
}

void gemm(DType t, bool ta, bool tb, int64_t m, int64_t n, int64_t k, const void* a, int64_t lda, const void* b,
          int64_t ldb, void* c, int64_t ldc) {
    int64_t item = itemsize(t);
    if (has_product_loops(t) && m && n && k) {
        auto view = [&](const void* data, bool transposed, int64_t ld) -> MatrixView {
            return {static_cast<const char*>(data), transposed ? item : ld * item, transposed ? ld * item : item};
        };
        return tiled_product(t, view(a, ta, lda), view(b, tb, ldb), static_cast<char*>(c), ldc, m, n, k);
    }
    initialize_blas();
    auto *pa = static_cast<const char*>(a), *pb = static_cast<const char*>(b);
    auto* pc = static_cast<char*>(c);
    // Each tile packs its share of both operands anew: few tiles, along the longer side of the result.
    double work = double(m) * double(n) * double(k);
    int64_t tiles = work < kThreads ? 1 : work < 1e10 ? 2 : 8;
    int64_t& side = m >= n ? m : n;
    int64_t width = ((side + tiles - 1) / tiles + 15) / 16 * 16, total = side;
    bool rows = m >= n;
    parallel_for((total + width - 1) / width, [&](int64_t i) {
        int64_t from = i * width, count = std::min(width, total - from);
        if (rows)
            gemm_tile(t, ta, tb, count, n, k, pa + from * (ta ? 1 : lda) * item, lda, pb, ldb, pc + from * ldc * item,
                      ldc);
        else gemm_tile(t, ta, tb, m, count, k, pa, lda, pb + from * (tb ? ldb : 1) * item, ldb, pc + from * item, ldc);
    });
}

bool is_product_matrix(DType t, const MatrixView& a, int64_t rows, int64_t columns) {
    BlasMatrix unused;
    int64_t item = itemsize(t);
    if (has_product_loops(t)) return a.row_step % item == 0 && a.column_step % item == 0;
    return !in(t, kFloat | kComplex) || as_blas(a, rows, columns, item, unused);
}

void product(DType t, const MatrixView& a, const MatrixView& b, char* c, int64_t m, int64_t n, int64_t k) {
    int64_t item = itemsize(t);
    if (m == 0 || n == 0) return;
    if (k == 0) {
        std::memset(c, 0, size_t(m * n * item));
        return;
    }
    double work = double(m) * double(n) * double(k);
    bool loops = has_product_loops(t), blas = in(t, kFloat | kComplex);
    if (loops && blas && (m == 1 || n == 1)) {
        // A row times b is b, transposed, times a column.
        MatrixView turned{b.data, b.column_step, b.row_step};
        if (n == 1 ? tiled_product_with_vector(t, a, b.data, b.row_step, c, m, k)
                   : tiled_product_with_vector(t, turned, a.data, a.column_step, c, n, k))
            return;
    }
    if (work <= kSmall && !loops) return plain(t, a, b, c, m, n, k);
    if (loops && ((m > 1 && n > 1) || !blas)) return tiled_product(t, a, b, c, n, m, n, k);
    if (!blas) return plain(t, a, b, c, m, n, k);
    if (in(t, kComplex) && work >= kComplexWork && std::min({m, n, k}) >= 8 && has_product_loops(DType::float64))
        return complex_product(t, a, b, c, m, n, k);
    if (std::max({m, n, k}) > INT32_MAX) throw value_error("a matrix product with more than 2**31 rows or columns");
    BlasMatrix A, B;
    if (!as_blas(a, m, k, item, A) || !as_blas(b, k, n, item, B)) return tiled_product(t, a, b, c, n, m, n, k);
    initialize_blas();
    auto increment = [&](int64_t step, int64_t count) { return count <= 1 ? 1 : step / item; };
    if (m == 1 && n == 1 && a.column_step > 0 && b.row_step > 0)
        return dot(t, k, a.data, increment(a.column_step, k), b.data, increment(b.row_step, k), c);
    if ((n == 1 && b.row_step > 0) || (m == 1 && a.column_step > 0)) {
        // A row times b is b, transposed, times a column.
        bool right = n == 1 && b.row_step > 0;
        const MatrixView &matrix = right ? a : b, &x = right ? b : a;
        bool transposed = right ? A.transposed : !B.transposed;
        int64_t rows = right ? m : n, ld = right ? A.ld : B.ld;
        int64_t incx = increment(right ? x.row_step : x.column_step, k);
        int64_t width = rows * k < kVectorWork ? rows : std::max<int64_t>(64, (kVectorWork / 2 / k + 15) / 16 * 16);
        parallel_for((rows + width - 1) / width, [&](int64_t i) {
            int64_t from = i * width;
            gemv_tile(t, transposed, std::min(width, rows - from), k, matrix.data + from * (transposed ? 1 : ld) * item,
                      ld, x.data, incx, c + from * item);
        });
        return;
    }
    gemm(t, A.transposed, B.transposed, m, n, k, a.data, A.ld, b.data, B.ld, c, n);
}

}  // namespace minpy
