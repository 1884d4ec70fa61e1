// Arguments and the arrays among them, taken apart and put together again: what tapes and plans keep of a call whose
// operands may be anywhere in lists.
#pragma once
#include <deque>

#include "core/registry/call.h"

namespace minpy {

// Arguments as a pattern in which every array is a DEFAULT, and the arrays, also those of lists, by order.
struct Pattern {
    SmallVector<minpy_value, 8> values;
    Arrays operands;
    std::deque<SmallVector<minpy_value, 8>> lists;  // what nested values point to

    explicit Pattern(ValuesView given) { values = take(given, 0); }

    SmallVector<minpy_value, 8> take(ValuesView given, int depth) {
        if (depth > 32) throw value_error("arguments are nested too deeply");
        SmallVector<minpy_value, 8> out;
        for (const minpy_value& v : given) {
            if (v.tag < 0 || v.tag > MINPY_V_DEFAULT) throw value_error("an argument has the unknown tag ", v.tag);
            if (v.tag == MINPY_V_ARRAY) {
                if (!v.v.p) throw value_error("an argument is a null pointer");
                operands.push_back(Array::share(array_of(v)));
                out.push_back(default_value());
            } else if (v.tag == MINPY_V_ARRAYS) {
                auto* handles = static_cast<ArrayBody* const*>(v.v.p);
                for (int32_t i = 0; i < v.len; ++i) {
                    if (!handles[i]) throw value_error("an argument is a null pointer");
                    operands.push_back(Array::share(handles[i]));
                }
                out.push_back(pointer_value(MINPY_V_ARRAYS, nullptr, v.len));
            } else if (v.tag == MINPY_V_VALUES) {
                lists.push_back(take({static_cast<const minpy_value*>(v.v.p), size_t(v.len)}, depth + 1));
                out.push_back(pointer_value(MINPY_V_VALUES, lists.back().data(), v.len));
            } else {
                out.push_back(v.tag == MINPY_V_DEFAULT ? none_value() : v);
            }
        }
        return out;
    }
};

// The pattern with arrays in their places again.
class Filled {
public:
    Filled(ValuesView pattern, Arrays operands) : operands_(std::move(operands)) { values_ = fill(pattern); }
    SmallVector<minpy_value, 8>& values() { return values_; }
    void add(const Array& a) {
        more_.push_back(a);
        values_.push_back(to_value(a));
    }

private:
    SmallVector<minpy_value, 8> fill(ValuesView pattern) {
        SmallVector<minpy_value, 8> out;
        for (const minpy_value& v : pattern) {
            if (v.tag == MINPY_V_DEFAULT) {
                out.push_back(to_value(operands_[next_++]));
            } else if (v.tag == MINPY_V_ARRAYS) {
                out.push_back(pointer_value(MINPY_V_ARRAYS, operands_.data() + next_, v.len));
                next_ += v.len;
            } else if (v.tag == MINPY_V_VALUES) {
                lists_.push_back(fill({static_cast<const minpy_value*>(v.v.p), size_t(v.len)}));
                out.push_back(pointer_value(MINPY_V_VALUES, lists_.back().data(), v.len));
            } else {
                out.push_back(v);
            }
        }
        return out;
    }
    Arrays operands_, more_;
    std::deque<SmallVector<minpy_value, 8>> lists_;
    SmallVector<minpy_value, 8> values_;
    int64_t next_ = 0;
};

}  // namespace minpy
