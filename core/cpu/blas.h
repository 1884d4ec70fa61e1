// Products of matrices and vectors, by our own loops or by OpenBLAS, one thread a call: our pool owns the threads, over
// tiles fixed by shape (DESIGN 6.4).
#pragma once
#include "core/array/dtype.h"
#include "core/cpu/products.h"

namespace minpy {

// c[m,n] = a[m,k] @ b[k,n]; row-major with leading dimensions in elements. `ta`: a is stored transposed, [k,m].
// float32, float64, complex64, complex128. Sizes are checked by the caller and fit in 31 bits.
void gemm(DType t, bool ta, bool tb, int64_t m, int64_t n, int64_t k, const void* a, int64_t lda, const void* b,
          int64_t ldb, void* c, int64_t ldc);

// Whether a product can read it in place.
bool is_product_matrix(DType t, const MatrixView& a, int64_t rows, int64_t columns);

// c[m,n] = a[m,k] @ b[k,n], c C-contiguous; bool, integers, float32, float64 and complex. Our own loops (products.h)
// where a level has them; BLAS for complex numbers and for vectors.
void product(DType t, const MatrixView& a, const MatrixView& b, char* c, int64_t m, int64_t n, int64_t k);

// One thread a call, and its buffers warmed up while memory is there. Called once at initialisation.
void initialize_blas();

}  // namespace minpy
