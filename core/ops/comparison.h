// Comparisons. Plain scalar C++ (see core/ops/math.h): no includes, no namespace. Signed and unsigned 64-bit integers are
// compared by value, not in float64.

#define MINPY_COMPARISON(Name, expression)                                                          \
    struct Name {                                                                                   \
        static constexpr auto kTypes = kBool | kInteger | kFloat | kComplex;                        \
        static constexpr bool kMixed = true;                                                        \
        template <class T, class U> MINPY_FN bool operator()(T x, U y) const { return expression; } \
    };
MINPY_COMPARISON(Equal, math::equal(x, y))
MINPY_COMPARISON(NotEqual, !math::equal(x, y))
MINPY_COMPARISON(Less, math::less(x, y))
MINPY_COMPARISON(LessEqual, math::less_equal(x, y))
MINPY_COMPARISON(Greater, math::less(y, x))
MINPY_COMPARISON(GreaterEqual, math::less_equal(y, x))
#undef MINPY_COMPARISON

MINPY_FUNCTORS(Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual)
