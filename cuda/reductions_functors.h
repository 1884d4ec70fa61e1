// core/ops/reductions.h, compiled for the device.
#pragma once
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <vector>

#include "cuda/reductions.h"

namespace minpy::cuda::reductions {
#include "core/ops/math.h"
// The vocabulary first.
#include "core/ops/reductions.h"
}  // namespace minpy::cuda::reductions

namespace minpy::cuda {

// All kernels; launch.operator()<F, In, T, Out>() gives the launch of one.
template <class V> std::vector<ReduceKernel> reduction_table(V&& launch) {
    std::vector<ReduceKernel> out;
    auto add = [&]<class F>(const char* name) {
        each_reduction<F>([&]<class In, class T, class Out>() {
            out.push_back({name, dtype_of<In>, dtype_of<Out>, launch.template operator()<F, In, T, Out>()});
        });
    };
    add.template operator()<reductions::Sum>("Sum");
    add.template operator()<reductions::Prod>("Prod");
    add.template operator()<reductions::Max>("Max");
    add.template operator()<reductions::Min>("Min");
    return out;
}

}  // namespace minpy::cuda
