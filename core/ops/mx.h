// What the rows of MXNet's layers share.
#pragma once
#include "core/graph/traits.h"
#include "core/ops/calls.h"

namespace minpy {

inline DimsView view(const Dims& d) { return {d.data(), size_t(d.size())}; }

// What graphs know of shapes: the result's is the data's; all inputs have the same.
inline const SymbolTraits kSame{nullptr, 0, nullptr, [](NodeShapes& n) { n.all_same(0, 1); }};
inline void all_the_same(NodeShapes& n) { n.all_same(0, n.in.size()); }

}  // namespace minpy
