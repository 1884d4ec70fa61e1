#include "core/graph/symbol.h"

#include <algorithm>
#include <mutex>
#include <nlohmann/json.hpp>
#include <unordered_set>
#include <utility>

#include "core/graph/attributes.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {

// MXNet's automatic names: the operator's name in lower case and a number.
std::string automatic_name(const std::string& op) {
    static std::mutex* mutex = new std::mutex;
    static auto* counters = new std::map<std::string, int>;
    std::string hint = op;
    for (char& c : hint) c = char(std::tolower(static_cast<unsigned char>(c)));
    std::lock_guard lock(*mutex);
    return cat(hint, (*counters)[hint]++);
}

// MXNet's variant of an operator, else the operator.
const Op& symbol_op(const std::string& name) {
    Registry& r = Registry::get();
    if (const Op* op = r.find("mx." + name)) return *op;
    if (const Op* op = r.find(name)) return *op;
    std::string close = r.close_to("mx." + name);
    if (close.rfind("mx.", 0) == 0) close = close.substr(3);
    throw value_error("no symbol operator '", name, "'", close.empty() ? "" : cat("; did you mean '", close, "'?"));
}

bool is_array(const Param& p) { return p.kind == ParamKind::array || p.kind == ParamKind::arrays; }
const Param* list_param(const Op& op) {
    for (const Param& p : op.params)
        if (p.kind == ParamKind::arrays) return &p;
    return nullptr;
}

std::vector<std::string> input_names(const Op& op, ValuesView args) {
    if (op.symbol && op.symbol->inputs) return op.symbol->inputs(op, args);
    std::vector<std::string> names;
    for (const Param& p : op.params)
        if (p.kind == ParamKind::array && !p.optional) names.push_back(p.name);
    return names;
}

// Attributes that MXNet gives to any node.
bool is_hint(const std::string& key) { return key.rfind("__", 0) == 0; }

}  // namespace

// ---- nodes ----

// Chains of any length are freed without recursion.
GraphNode::~GraphNode() {
    std::vector<Entry> rest = std::move(inputs);
    while (!rest.empty()) {
        std::shared_ptr<const GraphNode> node = std::move(rest.back().node);
        rest.pop_back();
        if (!node || node.use_count() > 1) continue;
        auto& theirs = const_cast<GraphNode&>(*node).inputs;
        std::move(theirs.begin(), theirs.end(), std::back_inserter(rest));
        theirs.clear();
    }
}

std::string GraphNode::output_name(int i) const {
    if (is_variable()) return name;
    return n_outputs == 1 ? name + "_output" : cat(name, "_output", i);
}

Entry make_variable(const std::string& name, Attributes attributes) {
    if (name.empty()) throw value_error("a variable needs a name").in_argument("name");
    auto node = std::make_shared<GraphNode>();
    node->name = name;
    node->attributes = std::move(attributes);
    return {node, 0};
}

