// What derivative rules see. A Value is an Array: rules are written in terms of operators, so gradients of gradients are
// recorded like anything else.
#pragma once
#include "core/registry/call.h"

namespace minpy {

class Node;
class Between;

// For an element-wise operator's partial derivative.
struct Partial {
    const Node& node;
    const Array& in(int i);
    const Array& out();
    const minpy_value& arg(int i) const;  // by position in the schema

    SmallVector<Array, 2> made = {};  // aliases of what was saved, where gradients of gradients follow it
};

// For a reverse rule: cotangents of the outputs in, cotangents of the operands out.
struct Reverse {
    const Node& node;
    std::span<const Array> cotangents;  // null where nothing depends on that output
    std::span<Array> results;
    Between* between = nullptr;  // in a sweep

    Array in(int64_t i) const;  // a saved operand (null for NONE)
    Array out(int i = 0) const;
    int64_t n_in() const;
    Dims in_shape(int64_t i) const;
    DType in_dtype(int64_t i) const;
    Device in_device(int64_t i) const;
    Dims out_shape(int i = 0) const;
    DType out_dtype(int i = 0) const;
    const minpy_value& arg(int i) const;  // attribute by position in the schema
    bool is_none(int i) const { return arg(i).tag == MINPY_V_NONE; }
    bool flag(int i) const { return int_of(arg(i)) != 0; }
    int64_t integer(int i) const { return int_of(arg(i)); }
    Dims ints(int i) const;
    Dims axes(int i, int64_t ndim) const;
    Array g(int i = 0) const;  // cotangent of output i; zeros where there is none
    bool has_g(int i) const { return bool(cotangents[i]); }
    bool needs(int64_t i) const;           // operand i is recorded and of a differentiable dtype
    void set(int64_t i, Array cotangent);  // dtype is cast to the operand's
    // What operand i has from others already, null where there is nothing: a rule may add to it instead of setting a result.
    Array* sum_so_far(int64_t i) const;
};

}  // namespace minpy
