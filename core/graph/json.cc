// MXNet's symbol JSON. What is read may be hostile: it is checked node by node, inputs come before what uses them, and
// nothing recurses.
#include <nlohmann/json.hpp>

#include "core/graph/symbol.h"

namespace minpy {
namespace {

using json = nlohmann::json;
using ordered_json = nlohmann::ordered_json;

constexpr int kMaxDepth = 32;

[[noreturn]] void bad(size_t node, const std::string& what) {
    throw value_error("symbol JSON: node ", node, " ", what);
}

// [node, output] or [node, output, version]
std::pair<size_t, int> entry_of(const json& j, size_t at, const char* what) {
    if (!j.is_array() || j.size() < 2 || j.size() > 3 || !j[0].is_number_integer() || !j[1].is_number_integer())
        bad(at, cat("has ", what, " that is no [node, output]"));
    int64_t node = j[0].get<int64_t>(), index = j[1].get<int64_t>();
    if (node < 0 || index < 0 || index > 1 << 16) bad(at, cat("has ", what, " that is out of range"));
    return {size_t(node), int(index)};
}

// What old files kept without underscores, on the node or, with an input's name before it, for that input.
constexpr const char* kHidden[] = {"ctx_group", "lr_mult", "wd_mult", "force_mirroring", "mirror_stage"};

void upgrade_hidden(Attributes& own, std::map<std::string, Attributes>& of_inputs) {
    Attributes upgraded;
    for (auto& [key, value] : own) {
        std::string to = key;
        for (const char* hidden : kHidden) {
            std::string h = hidden;
            if (key == h) to = "__" + h + "__";
            if (key.size() > h.size() + 1 && key.compare(key.size() - h.size() - 1, h.size() + 1, "_" + h) == 0 &&
                key[0] != '_') {
                of_inputs[key.substr(0, key.size() - h.size() - 1)]["__" + h + "__"] = value;
                to.clear();
            }
        }
        if (!to.empty()) upgraded[to] = value;
    }
    own = std::move(upgraded);
}

}  // namespace

std::string save_symbol(const Symbol& s) {
    std::vector<const GraphNode*> nodes = nodes_of(s.outputs);
    std::map<const GraphNode*, size_t> number;
    ordered_json rows = ordered_json::array(), arguments = ordered_json::array(), pointers = ordered_json::array({0}),
                 heads = ordered_json::array();
    int64_t entries = 0;
    for (const GraphNode* n : nodes) {
        ordered_json row{{"op", n->is_variable() ? "null" : n->op_name}, {"name", n->name}};
        if (!n->attributes.empty()) row["attrs"] = n->attributes;
        ordered_json inputs = ordered_json::array();
        for (const Entry& e : n->inputs) inputs.push_back({number.at(e.node.get()), e.index, 0});
        row["inputs"] = std::move(inputs);
        if (n->is_variable()) arguments.push_back(rows.size());
        number[n] = rows.size();
        rows.push_back(std::move(row));
        pointers.push_back(entries += n->n_outputs);
    }
    for (const Entry& e : s.outputs) heads.push_back({number.at(e.node.get()), e.index, 0});
    ordered_json whole{{"nodes", rows},
                       {"arg_nodes", arguments},
                       {"node_row_ptr", pointers},
                       {"heads", heads},
                       {"attrs", {{"mxnet_version", {"int", 10200}}}}};
    return whole.dump(2, ' ', false, ordered_json::error_handler_t::replace);
}

Ref<Symbol> load_symbol(const char* text, size_t size) {
    json j = json::parse(
        text, text + size,
        [](int depth, json::parse_event_t, json&) {
            if (depth > kMaxDepth) throw value_error("symbol JSON: nested too deeply");
            return true;
        },
        false);
    if (j.is_discarded()) throw value_error("symbol JSON: not JSON, or not whole");
    if (!j.is_object() || !j.contains("nodes") || !j["nodes"].is_array() || !j.contains("heads") ||
        !j["heads"].is_array())
        throw value_error("symbol JSON: an object with the lists \"nodes\" and \"heads\" is needed");
    std::vector<std::shared_ptr<const GraphNode>> built;
    for (const json& row : j["nodes"]) {
        size_t at = built.size();
        if (!row.is_object() || !row.contains("op") || !row["op"].is_string() || !row.contains("name") ||
            !row["name"].is_string())
            bad(at, "has no \"op\" and \"name\"");
        Attributes attributes;
        for (const char* key : {"param", "attr", "attrs"}) {
            if (!row.contains(key)) continue;
            if (!row[key].is_object()) bad(at, cat("has \"", key, "\" that is no object"));
            for (const auto& [k, v] : row[key].items()) {
                if (!v.is_string()) bad(at, cat("has the attribute \"", k, "\" that is no string"));
                attributes[k] = v.get<std::string>();
            }
        }
        std::map<std::string, Attributes> of_inputs;
        std::string op = row["op"].get<std::string>(), name = row["name"].get<std::string>();
        upgrade_hidden(attributes, of_inputs);
        if (op == "null") {
            for (const auto& [prefix, hints] : of_inputs)  // an operator's, inherited by its variable
                for (const auto& [key, value] : hints) attributes["__" + prefix + "_" + key.substr(2)] = value;
            Entry e = make_variable(name, std::move(attributes));
            built.push_back(e.node);
            continue;
        }
        std::vector<std::pair<std::string, Entry>> inputs;
        if (row.contains("inputs")) {
            if (!row["inputs"].is_array()) bad(at, "has \"inputs\" that are no list");
            for (const json& each : row["inputs"]) {
                auto [from, index] = entry_of(each, at, "an input");
                if (from >= at) bad(at, cat("reads node ", from, ", which does not come before it"));
                if (index >= built[from]->n_outputs)
                    bad(at, cat("reads output ", index, " of node ", from, ", which has ", built[from]->n_outputs));
                inputs.push_back({"", {built[from], index}});
            }
        }
        for (const auto& [prefix, hints] : of_inputs)
            for (auto& [key, e] : inputs)
                if (e.node->is_variable() && e.node->name == name + "_" + prefix) {
                    auto& to = const_cast<GraphNode&>(*e.node).attributes;  // not shared yet
                    for (const auto& [k, v] : hints) to[k] = v;
                }
        try {
            built.push_back(make_node(op, name.c_str(), std::move(inputs), std::move(attributes), true));
        } catch (Error& e) {
            e.text = cat("symbol JSON: node ", at, " ('", name.substr(0, 80), "'): ", e.text);
            throw;
        }
    }
    std::vector<Entry> outputs;
    for (const json& head : j["heads"]) {
        auto [from, index] = entry_of(head, built.size(), "a head");
        if (from >= built.size() || index >= built[from]->n_outputs)
            throw value_error("symbol JSON: a head is output ", index, " of node ", from, ", which is not there");
        outputs.push_back({built[from], index});
    }
    if (outputs.empty()) throw value_error("symbol JSON: there are no heads");
    return Ref<Symbol>::adopt(new Symbol(std::move(outputs)));
}

}  // namespace minpy
