// Functions of statistics and of networks. Plain scalar C++ (see core/ops/math.h): no includes, no namespace.

struct Erf {
    static constexpr auto kTypes = kFloat;
    static constexpr bool kVectorMath = true;
    template <class T> MINPY_FN T operator()(T x) const { return math::erf(x); }
};
struct Erfc {
    static constexpr auto kTypes = kFloat;
    static constexpr bool kVectorMath = true;
    template <class T> MINPY_FN T operator()(T x) const { return math::erfc(x); }
};
struct Sigmoid {
    static constexpr auto kTypes = kFloat;
    static constexpr bool kVectorMath = true;
    template <class T> MINPY_FN T operator()(T x) const {
        T e = math::exp(-math::fabs(x));  // never overflows; NaN stays
        T whole = 1 / (1 + e);
        return math::select(x >= 0, whole, e * whole);
    }
};
struct Logit {
    static constexpr auto kTypes = kFloat;
    static constexpr bool kVectorMath = true;
    template <class T> MINPY_FN T operator()(T x) const { return math::log(x / (1 - x)); }
    template <class T> MINPY_FN static unsigned warn(T x, T) {
        return ((x == 0) | (x == 1) ? kFpDivide : 0u) | ((x < 0) | (x > 1) ? kFpInvalid : 0u);
    }
};
struct Softplus {
    static constexpr auto kTypes = kFloat;
    static constexpr bool kVectorMath = true;
    template <class T> MINPY_FN T operator()(T x) const {
        T tail = math::log1p(math::exp(-math::fabs(x)));
        return math::select(x > 0, x, T(0)) + tail;
    }
};
struct Relu {
    static constexpr auto kTypes = kInteger | kFloat;
    template <class T> MINPY_FN T operator()(T x) const { return math::max(x, T(0)); }
};
// Of the result, for the derivative: one pass, where a comparison and a cast would be two.
struct ReluSlope {
    static constexpr auto kTypes = kInteger | kFloat;
    template <class T> MINPY_FN T operator()(T y) const { return math::select(y > 0, T(1), T(0)); }
};

MINPY_FUNCTORS(Erf, Erfc, Sigmoid, Logit, Softplus, Relu, ReluSlope)
