// Truth values, and tests for what is no ordinary number. Plain scalar C++ (see core/ops/math.h): no includes, no namespace.

struct LogicalAnd {
    static constexpr auto kTypes = kBool | kInteger | kFloat | kComplex;
    template <class T> MINPY_FN bool operator()(T x, T y) const { return !(x == T()) & !(y == T()); }
};
struct LogicalOr {
    static constexpr auto kTypes = kBool | kInteger | kFloat | kComplex;
    template <class T> MINPY_FN bool operator()(T x, T y) const { return !(x == T()) | !(y == T()); }
};
struct LogicalXor {
    static constexpr auto kTypes = kBool | kInteger | kFloat | kComplex;
    template <class T> MINPY_FN bool operator()(T x, T y) const { return (x == T()) != (y == T()); }
};
struct LogicalNot {
    static constexpr auto kTypes = kBool | kInteger | kFloat | kComplex;
    template <class T> MINPY_FN bool operator()(T x) const { return x == T(); }
    MINPY_FN bool operator()(bool x) const { return __builtin_bit_cast(std::uint8_t, x) == 0; }
};
struct IsNan {
    static constexpr auto kTypes = kBool | kInteger | kFloat | kComplex;
    template <class T> MINPY_FN bool operator()(T x) const { return math::is_nan(x); }
};
struct IsInf {
    static constexpr auto kTypes = kBool | kInteger | kFloat | kComplex;
    template <class T> MINPY_FN bool operator()(T x) const { return math::is_inf(x); }
};
struct IsFinite {
    static constexpr auto kTypes = kBool | kInteger | kFloat | kComplex;
    template <class T> MINPY_FN bool operator()(T x) const { return math::is_finite(x); }
};

MINPY_FUNCTORS(LogicalAnd, LogicalOr, LogicalXor, LogicalNot, IsNan, IsInf, IsFinite)
