// What graphs want to know about an operator beyond its schema: a field of its row (RowBuilder::symbol). Rows without it
// take a node's inputs in the order of their array parameters, and tell shapes by being run.
#pragma once
#include <string>
#include <vector>

#include "core/registry/op.h"

namespace minpy {

// A shape that may not be known yet.
struct Shape {
    bool known = false;
    Dims dims;
    Shape() = default;
    Shape(Dims d) : known(true), dims(std::move(d)) {}
};

// One node while shapes are inferred. Rules state what follows from what is known; a contradiction is an error.
struct NodeShapes {
    const Op& op;
    ValuesView args;        // attributes by position in the schema
    std::vector<Shape> in;  // inputs and auxiliary states
    std::vector<Shape> out;
    bool changed = false;

    const minpy_value& arg(const char* name) const { return args[size_t(op.param(name))]; }
    const Dims& shape(size_t i) const { return in[i].dims; }
    bool known(size_t i) const { return i < in.size() && in[i].known; }
    void set_in(size_t i, const Dims& dims) {
        if (i < in.size()) set(in[i], dims, "input");
    }
    void set_out(size_t i, const Dims& dims) { set(out[i], dims, "output"); }
    // Inputs [from, to) and the first output are of one shape.
    void all_same(size_t from, size_t to);

private:
    void set(Shape& s, const Dims& dims, const char* what);
};

struct SymbolTraits {
    // Names of the inputs, given the attributes; null: of the array parameters that are not optional.
    std::vector<std::string> (*inputs)(const Op& op, ValuesView args) = nullptr;
    int n_aux = 0;                                              // the last inputs are auxiliary states
    int (*n_outputs)(const Op& op, ValuesView args) = nullptr;  // null: as the row says, at least one
    void (*infer)(NodeShapes& node) = nullptr;
    int dtype_from = 0;  // the input whose dtype the others and the result take
};

}  // namespace minpy
