#include "core/autograd/sweep.h"

#include <algorithm>
#include <vector>

#include "core/autograd/tape.h"
#include "core/ops/calls.h"

namespace minpy {
namespace {

// Nodes to numbers: open addressing, no allocation per entry.
class NodeIndex {
public:
    int32_t* find(const Node* n) {
        if (slots_.empty()) return nullptr;
        for (size_t i = place(n);; i = (i + 1) & (slots_.size() - 1)) {
            if (slots_[i].node == n) return &slots_[i].value;
            if (!slots_[i].node) return nullptr;
        }
    }
    // False if it was there already.
    bool insert(const Node* n, int32_t value) {
        if (2 * (size_ + 1) > slots_.size()) grow();
        size_t i = place(n);
        for (; slots_[i].node; i = (i + 1) & (slots_.size() - 1))
            if (slots_[i].node == n) return false;
        slots_[i] = {n, value};
        ++size_;
        return true;
    }

private:
    struct Slot {
        const Node* node = nullptr;
        int32_t value = 0;
    };
    size_t place(const Node* n) const {
        return (reinterpret_cast<uintptr_t>(n) * 0x9e3779b97f4a7c15ull >> 20) & (slots_.size() - 1);
    }
    void grow() {
        std::vector<Slot> old(std::max<size_t>(64, 2 * slots_.size()));
        old.swap(slots_);
        size_ = 0;
        for (const Slot& s : old)
            if (s.node) insert(s.node, s.value);
    }
    std::vector<Slot> slots_;
    size_t size_ = 0;
};

// The nodes between `heads` and `targets`, oldest first.
struct Between {
    struct Entry {
        Node* node;
        bool target;
    };
    std::vector<Entry> nodes;

