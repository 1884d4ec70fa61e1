// Products through OpenBLAS, one thread a call: our pool owns the threads, over tiles fixed by shape (DESIGN 6.4).
#pragma once
#include "core/array/dtype.h"

namespace minpy {

// c[m,n] = a[m,k] @ b[k,n]; row-major with leading dimensions in elements. `ta`: a is stored transposed, [k,m].
// float32, float64, complex64, complex128. Sizes are checked by the caller and fit in 31 bits.
void gemm(DType t, bool ta, bool tb, int64_t m, int64_t n, int64_t k, const void* a, int64_t lda, const void* b,
          int64_t ldb, void* c, int64_t ldc);

// A matrix anywhere in memory; steps in bytes.
struct MatrixView {
    const char* data;
    int64_t row_step, column_step;
};

// Whether BLAS can read it in place.
bool is_blas_matrix(const MatrixView& a, int64_t rows, int64_t columns, int64_t itemsize);

// c[m,n] = a[m,k] @ b[k,n], c C-contiguous; bool, integers, float32, float64 and complex. Small products are plain
// loops; of larger ones in BLAS's dtypes, a and b must be readable by BLAS.
void product(DType t, const MatrixView& a, const MatrixView& b, char* c, int64_t m, int64_t n, int64_t k);

// One thread a call, and its buffers warmed up while memory is there. Called once at initialisation.
void initialize_blas();

}  // namespace minpy
