// core/ops/reductions.h, compiled for the device.
#pragma once
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "cuda/reductions.h"

namespace minpy::cuda::reductions {
#include "core/ops/math.h"
// The vocabulary first.
#include "core/ops/reductions.h"
}  // namespace minpy::cuda::reductions
