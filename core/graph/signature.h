// What a plan is made for: shapes, dtypes and layouts of arguments, and which of them share memory.
#pragma once
#include <vector>

#include "core/registry/call.h"

namespace minpy {

using Signature = std::vector<int64_t>;

// False if one is on a device: there are no plans for it.
bool add_to_signature(Signature& key, std::span<const Array> arrays);

}  // namespace minpy
