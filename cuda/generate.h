// Source text of kernels that are compiled at run time by NVRTC: the family headers as they lie in the source tree, behind
// a prelude that stands in for the standard headers.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/array/dtype.h"

namespace minpy::cuda {

// The text of a header of the source tree ("core/ops/math.h"), embedded by the build; empty if it is none.
std::string_view header_text(std::string_view path);

// C++ of one kernel `name`(out, in..., n) over contiguous operands: out = functor(in...), in `type` throughout (conditions
// are bool, short floats are computed with in float).
std::string elementwise_source(const std::string& name, const std::string& family, const std::string& functor,
                               const std::vector<DType>& in, DType out);

}  // namespace minpy::cuda
