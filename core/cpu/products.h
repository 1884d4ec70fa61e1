// Products of matrices by loops of our own: register tiles that the compiler makes of plain loops, compiled once per
// instruction level (core/cpu/loops/products.cc), and the cutting into tasks, which is fixed by shape (DESIGN 6.4).
//
// Measured on AVX-512, one thread, 64 to 512 rows: 250-270 GFLOPS in float32 and 130-135 in float64, where oneDNN has 240-280
// in float32 and OpenBLAS 0.3.21 130 and 65 (110 in float64 where it knows the processor); 16 x 16 in 50 ns.
#pragma once
#include "core/array/dtype.h"

namespace minpy {

// A matrix anywhere in memory; steps in bytes.
struct MatrixView {
    const char* data;
    int64_t row_step, column_step;
};

inline constexpr int64_t kNarrow = 8;

// One dtype at one level; steps in elements. c is row-major. Elements of c are sums over k in its order: how the work is
// cut in rows and columns does not show in the bits.
struct ProductLoop {
    int64_t width, columns;  // elements of a vector, columns of a panel
    // a and b in place; b has contiguous rows of n >= width elements. `add`: to what c holds.
    void (*direct)(int64_t m, int64_t n, int64_t k, const char* a, int64_t row_step, int64_t column_step, const char* b,
                   int64_t b_step, char* c, int64_t c_step, bool add);
    // Rows of a in panels of one k after the other; m * k elements.
    void (*pack_left)(int64_t m, int64_t k, const char* a, int64_t row_step, int64_t column_step, char* to);
    // Columns of b in panels, the last one filled up with zeros to whole vectors.
    void (*pack_right)(int64_t k, int64_t n, const char* b, int64_t row_step, int64_t column_step, char* to);
    // b packed; a packed (steps of 0) or in place.
    void (*block)(int64_t m, int64_t n, int64_t k, const char* a, int64_t row_step, int64_t column_step, const char* b,
                  char* c, int64_t c_step, bool add);
    // to[m,n] = from[n,m], turned around.
    void (*turn)(int64_t m, int64_t n, const char* from, int64_t from_step, char* to, int64_t to_step, bool add);
    // Anywhere in memory, n <= kNarrow: columns of c in registers.
    void (*narrow)(int64_t m, int64_t n, int64_t k, const char* a, int64_t row_step, int64_t column_step, const char* b,
                   int64_t b_row_step, int64_t b_column_step, char* c, int64_t c_step);
    // The next three null for integers. c[m,n] = p[m,k] @ q[n,k] turned, for few lines of q; rows of both contiguous,
    // those of q filled up with zeros to whole vectors.
    void (*inner)(int64_t m, int64_t n, int64_t k, const char* p, int64_t p_step, const char* q, int64_t q_step,
                  char* c, int64_t c_step);
    // Vectors. y[m] = a @ x, rows of a and x contiguous; and y[n] = x @ b, rows of b contiguous.
    void (*dots)(int64_t m, int64_t k, const char* a, int64_t row_step, const char* x, char* y);
    void (*sums)(int64_t n, int64_t k, const char* b, int64_t row_step, const char* x, int64_t x_step, char* y);
};

struct ProductTable {
    bool multiplies_and_adds;            // in one instruction; else OpenBLAS is better at floating-point numbers
    ProductLoop loops[kNumDTypes] = {};  // `block` is null where there is none
};

// Whether there are loops for the dtype at this level.
bool has_product_loops(DType t);

// y[m] = a[m,k] @ x[k] in float32 or float64, steps of x in bytes; false where neither axis of a is contiguous.
bool tiled_product_with_vector(DType t, const MatrixView& a, const char* x, int64_t x_step, char* y, int64_t m,
                               int64_t k);

// c[m,n] = a[m,k] @ b[k,n] with rows of c `c_step` elements apart, no size being 0. Steps of a and b are multiples of
// the element's size.
void tiled_product(DType t, const MatrixView& a, const MatrixView& b, char* c, int64_t c_step, int64_t m, int64_t n,
                   int64_t k);

// c += a @ b for contiguous c, in the bits of the product and a sum after it; false, with nothing done, where that is no
// single pass over c.
bool add_tiled_product(DType t, const MatrixView& a, const MatrixView& b, char* c, int64_t m, int64_t n, int64_t k);

// The product of complex64 and complex128, where float32 and float64 have loops; c is C-contiguous.
void complex_product(DType t, const MatrixView& a, const MatrixView& b, char* c, int64_t m, int64_t n, int64_t k);

// A matrix on the right of many products, packed once.
class PackedRight {
public:
    PackedRight(DType t, const MatrixView& b, int64_t k, int64_t n);
    ~PackedRight();
    PackedRight(const PackedRight&) = delete;
    // c[m,n] += a[m,k] @ b on this thread; rows of both are contiguous, and steps apart in elements.
    void add_product(int64_t m, const char* a, int64_t a_step, char* c, int64_t c_step) const;

private:
    const ProductLoop& f_;
    int64_t item_, k_, n_, across_, bytes_;
    char* data_;
};

}  // namespace minpy
