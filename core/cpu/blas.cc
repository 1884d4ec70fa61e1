#include "core/cpu/blas.h"

#include <cblas.h>

#include <algorithm>

#include "core/cpu/pool.h"

namespace minpy {
namespace {

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

void gemm(DType t, bool ta, bool tb, int64_t m, int64_t n, int64_t k, const void* a, int64_t lda, const void* b, int64_t ldb,
          void* c, int64_t ldc) {
    initialize_blas();
    int64_t item = itemsize(t);
    auto *pa = static_cast<const char*>(a), *pb = static_cast<const char*>(b);
    auto* pc = static_cast<char*>(c);
    // Two million multiplications are worth a second thread. Tiles along the longer side of the result.
    double work = double(m) * double(n) * double(k);
    int64_t tiles = work < 2e6 ? 1 : std::clamp<int64_t>(int64_t(work / 2e7) + 1, 2, 8);
    if (m >= n) {
        int64_t rows = (m + tiles - 1) / tiles;
        rows = (rows + 15) / 16 * 16;
        parallel_for((m + rows - 1) / rows, [&](int64_t i) {
            int64_t from = i * rows, count = std::min(rows, m - from);
            gemm_tile(t, ta, tb, count, n, k, pa + from * (ta ? 1 : lda) * item, lda, pb, ldb, pc + from * ldc * item, ldc);
        });
    } else {
        int64_t columns = (n + tiles - 1) / tiles;
        columns = (columns + 15) / 16 * 16;
        parallel_for((n + columns - 1) / columns, [&](int64_t i) {
            int64_t from = i * columns, count = std::min(columns, n - from);
            gemm_tile(t, ta, tb, m, count, k, pa, lda, pb + from * (tb ? ldb : 1) * item, ldb, pc + from * item, ldc);
        });
    }
}

}  // namespace minpy
