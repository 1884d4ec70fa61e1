// Symbols: expression graphs of operators and variables, with MXNet's names. Nodes never change; symbols share them.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/graph/traits.h"
#include "core/registry/call.h"

namespace minpy {

using Attributes = std::map<std::string, std::string>;  // MXNet's strings: "(3, 3)", "True"

class GraphNode;
struct Entry {  // one result of a node
    std::shared_ptr<const GraphNode> node;
    int index = 0;
};

class GraphNode {
public:
    ~GraphNode();

    const Op* op = nullptr;  // null: a variable
    std::string op_name;     // as it was asked for
    std::string name;
    Attributes attributes;
    Values args;  // attributes by position in the schema; NONE where arrays go
    std::vector<Entry> inputs;
    int n_outputs = 1;

    bool is_variable() const { return !op; }
    int n_aux() const { return op && op->symbol ? op->symbol->n_aux : 0; }
    std::string output_name(int i) const;
};

class Symbol : public Counted<Symbol> {
public:
    explicit Symbol(std::vector<Entry> outputs) : outputs(std::move(outputs)) {}
    const std::vector<Entry> outputs;
    std::string name() const;
    std::vector<std::string> output_names() const;
};

Entry make_variable(const std::string& name, Attributes attributes);
// A node of an operator; missing inputs become variables. `lenient`: attributes that the operator does not have are kept.
std::shared_ptr<const GraphNode> make_node(const std::string& op, const char* name,
                                           std::vector<std::pair<std::string, Entry>>&& inputs, Attributes attributes,
                                           bool lenient = false);
// Attributes from JSON: {"kernel": [3, 3]} or MXNet's strings.
Attributes attributes_from_json(const char* json);

// Every node once, operands before what uses them, in the order of a depth-first walk.
std::vector<const GraphNode*> nodes_of(const std::vector<Entry>& outputs);
// The variables among them, arguments and auxiliary states apart.
struct Variables {
    std::vector<const GraphNode*> arguments, auxiliary;
    explicit Variables(const std::vector<const GraphNode*>& nodes);
};

std::string save_symbol(const Symbol& s);                // MXNet's JSON
Ref<Symbol> load_symbol(const char* json, size_t size);  // of any age
Ref<Symbol> internals_of(const Symbol& s);

}  // namespace minpy
