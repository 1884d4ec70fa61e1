#include "core/autograd/sweep.h"

#include <algorithm>

#include "core/autograd/between.h"
#include "core/autograd/slopes.h"
#include "core/autograd/tape.h"
#include "core/ops/calls.h"
#include "core/registry/dispatch.h"

namespace minpy {
namespace {

[[noreturn]] void no_derivative(const Op& op) {
    Error e = unsupported("the derivative of ", op.name, " is not defined",
                          op.why_not.empty() ? std::string() : ": " + op.why_not);
    e.op = op.name;
    throw e;
}

// Cotangents of a node's operands. `cotangents` may be used up.
SmallVector<Array, 4> pull_back(const Node& node, std::span<Array> cotangents, bool use_up,
                                Between* between = nullptr) {
    const Op& op = *node.op;
    std::span<const Traced> edges = node.edges();
    SmallVector<Array, 4> results;
    results.grow(node.n_in);
    Reverse rule{node, cotangents, {results.data(), edges.size()}, between};
    if (op.gradient == Op::Gradient::partial) {
        auto wanted = [&](size_t i) { return edges[i].node && i < op.partials.size() && op.partials[i]; };
        size_t last = edges.size();
        while (last > 0 && !wanted(last - 1)) --last;
        Partial partial{node};
        for (size_t i = 0; i < last; ++i) {
            if (!wanted(i)) continue;
            Array d = op.partials[i](partial);
            Array g = use_up && i + 1 == last ? std::move(cotangents[0]) : cotangents[0];
            if (d) g = ops::scale_cotangent(std::move(g), std::move(d));
            DimsView shape = node.in_meta()[i].shape;
            if (!has_shape(g.get(), shape)) g = ops::unbroadcast(g, shape);
            rule.set(int64_t(i), std::move(g));
        }
    } else if (op.reverse) {
        op.reverse(rule);
    } else {
        no_derivative(op);
    }
    return results;
}

// How many of the heads' arrays hold each node: an array that is a head twice counts once.
void count_holders(Between& between, std::span<const Array> arrays) {
    SmallVector<const ArrayBody*, 4> bodies;
    for (const Array& a : arrays)
        if (a) bodies.push_back(a.get());
    std::sort(bodies.begin(), bodies.end());
    for (auto it = bodies.begin(), end = std::unique(it, bodies.end()); it != end; ++it)
        if (Between::Entry* e = between.find((*it)->node)) ++e->n_holders;
}

// After a node's derivative: lets go of what it recorded if nobody else will ask for it. Its operands' nodes go with it
// when they have been used.
void free_node(Between& between, Between::Entry& e) {
    Node& node = *e.node;
    int32_t known = e.n_heads + e.n_holders + (e.held ? 1 : 0);
    if (node.refs.load(std::memory_order_acquire) != known || (e.n_heads && !node.try_free(e.n_heads))) return;
    for (SavedArray& a : node.saved_in()) a.reset();
    for (SavedArray& a : node.saved_out()) a.reset();
    node.base.reset();
    for (Traced& edge : node.edges()) {
        Between::Entry* to = between.find(edge.node.get());
        NodeRef operand = std::move(edge.node);
        if (to && !to->held) to->held = std::move(operand);
    }
}

}  // namespace

std::vector<Array> reverse_sweep(std::span<const Array> arrays, std::span<const Traced> heads,
                                 std::vector<Array> cotangents, std::span<const Traced> targets, const TapeTag& freed) {
    Between between(heads, targets);
    for (size_t i = 0; i < heads.size(); ++i) {
        Between::Entry* e = between.find(heads[i].node.get());
        if (!e) continue;
        ++e->n_heads;
        Array& slot = e->slot(heads[i].output);
        slot = ops::accumulate(std::move(slot), std::move(cotangents[i]));
    }
    if (freed.state) count_holders(between, arrays);
    bool slopes = may_take_slopes(freed, Context::current());
    auto arrives = [&](const Traced& edge, Array g) {
        Between::Entry* to = g ? between.find(edge.node.get()) : nullptr;
        if (!to) return;
        Array& slot = to->slot(edge.output);
        slot = ops::accumulate(std::move(slot), std::move(g));
    };
    for (size_t k = between.nodes.size(); k-- > 0;) {
        Between::Entry& e = between.nodes[k];
        Node& node = *e.node;
        bool further = false;
        for (const Traced& edge : node.edges()) further = further || between.find(edge.node.get());
        bool any = false;
        for (const Array& a : e.slots()) any = any || a;
        Array scaled;
        if (any && further && slopes && node.op->has_slope) scaled = scale_by_slope(node, e.first, !e.target);
        if (scaled) {
            if (!e.target) e.first = {};
            arrives(node.edges()[0], std::move(scaled));
        } else if (any && further) {
            SmallVector<Array, 4> results = pull_back(node, e.slots(), !e.target, &between);
            if (!e.target) e.clear();
            for (int64_t i = 0; i < results.size(); ++i) arrives(node.edges()[size_t(i)], std::move(results[i]));
        }
        if (node.op && node.tape == freed) free_node(between, e);
        e.held = {};
    }
    std::vector<Array> out;
    for (const Traced& t : targets) out.push_back(between.get(t));
    return out;
}

namespace {

// Tangents of a node's outputs. Reverse rules are linear in the cotangent, so reversing them once more gives forward mode.
SmallVector<Array, 2> push_forward(const Node& node, std::span<const Array> tangents, Context& context) {
    std::span<const ArrayMeta> out_meta = node.out_meta();
    const Op& op = *node.op;
    SmallVector<Array, 2> results(node.n_out);
    if (op.gradient == Op::Gradient::partial) {
        Partial partial{node};
        for (size_t i = 0; i < tangents.size(); ++i) {
            if (!tangents[i] || i >= op.partials.size() || !op.partials[i]) continue;
            Array d = op.partials[i](partial);
            Array t = d ? ops::scale_cotangent(tangents[i], std::move(d)) : tangents[i];
            results[0] = ops::accumulate(results[0], t);
        }
        if (results[0]) {
            results[0] = ops::cast_gradient(results[0], out_meta[0].dtype);
            results[0] = ops::broadcast_to(results[0], out_meta[0].shape);
        }
        return results;
    }
    if (!op.reverse || !op.why_not.empty()) no_derivative(op);
    // u -> pull_back(u) is linear; its transpose applied to the tangents is the answer.
    Ref<Tape> inner = Ref<Tape>::adopt(new Tape);
    struct Close {
        Tape& tape;
        ~Close() { tape.close(); }
    } close_at_the_end{*inner};
    inner->nest_in(context.tape);
    Context with(context);
    with.tape = inner;
    WithContext current(with);
    SmallVector<Array, 2> u;
    for (const ArrayMeta& m : out_meta) {
        if (in(m.dtype, kFloating | kComplex))
            u.push_back(inner->watch(ops::zeros(m.shape, m.dtype, node.device), with));
        else u.push_back({});
    }
    SmallVector<Array, 4> pulled = pull_back(node, {u.data(), size_t(u.size())}, false);
    std::vector<Array> heads, seeds, wrt;
    for (int64_t i = 0; i < pulled.size(); ++i) {
        if (!pulled[i] || !tangents[size_t(i)]) continue;
        heads.push_back(pulled[i]);
        seeds.push_back(tangents[size_t(i)]);
    }
    for (Array& a : u)
        if (a) wrt.push_back(a);
    std::vector<Array> found = inner->gradient(heads, seeds, wrt, false, false, with);
    size_t k = 0;
    for (int i = 0; i < node.n_out; ++i)
        if (u[i]) results[i] = found[k++];
    return results;
}

}  // namespace

std::vector<Array> forward_sweep(std::span<const Traced> sources, std::span<const Array> tangents,
                                 std::span<const Traced> heads, Context& context) {
    Between between(heads, sources);
    for (size_t i = 0; i < sources.size(); ++i) {
        Between::Entry* e = between.find(sources[i].node.get());
        if (!e) continue;
        Array& slot = e->slot(sources[i].output);
        slot = ops::accumulate(std::move(slot), tangents[i]);
    }
    for (Between::Entry& e : between.nodes) {
        const Node& node = *e.node;
        if (!node.op || e.target) continue;
        SmallVector<Array, 4> in(node.n_in);
        bool any = false;
        for (int64_t i = 0; i < in.size(); ++i) {
            in[i] = between.get(node.edges()[size_t(i)]);
            any = any || in[i];
        }
        if (!any) continue;
        SmallVector<Array, 2> out = push_forward(node, {in.data(), size_t(in.size())}, context);
        for (int64_t i = 0; i < out.size(); ++i)
            if (out[i]) e.slot(int32_t(i)) = out[i];
    }
    std::vector<Array> result;
    for (const Traced& t : heads) result.push_back(between.get(t));
    return result;
}

}  // namespace minpy
