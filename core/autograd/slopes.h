// Derivatives of operators of one operand that are steps of other operators (Op::slope): where everything is small, they
// are taken without arrays in between.
#pragma once
#include "core/autograd/node.h"

namespace minpy {

// For a sweep over what `tape` recorded, which pauses meanwhile: whether its cotangents are followed by no other tape, and
// nobody watches the calls.
bool may_take_slopes(const TapeTag& tape, const Context& context);
// The cotangent of a node's operand, or null where the rule has to be asked. `g` may be used up.
Array scale_by_slope(const Node& node, Array& g, bool use_up);

}  // namespace minpy
