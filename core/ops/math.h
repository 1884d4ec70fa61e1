// The vocabulary of the families' arithmetic: math::exp(x) and its like for float, double, integers and complex numbers.
// Like the family headers it is included inside a namespace of its includer (an instruction level, the CUDA plugin) and
// includes nothing: <cmath>, <cstdint>, <limits>, <type_traits> and core/array/number.h come before.
//
// On the CPU the transcendental functions are declared with the `simd` attribute, so that the compiler may call glibc's
// vector variants (libmvec) in loops. On a device they are the device's own.

#ifndef MINPY_FN
#define MINPY_FN inline
#endif

namespace math {

template <class T> inline constexpr bool kIsComplex = minpy::is_complex<T>;
template <class T> inline constexpr bool kIsFloat = std::is_floating_point_v<T>;

#if !defined(__CUDACC__) && !defined(MINPY_NVRTC)
namespace libm {
#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__clang__)
#define MINPY_SIMD __attribute__((simd("notinbranch")))
#else
#define MINPY_SIMD
#endif
#define MINPY_LIBM1(f)                                                            \
    extern "C" MINPY_SIMD double minpy_libm_##f(double) noexcept __asm__(#f);     \
    extern "C" MINPY_SIMD float minpy_libm_##f##f(float) noexcept __asm__(#f "f");
#define MINPY_LIBM2(f)                                                                \
    extern "C" MINPY_SIMD double minpy_libm_##f(double, double) noexcept __asm__(#f); \
    extern "C" MINPY_SIMD float minpy_libm_##f##f(float, float) noexcept __asm__(#f "f");
MINPY_LIBM1(exp) MINPY_LIBM1(exp2) MINPY_LIBM1(expm1) MINPY_LIBM1(log) MINPY_LIBM1(log2) MINPY_LIBM1(log10)
MINPY_LIBM1(log1p) MINPY_LIBM1(sin) MINPY_LIBM1(cos) MINPY_LIBM1(tan) MINPY_LIBM1(asin) MINPY_LIBM1(acos)
MINPY_LIBM1(atan) MINPY_LIBM1(sinh) MINPY_LIBM1(cosh) MINPY_LIBM1(tanh) MINPY_LIBM1(asinh) MINPY_LIBM1(acosh)
MINPY_LIBM1(atanh) MINPY_LIBM1(cbrt) MINPY_LIBM1(erf) MINPY_LIBM1(erfc) MINPY_LIBM2(pow) MINPY_LIBM2(atan2)
MINPY_LIBM2(hypot)
#undef MINPY_LIBM1
#undef MINPY_LIBM2
}  // namespace libm
#define MINPY_MATH1(name, f)                                                       \
    MINPY_FN float name(float x) { return libm::minpy_libm_##f##f(x); }            \
    MINPY_FN double name(double x) { return libm::minpy_libm_##f(x); }
#define MINPY_MATH2(name, f)                                                               \
    MINPY_FN float name(float x, float y) { return libm::minpy_libm_##f##f(x, y); }        \
    MINPY_FN double name(double x, double y) { return libm::minpy_libm_##f(x, y); }
#else
#define MINPY_MATH1(name, f)                                                       \
    MINPY_FN float name(float x) { return ::f##f(x); }                             \
    MINPY_FN double name(double x) { return ::f(x); }
#define MINPY_MATH2(name, f)                                                       \
    MINPY_FN float name(float x, float y) { return ::f##f(x, y); }                 \
    MINPY_FN double name(double x, double y) { return ::f(x, y); }
#endif
MINPY_MATH1(exp, exp) MINPY_MATH1(exp2, exp2) MINPY_MATH1(expm1, expm1) MINPY_MATH1(log, log) MINPY_MATH1(log2, log2)
MINPY_MATH1(log10, log10) MINPY_MATH1(log1p, log1p) MINPY_MATH1(sin, sin) MINPY_MATH1(cos, cos) MINPY_MATH1(tan, tan)
MINPY_MATH1(arcsin, asin) MINPY_MATH1(arccos, acos) MINPY_MATH1(arctan, atan) MINPY_MATH1(sinh, sinh)
MINPY_MATH1(cosh, cosh) MINPY_MATH1(tanh, tanh) MINPY_MATH1(arcsinh, asinh) MINPY_MATH1(arccosh, acosh)
MINPY_MATH1(arctanh, atanh) MINPY_MATH1(cbrt, cbrt) MINPY_MATH1(erf, erf) MINPY_MATH1(erfc, erfc)
MINPY_MATH2(pow, pow) MINPY_MATH2(arctan2, atan2) MINPY_MATH2(hypot, hypot)
#undef MINPY_MATH1
#undef MINPY_MATH2

// Compiled to single instructions.
MINPY_FN float sqrt(float x) { return __builtin_sqrtf(x); }
MINPY_FN double sqrt(double x) { return __builtin_sqrt(x); }
MINPY_FN float floor(float x) { return __builtin_floorf(x); }
MINPY_FN double floor(double x) { return __builtin_floor(x); }
MINPY_FN float ceil(float x) { return __builtin_ceilf(x); }
MINPY_FN double ceil(double x) { return __builtin_ceil(x); }
MINPY_FN float trunc(float x) { return __builtin_truncf(x); }
MINPY_FN double trunc(double x) { return __builtin_trunc(x); }
MINPY_FN float rint(float x) { return __builtin_rintf(x); }
MINPY_FN double rint(double x) { return __builtin_rint(x); }
MINPY_FN float fabs(float x) { return __builtin_fabsf(x); }
MINPY_FN double fabs(double x) { return __builtin_fabs(x); }
MINPY_FN float copysign(float x, float y) { return __builtin_copysignf(x, y); }
MINPY_FN double copysign(double x, double y) { return __builtin_copysign(x, y); }

template <class T> MINPY_FN bool is_nan(T x) {
    if constexpr (kIsComplex<T>) return x.re != x.re || x.im != x.im;
    else return x != x;
}
template <class T> MINPY_FN bool is_inf(T x) {
    if constexpr (kIsComplex<T>) return is_inf(x.re) || is_inf(x.im);
    else if constexpr (kIsFloat<T>) return fabs(x) == std::numeric_limits<T>::infinity();
    else return false;
}
template <class T> MINPY_FN bool is_finite(T x) {
    if constexpr (kIsComplex<T>) return is_finite(x.re) && is_finite(x.im);
    else if constexpr (kIsFloat<T>) return fabs(x) < std::numeric_limits<T>::infinity();
    else return true;
}
// NaN where either is NaN; the first of equals.
template <class T> MINPY_FN T max(T x, T y) { return (x >= y || is_nan(x)) ? x : y; }
template <class T> MINPY_FN T min(T x, T y) { return (x <= y || is_nan(x)) ? x : y; }
// Wrapping integer arithmetic: signed overflow is undefined in C++, defined here as in NumPy.
template <class T> MINPY_FN T add(T x, T y) {
    if constexpr (std::is_integral_v<T>) return T(std::make_unsigned_t<T>(x) + std::make_unsigned_t<T>(y));
    else return x + y;
}
template <class T> MINPY_FN T sub(T x, T y) {
    if constexpr (std::is_integral_v<T>) return T(std::make_unsigned_t<T>(x) - std::make_unsigned_t<T>(y));
    else return x - y;
}
template <class T> MINPY_FN T mul(T x, T y) {
    // Short unsigned factors would be promoted to int, whose product may overflow.
    if constexpr (std::is_integral_v<T>) return T(std::uint64_t(x) * std::uint64_t(y));
    else return x * y;
}
template <class T> MINPY_FN T neg(T x) {
    if constexpr (std::is_integral_v<T>) return T(0 - std::make_unsigned_t<T>(x));
    else return -x;
}
// Smith's method, as NumPy's: no overflow where the quotient has none.
template <class T> MINPY_FN minpy::complex_number<T> div(minpy::complex_number<T> x, minpy::complex_number<T> y) {
    bool wide = fabs(y.re) >= fabs(y.im);
    T big = wide ? y.re : y.im, small = wide ? y.im : y.re;
    bool zero = big == 0;
    T ratio = zero ? small : small / big, scale = T(1) / (big + small * ratio);
    T re = wide ? x.re + x.im * ratio : x.re * ratio + x.im;
    T im = wide ? x.im - x.re * ratio : x.im * ratio - x.re;
    return zero ? minpy::complex_number<T>{x.re / fabs(y.re), x.im / fabs(y.re)}
                : minpy::complex_number<T>{re * scale, im * scale};
}
template <class T> MINPY_FN T div(T x, T y) { return x / y; }

}  // namespace math
