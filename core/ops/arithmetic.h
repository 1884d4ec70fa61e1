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
    static constexpr auto kTypes = kFloat;
    static constexpr bool kHardwareFlags = true;
    template <class T> MINPY_FN T operator()(T x) const { return math::sqrt(x); }
};
// g * d, and zero where g is.
struct ScaleCotangent {
    static constexpr auto kTypes = kFloat | kComplex;
    template <class T> MINPY_FN T operator()(T g, T d) const { return g == T() ? g : g * d; }
};

MINPY_FUNCTORS(Add, Subtract, Multiply, Divide, Negative, Square, Sqrt, ScaleCotangent)
