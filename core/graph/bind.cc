#include "core/graph/bind.h"

namespace minpy {

BoundNode::BoundNode(const GraphNode& node) : node_(&node) {
    const Op& op = *node.op;
    for (size_t i = 0; i < op.params.size(); ++i) {
        if (op.params[i].kind == ParamKind::arrays) list_ = int(i);
        if (op.params[i].kind == ParamKind::array && places_.size() < int64_t(node.inputs.size()))
            places_.push_back(int16_t(i));
    }
}

Arrays BoundNode::call(std::span<const Array> inputs, const CallOptions& options) const {
    SmallVector<minpy_value, 16> args(node_->args.view().begin(), node_->args.view().end());
    if (list_ >= 0) args[list_] = to_value(inputs);
    else
        for (size_t i = 0; i < inputs.size(); ++i) args[places_[int64_t(i)]] = to_value(inputs[i]);
    Arrays out;
    try {
        out = invoke(*node_->op, ValuesView(args.data(), size_t(args.size())), options);
    } catch (Error& e) {
        if (e.argument.empty()) e.argument = node_->name;
        throw;
    }
    if (out.size() < node_->n_outputs)
        throw value_error("node '", node_->name, "' gave ", out.size(), " results, ", node_->n_outputs, " are needed");
    return out;
}

}  // namespace minpy
