// The 15 element types: sizes, kinds, NumPy 2's promotion and casting rules (NEP 50), and visitors by named subsets.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

#include "core/array/number.h"
#include "core/registry/abi_types.h"

namespace minpy {

enum class DType : int32_t {
    none = 0,
    boolean = MINPY_BOOL,
    int8 = MINPY_INT8,
    int16 = MINPY_INT16,
    int32 = MINPY_INT32,
    int64 = MINPY_INT64,
    uint8 = MINPY_UINT8,
    uint16 = MINPY_UINT16,
    uint32 = MINPY_UINT32,
    uint64 = MINPY_UINT64,
    float16 = MINPY_FLOAT16,
    float32 = MINPY_FLOAT32,
    float64 = MINPY_FLOAT64,
    complex64 = MINPY_COMPLEX64,
    complex128 = MINPY_COMPLEX128,
    bfloat16 = MINPY_BFLOAT16,
};
inline constexpr int kNumDTypes = 16;  // including none

// Sets of dtypes, one bit each.
using DTypes = uint32_t;
constexpr DTypes bit(DType t) { return 1u << int(t); }
inline constexpr DTypes kBool = bit(DType::boolean);
inline constexpr DTypes kSigned = bit(DType::int8) | bit(DType::int16) | bit(DType::int32) | bit(DType::int64);
inline constexpr DTypes kUnsigned = bit(DType::uint8) | bit(DType::uint16) | bit(DType::uint32) | bit(DType::uint64);
inline constexpr DTypes kInteger = kSigned | kUnsigned;
inline constexpr DTypes kShortFloat = bit(DType::float16) | bit(DType::bfloat16);
inline constexpr DTypes kFloat = bit(DType::float32) | bit(DType::float64);  // those with loops of their own
inline constexpr DTypes kFloating = kFloat | kShortFloat;
inline constexpr DTypes kComplex = bit(DType::complex64) | bit(DType::complex128);
inline constexpr DTypes kReal = kBool | kInteger | kFloating;
inline constexpr DTypes kNumeric = kInteger | kFloating | kComplex;
inline constexpr DTypes kAll = kNumeric | kBool;
constexpr bool in(DType t, DTypes set) { return bit(t) & set; }

bool is_dtype(int32_t number);
// The dtype, or a TypeError.
DType checked_dtype(int32_t number);
inline constexpr int8_t kItemsizes[] = {0, 1, 1, 2, 4, 8, 1, 2, 4, 8, 2, 4, 8, 8, 16, 2};  // as the dtypes are numbered
constexpr int64_t itemsize(DType t) { return kItemsizes[int(t)]; }
const char* name(DType t);                     // "float64"
DType dtype_from_name(std::string_view name);  // none if there is no such dtype
DType real_of(DType t);                        // complex128 -> float64; others themselves
DType complex_of(DType t);  // float64 -> complex128, float32 and shorter floats -> complex64, integers -> complex128

enum class Casting : int32_t { no = 1, equiv = 2, safe = 3, same_kind = 4, unsafe = 5 };
bool can_cast(DType from, DType to, Casting casting = Casting::safe);
const char* name(Casting casting);

// NumPy's promote_types.
DType promote(DType a, DType b);
// Numbers of a language without a width: they take their dtype from the arrays they meet.
enum class Weak : uint8_t { none, boolean, integer, floating, complex };
// The dtype of a weak number alone (int64, float64, complex128, bool).
DType default_dtype(Weak weak);
// NumPy's result_type of one strong dtype (none if there is none) and the strongest weak number (none if none).
DType promote(DType strong, Weak weak);

template <class T> struct dtype_of_t;
#define MINPY_DTYPE_OF(T, D) \
    template <> struct dtype_of_t<T> { static constexpr DType value = DType::D; };
MINPY_DTYPE_OF(bool, boolean)
MINPY_DTYPE_OF(int8_t, int8)
MINPY_DTYPE_OF(int16_t, int16)
MINPY_DTYPE_OF(int32_t, int32)
MINPY_DTYPE_OF(int64_t, int64)
MINPY_DTYPE_OF(uint8_t, uint8)
MINPY_DTYPE_OF(uint16_t, uint16)
MINPY_DTYPE_OF(uint32_t, uint32)
MINPY_DTYPE_OF(uint64_t, uint64)
MINPY_DTYPE_OF(half, float16)
MINPY_DTYPE_OF(bhalf, bfloat16)
MINPY_DTYPE_OF(float, float32)
MINPY_DTYPE_OF(double, float64)
MINPY_DTYPE_OF(complex64, complex64)
MINPY_DTYPE_OF(complex128, complex128)
#undef MINPY_DTYPE_OF
template <class T> inline constexpr DType dtype_of = dtype_of_t<T>::value;

// Calls f.operator()<T>() for the C++ type of `t` if it is in Set, else throws a TypeError.
[[noreturn]] void throw_unsupported(DType t);
template <DTypes Set, class F> decltype(auto) for_dtype(DType t, F&& f) {
    switch (t) {
#define MINPY_CASE(D, T)                                                    \
    case DType::D:                                                          \
        if constexpr (in(DType::D, Set)) return f.template operator()<T>(); \
        break;
        MINPY_CASE(boolean, bool)
        MINPY_CASE(int8, int8_t)
        MINPY_CASE(int16, int16_t)
        MINPY_CASE(int32, int32_t)
        MINPY_CASE(int64, int64_t)
        MINPY_CASE(uint8, uint8_t)
        MINPY_CASE(uint16, uint16_t)
        MINPY_CASE(uint32, uint32_t)
        MINPY_CASE(uint64, uint64_t)
        MINPY_CASE(float16, half)
        MINPY_CASE(bfloat16, bhalf)
        MINPY_CASE(float32, float)
        MINPY_CASE(float64, double)
        MINPY_CASE(complex64, complex64)
        MINPY_CASE(complex128, complex128)
#undef MINPY_CASE
        default: break;
    }
    throw_unsupported(t);
}

}  // namespace minpy
