// What a loop file includes before it opens the namespace of its level: standard headers must not be compiled into a
// level, or the linker might choose a v4 copy of an inline function for all.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#if defined(__AVX512DQ__)
#include <immintrin.h>
#endif

#include "core/cpu/loops.h"

#define MINPY_CONCAT2(a, b) a##b
#define MINPY_CONCAT(a, b)  MINPY_CONCAT2(a, b)
