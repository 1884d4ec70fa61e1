// Choosing between operands. Plain scalar C++ (see core/ops/math.h): no includes, no namespace.

struct Where {
    static constexpr auto kTypes = kBool | kInteger | kFloat | kComplex;
    static constexpr bool kCondition = true;
    template <class T> MINPY_FN T operator()(bool condition, T x, T y) const {
        std::uint8_t byte =
            __builtin_bit_cast(std::uint8_t, condition);  // a comparison of bytes is vectorised, a bool not
        return byte != 0 ? x : y;
    }
};
struct Maximum {
    static constexpr auto kTypes = kBool | kInteger | kFloat | kComplex;
    template <class T> MINPY_FN T operator()(T x, T y) const { return math::max(x, y); }
};
struct Minimum {
    static constexpr auto kTypes = kBool | kInteger | kFloat | kComplex;
    template <class T> MINPY_FN T operator()(T x, T y) const { return math::min(x, y); }
};
struct Fmax {
    static constexpr auto kTypes = kBool | kInteger | kFloat | kComplex;
    template <class T> MINPY_FN T operator()(T x, T y) const { return math::fmax(x, y); }
};
struct Fmin {
    static constexpr auto kTypes = kBool | kInteger | kFloat | kComplex;
    template <class T> MINPY_FN T operator()(T x, T y) const { return math::fmin(x, y); }
};
struct Clip {
    static constexpr auto kTypes = kBool | kInteger | kFloat | kComplex;
    template <class T> MINPY_FN T operator()(T x, T low, T high) const { return math::min(math::max(x, low), high); }
};

// The first operand's share in the choice: all, half of a tie, or nothing.
struct MaximumShare {
    static constexpr auto kTypes = kFloat | kComplex;
    template <class T> MINPY_FN T operator()(T x, T y) const {
        return x == y ? math::number<T>(0.5) : math::less(y, x) || math::is_nan(x) ? math::number<T>(1) : T();
    }
};
struct MinimumShare {
    static constexpr auto kTypes = kFloat | kComplex;
    template <class T> MINPY_FN T operator()(T x, T y) const {
        return x == y ? math::number<T>(0.5) : math::less(x, y) || math::is_nan(x) ? math::number<T>(1) : T();
    }
};
struct FmaxShare {
    static constexpr auto kTypes = kFloat | kComplex;
    template <class T> MINPY_FN T operator()(T x, T y) const {
        return x == y ? math::number<T>(0.5) : math::less(y, x) || math::is_nan(y) ? math::number<T>(1) : T();
    }
};
struct FminShare {
    static constexpr auto kTypes = kFloat | kComplex;
    template <class T> MINPY_FN T operator()(T x, T y) const {
        return x == y ? math::number<T>(0.5) : math::less(x, y) || math::is_nan(y) ? math::number<T>(1) : T();
    }
};

MINPY_FUNCTORS(Where, Maximum, Minimum, Fmax, Fmin, Clip, MaximumShare, MinimumShare, FmaxShare, FminShare)
