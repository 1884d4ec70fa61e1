// Circular functions and their inverses. Plain scalar C++ (see core/ops/math.h): no includes, no namespace.

// A function that has no value at infinity.
#define MINPY_CIRCULAR(Name, f)                                                    \
    struct Name {                                                                  \
        static constexpr auto kTypes = kFloat | kComplex;                          \
        static constexpr bool kVectorMath = true;                                  \
        template <class T> MINPY_FN T operator()(T x) const { return math::f(x); } \
        template <class T> MINPY_FN static unsigned warn(T x, T y) {               \
            if constexpr (math::kIsComplex<T>) return math::complex_warn(x, y);    \
            else return math::is_inf(x) ? kFpInvalid : 0u;                         \
        }                                                                          \
    };
MINPY_CIRCULAR(Sin, sin)
MINPY_CIRCULAR(Cos, cos)
MINPY_CIRCULAR(Tan, tan)
#undef MINPY_CIRCULAR

// The inverse of a function between -1 and 1.
#define MINPY_ARC(Name, f)                                                         \
    struct Name {                                                                  \
        static constexpr auto kTypes = kFloat | kComplex;                          \
        static constexpr bool kVectorMath = true;                                  \
        template <class T> MINPY_FN T operator()(T x) const { return math::f(x); } \
        template <class T> MINPY_FN static unsigned warn(T x, T y) {               \
            if constexpr (math::kIsComplex<T>) return math::complex_warn(x, y);    \
            else return math::fabs(x) > 1 ? kFpInvalid : 0u;                       \
        }                                                                          \
    };
MINPY_ARC(Arcsin, arcsin)
MINPY_ARC(Arccos, arccos)
#undef MINPY_ARC

struct Arctan {
    static constexpr auto kTypes = kFloat | kComplex;
    static constexpr bool kVectorMath = true;
    template <class T> MINPY_FN T operator()(T x) const { return math::arctan(x); }
    template <class T> MINPY_FN static unsigned warn(T x, T y) {
        if constexpr (math::kIsComplex<T>) return math::complex_warn(x, y);
        else return 0;
    }
};
struct Arctan2 {
    static constexpr auto kTypes = kFloat;
    static constexpr bool kVectorMath = true;
    template <class T> MINPY_FN T operator()(T y, T x) const { return math::arctan2(y, x); }
};
struct Hypot {
    static constexpr auto kTypes = kFloat;
    static constexpr bool kVectorMath = true;
    template <class T> MINPY_FN T operator()(T x, T y) const { return math::hypot(x, y); }
    template <class T> MINPY_FN static unsigned warn(T x, T y, T r) {
        return math::is_inf(r) & math::is_finite(x) & math::is_finite(y) ? kFpOverflow : 0u;
    }
};
struct Deg2rad {
    static constexpr auto kTypes = kFloat;
    static constexpr bool kHardwareFlags = true;
    template <class T> MINPY_FN T operator()(T x) const { return x * T(3.14159265358979323846 / 180); }
};
struct Rad2deg {
    static constexpr auto kTypes = kFloat;
    static constexpr bool kHardwareFlags = true;
    template <class T> MINPY_FN T operator()(T x) const { return x * T(180 / 3.14159265358979323846); }
};

MINPY_FUNCTORS(Sin, Cos, Tan, Arcsin, Arccos, Arctan, Arctan2, Hypot, Deg2rad, Rad2deg)
