// + - * / and what is made of them. Plain scalar C++ (see core/ops/math.h): no includes, no namespace.
//
// kTypes: the dtypes that have loops (float16 and bfloat16 go through float32). kHardwareFlags: the processor's
// floating-point flags are right for this functor; others declare `warn`, the MINPY_FP_* bits of one element.

struct Add {
    static constexpr auto kTypes = kBool | kInteger | kFloat | kComplex;
    static constexpr bool kHardwareFlags = true;
    template <class T> MINPY_FN T operator()(T x, T y) const { return math::add(x, y); }
    MINPY_FN bool operator()(bool x, bool y) const { return x | y; }
};
struct Subtract {
    static constexpr auto kTypes = kInteger | kFloat | kComplex;
    static constexpr bool kHardwareFlags = true;
    template <class T> MINPY_FN T operator()(T x, T y) const { return math::sub(x, y); }
};
struct Multiply {
    static constexpr auto kTypes = kBool | kInteger | kFloat | kComplex;
    static constexpr bool kHardwareFlags = true;
    template <class T> MINPY_FN T operator()(T x, T y) const { return math::mul(x, y); }
    MINPY_FN bool operator()(bool x, bool y) const { return x & y; }
};
struct Divide {
    static constexpr auto kTypes = kFloat | kComplex;
    static constexpr bool kHardwareFlags = true;
    template <class T> MINPY_FN T operator()(T x, T y) const { return math::div(x, y); }
};
struct Negative {
    static constexpr auto kTypes = kInteger | kFloat | kComplex;
    template <class T> MINPY_FN T operator()(T x) const { return math::neg(x); }
};
struct Square {
    static constexpr auto kTypes = kInteger | kFloat | kComplex;
    static constexpr bool kHardwareFlags = true;
    template <class T> MINPY_FN T operator()(T x) const { return math::mul(x, x); }
};
struct Sqrt {
    static constexpr auto kTypes = kFloat | kComplex;
    static constexpr bool kHardwareFlags = true;
    template <class T> MINPY_FN T operator()(T x) const { return math::sqrt(x); }
};
struct Positive {
    static constexpr auto kTypes = kInteger | kFloat | kComplex;
    template <class T> MINPY_FN T operator()(T x) const { return x; }
};
struct Absolute {
    static constexpr auto kTypes = kBool | kInteger | kFloat | kComplex;
    template <class T> MINPY_FN auto operator()(T x) const {
        if constexpr (math::kIsComplex<T>) return either(x);
        else if constexpr (math::kIsFloat<T>) return math::fabs(x);
        else if constexpr (std::is_signed_v<T>) return x < 0 ? math::neg(x) : x;
        else return x;
    }
#if defined(MINPY_QUICK_MATH)
    template <class T>
    requires math::kIsComplex<T> MINPY_FN static auto quick(T z) { return math::quick_hypot(z.re, z.im); }
    template <class T> MINPY_FN static auto either(T z) {
        auto r = quick(z);
        return math::is_finite(r) ? r : math::abs(z);
    }
#else
    template <class T> MINPY_FN static auto either(T z) { return math::abs(z); }
#endif
    template <class T, class R> MINPY_FN static unsigned warn(T x, R y) {
        if constexpr (math::kIsComplex<T>) return math::is_inf(y) & math::is_finite(x) ? kFpOverflow : 0u;
        else return 0;
    }
};
// NumPy 2's: z / |z| for complex numbers.
struct Sign {
    static constexpr auto kTypes = kInteger | kFloat | kComplex;
    template <class T> MINPY_FN T operator()(T x) const {
        if constexpr (math::kIsComplex<T>) {
            using R = typename T::real_type;
            R r = math::abs(x);
            // Of an infinite number the sign of its infinite part; of two such parts NaN.
            bool far = math::is_inf(r), both = math::is_inf(x.re) & math::is_inf(x.im);
            T z = far ? T{math::is_inf(x.re) ? math::copysign(R(1), x.re) : R(0),
                          math::is_inf(x.im) ? math::copysign(R(1), x.im) : R(0)}
                      : x;
            r = both ? std::numeric_limits<R>::quiet_NaN() : far ? R(1) : r;
            return r == 0 ? T() : T{z.re / r, z.im / r};
        } else if constexpr (math::kIsFloat<T>) {
            return x > 0 ? T(1) : x < 0 ? T(-1) : x == 0 ? T(0) : x;
        } else {
            return T(x > 0) - T(x < 0);
        }
    }
};
// x / y, and zero where y is.
struct SafeDivide {
    static constexpr auto kTypes = kFloat | kComplex;
    template <class T> MINPY_FN T operator()(T x, T y) const { return y == T() ? T() : math::div(x, y); }
};
struct FloorDivide {
    static constexpr auto kTypes = kInteger | kFloat;
    template <class T> MINPY_FN T operator()(T x, T y) const { return math::floor_divide(x, y); }
    template <class T> MINPY_FN static unsigned warn(T x, T y, T r) {
        if constexpr (math::kIsFloat<T>)
            return ((y == 0) & (x != 0) & math::is_finite(x) ? kFpDivide : 0u) |
                   ((y != 0) & math::is_inf(r) & math::is_finite(x) ? kFpOverflow | kFpInvalid : 0u) |
                   (math::is_nan(r) & !math::is_nan(x) & !math::is_nan(y) ? kFpInvalid : 0u);
        else
            return (y == 0 ? kFpDivide : 0u) |
                   ((r == x) & (x < 0) & (y < 0) & (x != 0) & (y == T(-1)) ? kFpOverflow : 0u);
    }
};
struct Remainder {
    static constexpr auto kTypes = kInteger | kFloat;
    template <class T> MINPY_FN T operator()(T x, T y) const { return math::remainder(x, y); }
    template <class T> MINPY_FN static unsigned warn(T x, T y, T r) {
        if constexpr (math::kIsFloat<T>) return math::is_nan(r) & !math::is_nan(x) & !math::is_nan(y) ? kFpInvalid : 0u;
        else return y == 0 ? kFpDivide : 0u;
    }
};
struct Fmod {
    static constexpr auto kTypes = kInteger | kFloat;
    template <class T> MINPY_FN T operator()(T x, T y) const {
        if constexpr (math::kIsFloat<T>) return math::fmod(x, y);
        else return math::fmod_integer(x, y);
    }
    template <class T> MINPY_FN static unsigned warn(T x, T y, T r) { return Remainder::warn(x, y, r); }
};
struct Power {
    static constexpr auto kTypes = kInteger | kFloat | kComplex;
    static constexpr bool kVectorMath = true;
    template <class T> MINPY_FN T operator()(T x, T y) const {
        if constexpr (math::kIsComplex<T>) return math::complex_power(x, y);
        else if constexpr (math::kIsFloat<T>) return either(x, y);
        else return math::integer_power(x, y);
    }
#if defined(MINPY_QUICK_MATH)
    template <class T> MINPY_FN static T either(T x, T y) {
        T r = math::quick_pow(x, y);
        return math::select(math::is_finite(r), r, math::pow(x, y));
    }
    template <class T>
    requires math::kIsFloat<T> MINPY_FN static math::Two<T> first_step(T x) { return math::pow_ratio(x); }
    template <class T> MINPY_FN static math::Two<T> second_step(T x, math::Two<T> s) { return math::pow_log(x, s); }
    template <class T> MINPY_FN static T third_step(T x, math::Two<T> log, T y) { return math::pow_exp(x, log, y); }
#else
    template <class T> MINPY_FN static T either(T x, T y) { return math::pow(x, y); }
#endif
    // A square is a product.
    template <class T> MINPY_FN static bool is_unary(T y) { return y == math::number<T>(2); }
    template <class T> MINPY_FN static T unary(T x) { return math::mul(x, x); }
    template <class T> MINPY_FN static unsigned warn(T x, T y, T r) {
        if constexpr (math::kIsComplex<T>)
            return (math::is_nan(r) & !math::is_nan(x) & !math::is_nan(y) ? kFpInvalid : 0u) |
                   ((x != T()) & math::is_inf(r) & math::is_finite(x) & math::is_finite(y) ? kFpOverflow : 0u);
        else if constexpr (math::kIsFloat<T>)
            return (math::is_nan(r) & !math::is_nan(x) & !math::is_nan(y) ? kFpInvalid : 0u) |
                   ((x == 0) & (y < 0) ? kFpDivide : 0u) |
                   (math::is_inf(r) & (x != 0) & math::is_finite(x) & math::is_finite(y) ? kFpOverflow : 0u);
        else return 0;
    }
};
struct FloatPower : Power {
    static constexpr auto kTypes = bit(DType::float64) | bit(DType::complex128);
};
struct Fabs {
    static constexpr auto kTypes = kFloat;
    template <class T> MINPY_FN T operator()(T x) const { return math::fabs(x); }
};
struct Cbrt {
    static constexpr auto kTypes = kFloat;
    static constexpr bool kVectorMath = true;
    template <class T> MINPY_FN T operator()(T x) const { return math::cbrt(x); }
};
struct Reciprocal {
    static constexpr auto kTypes = kInteger | kFloat | kComplex;
    static constexpr bool kHardwareFlags = true;
    template <class T> MINPY_FN T operator()(T x) const {
        if constexpr (math::kIsComplex<T>) {
            return math::div(T{1, 0}, x);
        } else if constexpr (math::kIsFloat<T>) {
            return 1 / x;
        } else {
            // Of zero what the processor makes of infinity.
            constexpr T zero = std::is_signed_v<T> && sizeof(T) >= 4 ? std::numeric_limits<T>::min() : T(0);
            return x == 0 ? zero : x == 1 ? T(1) : std::is_signed_v<T> && x == T(-1) ? T(-1) : T(0);
        }
    }
};
struct Gcd {
    static constexpr auto kTypes = kInteger;
    template <class T> MINPY_FN T operator()(T x, T y) const { return math::gcd(x, y); }
};
struct Lcm {
    static constexpr auto kTypes = kInteger;
    template <class T> MINPY_FN T operator()(T x, T y) const { return math::lcm(x, y); }
};
// g * d, and zero where g is.
struct ScaleCotangent {
    static constexpr auto kTypes = kFloat | kComplex;
    template <class T> MINPY_FN T operator()(T g, T d) const { return g == T() ? g : g * d; }
};

MINPY_FUNCTORS(Add, Subtract, Multiply, Divide, FloorDivide, Remainder, Fmod, Power, FloatPower, Negative, Positive,
               Absolute, Fabs, Sign, Square, Sqrt, Cbrt, Reciprocal, Gcd, Lcm, ScaleCotangent, SafeDivide)
