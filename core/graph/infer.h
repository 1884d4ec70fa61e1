// Shapes and dtypes of every result in a graph, from those of some: forwards and backwards until nothing more follows.
#pragma once
#include <unordered_map>

#include "core/graph/symbol.h"

namespace minpy {

struct Known {
    std::map<std::string, Dims> shapes;  // by the names of variables
    std::map<std::string, DType> dtypes;
};

class Inference {
public:
    // Throws where shapes contradict each other.
    Inference(const std::vector<const GraphNode*>& nodes, const Known& known);
    const Shape& shape(const GraphNode* node, int output = 0) const { return shapes_[at(node, output)]; }
    DType dtype(const GraphNode* node, int output = 0) const { return dtypes_[at(node, output)]; }

private:
    size_t at(const GraphNode* node, int output) const { return first_.at(node) + size_t(output); }
    void infer_dtypes(const std::vector<const GraphNode*>& nodes, const Known& known);
    bool visit(const GraphNode* node);
    void run_on_zeros(const GraphNode* node, NodeShapes& s);
    std::unordered_map<const GraphNode*, size_t> first_;
    std::vector<Shape> shapes_;
    std::vector<DType> dtypes_;
};

}  // namespace minpy
