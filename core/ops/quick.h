// exp, log, tanh and powers by shorter ways, for processors with fused multiplication: what is special (overflow, subnormal
// numbers, signs, NaN) is left to libm, which makes them shorter than its vector variants. A function gives NaN or infinity
// for what it does not take, and an element takes it or not by its own value alone, whatever its neighbours are: the same
// bits at every position. For CPU loops only; included like core/ops/math.h, after it.
//
// Measured in ulps, float against double on every argument, double against long double on 12 million: exp 1.1 (float 1.1),
// log 2.0 (float 1.0), tanh of float 2.5, pow 1.2 (float 1.1).
#if defined(__FMA__)
#define MINPY_QUICK_MATH 1
namespace math {

MINPY_FN std::uint32_t bits(float x) { return __builtin_bit_cast(std::uint32_t, x); }
MINPY_FN std::uint64_t bits(double x) { return __builtin_bit_cast(std::uint64_t, x); }
MINPY_FN float of_bits(std::uint32_t u) { return __builtin_bit_cast(float, u); }
MINPY_FN double of_bits(std::uint64_t u) { return __builtin_bit_cast(double, u); }
MINPY_FN float fma(float x, float y, float z) { return __builtin_fmaf(x, y, z); }
MINPY_FN double fma(double x, double y, double z) { return __builtin_fma(x, y, z); }
template <class T> inline constexpr T kNaN = std::numeric_limits<T>::quiet_NaN();

// x = n ln(2) + r with |r| <= ln(2)/2. Adding `magic` rounds to an integer, which then lies in the low bits of `shifted`.
template <class T> struct ExpParts { T shifted, n, r; };
MINPY_FN ExpParts<float> exp_parts(float x) {
    const float magic = 0x1.8p23f;
    float t = fma(x, 0x1.715476p+0f, magic), n = t - magic;
    return {t, n, fma(-n, -0x1.05c610p-29f, fma(-n, 0x1.62e430p-1f, x))};
}
MINPY_FN ExpParts<double> exp_parts(double x) {
    const double magic = 0x1.8p52;
    double t = fma(x, 0x1.71547652b82fep+0, magic), n = t - magic;
    return {t, n, fma(-n, 0x1.abc9e3b39803fp-56, fma(-n, 0x1.62e42fefa39efp-1, x))};
}
// exp(r) - 1; the polynomials are (exp(r) - 1 - r) / r^2, interpolated at Chebyshev's points.
MINPY_FN float exp_tail(float r) {
    float r2 = r * r;
    float p0 = fma(r, 0x1.55551ap-5f, 0x1.5554dcp-3f), p1 = fma(r, 0x1.6d110ap-10f, 0x1.120b6ep-7f);
    return fma(r2, fma(r, fma(r2, p1, p0), 0.5f), r);
}
MINPY_FN double exp_tail(double r) {
    double r2 = r * r, r4 = r2 * r2;
    double p0 = fma(r, 0x1.5555555555556p-3, 0x1.0000000000001p-1);
    double p1 = fma(r, 0x1.11111111109adp-7, 0x1.5555555553d4fp-5);
    double p2 = fma(r, 0x1.a01a01a7c8d47p-13, 0x1.6c16c17893833p-10);
    double p3 = fma(r, 0x1.71de0d9c145d0p-19, 0x1.a019b8ef67c6cp-16);
    double p4 = fma(r, 0x1.af38d53857513p-26, 0x1.2891a8c1d838dp-22);
    return fma(r2, fma(r4, fma(r4, p4, fma(r2, p3, p2)), fma(r2, p1, p0)), r);
}
// x 2^n, for normal results.
MINPY_FN float scaled_by(float x, float shifted) { return of_bits(bits(x) + (bits(shifted) << 23)); }
MINPY_FN double scaled_by(double x, double shifted) { return of_bits(bits(x) + (bits(shifted) << 52)); }

// sqrt(x^2 + y^2) where neither square can overflow, or vanish beside what is left.
template <class T> MINPY_FN T quick_hypot(T x, T y) {
    const T most = sizeof(T) == 8 ? T(0x1p1000) : T(0x1p120f), least = sizeof(T) == 8 ? T(0x1p-900) : T(0x1p-80f);
    T s = fma(x, x, y * y);
    bool ordinary = (s < most) & ((s > least) | ((x == 0) & (y == 0)));
    return ordinary ? math::sqrt(s) : kNaN<T>;
}

MINPY_FN float quick_exp(float x) {
    ExpParts<float> e = exp_parts(x);
    float y = scaled_by(1.0f + exp_tail(e.r), e.shifted);
    return fabs(x) < 87.0f ? y : kNaN<float>;
}
MINPY_FN double quick_exp(double x) {
    ExpParts<double> e = exp_parts(x);
    double y = scaled_by(1.0 + exp_tail(e.r), e.shifted);
    return fabs(x) < 708.0 ? y : kNaN<double>;
}

// (1 - e) / (1 + e) with e = exp(-2 |x|), by e - 1, which is exact near 0. Takes every number.
MINPY_FN float quick_tanh(float x) {
    float a = fabs(x);
    ExpParts<float> e = exp_parts(-2.0f * (a > 10.0f ? 10.0f : a));
    float power = of_bits((bits(e.shifted) + 127u) << 23), less_one = fma(power, exp_tail(e.r), power - 1.0f);
    return copysign(less_one / (less_one + 2.0f), x);
}

// x = 2^k m, m in [sqrt(1/2), sqrt(2)), of positive normal numbers.
template <class T> struct LogParts { T m, k; };
MINPY_FN LogParts<float> log_parts(float x) {
    const std::uint32_t root = 0x3f3504f3u;
    std::uint32_t w = bits(x) + (0x3f800000u - root);
    return {of_bits((w & 0x007fffffu) + root), float(std::int32_t(w >> 23) - 127)};
}
MINPY_FN LogParts<double> log_parts(double x) {
    const std::uint64_t root = 0x3fe6a09e667f3bcdu, mantissa = 0x000fffffffffffffu;
    std::uint64_t w = bits(x) + (0x3ff0000000000000u - root);
    return {of_bits((w & mantissa) + root), of_bits((w >> 52) | 0x4330000000000000u) - (0x1p52 + 1023.0)};
}
MINPY_FN bool is_positive_normal(float x) { return bits(x) - 0x00800000u < 0x7f000000u; }
MINPY_FN bool is_positive_normal(double x) { return bits(x) - 0x0010000000000000u < 0x7fe0000000000000u; }

// k ln(2) + log(1 + f), the polynomial being (log(1 + f) - f) / f^2 at Chebyshev's points.
MINPY_FN float quick_log(float x) {
    LogParts<float> l = log_parts(x);
    float f = l.m - 1.0f, f2 = f * f, f4 = f2 * f2;
    float p0 = fma(f, 0x1.55554ep-2f, -0.5f), p1 = fma(f, 0x1.99a130p-3f, -0x1.000008p-2f);
    float p2 = fma(f, 0x1.237a56p-3f, -0x1.5559e6p-3f), p3 = fma(f, 0x1.e3d33ap-4f, -0x1.fcc1aep-4f);
    float p4 = fma(f, 0x1.15425cp-4f, -0x1.d962f2p-4f);
    float p = fma(f4, fma(f4, p4, fma(f2, p3, p2)), fma(f2, p1, p0));
    float y = fma(l.k, 0x1.62e430p-1f, f + fma(l.k, -0x1.05c610p-29f, f2 * p));
    return is_positive_normal(x) ? y : kNaN<float>;
}
// log(m) = 2 artanh(s), s = (m - 1) / (m + 1). The polynomial is that of FreeBSD's e_log.c.
MINPY_FN double quick_log(double x) {
    LogParts<double> l = log_parts(x);
    double f = l.m - 1.0, s = f / (2.0 + f), z = s * s, zz = z * z;
    double even = fma(zz, fma(zz, 0x1.39a09d078c69fp-3, 0x1.c71c51d8e78afp-3), 0x1.999999997fa04p-2);
    double odd = fma(zz, 0x1.2f112df3e5244p-3, 0x1.7466496cb03dep-3);
    odd = fma(zz, fma(zz, odd, 0x1.2492494229359p-2), 0x1.5555555555593p-1);
    double y = fma(l.k, 0x1.62e42fefa39efp-1, fma(s, zz * even + z * odd, s + s));
    return is_positive_normal(x) ? y : kNaN<double>;
}

// ---- x^y = exp(y log(x)), positive x ----
// In three steps, each a loop of its own: one chain of so many operations would be longer than what a processor looks
// ahead (measured: 0.6 of the time). The logarithm has half as many digits again, in two parts.
template <class T> struct Two { T high, low; };
// s = 2 (m - 1) / (m + 1)
template <class T> MINPY_FN Two<T> pow_ratio(T x) {
    T m = log_parts(x).m, f = m - 1, u = m + 1, rest = m - (u - 1), inverse = 1 / u, f2 = f + f;
    T s = f2 * inverse;
    return {s, fma(-s, rest, fma(-s, u, f2)) * inverse};
}
// k ln(2) + s + s^3/12 + s^5/80 + …, whose second term needs its lower half as well.
MINPY_FN Two<float> pow_log(float x, Two<float> s) {
    float k = log_parts(x).k;
    float z = s.high * s.high, z_low = fma(s.high + s.high, s.low, fma(s.high, s.high, -z));
    float tail = z * fma(z, fma(z, 0x1.ddced8p-12f, 0x1.245c44p-9f), 0x1.9999ecp-7f);
    const float third = 0x1.555556p-4f, third_low = -0x1.555556p-29f;  // 1/12
    float c = third + tail, c_low = ((third - c) + tail) + third_low;
    float q = z * c, q_low = fma(z_low, c, fma(z, c_low, fma(z, c, -q)));
    float g = s.high * q, g_low = fma(s.low, q, fma(s.high, q_low, fma(s.high, q, -g)));
    float m = s.high + g, m_low = ((s.high - m) + g) + (g_low + s.low);
    float n = k * 0x1.62e4p-1f, high = n + m;
    return {high, ((n - high) + m) + fma(k, 0x1.7f7d1cp-20f, m_low)};
}
MINPY_FN Two<double> pow_log(double x, Two<double> s) {
    double k = log_parts(x).k;
    double z = s.high * s.high, z_low = fma(s.high + s.high, s.low, fma(s.high, s.high, -z)), z2 = z * z;
    double p0 = fma(z, 0x1.249249248e53bp-9, 0x1.999999999999ep-7);
    double p1 = fma(z, 0x1.745d09f1d2e07p-14, 0x1.c71c71d7e5cbbp-12);
    double p2 = fma(z, 0x1.1018bb6af787ep-18, 0x1.3b18b888c578fp-16);
    double tail = z * fma(z2 * z2, fma(z2, 0x1.0877e906b72d3p-20, p2), fma(z2, p1, p0));
    const double third = 0x1.5555555555555p-4, third_low = 0x1.5555555555555p-58;  // 1/12
    double c = third + tail, c_low = ((third - c) + tail) + third_low;
    double q = z * c, q_low = fma(z_low, c, fma(z, c_low, fma(z, c, -q)));
    double g = s.high * q, g_low = fma(s.low, q, fma(s.high, q_low, fma(s.high, q, -g)));
    double m = s.high + g, m_low = ((s.high - m) + g) + (g_low + s.low);
    double n = k * 0x1.62e42fefa3800p-1, high = n + m;
    return {high, ((n - high) + m) + fma(k, 0x1.ef35793c76730p-45, m_low)};
}
MINPY_FN float pow_exp(float x, Two<float> log, float y) {
    float a = y * log.high, low = fma(y, log.low, fma(y, log.high, -a));
    ExpParts<float> e = exp_parts(a);
    float r = fma(-e.n, 0x1.62e4p-1f, a) + fma(-e.n, 0x1.7f7d1cp-20f, low);
    float z = scaled_by(1.0f + exp_tail(r), e.shifted);
    return (fabs(a) < 87.0f) & is_positive_normal(x) ? z : kNaN<float>;
}
MINPY_FN double pow_exp(double x, Two<double> log, double y) {
    double a = y * log.high, low = fma(y, log.low, fma(y, log.high, -a));
    ExpParts<double> e = exp_parts(a);
    double r = fma(-e.n, 0x1.62e42fefa3800p-1, a) + fma(-e.n, 0x1.ef35793c76730p-45, low);
    double z = scaled_by(1.0 + exp_tail(r), e.shifted);
    return (fabs(a) < 708.0) & is_positive_normal(x) ? z : kNaN<double>;
}
template <class T> MINPY_FN T quick_pow(T x, T y) { return pow_exp(x, pow_log(x, pow_ratio(x)), y); }

}  // namespace math
#endif
