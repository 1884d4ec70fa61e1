// Pooling over one to three spatial axes, forwards and backwards: windows of one plane after the other. Equal maxima share
// a cotangent and averages count padding, as on the CPU, which cuDNN's do not; so these are our own.
#pragma once
#include <cmath>

#include "cuda/layout.h"

namespace minpy::cuda {

enum class Pool : int32_t { max, avg, sum };
enum class PoolStep : int32_t { forward, backward, gather };

struct PoolArgs {
    Pool type;
    int32_t in[3] = {1, 1, 1}, kernel[3] = {1, 1, 1}, out[3] = {1, 1, 1}, stride[3] = {1, 1, 1}, pad[3] = {0, 0, 0};
    int64_t in_size = 1, out_size = 1, size;  // of a plane; all elements that are written
    const void *moved, *x, *y;                // the data; backwards the cotangent, data and result
    void* to;
};

// One window, clipped to the data.
template <class T> struct Window {
    int32_t low[3], high[3];
    T weight;
    MINPY_HD Window(const PoolArgs& a, const int32_t* o) {
        double area = 1;
        for (int k = 0; k < 3; ++k) {
            int32_t from = o[k] * a.stride[k] - a.pad[k], to = from + a.kernel[k], end = a.in[k] + a.pad[k];
            to = to < end ? to : end;
            area *= to - from;  // the average counts padding, as MXNet's does
            low[k] = from < 0 ? 0 : from;
            high[k] = to < a.in[k] ? to : a.in[k];
        }
        weight = T(a.type == Pool::avg ? 1.0 / area : 1.0);
    }
    template <class F> MINPY_HD void each(const PoolArgs& a, F&& f) const {
        for (int32_t i = low[0]; i < high[0]; ++i)
            for (int32_t j = low[1]; j < high[1]; ++j)
                for (int32_t k = low[2]; k < high[2]; ++k) f((int64_t(i) * a.in[1] + j) * a.in[2] + k);
    }
};

template <class S> struct Pooling {  // S: as stored
    using T = Computed<S>;
    static MINPY_HD T get(const void* p, int64_t i) { return load<S>(static_cast<const S*>(p) + i); }

    static MINPY_HD T share(const PoolArgs& a, const Window<T>& w, int64_t plane, T best) {
        if (a.type != Pool::max) return w.weight;
        int64_t n = 0;
        w.each(a, [&](int64_t i) { n += get(a.x, plane * a.in_size + i) == best; });
        return n ? T(1) / T(n) : T(0);
    }
    static MINPY_HD T forward(const PoolArgs& a, const Window<T>& w, int64_t plane) {
        T sum = 0, most = T(-HUGE_VAL);
        w.each(a, [&](int64_t i) {
            T v = get(a.moved, plane * a.in_size + i);
            most = v > most || v != v ? v : most;
            sum += v;
        });
        return a.type == Pool::max ? most : T(sum * w.weight);
    }
    static MINPY_HD T gather(const PoolArgs& a, const Window<T>& w, int64_t plane, int64_t at) {
        T sum = 0, best = get(a.y, at);
        w.each(a, [&](int64_t i) {
            bool counts = a.type != Pool::max || get(a.x, plane * a.in_size + i) == best;
            sum += counts ? get(a.moved, plane * a.in_size + i) : T(0);
        });
        return sum * share(a, w, plane, best);
    }
    // What the windows that contain element `at` of a plane give it.
    static MINPY_HD T backward(const PoolArgs& a, int64_t plane, const int32_t* at, T x) {
        int32_t low[3], high[3], o[3];
        for (int k = 0; k < 3; ++k) {
            int32_t first = at[k] + a.pad[k] - a.kernel[k] + 1, last = (at[k] + a.pad[k]) / a.stride[k];
            low[k] = first <= 0 ? 0 : (first + a.stride[k] - 1) / a.stride[k];
            high[k] = last < a.out[k] - 1 ? last : a.out[k] - 1;
        }
        T sum = 0;
        for (o[0] = low[0]; o[0] <= high[0]; ++o[0])
            for (o[1] = low[1]; o[1] <= high[1]; ++o[1])
                for (o[2] = low[2]; o[2] <= high[2]; ++o[2]) {
                    int64_t i = plane * a.out_size + (int64_t(o[0]) * a.out[1] + o[1]) * a.out[2] + o[2];
                    T best = a.type == Pool::max ? get(a.y, i) : T(0);
                    if (a.type == Pool::max && x != best) continue;
                    sum += share(a, Window<T>(a, o), plane, best) * get(a.moved, i);
                }
        return sum;
    }
    template <PoolStep step> static MINPY_HD void run(const PoolArgs& a, Grid grid) {
        constexpr bool inwards = step == PoolStep::backward;
        const int32_t* shape = inwards ? a.in : a.out;
        int64_t per = inwards ? a.in_size : a.out_size;
        for (int64_t i = int64_t(grid.index); i < a.size; i += int64_t(grid.threads)) {
            int64_t plane = i / per;
            int32_t rest = int32_t(i - plane * per);
            int32_t at[3] = {rest / (shape[1] * shape[2]), rest / shape[2] % shape[1], rest % shape[2]};
            T result;
            if constexpr (step == PoolStep::forward) result = forward(a, Window<T>(a, at), plane);
            else if constexpr (step == PoolStep::gather) result = gather(a, Window<T>(a, at), plane, i);
            else result = backward(a, plane, at, a.type == Pool::max ? get(a.x, i) : T(0));
            store<S>(static_cast<S*>(a.to) + i, result);
        }
    }
};

using PoolFn = void (*)(const PoolArgs& args, unsigned blocks, unsigned threads, void* stream);
PoolFn pool_kernel(PoolStep step, DType t);  // null: none

// The choice of pool_kernel, from a template `launch<S, step>` of the includer.
#define MINPY_POOL_STEPS(launch, S)                              \
    step == PoolStep::forward    ? launch<S, PoolStep::forward>  \
    : step == PoolStep::backward ? launch<S, PoolStep::backward> \
                                 : launch<S, PoolStep::gather>
#define MINPY_POOL_TABLE(launch)                                          \
    PoolFn pool_kernel(PoolStep step, DType t) {                          \
        switch (t) {                                                      \
            case DType::float16: return MINPY_POOL_STEPS(launch, half);   \
            case DType::bfloat16: return MINPY_POOL_STEPS(launch, bhalf); \
            case DType::float32: return MINPY_POOL_STEPS(launch, float);  \
            case DType::float64: return MINPY_POOL_STEPS(launch, double); \
            default: return nullptr;                                      \
        }                                                                 \
    }

}  // namespace minpy::cuda
