// Complex numbers taken apart. Plain scalar C++ (see core/ops/math.h): no includes, no namespace.

struct Conjugate {
    static constexpr auto kTypes = kInteger | kFloat | kComplex;
    template <class T> MINPY_FN T operator()(T x) const {
        if constexpr (math::kIsComplex<T>) return {x.re, -x.im};
        else return x;
    }
};

MINPY_FUNCTORS(Conjugate)
