// NumPy's npy format, versions 1 to 3 in, version 1 out. No pickle: arrays of objects are an error.
// Format: numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#pragma once
#include <string>
#include <string_view>

#include "core/array/array.h"

namespace minpy {

std::string encode_npy(const Array& a);  // on the CPU
Array decode_npy(std::string_view bytes);

}  // namespace minpy
