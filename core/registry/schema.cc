#include "core/registry/schema.h"

#include <cctype>

namespace minpy {
namespace {

constexpr const char* kKinds[] = {"",     "array", "arrays", "bool",   "int",    "float", "str",      "ints", "axis",
                                  "axes", "dtype", "scalar", "device", "floats", "index", "function", "value"};

std::string_view trimmed(std::string_view s) {
    while (!s.empty() && std::isspace(static_cast<unsigned char>(s.front()))) s.remove_prefix(1);
    while (!s.empty() && std::isspace(static_cast<unsigned char>(s.back()))) s.remove_suffix(1);
    return s;
}

// Splits at commas that are in no brackets or quotes.
std::vector<std::string_view> split(std::string_view s) {
    std::vector<std::string_view> parts;
    int depth = 0;
    bool quoted = false;
    size_t from = 0;
    for (size_t i = 0; i <= s.size(); ++i) {
        char c = i < s.size() ? s[i] : ',';
        if (c == '\'') quoted = !quoted;
        if (c == '(' || c == '[') ++depth;
        if (c == ')' || c == ']') --depth;
        if (c == ',' && depth == 0 && !quoted) {
            std::string_view part = trimmed(s.substr(from, i - from));
            if (!part.empty()) parts.push_back(part);
            from = i + 1;
        }
    }
    if (depth != 0 || quoted) throw value_error("unbalanced brackets or quotes in \"", s, "\"");
    return parts;
}

// Python's literal as JSON.
std::string python_to_json(std::string_view s) {
    if (s == "None") return "null";
    if (s == "True") return "true";
    if (s == "False") return "false";
    std::string result(s);
    for (char& c : result) {
        if (c == '\'') c = '"';
        if (c == '(') c = '[';
        if (c == ')') c = ']';
    }
    return result;
}

ParamKind kind_of(std::string_view word, std::string_view signature) {
    for (int i = 1; i <= int(ParamKind::value); ++i)
        if (word == kKinds[i]) return ParamKind(i);
    throw value_error("'", word, "' is no kind of parameter, in \"", signature, "\"");
}

}  // namespace

const char* name(ParamKind kind) { return kKinds[int(kind)]; }

void parse_signature(std::string_view text, Op& op) {
    size_t open = text.find('(');
    if (open == std::string_view::npos || trimmed(text).back() != ')')
        throw value_error("a signature looks like \"name(x, axis: int = 0)\", got \"", text, "\"");
    op.name = trimmed(text.substr(0, open));
    bool good = !op.name.empty() && !std::isdigit(static_cast<unsigned char>(op.name[0]));
    for (char c : op.name) good = good && (std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.');
    if (!good) throw value_error("'", op.name, "' is no name of an operator");
    std::string_view inside = text.substr(open + 1, text.rfind(')') - open - 1);
    std::string shown;
    bool keyword_only = false;
    for (std::string_view part : split(inside)) {
        shown += shown.empty() ? "" : ", ";
        if (part == "/" || part == "*") {
            shown += part;
            if (part == "/")
                for (Param& p : op.params) p.positional_only = true;
            else keyword_only = true;
            continue;
        }
        Param p;
        size_t equals = part.find('=');
        std::string_view head = trimmed(part.substr(0, equals));
        size_t colon = head.find(':');
        p.name = trimmed(head.substr(0, colon));
        // "*operands: arrays": languages with variable arguments take them one by one.
        bool variadic = p.name.starts_with('*');
        if (variadic) p.name.erase(0, 1);
        if (p.name.empty()) throw value_error("a parameter without a name, in \"", text, "\"");
        if (op.param(p.name.c_str()) >= 0) throw value_error("duplicate parameter '", p.name, "' in \"", text, "\"");
        p.keyword_only = keyword_only;
        if (colon != std::string_view::npos) {
            std::string_view word = trimmed(head.substr(colon + 1));
            if (!word.empty() && word.back() == '?') {
                p.optional = true;
                word.remove_suffix(1);
            }
            p.kind = kind_of(word, text);
        }
        shown += variadic ? "*" + p.name : p.name;
        if (variadic) keyword_only = true;
        if (equals != std::string_view::npos) {
            std::string_view literal = trimmed(part.substr(equals + 1));
            p.has_default = true;
            p.default_value = Values::from_json(python_to_json(literal));
            if (p.default_value[0].tag == MINPY_V_NONE) p.optional = true;
            shown += cat("=", literal);
        }
        op.has_attributes = op.has_attributes || p.kind != ParamKind::array;
        op.params.push_back(std::move(p));
    }
    op.signature = cat(op.name, "(", shown, ")");
}

}  // namespace minpy
