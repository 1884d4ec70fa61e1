// JSON, read and written. Small and our own for one reason: nlohmann's values allocate in their destructor, which ends the
// process when memory is refused, and libminpy must never do that. Texts are untrusted: nesting is limited to 100.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace minpy {

class Json {
public:
    enum class Type { null, boolean, integer, unsigned_integer, number, string, array, object };
    using Member = std::pair<std::string, Json>;

    Json() = default;
    Json(std::nullptr_t) {}
    Json(bool b) : type_(Type::boolean), integer_(b) {}
    Json(int i) : type_(Type::integer), integer_(i) {}
    Json(int64_t i) : type_(Type::integer), integer_(i) {}
    Json(uint64_t u) : type_(u > uint64_t(INT64_MAX) ? Type::unsigned_integer : Type::integer), integer_(int64_t(u)) {}
    Json(double d) : type_(Type::number), number_(d) {}
    Json(const char* s) : type_(Type::string), string_(s) {}
    Json(std::string s) : type_(Type::string), string_(std::move(s)) {}
    Json(std::string_view s) : type_(Type::string), string_(s) {}
    static Json array(std::initializer_list<Json> items = {});
    template <class Range> static Json array_of(const Range& items) {
        Json j = array();
        for (const auto& each : items) j.items_.emplace_back(each);
        return j;
    }
    static Json object(std::initializer_list<Member> members = {});

    // The value of a whole text; a ValueError that says where it is wrong.
    static Json parse(std::string_view text);
    std::string dump() const;

    Type type() const { return type_; }
    bool is(Type t) const { return type_ == t; }
    bool is_null() const { return is(Type::null); }
    bool is_boolean() const { return is(Type::boolean); }
    bool is_integer() const { return is(Type::integer) || is(Type::unsigned_integer); }
    bool is_number() const { return is_integer() || is(Type::number); }
    bool is_string() const { return is(Type::string); }
    bool is_array() const { return is(Type::array); }
    bool is_object() const { return is(Type::object); }

    // Of another type: a TypeError naming both.
    bool boolean() const;
    int64_t integer() const;
    uint64_t unsigned_integer() const;
    double number() const;
    const std::string& string() const;
    const std::vector<Json>& items() const;        // of an array
    const std::vector<Member>& members() const;    // of an object, in order
    const Json* find(std::string_view key) const;  // null where an object has no such member
    const Json& at(std::string_view key) const;    // a ValueError where it has none

    void push_back(Json item) { items_.push_back(std::move(item)); }
    void set(std::string key, Json value) { members_.emplace_back(std::move(key), std::move(value)); }

private:
    void write(std::string& out) const;
    Type type_ = Type::null;
    int64_t integer_ = 0;
    double number_ = 0;
    std::string string_;
    std::vector<Json> items_;
    std::vector<Member> members_;
};

}  // namespace minpy
