// Reads an operator's signature, "sum(a, axis: axes = None, keepdims: bool = False)", into its schema.
#pragma once
#include "core/registry/op.h"

namespace minpy {

// Sets name, signature (as Python shows it, without kinds) and params. Throws a ValueError that quotes what is wrong.
void parse_signature(std::string_view text, Op& op);

}  // namespace minpy
