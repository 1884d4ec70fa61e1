#include "core/autograd/rules.h"

#include "core/autograd/between.h"
#include "core/autograd/node.h"
#include "core/ops/calls.h"

namespace minpy {
namespace {

Dims to_dims(DimsView shape) { return Dims(shape.begin(), shape.end()); }

const Array& saved_in(const Node& node, int64_t i) {
    if (size_t(i) >= node.saved_in().size())
        throw Error(MINPY_E_UNKNOWN, "RuntimeError", "the derivative reads an operand that its row does not save");
    return node.saved_in()[size_t(i)].get();
}

const Array& saved_out(const Node& node, int64_t i) {
    if (size_t(i) >= node.saved_out().size())
        throw Error(MINPY_E_UNKNOWN, "RuntimeError", "the derivative reads a result that its row does not save");
    return node.saved_out()[size_t(i)].get();
}

// The saved array as a value that gradients of gradients can follow, null where it is that itself.
Array alias_of_in(const Node& node, int64_t i, const Array& a) {
    if (!a) return {};
    const Traced& e = node.edges()[size_t(i)];
    const Node* own = a.get()->node;
    if (e.node && e.node->tape.records()) {
        if (own == e.node.get() && a.get()->node_output == e.output) return {};
        return with_node(a, e.node.get(), e.output);
    }
    if (own && own->tape.records()) return without_node(a);
    return {};
}

Array alias_of_out(const Node& node, int i, const Array& a) {
    if (!node.tape.records()) return {};
    return with_node(a, const_cast<Node*>(&node), i);
}

}  // namespace

const Array& Partial::in(int i) {
    const Array& a = saved_in(node, i);
    Array alias = alias_of_in(node, i, a);
    if (!alias) return a;
    if (made.size() <= i) made.resize(node.n_in + 1);
    return made[i] = std::move(alias);
}

const Array& Partial::out() {
    const Array& a = saved_out(node, 0);
    Array alias = alias_of_out(node, 0, a);
    if (!alias) return a;
    if (made.size() <= node.n_in) made.resize(node.n_in + 1);
    return made[node.n_in] = std::move(alias);
}

const minpy_value& Partial::arg(int i) const { return node.args[i]; }

Array Reverse::in(int64_t i) const {
    const Array& a = saved_in(node, i);
    if (Array alias = alias_of_in(node, i, a)) return alias;
    return a;
}

Array Reverse::out(int i) const {
    const Array& a = saved_out(node, i);
    if (Array alias = alias_of_out(node, i, a)) return alias;
    return a;
}

int64_t Reverse::n_in() const { return node.n_in; }
Dims Reverse::in_shape(int64_t i) const { return to_dims(node.in_meta()[size_t(i)].shape); }
DType Reverse::in_dtype(int64_t i) const { return node.in_meta()[size_t(i)].dtype; }
Device Reverse::in_device(int64_t i) const { return node.in_meta()[size_t(i)].device; }
Dims Reverse::out_shape(int i) const { return to_dims(node.out_meta()[size_t(i)].shape); }
DType Reverse::out_dtype(int i) const { return node.out_meta()[size_t(i)].dtype; }
const minpy_value& Reverse::arg(int i) const { return node.args[i]; }

Dims Reverse::ints(int i) const { return ints_from(arg(i)); }

Dims Reverse::axes(int i, int64_t ndim) const { return axes_from(arg(i), ndim); }

Array Reverse::g(int i) const {
    if (cotangents[size_t(i)]) return cotangents[size_t(i)];
    return ops::zeros(out_shape(i), out_dtype(i), node.device);
}

bool Reverse::needs(int64_t i) const { return bool(node.edges()[size_t(i)].node); }

Array* Reverse::sum_so_far(int64_t i) const {
    const Traced& edge = node.edges()[size_t(i)];
    Between::Entry* to = between ? between->find(edge.node.get()) : nullptr;
    Array* sum = to ? &to->slot(edge.output) : nullptr;
    return sum && *sum ? sum : nullptr;
}

void Reverse::set(int64_t i, Array cotangent) {
    if (cotangent.dtype() != in_dtype(i)) cotangent = ops::cast_gradient(cotangent, in_dtype(i));
    results[size_t(i)] = std::move(cotangent);
}

}  // namespace minpy
