#include "core/graph/attributes.h"

#include <cmath>
#include <cstdlib>

#include "core/graph/symbol.h"
#include "core/io/json.h"

namespace minpy {
namespace {

std::string trimmed(std::string s) {
    while (!s.empty() && std::isspace(static_cast<unsigned char>(s.front()))) s.erase(s.begin());
    while (!s.empty() && std::isspace(static_cast<unsigned char>(s.back()))) s.pop_back();
    return s;
}

[[noreturn]] void not_a(const char* wanted, const std::string& text, const Param& p) {
    throw value_error(p.name, " must be ", wanted, ", got '", text.substr(0, 80), "'").in_argument(p.name);
}

double number(const std::string& text, const char* wanted, const std::string& whole, const Param& p) {
    const std::string t = trimmed(text);
    char* end = nullptr;
    double x = std::strtod(t.c_str(), &end);
    if (t.empty() || *end) not_a(wanted, whole, p);
    return x;
}

int64_t integer(const std::string& text, const std::string& whole, const Param& p) {
    std::string t = trimmed(text);
    if (!t.empty() && t.back() == 'L') t.pop_back();  // Python 2 wrote "3L"
    char* end = nullptr;
    errno = 0;
    long long i = std::strtoll(t.c_str(), &end, 10);
    if (!t.empty() && !*end && errno == 0) return i;
    double x = number(t, "an integer", whole, p);
    if (x != std::floor(x) || std::abs(x) >= 0x1p53) not_a("an integer", whole, p);
    return int64_t(x);
}

std::vector<std::string> items(const std::string& text, const Param& p) {
    std::string t = trimmed(text);
    if (!t.empty() && (t.front() == '(' || t.front() == '[')) {
        if (t.size() < 2 || t.back() != (t.front() == '(' ? ')' : ']')) not_a("a list", text, p);
        t = t.substr(1, t.size() - 2);
    }
    std::vector<std::string> parts;
    size_t from = 0;
    for (size_t i = 0; i <= t.size(); ++i)
        if (i == t.size() || t[i] == ',') {
            std::string part = trimmed(t.substr(from, i - from));
            if (!part.empty()) parts.push_back(part);
            from = i + 1;
        }
    return parts;
}

}  // namespace

Values attribute_value(const std::string& text, const Param& p) {
    minpy_value v = none_value();
    std::string t = trimmed(text);
    std::vector<int64_t> ints;
    std::vector<double> floats;
    if (t == "None" && p.kind != ParamKind::string) {
        if (!p.optional && !(p.has_default && p.default_value[0].tag == MINPY_V_NONE)) not_a("given", text, p);
        return Values({&v, 1});
    }
    switch (p.kind) {
        case ParamKind::boolean:
            if (t == "True" || t == "true" || t == "1") v = to_value(true);
            else if (t == "False" || t == "false" || t == "0") v = to_value(false);
            else not_a("a bool", text, p);
            break;
        case ParamKind::integer:
        case ParamKind::axis: v = to_value(integer(t, text, p)); break;
        case ParamKind::floating:
        case ParamKind::scalar: v = to_value(number(t, "a number", text, p)); break;
        case ParamKind::string:
            if (t != "None" || !p.optional) v = to_value(text);
            break;
        case ParamKind::ints:
        case ParamKind::axes:
            for (const std::string& item : items(t, p)) ints.push_back(integer(item, text, p));
            v = pointer_value(MINPY_V_INTS, ints.data(), int64_t(ints.size()));
            break;
        case ParamKind::floats:
            for (const std::string& item : items(t, p)) floats.push_back(number(item, "a number", text, p));
            v = pointer_value(MINPY_V_FLOATS, floats.data(), int64_t(floats.size()));
            break;
        case ParamKind::dtype: {
            DType found = dtype_from_name(t);
            if (found == DType::none)
                throw type_error("data type '", t.substr(0, 80), "' not understood").in_argument(p.name);
            v = to_value(found);
            break;
        }
        default: not_a("something a graph can hold", text, p);
    }
    return Values({&v, 1});
}

namespace {

std::string mxnet_text(const Json& j, const std::string& key) {
    switch (j.type()) {
        case Json::Type::string: return j.string();
        case Json::Type::boolean: return j.boolean() ? "True" : "False";
        case Json::Type::null: return "None";
        case Json::Type::array: break;
        case Json::Type::object: throw value_error("the attribute '", key, "' is an object").in_argument(key);
        default: return j.dump();
    }
    std::string text = "(";
    for (const Json& item : j.items()) {
        if (item.is_array() || item.is_object())
            throw value_error("the attribute '", key, "' is nested").in_argument(key);
        text += (text.size() > 1 ? ", " : "") + mxnet_text(item, key);
    }
    return text + (j.items().size() == 1 ? ",)" : ")");
}

}  // namespace

Attributes attributes_from_json(const char* text) {
    Attributes out;
    if (!text || !*text) return out;
    Json j = Json::parse(text);
    if (!j.is_object()) throw value_error("attributes must be a JSON object").in_argument("attributes_json");
    for (const auto& [key, value] : j.members()) out[key] = mxnet_text(value, key);
    return out;
}

}  // namespace minpy
