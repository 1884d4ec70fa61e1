// Numbers from the environment (docs/settings.md).
#pragma once
#include <cstdint>

namespace minpy {

// The variable's value; `otherwise` where it is not set, and, with a line in the log, where it is no integer in [low, high].
int64_t number_setting(const char* name, int64_t low, int64_t high, int64_t otherwise);

}  // namespace minpy
