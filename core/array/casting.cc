#include "core/array/casting.h"

#include <cstring>

#include "core/array/convert.h"
#include "core/cpu/cast_loops.h"
#include "core/cpu/loops.h"

namespace minpy {
namespace {

template <class From, class To>
uint32_t cast_loop(const char* from, int64_t from_step, char* to, int64_t to_step, int64_t n) {
    uint32_t flags = 0;
    if (from_step == int64_t(sizeof(From)) && to_step == int64_t(sizeof(To))) {
        auto* a = reinterpret_cast<const From*>(from);
        auto* r = reinterpret_cast<To*>(to);
        if constexpr (std::is_same_v<From, To>) {
            std::memmove(r, a, size_t(n) * sizeof(To));
        } else if constexpr (!is_complex<From> && !is_complex<To>) {
            static const CastLoop loop = loop_level().casts->loops[int(dtype_of<From>)][int(dtype_of<To>)];
            // In place, elements of one size: what is read is not yet written, but the loop does not know.
            if (from != to) return loop(from, to, n);
            for (int64_t i = 0; i < n; ++i) r[i] = convert<To>(a[i], flags);
        } else {
            for (int64_t i = 0; i < n; ++i) r[i] = convert<To>(a[i], flags);
        }
    } else {
        for (int64_t i = 0; i < n; ++i, from += from_step, to += to_step)
            *reinterpret_cast<To*>(to) = convert<To>(*reinterpret_cast<const From*>(from), flags);
    }
    return flags;
}

struct StridedCasts {
    CastFn at[kNumDTypes][kNumDTypes] = {};
    StridedCasts() {
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
    static const StridedCasts table;
    return table.at[int(from)][int(to)];
}

}  // namespace minpy
