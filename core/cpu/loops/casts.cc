// Conversions between real dtypes, compiled once per instruction level, MINPY_LEVEL. Exports casts_<level>().
#include "core/array/convert.h"
#include "core/cpu/cast_loops.h"
#include "core/cpu/loops/prelude.h"

namespace minpy {
namespace MINPY_LEVEL {
namespace casts {

// A bool as a byte, since bytes are vectorised and bools are not; memory from elsewhere may have other bytes than 0 and 1.
struct Truth {
    uint8_t byte;
};
template <class From> From value(From x) { return x; }
inline uint8_t value(Truth x) { return x.byte != 0; }

template <class From, class To> uint32_t run(const char* from, char* to, int64_t n) {
    const From* __restrict a = reinterpret_cast<const From*>(from);
    To* __restrict r = reinterpret_cast<To*>(to);
    uint32_t flags = 0;
    for (int64_t i = 0; i < n; ++i) {
        uint32_t met = 0;
        r[i] = convert<To>(value(a[i]), met);
        flags |= met;
    }
    return flags;
}

template <class From> void row(CastLoop* out) {
    out[int(DType::boolean)] = run<From, bool>;
    out[int(DType::int8)] = run<From, int8_t>;
    out[int(DType::int16)] = run<From, int16_t>;
    out[int(DType::int32)] = run<From, int32_t>;
    out[int(DType::int64)] = run<From, int64_t>;
    out[int(DType::uint8)] = run<From, uint8_t>;
    out[int(DType::uint16)] = run<From, uint16_t>;
    out[int(DType::uint32)] = run<From, uint32_t>;
    out[int(DType::uint64)] = run<From, uint64_t>;
    out[int(DType::float16)] = run<From, half>;
    out[int(DType::bfloat16)] = run<From, bhalf>;
    out[int(DType::float32)] = run<From, float>;
    out[int(DType::float64)] = run<From, double>;
}

}  // namespace casts
}  // namespace MINPY_LEVEL

const CastTable& MINPY_CONCAT(casts_, MINPY_LEVEL)() {
    static const CastTable table = [] {
        using namespace MINPY_LEVEL::casts;
        CastTable t{};
        row<Truth>(t.loops[int(DType::boolean)]);
        row<int8_t>(t.loops[int(DType::int8)]);
        row<int16_t>(t.loops[int(DType::int16)]);
        row<int32_t>(t.loops[int(DType::int32)]);
        row<int64_t>(t.loops[int(DType::int64)]);
        row<uint8_t>(t.loops[int(DType::uint8)]);
        row<uint16_t>(t.loops[int(DType::uint16)]);
        row<uint32_t>(t.loops[int(DType::uint32)]);
        row<uint64_t>(t.loops[int(DType::uint64)]);
        row<half>(t.loops[int(DType::float16)]);
        row<bhalf>(t.loops[int(DType::bfloat16)]);
        row<float>(t.loops[int(DType::float32)]);
        row<double>(t.loops[int(DType::float64)]);
        for (int i = 0; i < kNumDTypes; ++i) t.loops[i][i] = nullptr;
        return t;
    }();
    return table;
}

}  // namespace minpy
