#include "core/io/json.h"

#include <charconv>
#include <cmath>

#include "core/array/error.h"

namespace minpy {
namespace {

constexpr int kMaxDepth = 100;
constexpr const char* kTypeNames[] = {"null",     "a boolean", "an integer", "an integer",
                                      "a number", "a string",  "an array",   "an object"};

class Parser {
public:
    explicit Parser(std::string_view text) : text_(text) {}
    Json whole() {
        Json result = value(0);
        space();
        if (at_ != text_.size()) fail("there is text after the value");
        return result;
    }

private:
    [[noreturn]] void fail(std::string_view why) const { throw value_error("not JSON: ", why, " at byte ", at_); }
    void space() {
        while (at_ < text_.size() &&
               (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r'))
            ++at_;
    }
    char peek() {
        space();
        if (at_ == text_.size()) fail("it ends early");
        return text_[at_];
    }
    bool accept(char c) {
        if (peek() != c) return false;
        ++at_;
        return true;
    }
    void expect(char c) {
        if (!accept(c)) fail(cat("'", c, "' is missing"));
    }
    bool word(std::string_view w) {
        if (text_.substr(at_, w.size()) != w) return false;
        at_ += w.size();
        return true;
    }
    Json value(int depth) {
        if (depth > kMaxDepth) fail("it is nested too deeply");
        char c = peek();
        if (c == '{') return object(depth);
        if (c == '[') return array(depth);
        if (c == '"') return Json(string());
        if (word("true")) return Json(true);
        if (word("false")) return Json(false);
        if (word("null")) return Json();
        return number();
    }
    Json object(int depth) {
        Json result = Json::object();
        expect('{');
        if (accept('}')) return result;
        do {
            if (peek() != '"') fail("a name is missing");
            std::string key = string();
            expect(':');
            result.set(std::move(key), value(depth + 1));
        } while (accept(','));
        expect('}');
        return result;
    }
    Json array(int depth) {
        Json result = Json::array();
        expect('[');
        if (accept(']')) return result;
        do { result.push_back(value(depth + 1)); } while (accept(','));
        expect(']');
        return result;
    }
    unsigned hex4() {
        if (text_.size() - at_ < 4) fail("it ends early");
        unsigned code = 0;
        auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + at_ + 4, code, 16);
        if (error != std::errc() || end != text_.data() + at_ + 4) fail("an escape is wrong");
        at_ += 4;
        return code;
    }
    static void append_utf8(std::string& out, unsigned code) {
        if (code < 0x80) {
            out += char(code);
        } else if (code < 0x800) {
            out += char(0xc0 | code >> 6);
            out += char(0x80 | (code & 0x3f));
        } else if (code < 0x10000) {
            out += char(0xe0 | code >> 12);
            out += char(0x80 | (code >> 6 & 0x3f));
            out += char(0x80 | (code & 0x3f));
        } else {
            out += char(0xf0 | code >> 18);
            out += char(0x80 | (code >> 12 & 0x3f));
            out += char(0x80 | (code >> 6 & 0x3f));
            out += char(0x80 | (code & 0x3f));
        }
    }
    std::string string() {
        expect('"');
        std::string out;
        for (;;) {
            if (at_ == text_.size()) fail("a string does not end");
            char c = text_[at_++];
            if (c == '"') return out;
            if (static_cast<unsigned char>(c) < 0x20) fail("a control character in a string");
            if (c != '\\') {
                out += c;
                continue;
            }
            if (at_ == text_.size()) fail("a string does not end");
            switch (char e = text_[at_++]) {
                case 'n': out += '\n'; break;
                case 't': out += '\t'; break;
                case 'r': out += '\r'; break;
                case 'b': out += '\b'; break;
                case 'f': out += '\f'; break;
                case '"':
                case '\\':
                case '/': out += e; break;
                case 'u': {
                    unsigned code = hex4();
                    if (code >= 0xd800 && code < 0xdc00) {
                        if (!word("\\u")) fail("half of a surrogate pair");
                        unsigned low = hex4();
                        if (low < 0xdc00 || low > 0xdfff) fail("half of a surrogate pair");
                        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
                    } else if (code >= 0xdc00 && code < 0xe000) {
                        fail("half of a surrogate pair");
                    }
                    append_utf8(out, code);
                    break;
                }
                default: fail("an escape is wrong");
            }
        }
    }
    Json number() {
        size_t from = at_;
        bool whole = true;
        while (at_ < text_.size()) {
            char c = text_[at_];
            if (c == '.' || c == 'e' || c == 'E') whole = false;
            else if (!(c >= '0' && c <= '9') && c != '-' && c != '+') break;
            ++at_;
        }
        std::string_view digits = text_.substr(from, at_ - from);
        const char *begin = digits.data(), *end = begin + digits.size();
        if (whole) {
            int64_t i;
            if (auto r = std::from_chars(begin, end, i); r.ec == std::errc() && r.ptr == end) return Json(i);
            uint64_t u;
            if (auto r = std::from_chars(begin, end, u); r.ec == std::errc() && r.ptr == end) return Json(u);
        }
        double d;
        auto r = std::from_chars(begin, end, d);
        if (digits.empty() || r.ptr != end || r.ec == std::errc::invalid_argument) {
            at_ = from;
            fail("a value is wrong");
        }
        if (r.ec == std::errc::result_out_of_range) d = digits[0] == '-' ? -HUGE_VAL : HUGE_VAL;
        return Json(d);
    }

    std::string_view text_;
    size_t at_ = 0;
};

void write_string(std::string& out, const std::string& s) {
    out += '"';
    for (char c : s) {
        switch (c) {
            case '"': out += "\\\""; break;
            case '\\': out += "\\\\"; break;
            case '\n': out += "\\n"; break;
            case '\t': out += "\\t"; break;
            case '\r': out += "\\r"; break;
            default:
                if (static_cast<unsigned char>(c) < 0x20) {
                    constexpr const char* hex = "0123456789abcdef";
                    out += "\\u00";
                    out += hex[c >> 4];
                    out += hex[c & 15];
                } else {
                    out += c;
                }
        }
    }
    out += '"';
}

[[noreturn]] void wrong_type(Json::Type is, const char* wanted) {
    throw type_error("JSON: ", wanted, " is needed, got ", kTypeNames[int(is)]);
}

}  // namespace

Json Json::array(std::initializer_list<Json> items) {
    Json j;
    j.type_ = Type::array;
    j.items_ = items;
    return j;
}

Json Json::object(std::initializer_list<Member> members) {
    Json j;
    j.type_ = Type::object;
    j.members_ = members;
    return j;
}

Json Json::parse(std::string_view text) { return Parser(text).whole(); }

void Json::write(std::string& out) const {
    char digits[32];
    switch (type_) {
        case Type::null: out += "null"; break;
        case Type::boolean: out += integer_ ? "true" : "false"; break;
        case Type::integer: out.append(digits, std::to_chars(digits, digits + 32, integer_).ptr); break;
        case Type::unsigned_integer:
            out.append(digits, std::to_chars(digits, digits + 32, uint64_t(integer_)).ptr);
            break;
        case Type::number:
            if (!std::isfinite(number_)) {
                out += std::isnan(number_) ? "\"nan\"" : number_ > 0 ? "\"inf\"" : "\"-inf\"";
            } else {
                std::string_view text(digits, size_t(std::to_chars(digits, digits + 32, number_).ptr - digits));
                out += text;
                if (text.find_first_of(".e") == std::string_view::npos) out += ".0";  // stays a float when read again
            }
            break;
        case Type::string: write_string(out, string_); break;
        case Type::array:
            out += '[';
            for (const Json& item : items_) {
                if (&item != items_.data()) out += ',';
                item.write(out);
            }
            out += ']';
            break;
        case Type::object:
            out += '{';
            for (const Member& m : members_) {
                if (&m != members_.data()) out += ',';
                write_string(out, m.first);
                out += ':';
                m.second.write(out);
            }
            out += '}';
            break;
    }
}

std::string Json::dump() const {
    std::string out;
    write(out);
    return out;
}

bool Json::boolean() const {
    if (!is_boolean()) wrong_type(type_, "a boolean");
    return integer_ != 0;
}
int64_t Json::integer() const {
    if (!is(Type::integer)) wrong_type(type_, "an integer");
    return integer_;
}
uint64_t Json::unsigned_integer() const {
    if (!is_integer() || (is(Type::integer) && integer_ < 0)) wrong_type(type_, "an unsigned integer");
    return uint64_t(integer_);
}
double Json::number() const {
    if (is(Type::unsigned_integer)) return double(uint64_t(integer_));
    if (is(Type::integer)) return double(integer_);
    if (!is(Type::number)) wrong_type(type_, "a number");
    return number_;
}
const std::string& Json::string() const {
    if (!is_string()) wrong_type(type_, "a string");
    return string_;
}
const std::vector<Json>& Json::items() const {
    if (!is_array()) wrong_type(type_, "an array");
    return items_;
}
const std::vector<Json::Member>& Json::members() const {
    if (!is_object()) wrong_type(type_, "an object");
    return members_;
}
const Json* Json::find(std::string_view key) const {
    for (const Member& m : members_)
        if (m.first == key) return &m.second;
    return nullptr;
}
const Json& Json::at(std::string_view key) const {
    const Json* found = find(key);
    if (!found) throw value_error("JSON: '", key, "' is missing");
    return *found;
}

}  // namespace minpy
