// The two sweeps over recorded nodes. They touch only what lies between their ends: nodes are numbered in order of
// recording, so what is older than every target is never visited.
#pragma once
#include "core/autograd/node.h"

namespace minpy {

// Cotangents of `targets` from cotangents of `heads`; null where nothing arrives. `release` frees saved arrays on the way.
std::vector<Array> reverse_sweep(std::span<const Traced> heads, std::span<const Array> cotangents,
                                 std::span<const Traced> targets, bool release);
// Tangents of `heads` from tangents of `sources`; null where nothing arrives.
std::vector<Array> forward_sweep(std::span<const Traced> sources, std::span<const Array> tangents,
                                 std::span<const Traced> heads, Context& context);

}  // namespace minpy
