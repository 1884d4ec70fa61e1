// The vocabulary of the families' arithmetic: math::exp(x) and its like for float, double, integers and complex numbers.
// Like the family headers it is included inside a namespace of its includer (an instruction level, the CUDA plugin) and
// includes nothing: <cmath>, <cstdint>, <limits>, <type_traits> and core/array/number.h come before.
//
// On the CPU the transcendental functions are declared with the `simd` attribute, so that the compiler may call glibc's
// vector variants (libmvec) in loops. On a device they are the device's own.

#ifndef MINPY_FN
#if defined(__CUDACC__)
#define MINPY_FN __host__ __device__ inline
#else
#define MINPY_FN inline
#endif
#endif
// The device's functions; a test compiles them for the CPU too.
#if defined(__CUDACC__) && !defined(MINPY_DEVICE_MATH)
#define MINPY_DEVICE_MATH 1
#endif

// What a functor's `warn` may say, as MINPY_FP_*.
inline constexpr unsigned kFpDivide = 1, kFpOverflow = 2, kFpUnderflow = 4, kFpInvalid = 8;

namespace math {

using minpy::complex128;
using minpy::complex64;
template <class T> inline constexpr bool kIsComplex = minpy::is_complex<T>;
template <class T> inline constexpr bool kIsFloat = std::is_floating_point_v<T>;

#if !defined(MINPY_DEVICE_MATH)
namespace libm {
#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__clang__)
#define MINPY_SIMD __attribute__((simd("notinbranch")))
#else
#define MINPY_SIMD
#endif
#define MINPY_LIBM1(f)                                                        \
    extern "C" MINPY_SIMD double minpy_libm_##f(double) noexcept __asm__(#f); \
    extern "C" MINPY_SIMD float minpy_libm_##f##f(float) noexcept __asm__(#f "f");
#define MINPY_LIBM2(f)                                                                \
    extern "C" MINPY_SIMD double minpy_libm_##f(double, double) noexcept __asm__(#f); \
    extern "C" MINPY_SIMD float minpy_libm_##f##f(float, float) noexcept __asm__(#f "f");
MINPY_LIBM1(exp)
MINPY_LIBM1(exp2)
MINPY_LIBM1(expm1)
MINPY_LIBM1(log)
MINPY_LIBM1(log2)
MINPY_LIBM1(log10)
MINPY_LIBM1(log1p)
MINPY_LIBM1(sin)
MINPY_LIBM1(cos)
MINPY_LIBM1(tan)
MINPY_LIBM1(asin)
MINPY_LIBM1(acos)
MINPY_LIBM1(atan)
MINPY_LIBM1(sinh)
MINPY_LIBM1(cosh)
MINPY_LIBM1(tanh)
MINPY_LIBM1(asinh)
MINPY_LIBM1(acosh)
MINPY_LIBM1(atanh)
MINPY_LIBM1(cbrt)
MINPY_LIBM1(erf)
MINPY_LIBM1(erfc)
MINPY_LIBM2(pow)
MINPY_LIBM2(atan2)
MINPY_LIBM2(hypot)
#undef MINPY_SIMD
#define MINPY_SIMD  // no vector variants of these
MINPY_LIBM2(fmod)
MINPY_LIBM2(nextafter)
#undef MINPY_LIBM1
#undef MINPY_LIBM2
extern "C" double minpy_libm_ldexp(double, int) noexcept __asm__("ldexp");
extern "C" float minpy_libm_ldexpf(float, int) noexcept __asm__("ldexpf");
// The C library's complex functions, with the special values of C's Annex G.
#define MINPY_LIBMC(f)                                                                          \
    extern "C" __complex__ double minpy_libm_c##f(__complex__ double) noexcept __asm__("c" #f); \
    extern "C" __complex__ float minpy_libm_c##f##f(__complex__ float) noexcept __asm__("c" #f "f");
MINPY_LIBMC(exp)
MINPY_LIBMC(log)
MINPY_LIBMC(sqrt)
MINPY_LIBMC(sin)
MINPY_LIBMC(cos)
MINPY_LIBMC(tan)
MINPY_LIBMC(asin)
MINPY_LIBMC(acos)
MINPY_LIBMC(atan)
MINPY_LIBMC(sinh)
MINPY_LIBMC(cosh)
MINPY_LIBMC(tanh)
MINPY_LIBMC(asinh)
MINPY_LIBMC(acosh)
MINPY_LIBMC(atanh)
#undef MINPY_LIBMC
extern "C" __complex__ double minpy_libm_cpow(__complex__ double, __complex__ double) noexcept __asm__("cpow");
extern "C" __complex__ float minpy_libm_cpowf(__complex__ float, __complex__ float) noexcept __asm__("cpowf");
}  // namespace libm
#define MINPY_MATH1(name, f)                                            \
    MINPY_FN float name(float x) { return libm::minpy_libm_##f##f(x); } \
    MINPY_FN double name(double x) { return libm::minpy_libm_##f(x); }
#define MINPY_MATH2(name, f)                                                        \
    MINPY_FN float name(float x, float y) { return libm::minpy_libm_##f##f(x, y); } \
    MINPY_FN double name(double x, double y) { return libm::minpy_libm_##f(x, y); }
#else
#define MINPY_MATH1(name, g)                           \
    MINPY_FN float name(float x) { return ::g##f(x); } \
    MINPY_FN double name(double x) { return ::g(x); }
#define MINPY_MATH2(name, g)                                       \
    MINPY_FN float name(float x, float y) { return ::g##f(x, y); } \
    MINPY_FN double name(double x, double y) { return ::g(x, y); }
#endif
MINPY_MATH1(exp, exp)
MINPY_MATH1(exp2, exp2)
MINPY_MATH1(expm1, expm1)
MINPY_MATH1(log, log)
MINPY_MATH1(log2, log2)
MINPY_MATH1(log10, log10)
MINPY_MATH1(log1p, log1p)
MINPY_MATH1(sin, sin)
MINPY_MATH1(cos, cos)
MINPY_MATH1(tan, tan)
MINPY_MATH1(arcsin, asin)
MINPY_MATH1(arccos, acos)
MINPY_MATH1(arctan, atan)
MINPY_MATH1(sinh, sinh)
MINPY_MATH1(cosh, cosh)
MINPY_MATH1(tanh, tanh)
MINPY_MATH1(arcsinh, asinh)
MINPY_MATH1(arccosh, acosh)
MINPY_MATH1(arctanh, atanh)
MINPY_MATH1(cbrt, cbrt)
MINPY_MATH1(erf, erf)
MINPY_MATH1(erfc, erfc)
MINPY_MATH2(pow, pow)
MINPY_MATH2(arctan2, atan2)
MINPY_MATH2(hypot, hypot)
MINPY_MATH2(fmod, fmod)
MINPY_MATH2(nextafter, nextafter)
#undef MINPY_MATH1
#undef MINPY_MATH2

// Compiled to single instructions.
#if defined(MINPY_DEVICE_MATH)
#define MINPY_BUILTIN(f) ::f
#else
#define MINPY_BUILTIN(f) __builtin_##f
#endif
#define MINPY_MATH1(g)                                           \
    MINPY_FN float g(float x) { return MINPY_BUILTIN(g##f)(x); } \
    MINPY_FN double g(double x) { return MINPY_BUILTIN(g)(x); }
MINPY_MATH1(sqrt)
MINPY_MATH1(floor)
MINPY_MATH1(ceil) MINPY_MATH1(trunc) MINPY_MATH1(rint) MINPY_MATH1(fabs) MINPY_FN float copysign(float x, float y) {
    return MINPY_BUILTIN(copysignf)(x, y);
}
MINPY_FN double copysign(double x, double y) { return MINPY_BUILTIN(copysign)(x, y); }
#undef MINPY_MATH1
#undef MINPY_BUILTIN

template <class T> MINPY_FN T number(double x) {
    if constexpr (kIsComplex<T>) return {typename T::real_type(x), 0};
    else return T(x);
}
#if !defined(MINPY_DEVICE_MATH)
MINPY_FN float ldexp(float x, int n) { return libm::minpy_libm_ldexpf(x, n); }
MINPY_FN double ldexp(double x, int n) { return libm::minpy_libm_ldexp(x, n); }
#else
MINPY_FN float ldexp(float x, int n) { return ::ldexpf(x, n); }
MINPY_FN double ldexp(double x, int n) { return ::ldexp(x, n); }
#endif

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

// a if the condition holds, else b, by masks: the compiler makes branches of some conditional expressions (around loads
// and function calls), and loops with branches stay scalar.
template <class T> MINPY_FN T select(bool condition, T a, T b) {
    if constexpr (kIsComplex<T>) {
        return {select(condition, a.re, b.re), select(condition, a.im, b.im)};
    } else {
        using U =
            std::conditional_t<sizeof(T) == 8, std::uint64_t,
                               std::conditional_t<sizeof(T) == 4, std::uint32_t,
                                                  std::conditional_t<sizeof(T) == 2, std::uint16_t, std::uint8_t>>>;
        U mask = U(-U(condition));
        return __builtin_bit_cast(T, U((__builtin_bit_cast(U, a) & mask) | (__builtin_bit_cast(U, b) & U(~mask))));
    }
}

// ---- comparison ----
// Complex numbers compare by their real parts, then by their imaginary parts, as in NumPy.
template <class T> MINPY_FN bool equal(T x, T y) { return x == y; }
template <class T> MINPY_FN bool less(T x, T y) {
    if constexpr (kIsComplex<T>) return (x.re < y.re && x.im == x.im && y.im == y.im) || (x.re == y.re && x.im < y.im);
    else return x < y;
}
template <class T> MINPY_FN bool less_equal(T x, T y) {
    if constexpr (kIsComplex<T>) return (x.re < y.re && x.im == x.im && y.im == y.im) || (x.re == y.re && x.im <= y.im);
    else return x <= y;
}
// By value, where promotion would round to a float.
MINPY_FN bool equal(std::int64_t x, std::uint64_t y) { return (x >= 0) & (std::uint64_t(x) == y); }
MINPY_FN bool equal(std::uint64_t x, std::int64_t y) { return equal(y, x); }
MINPY_FN bool less(std::int64_t x, std::uint64_t y) { return (x < 0) | (std::uint64_t(x) < y); }
MINPY_FN bool less(std::uint64_t x, std::int64_t y) { return (y >= 0) & (x < std::uint64_t(y)); }
MINPY_FN bool less_equal(std::int64_t x, std::uint64_t y) { return (x < 0) | (std::uint64_t(x) <= y); }
MINPY_FN bool less_equal(std::uint64_t x, std::int64_t y) { return (y >= 0) & (x <= std::uint64_t(y)); }
// NaN where either is NaN; the first of equals.
template <class T> MINPY_FN T max(T x, T y) {
    if constexpr (std::is_integral_v<T>) return x < y ? y : x;
    else return select(less_equal(y, x) | is_nan(x), x, y);
}
template <class T> MINPY_FN T min(T x, T y) {
    if constexpr (std::is_integral_v<T>) return y < x ? y : x;
    else return select(less_equal(x, y) | is_nan(x), x, y);
}
// NaN only where both are.
template <class T> MINPY_FN T fmax(T x, T y) {
    if constexpr (std::is_integral_v<T>) return x < y ? y : x;
    else return select(less_equal(y, x) | is_nan(y), x, y);
}
template <class T> MINPY_FN T fmin(T x, T y) {
    if constexpr (std::is_integral_v<T>) return y < x ? y : x;
    else return select(less_equal(x, y) | is_nan(y), x, y);
}

// ---- arithmetic ----
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

// Integers divide as in Python, towards minus infinity; by zero they give 0. Signed overflow wraps.
template <class T> MINPY_FN T floor_divide(T x, T y) {
    if constexpr (std::is_signed_v<T>) {
        bool plain = (y != 0) & (y != T(-1));  // the processor stops at the others
        T d = plain ? y : T(1), q = T(x / d), r = T(x % d);
        q = T(q - ((r != 0) & ((r < 0) != (d < 0))));
        return y == T(-1) ? neg(x) : y == 0 ? T(0) : q;
    } else {
        T q = T(x / (y != 0 ? y : T(1)));
        return y == 0 ? T(0) : q;
    }
}
template <class T> MINPY_FN T remainder(T x, T y) {
    if constexpr (std::is_signed_v<T>) {
        bool plain = (y != 0) & (y != T(-1));
        T d = plain ? y : T(1), r = T(x % d);
        r = T(r + ((r != 0) & ((r < 0) != (d < 0)) ? d : T(0)));
        return plain ? r : T(0);
    } else {
        T r = T(x % (y != 0 ? y : T(1)));
        return y == 0 ? T(0) : r;
    }
}
template <class T> MINPY_FN T fmod_integer(T x, T y) {  // the sign of x
    bool plain = y != 0;
    if constexpr (std::is_signed_v<T>) plain = plain & (y != T(-1));
    T r = T(x % (plain ? y : T(1)));
    return plain ? r : T(0);
}
// NumPy's division with remainder: the pair that fmod and one division give, adjusted to Python's signs.
template <class T> MINPY_FN T floor_divide_float(T x, T y) {
    T m = fmod(x, y), q = (x - m) / y;
    q = (m != 0) & ((y < 0) != (m < 0)) ? q - 1 : q;
    T f = floor(q);
    f = q - f > T(0.5) ? f + 1 : f;
    T quotient = x / y;
    return y == 0 ? quotient : q == 0 ? copysign(T(0), quotient) : f;
}
template <class T> MINPY_FN T remainder_float(T x, T y) {
    T m = fmod(x, y);
    T adjusted = (y < 0) != (m < 0) ? m + y : m;
    return y == 0 ? m : m == 0 ? copysign(T(0), y) : adjusted;
}
MINPY_FN float floor_divide(float x, float y) { return floor_divide_float(x, y); }
MINPY_FN double floor_divide(double x, double y) { return floor_divide_float(x, y); }
MINPY_FN float remainder(float x, float y) { return remainder_float(x, y); }
MINPY_FN double remainder(double x, double y) { return remainder_float(x, y); }
// By squaring; y is not negative.
template <class T> MINPY_FN T integer_power(T x, T y) {
    T r = T(1);
    for (; y > 0; y = T(y >> 1)) {
        r = y & 1 ? mul(r, x) : r;
        x = mul(x, x);
    }
    return r;
}
template <class T> MINPY_FN T gcd(T x, T y) {  // of the moduli
    using U = std::make_unsigned_t<T>;
    U a = U(x), b = U(y);
    if constexpr (std::is_signed_v<T>) a = x < 0 ? U(0 - a) : a, b = y < 0 ? U(0 - b) : b;
    while (a) {
        U c = U(b % a);
        b = a;
        a = c;
    }
    return T(b);
}
template <class T> MINPY_FN T lcm(T x, T y) {
    T g = gcd(x, y);
    if constexpr (std::is_signed_v<T>) x = x < 0 ? neg(x) : x, y = y < 0 ? neg(y) : y;
    return g == 0 ? T(0) : mul(T(x / g), y);
}

// ---- complex functions ----
template <class T> MINPY_FN T abs(minpy::complex_number<T> z) { return hypot(z.re, z.im); }
// i z and -i z
template <class T> MINPY_FN minpy::complex_number<T> turned(minpy::complex_number<T> z) { return {-z.im, z.re}; }
template <class T> MINPY_FN minpy::complex_number<T> turned_back(minpy::complex_number<T> z) { return {z.im, -z.re}; }

#if !defined(MINPY_DEVICE_MATH)
// The compiler's own complex type is what the C library takes.
MINPY_FN __complex__ double native(complex128 z) {
    __complex__ double w;
    __real__ w = z.re;
    __imag__ w = z.im;
    return w;
}
MINPY_FN __complex__ float native(complex64 z) {
    __complex__ float w;
    __real__ w = z.re;
    __imag__ w = z.im;
    return w;
}
MINPY_FN complex128 ours(__complex__ double w) { return {__real__ w, __imag__ w}; }
MINPY_FN complex64 ours(__complex__ float w) { return {__real__ w, __imag__ w}; }
#define MINPY_MATHC(name, f)                                                                   \
    MINPY_FN complex64 name(complex64 z) { return ours(libm::minpy_libm_c##f##f(native(z))); } \
    MINPY_FN complex128 name(complex128 z) { return ours(libm::minpy_libm_c##f(native(z))); }
MINPY_MATHC(exp, exp)
MINPY_MATHC(log, log)
MINPY_MATHC(sqrt, sqrt)
MINPY_MATHC(sin, sin)
MINPY_MATHC(cos, cos)
MINPY_MATHC(tan, tan)
MINPY_MATHC(arcsin, asin)
MINPY_MATHC(arccos, acos)
MINPY_MATHC(arctan, atan)
MINPY_MATHC(sinh, sinh)
MINPY_MATHC(cosh, cosh)
MINPY_MATHC(tanh, tanh)
MINPY_MATHC(arcsinh, asinh)
MINPY_MATHC(arccosh, acosh)
MINPY_MATHC(arctanh, atanh)
#undef MINPY_MATHC
MINPY_FN complex64 cpow(complex64 x, complex64 y) { return ours(libm::minpy_libm_cpowf(native(x), native(y))); }
MINPY_FN complex128 cpow(complex128 x, complex128 y) { return ours(libm::minpy_libm_cpow(native(x), native(y))); }
#else
// Devices have no complex functions of their own: these are the textbook's, right but for some special values.
#define MINPY_COMPLEX_FN template <class T> MINPY_FN minpy::complex_number<T>
MINPY_COMPLEX_FN exp(minpy::complex_number<T> z) {
    T r = exp(z.re);
    return z.im == 0 ? minpy::complex_number<T>{r, z.im} : minpy::complex_number<T>{r * cos(z.im), r * sin(z.im)};
}
MINPY_COMPLEX_FN log(minpy::complex_number<T> z) { return {log(abs(z)), arctan2(z.im, z.re)}; }
MINPY_COMPLEX_FN sqrt(minpy::complex_number<T> z) {
    T r = sqrt(T(0.5) * (abs(z) + fabs(z.re)));
    T other = r == 0 ? T(0) : fabs(z.im) / (2 * r);
    return z.re >= 0 ? minpy::complex_number<T>{r, copysign(other, z.im)}
                     : minpy::complex_number<T>{other, copysign(r, z.im)};
}
MINPY_COMPLEX_FN sinh(minpy::complex_number<T> z) { return {sinh(z.re) * cos(z.im), cosh(z.re) * sin(z.im)}; }
MINPY_COMPLEX_FN cosh(minpy::complex_number<T> z) { return {cosh(z.re) * cos(z.im), sinh(z.re) * sin(z.im)}; }
MINPY_COMPLEX_FN tanh(minpy::complex_number<T> z) {
    T t = tanh(z.re), u = tan(z.im);
    return div(minpy::complex_number<T>{t, u}, minpy::complex_number<T>{T(1), t * u});
}
MINPY_COMPLEX_FN sin(minpy::complex_number<T> z) { return turned_back(sinh(turned(z))); }
MINPY_COMPLEX_FN cos(minpy::complex_number<T> z) { return cosh(turned(z)); }
MINPY_COMPLEX_FN tan(minpy::complex_number<T> z) { return turned_back(tanh(turned(z))); }
MINPY_COMPLEX_FN arcsinh(minpy::complex_number<T> z) {
    using C = minpy::complex_number<T>;
    C a = sqrt(C{1 + z.im, -z.re}), b = sqrt(C{1 - z.im, z.re});  // Kahan
    return {arcsinh(b.re * a.im * -1 + a.re * b.im), arctan2(z.im, (a * b).re)};
}
MINPY_COMPLEX_FN arcsin(minpy::complex_number<T> z) { return turned_back(arcsinh(turned(z))); }
MINPY_COMPLEX_FN arccos(minpy::complex_number<T> z) {
    minpy::complex_number<T> s = arcsin(z);
    return {T(1.5707963267948966) - s.re, -s.im};
}
MINPY_COMPLEX_FN arccosh(minpy::complex_number<T> z) {
    minpy::complex_number<T> c = arccos(z);
    return c.im <= 0 ? turned(c) : turned_back(c);
}
MINPY_COMPLEX_FN arctanh(minpy::complex_number<T> z) {
    T x = z.re, y = z.im;
    return {T(0.25) * log1p(4 * x / ((1 - x) * (1 - x) + y * y)), T(0.5) * arctan2(2 * y, (1 - x) * (1 + x) - y * y)};
}
MINPY_COMPLEX_FN arctan(minpy::complex_number<T> z) { return turned_back(arctanh(turned(z))); }
MINPY_COMPLEX_FN cpow(minpy::complex_number<T> x, minpy::complex_number<T> y) { return exp(y * log(x)); }
#undef MINPY_COMPLEX_FN
#endif

template <class T> MINPY_FN minpy::complex_number<T> scaled(minpy::complex_number<T> z, double by) {
    return {z.re * T(by), z.im * T(by)};
}
template <class T> MINPY_FN minpy::complex_number<T> exp2(minpy::complex_number<T> z) {
    return exp(scaled(z, 0.693147180559945309417));
}
template <class T> MINPY_FN minpy::complex_number<T> log2(minpy::complex_number<T> z) {
    return scaled(log(z), 1.442695040888963407360);
}
template <class T> MINPY_FN minpy::complex_number<T> log10(minpy::complex_number<T> z) {
    return scaled(log(z), 0.434294481903251827651);
}
template <class T> MINPY_FN minpy::complex_number<T> expm1(minpy::complex_number<T> z) {
    T half = sin(z.im / 2);
    return {expm1(z.re) * cos(z.im) - 2 * half * half, exp(z.re) * sin(z.im)};
}
template <class T> MINPY_FN minpy::complex_number<T> log1p(minpy::complex_number<T> z) {
    return {log(hypot(z.re + 1, z.im)), arctan2(z.im, z.re + 1)};
}

// NumPy's: small whole exponents by multiplication, powers of zero by cases.
template <class T>
MINPY_FN minpy::complex_number<T> complex_power(minpy::complex_number<T> x, minpy::complex_number<T> y) {
    using C = minpy::complex_number<T>;
    if (y == C()) return {1, 0};
    if (x == C()) {
        const T nan = std::numeric_limits<T>::quiet_NaN();
        return y.re > 0 ? C() : C{nan, nan};
    }
    if (y.im == 0 && fabs(y.re) < 100 && y.re == trunc(y.re)) {
        int n = int(fabs(y.re));
        if (y.re == 1) return x;
        if (y.re == 2) return x * x;
        if (y.re == 3) return x * (x * x);
        C r{1, 0}, p = x;
        for (int mask = 1;; p = p * p) {
            if (n & mask) r = r * p;
            mask <<= 1;
            if (n < mask) break;
        }
        return y.re < 0 ? div(C{1, 0}, r) : r;
    }
    return cpow(x, y);
}

// What a complex function is blamed for: no number from numbers, no finite number from finite ones.
template <class T> MINPY_FN unsigned complex_warn(T x, T y) {
    return (is_nan(y) && !is_nan(x) ? kFpInvalid : 0u) | (is_inf(y) && is_finite(x) ? kFpOverflow : 0u);
}

}  // namespace math
