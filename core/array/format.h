// Arrays as text, as NumPy's str() has it.
#pragma once
#include "core/array/array.h"

namespace minpy {

std::string format_array(const Array& a);  // on the CPU

}  // namespace minpy
