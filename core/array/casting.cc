#include "core/array/casting.h"

#include <cstring>

#include "core/array/convert.h"

namespace minpy {
namespace {

template <class From, class To>
uint32_t cast_loop(const char* from, int64_t from_step, char* to, int64_t to_step, int64_t n) {
    uint32_t flags = 0;
    if (from_step == int64_t(sizeof(From)) && to_step == int64_t(sizeof(To))) {
        auto* a = reinterpret_cast<const From*>(from);
        auto* r = reinterpret_cast<To*>(to);
        if constexpr (std::is_same_v<From, To>) std::memmove(r, a, size_t(n) * sizeof(To));
        else
            for (int64_t i = 0; i < n; ++i) r[i] = convert<To>(a[i], flags);
    } else {
        for (int64_t i = 0; i < n; ++i, from += from_step, to += to_step)
            *reinterpret_cast<To*>(to) = convert<To>(*reinterpret_cast<const From*>(from), flags);
    }
    return flags;
}

struct CastTable {
    CastFn at[kNumDTypes][kNumDTypes] = {};
    CastTable() {
        for (int a = 1; a < kNumDTypes; ++a) {
            for_dtype<kAll>(DType(a), [&]<class From> {
                for (int b = 1; b < kNumDTypes; ++b)
                    for_dtype<kAll>(DType(b), [&]<class To> { at[a][b] = cast_loop<From, To>; });
            });
        }
    }
};

}  // namespace

CastFn cast_function(DType from, DType to) {
    static const CastTable table;
    return table.at[int(from)][int(to)];
}

}  // namespace minpy
