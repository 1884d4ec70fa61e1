#include "core/autograd/rules.h"

#include "core/autograd/node.h"
#include "core/ops/calls.h"

namespace minpy {
namespace {

Array saved_in(const Node& node, int64_t i) {
    if (i >= node.saved_in.size())
        throw Error(MINPY_E_UNKNOWN, "RuntimeError", "the derivative reads an operand that its row does not save");
    return node.saved_in[i].get();
}

// The saved array as a value that gradients of gradients can follow.
Array in_value(const Node& node, int64_t i) {
    Array a = saved_in(node, i);
    const Traced& e = node.edges[i];
    if (!a || (!e.node && !a.get()->node && !a.storage().has(Storage::kTraced))) return a;
    if (a.get()->node == e.node.get() && a.get()->node_output == e.output) return a;
    return with_node(a, e.node.get(), e.output);
}

Array out_value(const Node& node, int i) {
    if (i >= node.saved_out.size())
        throw Error(MINPY_E_UNKNOWN, "RuntimeError", "the derivative reads a result that its row does not save");
    return with_node(node.saved_out[i].get(), const_cast<Node*>(&node), i);
}

}  // namespace

Array Partial::in(int i) const { return in_value(node, i); }
Array Partial::out(int i) const { return out_value(node, i); }
const minpy_value& Partial::arg(int i) const { return node.args[i]; }

Array Reverse::in(int64_t i) const { return in_value(node, i); }
Array Reverse::out(int i) const { return out_value(node, i); }
int64_t Reverse::n_in() const { return node.in_meta.size(); }
Dims Reverse::in_shape(int64_t i) const { return node.in_meta[i].shape; }
DType Reverse::in_dtype(int64_t i) const { return node.in_meta[i].dtype; }
Device Reverse::in_device(int64_t i) const { return node.in_meta[i].device; }
Dims Reverse::out_shape(int i) const { return node.out_meta[i].shape; }
DType Reverse::out_dtype(int i) const { return node.out_meta[i].dtype; }
const minpy_value& Reverse::arg(int i) const { return node.args[i]; }

Dims Reverse::ints(int i) const { return ints_from(arg(i)); }

Dims Reverse::axes(int i, int64_t ndim) const { return axes_from(arg(i), ndim); }

Array Reverse::g(int i) const {
    if (cotangents[size_t(i)]) return cotangents[size_t(i)];
    return ops::zeros(out_shape(i), out_dtype(i), node.device);
}

bool Reverse::needs(int64_t i) const { return bool(node.edges[i].node); }

void Reverse::set(int64_t i, Array cotangent) {
    if (cotangent.dtype() != in_dtype(i)) cotangent = ops::cast_gradient(cotangent, in_dtype(i));
    results[size_t(i)] = std::move(cotangent);
}

}  // namespace minpy
