// Convolutions as products: the patches that a filter meets become the columns of a matrix.
#include "core/cpu/convolution.h"

#include "core/array/error.h"
#include "core/cpu/blas.h"
#include "core/cpu/pool.h"

namespace minpy {
namespace {

// Spatial axes as three, leading ones of size 1.
struct Axes {
    int64_t in[3] = {1, 1, 1}, kernel[3] = {1, 1, 1}, out[3] = {1, 1, 1};
    int64_t stride[3] = {1, 1, 1}, pad[3] = {0, 0, 0}, dilate[3] = {1, 1, 1};
    explicit Axes(const Convolution& c) {
        int64_t n = c.in.size(), lead = 3 - n;
        for (int64_t i = 0; i < n; ++i) {
            in[lead + i] = c.in[i], kernel[lead + i] = c.kernel[i], out[lead + i] = c.out[i];
            stride[lead + i] = c.stride[i], pad[lead + i] = c.pad[i], dilate[lead + i] = c.dilate[i];
        }
    }
};

// Calls visit(column row, input offset, first column, number of columns, step) for runs of patches inside the input, and
// outside(row, first column, number) for the padding.
template <class Inside, class Outside>
void for_patches(const Axes& a, int64_t channels, Inside&& inside, Outside&& outside) {
    int64_t row = 0, plane = a.in[0] * a.in[1] * a.in[2];
    for (int64_t c = 0; c < channels; ++c)
        for (int64_t k0 = 0; k0 < a.kernel[0]; ++k0)
            for (int64_t k1 = 0; k1 < a.kernel[1]; ++k1)
                for (int64_t k2 = 0; k2 < a.kernel[2]; ++k2, ++row) {
                    int64_t column = 0;
                    // Columns o with 0 <= o*stride + start < in.
                    int64_t start = k2 * a.dilate[2] - a.pad[2];
                    int64_t low = start >= 0 ? 0 : std::min(a.out[2], (-start + a.stride[2] - 1) / a.stride[2]);
                    int64_t high =
                        start >= a.in[2] ? low : std::clamp((a.in[2] - 1 - start) / a.stride[2] + 1, low, a.out[2]);
                    for (int64_t o0 = 0; o0 < a.out[0]; ++o0) {
                        int64_t i0 = o0 * a.stride[0] + k0 * a.dilate[0] - a.pad[0];
                        for (int64_t o1 = 0; o1 < a.out[1]; ++o1, column += a.out[2]) {
                            int64_t i1 = o1 * a.stride[1] + k1 * a.dilate[1] - a.pad[1];
                            if (i0 < 0 || i0 >= a.in[0] || i1 < 0 || i1 >= a.in[1]) {
                                outside(row, column, a.out[2]);
                                continue;
                            }
                            int64_t line = c * plane + (i0 * a.in[1] + i1) * a.in[2];
                            outside(row, column, low);
                            inside(row, line + low * a.stride[2] + start, column + low, high - low, a.stride[2]);
                            outside(row, column + high, a.out[2] - high);
                        }
                    }
                }
}

template <class T> void to_columns(const Axes& a, int64_t channels, int64_t columns, const T* x, T* matrix) {
    for_patches(
        a, channels,
        [&](int64_t row, int64_t from, int64_t column, int64_t n, int64_t step) {
            T* to = matrix + row * columns + column;
            for (int64_t i = 0; i < n; ++i) to[i] = x[from + i * step];
        },
        [&](int64_t row, int64_t column, int64_t n) { std::fill_n(matrix + row * columns + column, n, T(0)); });
}

template <class T> void add_columns(const Axes& a, int64_t channels, int64_t columns, const T* matrix, T* x) {
    for_patches(
        a, channels,
        [&](int64_t row, int64_t to, int64_t column, int64_t n, int64_t step) {
            const T* from = matrix + row * columns + column;
            for (int64_t i = 0; i < n; ++i) x[to + i * step] += from[i];
        },
        [](int64_t, int64_t, int64_t) {});
}

struct Sizes {
    int64_t rows, columns, x_group, y_group, w_group, filters;
    explicit Sizes(const Convolution& c)
        : rows(checked_mul(c.channels / c.groups, c.kernel_size())),
          columns(c.out_size()),
          x_group(c.channels / c.groups * c.in_size()),
          y_group(c.filters / c.groups * columns),
          w_group(c.filters / c.groups * rows),
          filters(c.filters / c.groups) {
        checked_mul(rows, columns);
        if (std::max({rows, columns, filters}) > INT32_MAX)
            throw value_error("a side of more than 2**31-1 elements is not supported");
    }
    int64_t matrix() const { return rows * columns; }
};

int64_t bytes(int64_t a, int64_t b) { return checked_mul(checked_mul(a, b), int64_t(sizeof(double))); }

// A matrix for each sample in work; of the weights also a sum for each task, and one sample's share.
ScratchSizes scratch_of(ConvolutionPart part, const Convolution& c) {
    Sizes s(c);
    if (part != ConvolutionPart::weight) return {0, bytes(s.rows, s.columns)};
    return {bytes(tasks_of(ConvolutionPart::weight, c), c.groups * s.w_group),
            checked_add(bytes(s.rows, s.columns), bytes(s.w_group, 1))};
}

void forward(const Convolution& c, const double* x, const double* weight, const double* bias, double* y,
             const Array& set_aside) {
    Axes axes(c);
    Sizes s(c);
    Scratch scratch(set_aside, scratch_of(ConvolutionPart::forward, c), c.batch);
    parallel_for(c.batch, [&](int64_t n) {
        Scratch::Slot slot(scratch);
        double* matrix = reinterpret_cast<double*>(slot.get());
        for (int64_t g = 0; g < c.groups; ++g) {
            double* out = y + (n * c.groups + g) * s.y_group;
            to_columns(axes, c.channels / c.groups, s.columns, x + (n * c.groups + g) * s.x_group, matrix);
            gemm(DType::float64, false, false, s.filters, s.columns, s.rows, weight + g * s.w_group, s.rows, matrix,
                 s.columns, out, s.columns);
            for (int64_t f = 0; bias && f < s.filters; ++f)
                for (int64_t i = 0; i < s.columns; ++i) out[f * s.columns + i] += bias[g * s.filters + f];
        }
    });
}

void transpose_data(const Convolution& c, const double* g, const double* weight, double* dx, const Array& set_aside) {
    Axes axes(c);
    Sizes s(c);
    Scratch scratch(set_aside, scratch_of(ConvolutionPart::data, c), c.batch);
    parallel_for(c.batch, [&](int64_t n) {
        Scratch::Slot slot(scratch);
        double* matrix = reinterpret_cast<double*>(slot.get());
        std::fill_n(dx + n * c.groups * s.x_group, c.groups * s.x_group, 0.0);
        for (int64_t k = 0; k < c.groups; ++k) {
            gemm(DType::float64, true, false, s.rows, s.columns, s.filters, weight + k * s.w_group, s.rows,
                 g + (n * c.groups + k) * s.y_group, s.columns, matrix, s.columns);
            add_columns(axes, c.channels / c.groups, s.columns, matrix, dx + (n * c.groups + k) * s.x_group);
        }
    });
}

void transpose_weight(const Convolution& c, const double* g, const double* x, double* dweight, const Array& set_aside) {
    Axes axes(c);
    Sizes s(c);
    int64_t step = samples_per_task(ConvolutionPart::weight, c), tasks = tasks_of(ConvolutionPart::weight, c),
            weights = c.groups * s.w_group;
    Scratch scratch(set_aside, scratch_of(ConvolutionPart::weight, c), tasks);
    double* partial = reinterpret_cast<double*>(scratch.shared());
    parallel_for(tasks, [&](int64_t task) {
        Scratch::Slot slot(scratch);
        double *matrix = reinterpret_cast<double*>(slot.get()), *one = matrix + s.matrix();
        double* sum = partial + task * weights;
        std::fill_n(sum, weights, 0.0);
        for (int64_t n = task * step; n < std::min(c.batch, (task + 1) * step); ++n)
            for (int64_t k = 0; k < c.groups; ++k) {
                to_columns(axes, c.channels / c.groups, s.columns, x + (n * c.groups + k) * s.x_group, matrix);
                gemm(DType::float64, false, true, s.filters, s.rows, s.columns, g + (n * c.groups + k) * s.y_group,
                     s.columns, matrix, s.columns, one, s.rows);
                for (int64_t i = 0; i < s.w_group; ++i) sum[k * s.w_group + i] += one[i];
            }
    });
    std::copy_n(partial, weights, dweight);
    for (int64_t task = 1; task < tasks; ++task)
        for (int64_t i = 0; i < weights; ++i) dweight[i] += partial[task * weights + i];
}

}  // namespace

int64_t samples_per_task(ConvolutionPart part, const Convolution& c) {
    // Each task of the weights' transpose writes all of them (measured: with 64 tasks 1.2 times as long as with 16).
    int64_t most = part == ConvolutionPart::weight ? 16 : 64;
    int64_t channels = c.channels / c.groups;
    double work = double(c.filters) * double(channels) * double(c.kernel_size()) * double(c.out_size());
    return std::clamp<int64_t>(int64_t(2e6 / std::max(work, 1.0)), (c.batch + most - 1) / most,
                               std::max<int64_t>(c.batch, 1));
}

int64_t convolution_scratch(DType t, ConvolutionPart part, const Convolution& c, bool with_bias) {
    if (c.empty()) return 0;
    if (t == DType::float32) return dnnl_scratch(part, c, with_bias);
    return scratch_of(part, c).bytes(part == ConvolutionPart::weight ? tasks_of(ConvolutionPart::weight, c) : c.batch);
}

void convolve(DType t, const Convolution& c, const void* x, const void* weight, const void* bias, void* y,
              const Array& scratch) {
    if (t == DType::float32)
        return dnnl_convolve(c, static_cast<const float*>(x), static_cast<const float*>(weight),
                             static_cast<const float*>(bias), static_cast<float*>(y), scratch);
    forward(c, static_cast<const double*>(x), static_cast<const double*>(weight), static_cast<const double*>(bias),
            static_cast<double*>(y), scratch);
}

void convolve_transpose_data(DType t, const Convolution& c, const void* g, const void* weight, void* dx,
                             const Array& scratch) {
    if (t == DType::float32)
        return dnnl_convolve_transpose_data(c, static_cast<const float*>(g), static_cast<const float*>(weight),
                                            static_cast<float*>(dx), scratch);
    transpose_data(c, static_cast<const double*>(g), static_cast<const double*>(weight), static_cast<double*>(dx),
                   scratch);
}

void convolve_transpose_weight(DType t, const Convolution& c, const void* g, const void* x, void* dweight,
                               const Array& scratch) {
    if (t == DType::float32)
        return dnnl_convolve_transpose_weight(c, static_cast<const float*>(g), static_cast<const float*>(x),
                                              static_cast<float*>(dweight), scratch);
    transpose_weight(c, static_cast<const double*>(g), static_cast<const double*>(x), static_cast<double*>(dweight),
                     scratch);
}

}  // namespace minpy
