// Symbols: expression graphs, their names, shapes and files, and functions made of them.
#include <nlohmann/json.hpp>

#include "capi/src/boundary.h"
#include "core/graph/executor.h"
#include "core/graph/infer.h"

using namespace minpy;

namespace {

using json = nlohmann::json;

minpy_symbol give(std::vector<Entry> outputs) { return reinterpret_cast<minpy_symbol>(new Symbol(std::move(outputs))); }
minpy_symbol give(Ref<Symbol> s) { return reinterpret_cast<minpy_symbol>(s.detach()); }

json names_of(const std::vector<const GraphNode*>& nodes) {
    json list = json::array();
    for (const GraphNode* n : nodes) list.push_back(n->name);
    return list;
}

json shape_json(const Shape& s) { return s.known ? json(std::vector<int64_t>(s.dims.begin(), s.dims.end())) : json(); }

std::string dump(const json& j) { return j.dump(-1, ' ', false, json::error_handler_t::replace); }

Known known_from(const char* text, const Variables& variables) {
    Known known;
    if (!text || !*text) return known;
    json j = json::parse(
        text,
        [](int depth, json::parse_event_t, json&) {
            return depth < 8 ? true : throw value_error("known_json is nested too deeply");
        },
        false);
    if (!j.is_object()) throw value_error("known_json must be a JSON object").in_argument("known_json");
    auto check = [&](const std::string& name) {
        for (const auto* list : {&variables.arguments, &variables.auxiliary})
            for (const GraphNode* n : *list)
                if (n->name == name) return;
        throw value_error("the graph has no argument '", name, "'; it has: ", dump(names_of(variables.arguments)))
            .in_argument(name);
    };
    if (j.contains("shapes") && j["shapes"].is_object())
        for (const auto& [name, shape] : j["shapes"].items()) {
            check(name);
            if (shape.is_null()) continue;
            Dims dims;
            if (!shape.is_array()) throw value_error("the shape of '", name, "' is no list").in_argument(name);
            for (const json& size : shape) {
                if (!size.is_number_integer() || size.get<int64_t>() < 0)
                    throw value_error("the shape of '", name, "' is ", dump(shape)).in_argument(name);
                dims.push_back(size.get<int64_t>());
            }
            known.shapes[name] = dims;
        }
    if (j.contains("dtypes") && j["dtypes"].is_object())
        for (const auto& [name, dtype] : j["dtypes"].items()) {
            check(name);
            if (dtype.is_null()) continue;
            DType t = dtype.is_string() ? dtype_from_name(dtype.get<std::string>()) : DType::none;
            if (t == DType::none) throw type_error("data type ", dump(dtype), " not understood").in_argument(name);
            known.dtypes[name] = t;
        }
    return known;
}

}  // namespace

minpy_status minpy_symbol_variable(const char* name, const char* attributes_json, minpy_symbol* out) {
    return guard([&] {
        need(name, "name");
        need(out, "out");
        *out = give(std::vector<Entry>{make_variable(name, attributes_from_json(attributes_json))});
    });
}

minpy_status minpy_symbol_apply(const char* op, const char* name, const minpy_symbol* inputs,
                                const char* const* input_names, int32_t n_inputs, const char* attributes_json,
                                minpy_symbol* out) {
    return guard([&] {
        need(op, "op");
        need(out, "out");
        if (n_inputs < 0) throw value_error("a negative number of inputs");
        if (n_inputs) need(inputs, "inputs");
        std::vector<std::pair<std::string, Entry>> given;
        for (int32_t i = 0; i < n_inputs; ++i) {
            auto& s = deref<Symbol>(inputs[i], "inputs");
            std::string key = input_names && input_names[i] ? input_names[i] : "";
            if (!key.empty() && s.outputs.size() != 1)
                throw value_error("the input '", key, "' has ", s.outputs.size(), " outputs; choose one")
                    .in_argument(key);
            for (const Entry& e : s.outputs) given.push_back({key, e});
        }
        auto node = make_node(op, name, std::move(given), attributes_from_json(attributes_json));
        std::vector<Entry> outputs;
        for (int i = 0; i < node->n_outputs; ++i) outputs.push_back({node, i});
        *out = give(std::move(outputs));
    });
}

