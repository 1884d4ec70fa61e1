#include "core/cpu/loops.h"

#include <cstdlib>
#include <cstring>

#include "core/ops/families.h"

namespace minpy {

#define MINPY_DECLARE(family, level) const LoopTable& family##_loops_##level();
#define MINPY_TABLE(family, level)   &family##_loops_##level(),
#define MINPY_LEVEL_TABLES(level)                                                                                     \
    namespace {                                                                                                       \
    const LoopLevel& level_##level() {                                                                                \
        static const LoopTable* const tables[] = {MINPY_LOOP_FAMILIES(MINPY_TABLE, level)};                           \
        static const LoopLevel result{#level, tables, int64_t(sizeof tables / sizeof *tables), &reductions_##level(), \
                                      &casts_##level()};                                                              \
        return result;                                                                                                \
    }                                                                                                                 \
    }

#if MINPY_LEVEL_V2
MINPY_LOOP_FAMILIES(MINPY_DECLARE, v2)
const ReduceTable& reductions_v2();
const CastTable& casts_v2();
MINPY_LEVEL_TABLES(v2)
#endif
#if MINPY_LEVEL_V3
MINPY_LOOP_FAMILIES(MINPY_DECLARE, v3)
const ReduceTable& reductions_v3();
const CastTable& casts_v3();
MINPY_LEVEL_TABLES(v3)
#endif
#if MINPY_LEVEL_V4
MINPY_LOOP_FAMILIES(MINPY_DECLARE, v4)
const ReduceTable& reductions_v4();
const CastTable& casts_v4();
MINPY_LEVEL_TABLES(v4)
#endif
#if MINPY_LEVEL_GENERIC
MINPY_LOOP_FAMILIES(MINPY_DECLARE, generic)
const ReduceTable& reductions_generic();
const CastTable& casts_generic();
MINPY_LEVEL_TABLES(generic)
#endif

const LoopLevel& loop_level() {
    static const LoopLevel& chosen = []() -> const LoopLevel& {
        const char* most = std::getenv("MINPY_LEVEL");
        [[maybe_unused]] auto allowed = [&](const char* level) { return !most || std::strcmp(level, most) <= 0; };
#if MINPY_LEVEL_V4
        if (allowed("v4") && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
            __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
            __builtin_cpu_supports("avx512cd"))
            return level_v4();
#endif
#if MINPY_LEVEL_V3
        if (allowed("v3") && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
            __builtin_cpu_supports("bmi2"))
            return level_v3();
#endif
#if MINPY_LEVEL_V2
        return level_v2();
#elif MINPY_LEVEL_GENERIC
        return level_generic();
#elif MINPY_LEVEL_V3
        return level_v3();
#else
        return level_v4();
#endif
    }();
    return chosen;
}

}  // namespace minpy
