// The loops of softmax and of normalisation that each instruction level exports, for float and double.
#pragma once
#include <cstdint>

namespace minpy {

inline constexpr int64_t kLayerPiece =
    1024;  // elements, of a row or of neighbouring lines, that are looked at together

template <class T> struct LayerLoops {
    // Rows of n elements, one after the other.
    void (*softmax_rows)(const T* x, T* y, int64_t rows, int64_t n, bool logarithm);
    // Along n lines of up to kLayerPiece neighbours, `step` elements from one line to the next.
    void (*softmax_lines)(const T* x, T* y, int64_t n, int64_t step, int64_t width, bool logarithm);
    // Their transposes: dx of the cotangent g and the result y.
    void (*softmax_rows_backward)(const T* g, const T* y, T* dx, int64_t rows, int64_t n, bool logarithm);
    void (*softmax_lines_backward)(const T* g, const T* y, T* dx, int64_t n, int64_t step, int64_t width,
                                   bool logarithm);

    // Sums in double of n elements: x; (x - mean)^2; g and g (x - mean).
    double (*sum)(const T* x, int64_t n);
    double (*squares)(const T* x, int64_t n, double mean);
    void (*sum_and_product)(const T* g, const T* x, int64_t n, T mean, double* sum, double* product);
    // y = a x + c; y = a g + b x + c.
    void (*affine)(const T* x, T* y, int64_t n, T a, T c);
    void (*affine_two)(const T* g, const T* x, T* y, int64_t n, T a, T b, T c);

    // The same of `width` neighbours along `rows` rows, `step` elements from one to the next: sums are added to.
    void (*sum_lines)(const T* x, int64_t rows, int64_t step, int64_t width, double* sums);
    void (*squares_lines)(const T* x, int64_t rows, int64_t step, int64_t width, const double* mean, double* sums);
    void (*sum_and_product_lines)(const T* g, const T* x, int64_t rows, int64_t step, int64_t width, const T* mean,
                                  double* sums, double* products);
    void (*affine_lines)(const T* x, T* y, int64_t rows, int64_t step, int64_t width, const T* a, const T* c);
    void (*affine_two_lines)(const T* g, const T* x, T* y, int64_t rows, int64_t step, int64_t width, const T* a,
                             const T* b, const T* c);

    // Rows of n elements with mean 0 and variance 1, times gamma, plus beta.
    void (*layer_norm)(const T* x, const T* gamma, const T* beta, T* y, T* mean, T* var, int64_t rows, int64_t n,
                       double eps);
    // Its transpose; dgamma and dbeta are added to.
    void (*layer_norm_backward)(const T* g, const T* x, const T* gamma, const T* mean, const T* var, T* dx, T* dgamma,
                                T* dbeta, int64_t rows, int64_t n, double eps);
};

template <class T> const LayerLoops<T>& layer_loops();  // of the best level

struct LayerTable {
    LayerLoops<float> of_float;
    LayerLoops<double> of_double;
};

}  // namespace minpy