std::shared_ptr<const GraphNode> make_node(const std::string& op_name, const char* name,
                                           std::vector<std::pair<std::string, Entry>>&& given, Attributes attributes,
                                           bool lenient) {
    const Op& op = symbol_op(op_name);
    auto node = std::make_shared<GraphNode>();
    node->op = &op;
    node->op_name = op_name;
    node->name = name && *name ? name : automatic_name(op_name);

    // Attributes, in the schema's order.
    std::vector<Values> keep;
    std::vector<minpy_value> args;
    for (const Param& p : op.params) {
        auto it = attributes.find(p.name);
        if (is_array(p) || it == attributes.end()) {
            args.push_back(p.has_default && !is_array(p) ? p.default_value[0] : none_value());
            continue;
        }
        try {
            keep.push_back(attribute_value(it->second, p));
        } catch (Error& e) {
            if (e.op.empty()) e.op = op_name;
            throw;
        }
        args.push_back(keep.back()[0]);
    }
    for (size_t i = 0; i < op.params.size(); ++i)
        if (!is_array(op.params[i]) && !op.params[i].has_default && !attributes.count(op.params[i].name))
            throw value_error(op_name, " needs the attribute '", op.params[i].name, "'").in_argument(op.params[i].name);
    for (const auto& [key, value] : attributes) {
        int i = op.param(key.c_str());
        if ((i >= 0 && !is_array(op.params[size_t(i)])) || is_hint(key) || lenient) continue;
        std::string known;
        for (const Param& p : op.params)
            if (!is_array(p)) known += (known.empty() ? "" : ", ") + p.name;
        throw value_error(op_name, " has no attribute '", key, "'; it has: ", known).in_argument(key);
    }
    node->args = Values(args, false);
    node->attributes = std::move(attributes);

    // Inputs by name, then by position, then new variables.
    if (list_param(op)) {
        for (auto& [key, entry] : given) node->inputs.push_back(std::move(entry));
        if (node->inputs.empty()) throw value_error(op_name, " needs inputs");
        if (op.symbol && op.symbol->inputs) {
            std::vector<std::string> names = op.symbol->inputs(op, node->args.view());
            for (size_t i = node->inputs.size(); i < names.size(); ++i)
                node->inputs.push_back(make_variable(node->name + "_" + names[i], {}));
        }
    } else {
        std::vector<std::string> names = input_names(op, node->args.view());
        node->inputs.resize(names.size());
        for (auto& [key, entry] : given) {
            if (key.empty()) continue;
            auto it = std::find(names.begin(), names.end(), key);
            if (it == names.end()) {
                std::string known;
                for (const std::string& n : names) known += (known.empty() ? "" : ", ") + n;
                throw value_error(op_name, " has no input '", key, "'; it has: ", known).in_argument(key);
            }
            Entry& to = node->inputs[size_t(it - names.begin())];
            if (to.node) throw value_error(op_name, " was given the input '", key, "' twice").in_argument(key);
            to = std::exchange(entry, Entry());
        }
        size_t next = 0;
        for (auto& [key, entry] : given) {
            if (!key.empty() || !entry.node) continue;
            while (next < names.size() && node->inputs[next].node) ++next;
            if (next == names.size())
                throw value_error(op_name, " takes ", names.size(), " inputs, ", given.size(), " were given");
            node->inputs[next] = std::move(entry);
        }
        for (size_t i = 0; i < names.size(); ++i)
            if (!node->inputs[i].node) node->inputs[i] = make_variable(node->name + "_" + names[i], {});
        size_t aux = size_t(node->n_aux());
        for (size_t i = names.size() - std::min(aux, names.size()); i < names.size(); ++i)
            if (!node->inputs[i].node->is_variable())
                throw value_error(op_name, ": the auxiliary state '", names[i], "' must be a variable")
                    .in_argument(names[i]);
    }
    node->n_outputs =
        op.symbol && op.symbol->n_outputs ? op.symbol->n_outputs(op, node->args.view()) : std::max(op.n_outputs, 1);
    if (node->n_outputs < 1 || node->n_outputs > 1 << 16)
        throw value_error(op_name, " cannot have ", node->n_outputs, " outputs");
    return node;
}

// ---- symbols ----

std::string Symbol::name() const { return outputs.size() == 1 ? outputs[0].node->name : ""; }

std::vector<std::string> Symbol::output_names() const {
    std::vector<std::string> names;
    for (const Entry& e : outputs) names.push_back(e.node->output_name(e.index));
    return names;
}

std::vector<const GraphNode*> nodes_of(const std::vector<Entry>& outputs) {
    std::vector<const GraphNode*> order;
    std::unordered_set<const GraphNode*> seen;
    std::vector<std::pair<const GraphNode*, size_t>> stack;
    for (const Entry& head : outputs) {
        if (seen.insert(head.node.get()).second) stack.push_back({head.node.get(), 0});
        while (!stack.empty()) {
            auto& [node, next] = stack.back();
            if (next == node->inputs.size()) {
                order.push_back(node);
                stack.pop_back();
                continue;
            }
            const GraphNode* child = node->inputs[next++].node.get();
            if (seen.insert(child).second) stack.push_back({child, 0});
        }
    }
    return order;
}

Variables::Variables(const std::vector<const GraphNode*>& nodes) {
    std::unordered_set<const GraphNode*> states;
    for (const GraphNode* n : nodes)
        for (size_t i = n->inputs.size() - std::min(n->inputs.size(), size_t(n->n_aux())); i < n->inputs.size(); ++i)
            states.insert(n->inputs[i].node.get());
    for (const GraphNode* n : nodes)
        if (n->is_variable()) (states.count(n) ? auxiliary : arguments).push_back(n);
}

Ref<Symbol> internals_of(const Symbol& s) {
    // Entries hold their nodes; find each node's owner through the edges that lead to it.
    std::map<const GraphNode*, std::shared_ptr<const GraphNode>> owners;
    std::vector<const GraphNode*> nodes = nodes_of(s.outputs);
    for (const Entry& e : s.outputs) owners.emplace(e.node.get(), e.node);
    for (const GraphNode* n : nodes)
        for (const Entry& e : n->inputs) owners.emplace(e.node.get(), e.node);
    std::vector<Entry> all;
    for (const GraphNode* n : nodes)
        for (int i = 0; i < n->n_outputs; ++i) all.push_back({owners.at(n), i});
    return Ref<Symbol>::adopt(new Symbol(std::move(all)));
}

}  // namespace minpy
