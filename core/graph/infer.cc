#include "core/graph/infer.h"

#include <nlohmann/json.hpp>

#include "core/autograd/tape.h"
#include "core/graph/attributes.h"
#include "core/graph/bind.h"

namespace minpy {
namespace {

DimsView view(const Dims& d) { return {d.data(), size_t(d.size())}; }

// "(3, 4)" of a variable's __shape__; unknown where a size is 0 or it is no shape.
Shape hinted_shape(const GraphNode& n) {
    auto it = n.attributes.find("__shape__");
    if (it == n.attributes.end()) return {};
    Param p;
    p.name = "__shape__";
    p.kind = ParamKind::ints;
    Values v = attribute_value(it->second, p);
    Dims dims = ints_from(v[0]);
    for (int64_t d : dims)
        if (d <= 0) return {};
    checked_size(view(dims));
    return dims;
}

DType hinted_dtype(const GraphNode& n) {
    auto it = n.attributes.find("__dtype__");
    if (it == n.attributes.end()) return DType::none;
    constexpr DType kFlags[] = {DType::float32, DType::float64, DType::float16, DType::uint8,
                                DType::int32,   DType::int8,    DType::int64};
    if (it->second.size() == 1 && it->second[0] >= '0' && it->second[0] <= '6') return kFlags[it->second[0] - '0'];
    return dtype_from_name(it->second);
}

DType result_dtype(const GraphNode& n, DType from) {
    int i = n.op->param("dtype");
    if (i >= 0 && n.args[i].tag == MINPY_V_DTYPE) return DType(n.args[i].v.i);
    if (from == DType::none || !n.op->elementwise) return from;
    if (const Loop* loop = n.op->loops[int(from)]) return loop->types[n.op->n_in];
    return in(from, kBool | kInteger) ? DType::float64 : from;
}

}  // namespace

void NodeShapes::set(Shape& s, const Dims& dims, const char* what) {
    if (!s.known) {
        checked_size(view(dims));
        s = Shape(dims);
        changed = true;
    } else if (!(s.dims == dims)) {
        throw shape_error("an ", what, " has shape ", s.dims, " where ", dims, " is needed");
    }
}

void NodeShapes::all_same(size_t from, size_t to) {
    const Shape* found = out[0].known ? &out[0] : nullptr;
    for (size_t i = from; i < to && !found; ++i)
        if (in[i].known) found = &in[i];
    if (!found) return;
    Dims dims = found->dims;
    for (size_t i = from; i < to; ++i) set_in(i, dims);
    set_out(0, dims);
}

Inference::Inference(const std::vector<const GraphNode*>& nodes, const Known& known) {
    size_t entries = 0;
    for (const GraphNode* n : nodes) {
        first_[n] = entries;
        entries += size_t(n->n_outputs);
    }
    shapes_.resize(entries);
    dtypes_.resize(entries, DType::none);
    infer_dtypes(nodes, known);
    for (const GraphNode* n : nodes) {
        if (!n->is_variable()) continue;
        auto it = known.shapes.find(n->name);
        if (it == known.shapes.end()) {
            shapes_[first_[n]] = hinted_shape(*n);
            continue;
        }
        checked_size(view(it->second));
        shapes_[first_[n]] = Shape(it->second);
    }
    for (bool changed = true; changed;) {
        changed = false;
        for (const GraphNode* n : nodes) changed = visit(n) || changed;
        for (auto n = nodes.rbegin(); n != nodes.rend(); ++n) changed = visit(*n) || changed;
    }
}

void Inference::infer_dtypes(const std::vector<const GraphNode*>& nodes, const Known& known) {
    auto pass = [&] {
        for (const GraphNode* n : nodes) {
            size_t at = first_[n];
            if (n->is_variable()) {
                auto it = known.dtypes.find(n->name);
                if (dtypes_[at] == DType::none) dtypes_[at] = it != known.dtypes.end() ? it->second : hinted_dtype(*n);
                continue;
            }
            auto of_input = [&](size_t i) -> DType& {
                return dtypes_[this->at(n->inputs[i].node.get(), n->inputs[i].index)];
            };
            size_t lead = n->op->symbol ? size_t(n->op->symbol->dtype_from) : 0;
            DType common = lead < n->inputs.size() ? of_input(lead) : DType::none;
            bool own = lead != 0;  // the others have dtypes of their own
            for (size_t i = 0; i < n->inputs.size() && !own; ++i) {
                DType t = of_input(i);
                if (common == DType::none) common = t;
                else if (t != DType::none && !n->op->symbol) common = promote(common, t);
            }
            if (common == DType::none) continue;
            for (size_t i = 0; i < n->inputs.size() && !own; ++i)
                if (of_input(i) == DType::none) of_input(i) = common;
            for (int i = 0; i < n->n_outputs; ++i)
                if (dtypes_[at + size_t(i)] == DType::none) dtypes_[at + size_t(i)] = result_dtype(*n, common);
        }
    };
    pass();
    pass();
    for (const GraphNode* n : nodes)
        if (n->is_variable() && dtypes_[first_[n]] == DType::none) dtypes_[first_[n]] = DType::float32;
    pass();
}

// What an operator without a rule makes of zeros: windows of one element, so that operands need no memory.
void Inference::run_on_zeros(const GraphNode* node, NodeShapes& s) {
    Arrays operands;
    for (size_t i = 0; i < s.in.size(); ++i) {
        const Entry& e = node->inputs[i];
        operands.push_back(broadcast_window(full_scalar(0, dtypes_[at(e.node.get(), e.index)]), view(s.in[i].dims)));
    }
    Context context;
    context.tape = {};
    context.device = kCpu;
    CallOptions options;
    options.context = &context;
    BoundNode bound(*node);
    Arrays out = bound.call({operands.data(), size_t(operands.size())}, options);
    for (int i = 0; i < node->n_outputs; ++i) {
        s.set_out(size_t(i), out[i].dims());
        dtypes_[first_[node] + size_t(i)] = out[i].dtype();
    }
}

bool Inference::visit(const GraphNode* node) {
    if (node->is_variable()) return false;
    NodeShapes s{*node->op, node->args.view(), {}, {}};
    bool all_in = true;
    for (const Entry& e : node->inputs) {
        s.in.push_back(shape(e.node.get(), e.index));
        all_in = all_in && s.in.back().known;
    }
    bool all_out = true;
    for (int i = 0; i < node->n_outputs; ++i) {
        s.out.push_back(shape(node, i));
        all_out = all_out && s.out.back().known;
    }
    bool rule = node->op->symbol && node->op->symbol->infer;
    if (!rule && (all_out || !all_in)) return false;
    try {
        if (rule) {
            node->op->symbol->infer(s);
        } else if (node->op->elementwise) {
            SmallVector<DimsView, 4> shapes;
            for (const Shape& in : s.in) shapes.push_back(view(in.dims));
            s.set_out(0, broadcast_shapes({shapes.data(), size_t(shapes.size())}));
        } else {
            run_on_zeros(node, s);
        }
    } catch (Error& e) {
        if (e.op.empty()) e.op = node->op_name;
        std::string known;
        for (size_t i = 0; i < node->inputs.size(); ++i) {
            const Entry& in = node->inputs[i];
            const Shape& given = shape(in.node.get(), in.index);
            known += cat(i ? ", " : "", in.node->output_name(in.index), " ",
                         given.known ? to_string(view(given.dims)) : "unknown");
        }
        e.text += cat("; node '", node->name, "' with ", known);
        throw;
    }
    if (!s.changed) return false;
    for (size_t i = 0; i < s.in.size(); ++i) shapes_[at(node->inputs[i].node.get(), node->inputs[i].index)] = s.in[i];
    for (int i = 0; i < node->n_outputs; ++i) shapes_[at(node, i)] = s.out[size_t(i)];
    return true;
}

}  // namespace minpy
