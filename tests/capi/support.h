// What tests of the C API share.
#pragma once
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "minpy/minpy.h"

namespace {

inline constexpr minpy_device kHost = {MINPY_CPU, 0};

inline std::string last_error() { return minpy_last_error_message(); }

inline std::string take(minpy_buffer b) {
    uint64_t size = 0;
    const char* data = minpy_buffer_data(b, &size);
    std::string text(data, size);
    minpy_buffer_release(b);
    return text;
}

inline minpy_value value(minpy_array a) {
    minpy_value v = {MINPY_V_ARRAY, 0, {0}};
    v.v.p = a;
    return v;
}
inline minpy_value value(int64_t i) { return {MINPY_V_INT, 0, {i}}; }
inline minpy_value text_value(const char* s) {
    minpy_value v = {MINPY_V_STRING, int32_t(std::string(s).size()), {0}};
    v.v.p = s;
    return v;
}
inline minpy_value ints(const std::vector<int64_t>& i) {
    minpy_value v = {MINPY_V_INTS, int32_t(i.size()), {0}};
    v.v.p = i.data();
    return v;
}

inline minpy_array make(std::vector<double> data, std::vector<int64_t> shape) {
    minpy_array a = nullptr;
    EXPECT_EQ(
        minpy_array_from_host(data.data(), shape.data(), nullptr, int32_t(shape.size()), MINPY_FLOAT64, kHost, &a), 0)
        << last_error();
    return a;
}

inline minpy_status call(const char* name, std::vector<minpy_value> args, minpy_array* out) {
    minpy_op op;
    if (minpy_status s = minpy_op_find(name, &op)) return s;
    minpy_value results[8];
    int32_t n = 8;
    if (minpy_status s = minpy_invoke(op, args.data(), int32_t(args.size()), nullptr, results, &n)) return s;
    *out = static_cast<minpy_array>(const_cast<void*>(results[0].v.p));
    minpy_values_release(results + 1, n - 1);
    return MINPY_OK;
}

inline std::vector<double> values(minpy_array a) {
    minpy_array_info info = MINPY_ARRAY_INFO_INIT;
    EXPECT_EQ(minpy_array_get_info(a, &info), 0);
    std::vector<double> data(static_cast<size_t>(info.size));
    EXPECT_EQ(minpy_array_to_host(a, data.data(), uint64_t(info.nbytes), nullptr), 0) << last_error();
    return data;
}

struct Live {
    uint64_t arrays, handles;
    friend bool operator==(Live, Live) = default;
};
inline Live live() {
    minpy_memory_stats m = {};
    m.struct_size = sizeof m;
    minpy_memory_get_stats(kHost, &m);
    return {m.live_arrays, m.live_handles};
}
inline std::ostream& operator<<(std::ostream& out, Live l) {
    return out << l.arrays << " arrays, " << l.handles << " handles";
}

}  // namespace