minpy_status minpy_symbol_group(const minpy_symbol* symbols, int32_t n, minpy_symbol* out) {
    return guard([&] {
        need(out, "out");
        if (n < 1) throw value_error("a group needs at least one symbol").in_argument("n");
        need(symbols, "symbols");
        std::vector<Entry> outputs;
        for (int32_t i = 0; i < n; ++i) {
            auto& s = deref<Symbol>(symbols[i], "symbols");
            outputs.insert(outputs.end(), s.outputs.begin(), s.outputs.end());
        }
        *out = give(std::move(outputs));
    });
}

minpy_status minpy_symbol_output(minpy_symbol s, int32_t index, minpy_symbol* out) {
    return guard([&] {
        need(out, "out");
        auto& symbol = deref<Symbol>(s, "s");
        if (index < 0 || size_t(index) >= symbol.outputs.size())
            throw index_error("output ", index, " of ", symbol.outputs.size()).in_argument("index");
        *out = give(std::vector<Entry>{symbol.outputs[size_t(index)]});
    });
}

minpy_status minpy_symbol_internals(minpy_symbol s, minpy_symbol* out) {
    return guard([&] {
        need(out, "out");
        *out = give(internals_of(deref<Symbol>(s, "s")));
    });
}

minpy_status minpy_symbol_list(minpy_symbol s, minpy_buffer* out) {
    return guard([&] {
        need(out, "out");
        auto& symbol = deref<Symbol>(s, "s");
        Variables variables(nodes_of(symbol.outputs));
        *out = make_buffer(dump({{"arguments", names_of(variables.arguments)},
                                 {"outputs", symbol.output_names()},
                                 {"auxiliary_states", names_of(variables.auxiliary)}}));
    });
}

minpy_status minpy_symbol_infer(minpy_symbol s, const char* known_json, minpy_buffer* out) {
    return guard([&] {
        need(out, "out");
        auto& symbol = deref<Symbol>(s, "s");
        std::vector<const GraphNode*> nodes = nodes_of(symbol.outputs);
        Variables variables(nodes);
        Inference inferred(nodes, known_from(known_json, variables));
        json result, dtypes;
        bool complete = true;
        auto add = [&](const char* key, const std::vector<const GraphNode*>& list) {
            result[key] = json::array();
            dtypes[key] = json::array();
            for (const GraphNode* n : list) {
                complete = complete && inferred.shape(n).known;
                result[key].push_back(shape_json(inferred.shape(n)));
                dtypes[key].push_back(minpy::name(inferred.dtype(n)));
            }
        };
        add("arguments", variables.arguments);
        add("auxiliary_states", variables.auxiliary);
        result["outputs"] = json::array();
        dtypes["outputs"] = json::array();
        for (const Entry& e : symbol.outputs) {
            complete = complete && inferred.shape(e.node.get(), e.index).known;
            result["outputs"].push_back(shape_json(inferred.shape(e.node.get(), e.index)));
            dtypes["outputs"].push_back(minpy::name(inferred.dtype(e.node.get(), e.index)));
        }
        result["complete"] = complete;
        result["dtypes"] = std::move(dtypes);
        *out = make_buffer(dump(result));
    });
}

minpy_status minpy_symbol_save(minpy_symbol s, minpy_buffer* out) {
    return guard([&] {
        need(out, "out");
        *out = make_buffer(save_symbol(deref<Symbol>(s, "s")));
    });
}

minpy_status minpy_symbol_load(const char* text, uint64_t size, minpy_symbol* out) {
    return guard([&] {
        need(text, "json");
        need(out, "out");
        *out = give(load_symbol(text, size));
    });
}

const char* minpy_symbol_name(minpy_symbol s) {
    if (!s) return "";
    auto& symbol = *reinterpret_cast<Symbol*>(s);
    for (const Entry& e : symbol.outputs)
        if (e.node != symbol.outputs[0].node) return "";  // a group has none
    return symbol.outputs[0].node->name.c_str();
}

minpy_symbol minpy_symbol_retain(minpy_symbol s) {
    if (s) reinterpret_cast<Symbol*>(s)->retain();
    return s;
}

void minpy_symbol_release(minpy_symbol s) {
    if (s) reinterpret_cast<Symbol*>(s)->release();
}

minpy_status minpy_function_from_symbol(minpy_symbol s, const char* const* inputs, int32_t n_inputs,
                                        minpy_function* out) {
    return guard([&] {
        need(out, "out");
        auto& symbol = deref<Symbol>(s, "s");
        if (n_inputs < 0) throw value_error("a negative number of inputs");
        Function* f = new GraphFunction(Ref<Symbol>::share(&symbol), inputs, n_inputs);
        *out = reinterpret_cast<minpy_function>(f);
    });
}
