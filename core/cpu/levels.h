// MINPY_LEVEL_TABLE(Table, family): the function family_table(), which gives the table of the level chosen at load among those
// that each level exports as family_<level>().
#pragma once
#include <string_view>

#include "core/cpu/loops.h"

#if MINPY_LEVEL_V2
#define MINPY_AT_V2(...) __VA_ARGS__
#else
#define MINPY_AT_V2(...)
#endif
#if MINPY_LEVEL_V3
#define MINPY_AT_V3(...) __VA_ARGS__
#else
#define MINPY_AT_V3(...)
#endif
#if MINPY_LEVEL_V4
#define MINPY_AT_V4(...) __VA_ARGS__
#else
#define MINPY_AT_V4(...)
#endif
#if MINPY_LEVEL_GENERIC
#define MINPY_AT_GENERIC(...) __VA_ARGS__
#else
#define MINPY_AT_GENERIC(...)
#endif

#define MINPY_EVERY_LEVEL(M, Table, family) \
    MINPY_AT_V2(M(Table, family, v2))       \
    MINPY_AT_V3(M(Table, family, v3))       \
    MINPY_AT_V4(M(Table, family, v4))       \
    MINPY_AT_GENERIC(M(Table, family, generic))
#define MINPY_DECLARE_LEVEL(Table, family, level) const Table& family##_##level();
#define MINPY_RETURN_LEVEL(Table, family, level) \
    if (chosen == #level) return family##_##level();

#define MINPY_LEVEL_TABLE(Table, family)                         \
    MINPY_EVERY_LEVEL(MINPY_DECLARE_LEVEL, Table, family)        \
    static const Table& family##_table() {                       \
        static const Table& table = []() -> const Table& {       \
            std::string_view chosen = loop_level().name;         \
            MINPY_EVERY_LEVEL(MINPY_RETURN_LEVEL, Table, family) \
            __builtin_unreachable();                             \
        }();                                                     \
        return table;                                            \
    }
