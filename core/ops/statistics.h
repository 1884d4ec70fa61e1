// Square roots of variances. Plain scalar C++ (see core/ops/math.h): no includes, no namespace.

// sqrt, whose derivative at zero is zero: the deviation of equal numbers has no slope in any direction that counts.
struct Deviation {
    static constexpr auto kTypes = kFloat;
    static constexpr bool kHardwareFlags = true;
    template <class T> MINPY_FN T operator()(T x) const { return math::sqrt(x); }
};
// 1 / (2 x), and zero at zero: the slope of Deviation in terms of its value.
struct HalfInverse {
    static constexpr auto kTypes = kFloat;
    template <class T> MINPY_FN T operator()(T x) const { return x == 0 ? T(0) : T(0.5) / x; }
};

// What means and spreads fold.
struct SquaredDistance {
    static constexpr auto kTypes = kFloat;
    static constexpr bool kHardwareFlags = true;
    template <class T> MINPY_FN T operator()(T x, T center) const {
        T d = x - center;
        return d * d;
    }
};
struct ZeroForNaN {
    static constexpr auto kTypes = kFloat;
    template <class T> MINPY_FN T operator()(T x) const { return math::is_nan(x) ? T(0) : x; }
};
struct OneForNaN {
    static constexpr auto kTypes = kFloat;
    template <class T> MINPY_FN T operator()(T x) const { return math::is_nan(x) ? T(1) : x; }
};

MINPY_FUNCTORS(Deviation, HalfInverse, SquaredDistance, ZeroForNaN, OneForNaN)
