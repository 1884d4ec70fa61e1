#include "core/cpu/pooling.h"

#include <algorithm>

#include "core/cpu/levels.h"
#include "core/cpu/pool.h"

namespace minpy {

MINPY_LEVEL_TABLE(PoolTable, pools)

namespace {

template <class T> const PoolLoops<T>& loops() {
    if constexpr (sizeof(T) == 4) return pools_table().of_float;
    else return pools_table().of_double;
}

template <class F> void for_planes(const Pooling& p, F&& plane) {
    int64_t step = std::max<int64_t>(1, 32768 / std::max<int64_t>(p.in_size, 1));
    parallel_for((p.planes + step - 1) / step, [&](int64_t task) {
        for (int64_t i = task * step; i < std::min(p.planes, (task + 1) * step); ++i) plane(i);
    });
}

}  // namespace

template <class T> void pool(const Pooling& p, const T* x, T* y) {
    for_planes(p, [&](int64_t i) { loops<T>().plane(p, x + i * p.in_size, y + i * p.out_size); });
}

template <class T> void pool_backward(const Pooling& p, const T* g, const T* x, const T* y, T* dx) {
    for_planes(p, [&](int64_t i) {
        int64_t in = i * p.in_size, out = i * p.out_size;
        loops<T>().backward(p, g + out, x + in, y + out, dx + in);
    });
}

template <class T> void pool_gather(const Pooling& p, const T* h, const T* x, const T* y, T* result) {
    for_planes(p, [&](int64_t i) {
        int64_t in = i * p.in_size, out = i * p.out_size;
        loops<T>().gather(p, h + in, x + in, y + out, result + out);
    });
}

#define MINPY_POOLING(T)                                                           \
    template void pool(const Pooling&, const T*, T*);                              \
    template void pool_backward(const Pooling&, const T*, const T*, const T*, T*); \
    template void pool_gather(const Pooling&, const T*, const T*, const T*, T*);
MINPY_POOLING(float)
MINPY_POOLING(double)

}  // namespace minpy
