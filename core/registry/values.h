// Attributes of calls are minpy_values from the C ABI to the kernels: plain data with tags. Values owns a deep copy of some
// (for tapes, graphs and defaults); the readers below take one apart.
#pragma once
#include <complex>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/array/array.h"

namespace minpy {

using ValuesView = std::span<const minpy_value>;

// ---- making: borrowed, valid while their argument is ----
inline minpy_value none_value() { return {MINPY_V_NONE, 0, {0}}; }
inline minpy_value default_value() { return {MINPY_V_DEFAULT, 0, {0}}; }
inline minpy_value to_value(bool b) { return {MINPY_V_BOOL, 0, {b}}; }
inline minpy_value to_value(int64_t i) { return {MINPY_V_INT, 0, {i}}; }
inline minpy_value to_value(int i) { return {MINPY_V_INT, 0, {i}}; }
inline minpy_value to_value(double f) {
    minpy_value v{MINPY_V_FLOAT, 0, {0}};
    v.v.f = f;
    return v;
}
inline minpy_value pointer_value(int32_t tag, const void* p, int64_t n) {
    minpy_value v{tag, int32_t(n), {0}};
    v.v.p = p;
    return v;
}
inline minpy_value to_value(const std::complex<double>& z) { return pointer_value(MINPY_V_COMPLEX, &z, 0); }
inline minpy_value to_value(const Array& a) { return a ? pointer_value(MINPY_V_ARRAY, a.get(), 0) : none_value(); }
inline minpy_value to_value(DType t) { return {MINPY_V_DTYPE, 0, {int64_t(t)}}; }
inline minpy_value to_value(DimsView d) { return pointer_value(MINPY_V_INTS, d.data(), int64_t(d.size())); }
inline minpy_value to_value(const Dims& d) { return pointer_value(MINPY_V_INTS, d.data(), d.size()); }
inline minpy_value to_value(const char* s) {
    return pointer_value(MINPY_V_STRING, s, int64_t(std::string_view(s).size()));
}
inline minpy_value to_value(const std::string& s) { return pointer_value(MINPY_V_STRING, s.data(), int64_t(s.size())); }
inline minpy_value to_value(const minpy_value& v) { return v; }
// Array is one pointer, so a run of them is a run of handles.
static_assert(sizeof(Array) == sizeof(void*));
inline minpy_value to_value(std::span<const Array> a) {
    return pointer_value(MINPY_V_ARRAYS, a.data(), int64_t(a.size()));
}

// ---- taking apart ----
inline ArrayBody* array_of(const minpy_value& v) { return static_cast<ArrayBody*>(const_cast<void*>(v.v.p)); }
inline std::string_view string_of(const minpy_value& v) { return {static_cast<const char*>(v.v.p), size_t(v.len)}; }
inline DimsView ints_of(const minpy_value& v) { return {static_cast<const int64_t*>(v.v.p), size_t(v.len)}; }
inline bool is_number(const minpy_value& v) { return v.tag >= MINPY_V_BOOL && v.tag <= MINPY_V_SCALAR; }
Weak weak_of(const minpy_value& v);           // none for strong scalars
DType dtype_of_number(const minpy_value& v);  // of a strong scalar; a weak one's default
std::complex<double> complex_of(const minpy_value& v);
double double_of(const minpy_value& v);
int64_t int_of(const minpy_value& v);      // of BOOL, INT and integer SCALARs; else a TypeError
bool fits(const minpy_value& v, DType t);  // a weak integer in an integer dtype
// Writes the number as one element of dtype `t`; "Python integer 300 out of bounds for uint8" where it does not fit.
void store_number(const minpy_value& v, DType t, char* to);
// A 0-d array of it, in dtype `t` (none: its own).
Array array_of_number(const minpy_value& v, DType t = DType::none);
bool equal(const minpy_value& a, const minpy_value& b);
std::string to_json(const minpy_value& v);   // arrays by shape and dtype
std::string describe(const minpy_value& v);  // for messages

// An owned, immutable deep copy of some values; arrays in it are counted. Copying shares.
class Values {
public:
    Values() = default;
    explicit Values(ValuesView values, bool keep_arrays = true);
    // From JSON: null, true, 1, 1.5, "text", [1, 2] (INTS), [1.5] (FLOATS), other lists (VALUES).
    static Values from_json(std::string_view json);

    int64_t size() const { return data_ ? data_->n : 0; }
    const minpy_value& operator[](int64_t i) const { return data_->values[i]; }
    ValuesView view() const { return data_ ? ValuesView(data_->values, size_t(data_->n)) : ValuesView(); }

private:
    struct Data {
        int64_t n = 0;
        minpy_value* values = nullptr;
        std::vector<std::unique_ptr<char[]>> blocks;
        std::vector<Array> arrays;
        std::vector<std::shared_ptr<const void>> owned;
    };
    static void copy(const minpy_value* from, minpy_value* to, int64_t n, Data& data, bool keep_arrays);
    std::shared_ptr<Data> data_;
};

}  // namespace minpy
