// Hyperbolic functions and their inverses. Plain scalar C++ (see core/ops/math.h): no includes, no namespace.

// `condition`: what a real x, with result y, is blamed for.
#define MINPY_HYPERBOLIC(Name, f, condition)                                                           \
    struct Name {                                                                                      \
        static constexpr auto kTypes = kFloat | kComplex;                                              \
        static constexpr bool kVectorMath = true;                                                      \
        template <class T> MINPY_FN T operator()(T x) const { return math::f(x); }                     \
        template <class T> MINPY_FN static unsigned warn([[maybe_unused]] T x, [[maybe_unused]] T y) { \
            if constexpr (math::kIsComplex<T>) return math::complex_warn(x, y);                        \
            else return condition;                                                                     \
        }                                                                                              \
    };
MINPY_HYPERBOLIC(Sinh, sinh, math::is_finite(x) & math::is_inf(y) ? kFpOverflow : 0u)
MINPY_HYPERBOLIC(Cosh, cosh, math::is_finite(x) & math::is_inf(y) ? kFpOverflow : 0u)
MINPY_HYPERBOLIC(Arcsinh, arcsinh, 0u)
MINPY_HYPERBOLIC(Arccosh, arccosh, x < 1 ? kFpInvalid : 0u)
MINPY_HYPERBOLIC(Arctanh, arctanh, (math::fabs(x) > 1 ? kFpInvalid : 0u) | (math::fabs(x) == 1 ? kFpDivide : 0u))
#undef MINPY_HYPERBOLIC

struct Tanh {
    static constexpr auto kTypes = kFloat | kComplex;
    static constexpr bool kVectorMath = true;
    template <class T> MINPY_FN T operator()(T x) const {
        if constexpr (math::kIsComplex<T>) {
            return math::tanh(x);
        } else if constexpr (sizeof(T) == sizeof(float)) {
#if defined(MINPY_QUICK_MATH)
            return math::quick_tanh(x);
#else
            return math::tanh(x);
#endif
        } else {
            // By expm1: libmvec's tanh takes 1.5 times as long in double.
            T t = math::expm1(-2 * math::fabs(x));
            return math::copysign(t / (t + 2), x);
        }
    }
    template <class T> MINPY_FN static unsigned warn(T x, T y) {
        if constexpr (math::kIsComplex<T>) return math::complex_warn(x, y);
        else return 0;
    }
};

MINPY_FUNCTORS(Sinh, Cosh, Tanh, Arcsinh, Arccosh, Arctanh)