    Between(std::span<const Traced> heads, std::span<const Traced> targets) {
        constexpr int32_t kSeen = -1, kTarget = -2;
        uint64_t oldest = UINT64_MAX;
        for (const Traced& t : targets) {
            if (!t.node) continue;
            oldest = std::min(oldest, t.node->sequence);
            index_.insert(t.node.get(), kTarget);
        }
        std::vector<Node*> stack, found;
        NodeIndex seen;
        auto visit = [&](Node* n) {
            if (n && n->sequence >= oldest && seen.insert(n, kSeen)) stack.push_back(n);
        };
        for (const Traced& t : heads) visit(t.node.get());
        while (!stack.empty()) {
            Node* n = stack.back();
            stack.pop_back();
            found.push_back(n);
            for (const Traced& e : n->edges) visit(e.node.get());
        }
        auto newer = [](Node* a, Node* b) { return a->sequence > b->sequence; };
        if (!std::is_sorted(found.begin(), found.end(), newer)) std::sort(found.begin(), found.end(), newer);
        std::reverse(found.begin(), found.end());
        // Keep those from which a target can be reached.
        nodes.reserve(found.size());
        for (Node* n : found) {
            int32_t* known = index_.find(n);
            bool target = known && *known == kTarget, reaches = target;
            for (const Traced& e : n->edges) reaches = reaches || find(e.node.get()) >= 0;
            if (!reaches) continue;
            if (known) *known = int32_t(nodes.size());
            else index_.insert(n, int32_t(nodes.size()));
            nodes.push_back({n, target});
        }
    }
    // Position in `nodes`, negative for a node that is not between.
    int32_t find(const Node* n) {
        int32_t* found = n ? index_.find(n) : nullptr;
        return found ? *found : -1;
    }

private:
    NodeIndex index_;
};

[[noreturn]] void no_derivative(const Op& op) {
    Error e = unsupported("the derivative of ", op.name, " is not defined",
                          op.why_not.empty() ? std::string() : ": " + op.why_not);
    e.op = op.name;
    throw e;
}

// Cotangents of a node's operands. `wanted` says which of them matter.
SmallVector<Array, 4> pull_back(const Node& node, std::span<const Array> cotangents) {
    const Op& op = *node.op;
    SmallVector<Array, 4> results(node.edges.size());
    Reverse rule{node, cotangents, {results.data(), size_t(results.size())}};
    if (op.gradient == Op::Gradient::partial) {
        const Array& g = cotangents[0];
        Partial partial{node};
        for (int64_t i = 0; i < node.edges.size(); ++i) {
            if (!node.edges[i].node || size_t(i) >= op.partials.size() || !op.partials[size_t(i)]) continue;
            Array d = op.partials[size_t(i)](partial);
            rule.set(i, ops::unbroadcast(d ? ops::scale_cotangent(g, std::move(d)) : g, node.in_meta[i].shape));
        }
    } else if (op.reverse) {
        op.reverse(rule);
    } else {
        no_derivative(op);
    }
    return results;
}

struct Slots {  // values of every output of every node between
    std::vector<SmallVector<Array, 1>> at;
    explicit Slots(const Between& between) : at(between.nodes.size()) {}
    Array& operator()(int32_t node, int32_t output) {
        auto& row = at[size_t(node)];
        if (row.size() <= output) row.resize(output + 1);
        return row[output];
    }
    Array get(int32_t node, int32_t output) const {
        if (node < 0 || at[size_t(node)].size() <= output) return {};
        return at[size_t(node)][output];
    }
};

}  // namespace

std::vector<Array> reverse_sweep(std::span<const Traced> heads, std::span<const Array> cotangents,
                                 std::span<const Traced> targets, bool release_saved) {
    Between between(heads, targets);
    Slots slots(between);
    for (size_t i = 0; i < heads.size(); ++i) {
        int32_t at = between.find(heads[i].node.get());
        if (at >= 0 && cotangents[i]) {
            Array& slot = slots(at, heads[i].output);
            slot = ops::accumulate(slot, cotangents[i]);
        }
    }
    for (int32_t k = int32_t(between.nodes.size()) - 1; k >= 0; --k) {
        auto [node, target] = between.nodes[size_t(k)];
        auto& arrived = slots.at[size_t(k)];
        bool any = false;
        for (const Array& a : arrived) any = any || a;
        if (!any || !node->op) continue;
        bool further = false;
        for (const Traced& e : node->edges) further = further || between.find(e.node.get()) >= 0;
        if (!further) continue;
        if (arrived.size() < node->n_out) arrived.resize(node->n_out);
        SmallVector<Array, 4> results = pull_back(*node, {arrived.data(), size_t(arrived.size())});
        for (int64_t i = 0; i < results.size(); ++i) {
            int32_t to = between.find(node->edges[i].node.get());
            if (to < 0 || !results[i]) continue;
            Array& slot = slots(to, node->edges[i].output);
            slot = ops::accumulate(slot, results[i]);
        }
        if (!target) arrived.clear();
        (void)release_saved;
    }
    std::vector<Array> out;
    for (const Traced& t : targets) out.push_back(slots.get(between.find(t.node.get()), t.output));
    return out;
}

namespace {

// Tangents of a node's outputs. Reverse rules are linear in the cotangent, so reversing them once more gives forward mode.
SmallVector<Array, 2> push_forward(const Node& node, std::span<const Array> tangents, Context& context) {
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
            results[0] = ops::cast_gradient(results[0], node.out_meta[0].dtype);
            results[0] = ops::broadcast_to(results[0], node.out_meta[0].shape);
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
    inner->parent = context.tape;
    inner->depth = context.tape ? context.tape->depth + 1 : 0;
    Context with(context);
    with.tape = inner;
    WithContext current(with);
    SmallVector<Array, 2> u;
    for (int i = 0; i < node.n_out; ++i) {
        if (!in(node.out_meta[i].dtype, kFloating | kComplex)) {
            u.push_back({});
            continue;
        }
        u.push_back(inner->watch(ops::zeros(node.out_meta[i].shape, node.out_meta[i].dtype, node.device), with));
    }
    SmallVector<Array, 4> pulled = pull_back(node, {u.data(), size_t(u.size())});
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
    Slots slots(between);
    for (size_t i = 0; i < sources.size(); ++i) {
        int32_t at = between.find(sources[i].node.get());
        if (at < 0) continue;
        Array& slot = slots(at, sources[i].output);
        slot = ops::accumulate(slot, tangents[i]);
    }
    for (int32_t k = 0; k < int32_t(between.nodes.size()); ++k) {
        auto [node, source] = between.nodes[size_t(k)];
        if (!node->op || source) continue;
        SmallVector<Array, 4> in(node->edges.size());
        bool any = false;
        for (int64_t i = 0; i < in.size(); ++i) {
            in[i] = slots.get(between.find(node->edges[i].node.get()), node->edges[i].output);
            any = any || in[i];
        }
        if (!any) continue;
        SmallVector<Array, 2> out = push_forward(*node, {in.data(), size_t(in.size())}, context);
        for (int64_t i = 0; i < out.size(); ++i)
            if (out[i]) slots(k, int32_t(i)) = out[i];
    }
    std::vector<Array> result;
    for (const Traced& t : heads) result.push_back(slots.get(between.find(t.node.get()), t.output));
    return result;
}

}  // namespace minpy
