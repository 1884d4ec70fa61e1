// Whole parts, and the parts of floating-point numbers. Plain scalar C++ (see core/ops/math.h): no includes, no namespace.

// Integers are whole already.
#define MINPY_WHOLE(Name, f)                                      \
    struct Name {                                                 \
        static constexpr auto kTypes = kBool | kInteger | kFloat; \
        template <class T> MINPY_FN T operator()(T x) const {     \
            if constexpr (math::kIsFloat<T>) return math::f(x);   \
            else return x;                                        \
        }                                                         \
    };
MINPY_WHOLE(Floor, floor)
MINPY_WHOLE(Ceil, ceil)
MINPY_WHOLE(Trunc, trunc)
#undef MINPY_WHOLE
struct Rint {
    static constexpr auto kTypes = kFloat | kComplex;
    template <class T> MINPY_FN T operator()(T x) const {
        if constexpr (math::kIsComplex<T>) return {math::rint(x.re), math::rint(x.im)};
        else return math::rint(x);
    }
};
struct SignBit {
    static constexpr auto kTypes = kFloat;
    template <class T> MINPY_FN bool operator()(T x) const { return math::copysign(T(1), x) < 0; }
};
struct CopySign {
    static constexpr auto kTypes = kFloat;
    template <class T> MINPY_FN T operator()(T x, T y) const { return math::copysign(x, y); }
};
struct Heaviside {
    static constexpr auto kTypes = kFloat;
    template <class T> MINPY_FN T operator()(T x, T y) const { return x < 0 ? T(0) : x > 0 ? T(1) : x == 0 ? y : x; }
};
// The part of a number behind the point, with its sign.
struct Fraction {
    static constexpr auto kTypes = kFloat;
    template <class T> MINPY_FN T operator()(T x) const {
        return math::copysign(math::is_inf(x) ? T(0) : x - math::trunc(x), x);
    }
};
struct Ldexp {
    static constexpr auto kTypes = kFloat;
    using Second = std::int64_t;
    template <class T> MINPY_FN T operator()(T x, std::int64_t n) const {
        return math::ldexp(x, int(n > 100000 ? 100000 : n < -100000 ? -100000 : n));
    }
    template <class T> MINPY_FN static unsigned warn(T x, std::int64_t, T y) {
        return math::is_inf(y) & math::is_finite(x) ? kFpOverflow : 0u;
    }
};
// e of x = m * 2**e with 0.5 <= |m| < 1; 0 of what has none.
struct FrexpExponent {
    static constexpr auto kTypes = kFloat;
    template <class T> MINPY_FN std::int32_t operator()(T x) const {
        constexpr bool wide = sizeof(T) == 8;
        using U = std::conditional_t<wide, std::uint64_t, std::uint32_t>;
        constexpr int digits = wide ? 52 : 23, bias = wide ? 1022 : 126, lift = wide ? 54 : 25;
        bool small = math::fabs(x) < std::numeric_limits<T>::min();
        T y = small ? x * T(U(1) << lift) : x;
        int e = int(__builtin_bit_cast(U, y) >> digits) & (wide ? 0x7ff : 0xff);
        return (x == 0) | !math::is_finite(x) ? 0 : e - bias - (small ? lift : 0);
    }
};

// Short floats by their bits: `mantissa` of them below the exponent.
template <class T> inline constexpr bool kIsShort = std::is_same_v<T, minpy::half> || std::is_same_v<T, minpy::bhalf>;
template <class T> struct ShortBits {
    static constexpr int mantissa = std::is_same_v<T, minpy::half> ? 10 : 7;
    static constexpr int infinity = 0x7fff & ~((1 << mantissa) - 1);
    MINPY_FN static T make(int bits) {
        T x;
        x.bits = std::uint16_t(bits);
        return x;
    }
    MINPY_FN static bool is_nan(T x) { return (x.bits & 0x7fff) > infinity; }
    MINPY_FN static int order(T x) { return x.bits & 0x8000 ? -(x.bits & 0x7fff) : x.bits; }
};
struct NextAfter {
    static constexpr auto kTypes = kFloating;
    template <class T> MINPY_FN T operator()(T x, T y) const {
        if constexpr (kIsShort<T>) {
            using B = ShortBits<T>;
            int from = B::order(x), to = B::order(y), next = from + (to > from) - (to < from);
            int sign = next < 0 || (next == 0 && from < 0) ? 0x8000 : 0;
            return B::is_nan(x) || B::is_nan(y) ? B::make(0x7fff)
                   : to == from                 ? y
                                                : B::make((next < 0 ? -next : next) | sign);
        } else {
            return math::nextafter(x, y);
        }
    }
};
struct Spacing {
    static constexpr auto kTypes = kFloating;
    template <class T> MINPY_FN T operator()(T x) const {
        if constexpr (kIsShort<T>) {
            using B = ShortBits<T>;
            int a = x.bits & 0x7fff, e = a & B::infinity, unit = B::mantissa << B::mantissa;
            // Below a negative power of two the numbers are twice as close.
            bool edge = (x.bits & 0x8000) && a == e;
            if (edge) unit += 1 << B::mantissa;
            int small = (e >> B::mantissa) - (edge ? 2 : 1);
            int bits = e > unit ? e - unit : small > 0 ? 1 << small : 1;
            return e == B::infinity            ? B::make(0x7fff)
                   : x.bits == B::infinity - 1 ? B::make(B::infinity)
                                               : B::make(bits);
        } else {
            constexpr T infinity = std::numeric_limits<T>::infinity();
            return math::is_inf(x) ? std::numeric_limits<T>::quiet_NaN()
                                   : math::nextafter(x, math::copysign(infinity, x)) - x;
        }
    }
};

MINPY_FUNCTORS(Floor, Ceil, Trunc, Rint, SignBit, CopySign, Heaviside, Fraction, Ldexp, FrexpExponent, NextAfter,
               Spacing)
