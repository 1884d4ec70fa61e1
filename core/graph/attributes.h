// Attributes of graph nodes: MXNet's strings to values by the schema, and JSON to MXNet's strings.
#pragma once
#include "core/registry/op.h"

namespace minpy {

// "(3, 3)", "True", "1e-3", "None", "float32": one value of the parameter's kind, or an error that names it.
Values attribute_value(const std::string& text, const Param& p);

}  // namespace minpy
