// The two sweeps over recorded nodes.
#pragma once
#include "core/autograd/node.h"

namespace minpy {

// Cotangents of the targets from cotangents of the heads; null where nothing arrives. `arrays` are the heads' own.
// What `freed` recorded is freed on the way, unless an array other than these or a node that was not met holds it.
std::vector<Array> reverse_sweep(std::span<const Array> arrays, std::span<const Traced> heads,
                                 std::vector<Array> cotangents, std::span<const Traced> targets, const TapeTag& freed);
// Tangents of `heads` from tangents of `sources`; null where nothing arrives.
std::vector<Array> forward_sweep(std::span<const Traced> sources, std::span<const Array> tangents,
                                 std::span<const Traced> heads, Context& context);

}  // namespace minpy
