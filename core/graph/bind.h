// A node ready to be called: its operator, attributes, and where its inputs go among the arguments.
#pragma once
#include "core/graph/symbol.h"

namespace minpy {

class BoundNode {
public:
    explicit BoundNode(const GraphNode& node);
    // Results are at least as many as the node's outputs.
    Arrays call(std::span<const Array> inputs, const CallOptions& options) const;

private:
    const GraphNode* node_;
    SmallVector<int16_t, 8> places_;  // positions of the inputs in the schema
    int list_ = -1;                   // or of the list that takes them all
};

}  // namespace minpy
