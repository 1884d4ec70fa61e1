// Sums and what is like them: values gathered over axes.
#include "core/autograd/rules.h"
#include "core/ops/calls.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {

DimsView view(const Dims& d) { return {d.data(), size_t(d.size())}; }

// The operand as kept axes followed by reduced ones, and the shape of the result.
struct Reduction {
    Dims axes, kept_shape, reduced_shape, result;
    Array ordered;
    Reduction(const Array& a, const Dims& axes_in, bool keepdims) : axes(axes_in) {
        Dims shape, strides, tail_strides;
        for (int64_t i = 0; i < a.ndim(); ++i) {
            bool gone = std::find(axes.begin(), axes.end(), i) != axes.end();
            (gone ? reduced_shape : kept_shape).push_back(a.dim(i));
            (gone ? tail_strides : strides).push_back(a.strides()[size_t(i)]);
            if (!gone || keepdims) result.push_back(gone ? 1 : a.dim(i));
        }
        shape = kept_shape;
        for (int64_t i = 0; i < reduced_shape.size(); ++i) {
            shape.push_back(reduced_shape[i]);
            strides.push_back(tail_strides[i]);
        }
        ordered = window(a, 0, view(shape), view(strides));
    }
};

DType sum_dtype(DType t) {
    if (in(t, kUnsigned)) return DType::uint64;
    return in(t, kBool | kSigned) ? DType::int64 : t;
}

// Blocks of 1,024 elements, added in a fixed binary tree whatever the layout and the number of threads.
template <class T>
T block_sum(const T* x, int64_t n) {
    T lanes[8] = {};
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int k = 0; k < 8; ++k) lanes[k] += x[i + k];
    for (; i < n; ++i) lanes[i & 7] += x[i];
    return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}
template <class T>
T tree_sum(const T* x, int64_t n) {
    if (n <= 1024) return block_sum(x, n);
    int64_t blocks = (n + 1023) / 1024, half = (blocks + 1) / 2 * 1024;
    return tree_sum(x, half) + tree_sum(x + half, n - half);
}

template <class T>
float to_float(T x) {
    if constexpr (is_complex<T>)
        return float(x.re);
    else
        return float(x);
}

void sum_kernel(Call& c) {
    Reduction r(c.in[0], c.axes(1, c.in[0].ndim()), c.flag(3));
    Array a = c.in[0].dtype() == c.out[0].dtype() || in(c.out[0].dtype(), kShortFloat) ? r.ordered : copy_of(r.ordered, c.out[0].dtype());
    DType t = c.out[0].dtype();
    if (in(t, kShortFloat)) a = copy_of(a, DType::float32);
    a = contiguous(a);
    int64_t rows = size_of(view(r.kept_shape)), n = size_of(view(r.reduced_shape));
    for_dtype<kFloat | kComplex | bit(DType::int64) | bit(DType::uint64) | kInteger>(a.dtype(), [&]<class T> {
        for (int64_t i = 0; i < rows; ++i) {
            T s = tree_sum(a.raw_as<T>() + i * n, n);
            if (in(t, kShortFloat)) {
                if (t == DType::float16)
                    c.out[0].raw_as<half>()[i] = half(to_float(s));
                else
                    c.out[0].raw_as<bhalf>()[i] = bhalf(to_float(s));
            } else {
                c.out[0].raw_as<T>()[i] = s;
            }
        }
    });
}

}  // namespace

void register_reductions(Registry& r) {
    r.op("sum(a, axis: axes = None, dtype: dtype = None, keepdims: bool = False)")
        .infer([](Call& c) {
            Reduction reduction(c.in[0], c.axes(1, c.in[0].ndim()), c.flag(3));
            c.output(view(reduction.result), c.dtype(2, sum_dtype(c.in[0].dtype())));
        })
        .kernel(sum_kernel)
        .linear([](Reverse& c) {
            Dims shape = c.in_shape(0);
            Array g = c.g();
            if (!c.flag(3)) {
                Dims kept = shape;
                for (int64_t axis : c.axes(1, shape.size())) kept[axis] = 1;
                g = ops::reshape(g, view(kept));
            }
            c.set(0, ops::broadcast_to(g, view(shape)));
        })
        .scalar_result()
        .sample("f64(2,3)")
        .sample("f64(2,3,4), axis=(0,2), keepdims=True")
        .c_function("a axis keepdims")
        .doc("Sum of the elements over the given axes; bools and short integers sum in 64 bits.");
}

}  // namespace minpy
