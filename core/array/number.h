// The element types that C++ lacks: half, bfloat16 (storage only: arithmetic goes through float) and complex numbers.
#pragma once
#include <bit>
#include <cmath>
#include <cstdint>
#include <type_traits>

namespace minpy {

// Never a symbol of its own: loops are compiled for several instruction levels (core/cpu/loops/prelude.h).
#if defined(__CUDACC__)
#define MINPY_INLINE __host__ __device__
#else
#define MINPY_INLINE [[gnu::always_inline]]
#endif

// IEEE binary16.
struct half {
    uint16_t bits;
    half() = default;
    MINPY_INLINE explicit half(float x) : bits(encode(x)) {}
    MINPY_INLINE explicit operator float() const { return decode(bits); }

    // Round to nearest even; overflow gives infinity, NaN stays NaN.
    MINPY_INLINE static uint16_t encode(float x) {
        // Selects, no branches: loops of it are vectorised.
        uint32_t u = std::bit_cast<uint32_t>(x), sign = (u >> 16) & 0x8000u, a = u & 0x7fffffffu;
        uint32_t normal = (a + 0xc8000fffu + ((a >> 13) & 1)) >> 13;
        float magic = std::bit_cast<float>(0x3f000000u);  // below the normal numbers let float addition round
        uint32_t subnormal = std::bit_cast<uint32_t>(std::bit_cast<float>(a) + magic) - 0x3f000000u;
        uint32_t nan = 0x7e00u | ((a >> 13) & 0x3ffu);
        uint32_t h = a < 0x38800000u ? subnormal : normal;
        h = a >= 0x477ff000u ? 0x7c00u : h;
        h = a > 0x7f800000u ? nan : h;
        return uint16_t(sign | h);
    }
    MINPY_INLINE static float decode(uint16_t h) {
        uint32_t sign = uint32_t(h & 0x8000u) << 16, a = h & 0x7fffu;
        uint32_t subnormal = std::bit_cast<uint32_t>(float(int32_t(a)) * 0x1p-24f);
        uint32_t f = a < 0x0400u ? subnormal : (a << 13) + 0x38000000u;
        f = a >= 0x7c00u ? 0x7f800000u | (a & 0x3ffu) << 13 : f;
        return std::bit_cast<float>(sign | f);
    }
};

// The upper half of a float.
struct bhalf {
    uint16_t bits;
    bhalf() = default;
    MINPY_INLINE explicit bhalf(float x) : bits(encode(x)) {}
    MINPY_INLINE explicit operator float() const { return std::bit_cast<float>(uint32_t(bits) << 16); }
    MINPY_INLINE static uint16_t encode(float x) {
        uint32_t u = std::bit_cast<uint32_t>(x);
        uint32_t rounded = (u + 0x7fffu + ((u >> 16) & 1)) >> 16;
        return uint16_t((u & 0x7fffffffu) > 0x7f800000u ? (u >> 16) | 0x40u : rounded);
    }
};

// A complex number as plain data. Its arithmetic for kernels is in core/ops/math.h; here is what set-up code needs.
template <class T> struct complex_number {
    T re, im;
    using real_type = T;
    MINPY_INLINE friend bool operator==(complex_number a, complex_number b) { return a.re == b.re && a.im == b.im; }
    MINPY_INLINE friend complex_number operator+(complex_number a, complex_number b) {
        return {a.re + b.re, a.im + b.im};
    }
    MINPY_INLINE friend complex_number operator-(complex_number a, complex_number b) {
        return {a.re - b.re, a.im - b.im};
    }
    MINPY_INLINE friend complex_number operator-(complex_number a) { return {-a.re, -a.im}; }
    MINPY_INLINE friend complex_number operator*(complex_number a, complex_number b) {
        return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
    }
    MINPY_INLINE complex_number& operator+=(complex_number b) { return *this = *this + b; }
    MINPY_INLINE complex_number& operator*=(complex_number b) { return *this = *this * b; }
};
using complex64 = complex_number<float>;
using complex128 = complex_number<double>;

template <class T> inline constexpr bool is_complex = std::is_same_v<T, complex64> || std::is_same_v<T, complex128>;
template <class T> inline constexpr bool is_short_float = std::is_same_v<T, half> || std::is_same_v<T, bhalf>;

}  // namespace minpy
