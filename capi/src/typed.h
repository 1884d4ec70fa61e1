// What the generated typed functions are made of: minpy_invoke with the thread's context, arguments in C's types.
#pragma once
#include "capi/src/boundary.h"

namespace minpy {

inline minpy_value array_or_none(minpy_array a) { return a ? pointer_value(MINPY_V_ARRAY, a, 0) : none_value(); }
inline minpy_value string_or_none(const char* s) { return s ? to_value(s) : none_value(); }
inline minpy_value ints_or_none(const int64_t* i, int32_t n) {
    return i || n ? pointer_value(MINPY_V_INTS, i, n) : none_value();
}
inline minpy_value int_or_none(const int64_t* i) { return i ? to_value(*i) : none_value(); }
inline minpy_value dtype_or_none(minpy_dtype t) { return t ? to_value(DType(t)) : none_value(); }

// `op` is found once per function.
inline minpy_status typed_call(const Op*& op, const char* name, ValuesView args,
                               std::initializer_list<minpy_array*> out) {
    return guard([&] {
        for (minpy_array* o : out) need(o, "out");
        for (const minpy_value& v : args) {
            if (v.tag == MINPY_V_ARRAY) check_alive(array_of(v), "an array");
            if ((v.tag == MINPY_V_ARRAYS || v.tag == MINPY_V_INTS) && v.len < 0)
                throw value_error("a negative number of items");
            if ((v.tag == MINPY_V_ARRAYS || v.tag == MINPY_V_INTS) && v.len > 0 && !v.v.p)
                throw value_error("a list is NULL");
        }
        const Op* row = __atomic_load_n(&op, __ATOMIC_ACQUIRE);
        if (!row) __atomic_store_n(&op, row = &find_op(name), __ATOMIC_RELEASE);
        Arrays results = invoke(*row, args);
        int64_t i = 0;
        for (minpy_array* o : out) *o = give(std::move(results[i++]), Context::current());
    });
}

}  // namespace minpy
