// Exponentials and logarithms. Plain scalar C++ (see core/ops/math.h): no includes, no namespace.

struct Exp {
    static constexpr auto kTypes = kFloat;
    static constexpr bool kVectorMath = true;
    template <class T> MINPY_FN T operator()(T x) const { return math::exp(x); }
    template <class T> MINPY_FN static unsigned warn(T x, T y) {
        return math::is_finite(x) && math::is_inf(y) ? kFpOverflow : 0;
    }
};
struct Log {
    static constexpr auto kTypes = kFloat;
    static constexpr bool kVectorMath = true;
    template <class T> MINPY_FN T operator()(T x) const { return math::log(x); }
    template <class T> MINPY_FN static unsigned warn(T x, T) {
        return (x == 0 ? kFpDivide : 0u) | (x < 0 ? kFpInvalid : 0u);
    }
};

MINPY_FUNCTORS(Exp, Log)
