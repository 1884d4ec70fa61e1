// Element-wise kernels of one family: included inside the family's namespace, after core/ops/math.h and before the
// family's header, whose last line makes the table of kernels.
#include "core/ops/functors.h"

// What a functor is given of a stored T: short floats as float, but where it has an own idea of them.
template <class F, class T> using Taken = std::conditional_t<in(dtype_of<T>, F::kTypes), T, Computed<T>>;

// What one thread does: the elements index, index + threads, ...
template <class F, class R, class... In> struct Elementwise {
    static constexpr int kInputs = int(sizeof...(In));
    MINPY_HD static void run(const ElementwiseArgs& a, Grid grid) {
        for (uint64_t i = grid.index; i < uint64_t(a.layout.size); i += grid.threads) {
            int64_t at[kInputs + 1];
            a.layout.locate(i, at);
            int k = 0;
            const char* p[] = {a.data[k++] + sizeof(In) * 0 ...};
            for (k = 0; k < kInputs; ++k) p[k] += at[k];
            k = 0;
            apply(p, a.data[kInputs] + at[kInputs], std::make_integer_sequence<int, kInputs>());
        }
    }
    template <int... K> MINPY_HD static void apply(const char* const* p, char* to, std::integer_sequence<int, K...>) {
        *reinterpret_cast<R*>(to) = R(F{}(Taken<F, In>(*reinterpret_cast<const In*>(p[K]))...));
    }
};

#if defined(__CUDACC__)
template <class F, class R, class... In> __global__ void elementwise_kernel(const __grid_constant__ ElementwiseArgs a) {
    Elementwise<F, R, In...>::run(a,
                                  {blockIdx.x * uint64_t(blockDim.x) + threadIdx.x, gridDim.x * uint64_t(blockDim.x)});
}
template <class F, class R, class... In>
void launch(const ElementwiseArgs& a, unsigned blocks, unsigned threads, void* stream) {
    elementwise_kernel<F, R, In...><<<blocks, threads, 0, static_cast<cudaStream_t>(stream)>>>(a);
}
#else
// The emulated grid: every thread in turn.
template <class F, class R, class... In>
void launch(const ElementwiseArgs& a, unsigned blocks, unsigned threads, void*) {
    uint64_t n = uint64_t(blocks) * threads;
    for (uint64_t i = 0; i < n; ++i) Elementwise<F, R, In...>::run(a, {i, n});
}
#endif

struct KernelTable {
    std::vector<ElementwiseKernel>& out;

    template <class F> void all(const char* name) {
        each_signature<F>([&]<class R, class... In>(uint8_t) {
            if constexpr ((in(dtype_of<In>, kDeviceTypes) && ...)) add<F, R, In...>(name);
            // Where float32 is taken, short floats are too, in float32.
            if constexpr ((std::is_same_v<In, float> || ...) && !in(DType::float16, F::kTypes)) {
                add<F, narrowed<half, R>, narrowed<half, In>...>(name);
                add<F, narrowed<bhalf, R>, narrowed<bhalf, In>...>(name);
            }
        });
    }
    template <class F, class R, class... In> void add(const char* name) {
        out.push_back({name, int(sizeof...(In)), {dtype_of<In>..., dtype_of<R>}, launch<F, R, In...>});
    }
    template <class Short, class T> using narrowed = std::conditional_t<std::is_same_v<T, float>, Short, T>;
};

#define MINPY_FUNCTORS(...)                                  \
    inline void build(std::vector<ElementwiseKernel>& out) { \
        KernelTable table{out};                              \
        MINPY_FOR_EACH(MINPY_ADD_FUNCTOR, __VA_ARGS__)       \
    }
#define MINPY_ADD_FUNCTOR(f) table.all<f>(#f);
