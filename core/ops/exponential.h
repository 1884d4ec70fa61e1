// Exponentials and logarithms. Plain scalar C++ (see core/ops/math.h): no includes, no namespace.

// Ordinary numbers, for which core/ops/quick.h has a shorter way.
#if defined(MINPY_QUICK_MATH)
#define MINPY_QUICK(f)                                                         \
    MINPY_FN static float quick(float x) { return math::quick_##f(x); }        \
    MINPY_FN static double quick(double x) { return math::quick_##f(x); }      \
    MINPY_FN float operator()(float x) const { return either(quick(x), x); }   \
    MINPY_FN double operator()(double x) const { return either(quick(x), x); } \
    template <class T> MINPY_FN static T either(T y, T x) { return math::select(math::is_finite(y), y, math::f(x)); }
#else
#define MINPY_QUICK(f)
#endif

#define MINPY_EXPONENTIAL(Name, f, ...)                                            \
    struct Name {                                                                  \
        static constexpr auto kTypes = kFloat | kComplex;                          \
        static constexpr bool kVectorMath = true;                                  \
        template <class T> MINPY_FN T operator()(T x) const { return math::f(x); } \
        __VA_ARGS__                                                                \
        template <class T> MINPY_FN static unsigned warn(T x, T y) {               \
            if constexpr (math::kIsComplex<T>) return math::complex_warn(x, y);    \
            else return math::is_finite(x) & math::is_inf(y) ? kFpOverflow : 0u;   \
        }                                                                          \
    };
MINPY_EXPONENTIAL(Exp, exp, MINPY_QUICK(exp))
MINPY_EXPONENTIAL(Exp2, exp2)
MINPY_EXPONENTIAL(Expm1, expm1)
#undef MINPY_EXPONENTIAL

// With a pole at `pole`.
#define MINPY_LOGARITHM(Name, f, pole, ...)                                               \
    struct Name {                                                                         \
        static constexpr auto kTypes = kFloat | kComplex;                                 \
        static constexpr bool kVectorMath = true;                                         \
        template <class T> MINPY_FN T operator()(T x) const { return math::f(x); }        \
        __VA_ARGS__                                                                       \
        template <class T> MINPY_FN static unsigned warn(T x, [[maybe_unused]] T y) {     \
            if constexpr (math::kIsComplex<T>)                                            \
                return x == math::number<T>(pole) ? kFpDivide : math::complex_warn(x, y); \
            else return (x == pole ? kFpDivide : 0u) | (x < pole ? kFpInvalid : 0u);      \
        }                                                                                 \
    };
MINPY_LOGARITHM(Log, log, 0, MINPY_QUICK(log))
MINPY_LOGARITHM(Log2, log2, 0)
MINPY_LOGARITHM(Log10, log10, 0)
MINPY_LOGARITHM(Log1p, log1p, -1)
#undef MINPY_LOGARITHM
#undef MINPY_QUICK

struct LogAddExp {
    static constexpr auto kTypes = kFloat;
    static constexpr bool kVectorMath = true;
    template <class T> MINPY_FN T operator()(T x, T y) const {
        T high = math::max(x, y), low = math::min(x, y);    // both propagate NaN
        T d = math::select(high == low, T(0), low - high);  // equal infinities would give NaN
        return high + math::log1p(math::exp(d));
    }
};
struct LogAddExp2 {
    static constexpr auto kTypes = kFloat;
    static constexpr bool kVectorMath = true;
    template <class T> MINPY_FN T operator()(T x, T y) const {
        T high = math::max(x, y), low = math::min(x, y);
        T d = math::select(high == low, T(0), low - high);
        return high + math::log1p(math::exp2(d)) * T(1.44269504088896340736);
    }
};

MINPY_FUNCTORS(Exp, Exp2, Expm1, Log, Log2, Log10, Log1p, LogAddExp, LogAddExp2)
