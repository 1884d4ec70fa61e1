// What types a functor of the family headers takes. Like those it is included inside a namespace of its includer (an
// instruction level, the CUDA plugin) and includes nothing; core/array/dtype.h comes before.
//
// A functor has loops for every dtype of F::kTypes, with the result type read off it. It may say: `kCondition`, its first
// operand is a bool; `Second`, the type of its second operand; `kMixed`, it also takes int64 with uint64.

// Calls visit.operator()<R, In...>(fixed) for each; bit i of `fixed`: operand i has this type in every signature.
template <class F, class T, class V> constexpr void signature_for(V&& visit) {
    if constexpr (in(dtype_of<T>, F::kTypes)) {
        if constexpr (requires(F f, T x) { f(x); }) {
            visit.template operator()<decltype(F{}(T())), T>(uint8_t(0));
        } else if constexpr (requires { typename F::Second; }) {
            using B = typename F::Second;
            visit.template operator()<decltype(F{}(T(), B())), T, B>(uint8_t(2));
        } else if constexpr (requires(F f, T x) { f(x, x); }) {
            visit.template operator()<decltype(F{}(T(), T())), T, T>(uint8_t(0));
        } else {
            constexpr bool condition = requires { F::kCondition; };
            using First = std::conditional_t<condition, bool, T>;
            visit.template operator()<decltype(F{}(First(), T(), T())), First, T, T>(uint8_t(condition ? 1 : 0));
        }
    }
}
template <class F, class V> constexpr void each_signature(V&& visit) {
    signature_for<F, bool>(visit);
    signature_for<F, int8_t>(visit), signature_for<F, int16_t>(visit), signature_for<F, int32_t>(visit);
    signature_for<F, int64_t>(visit), signature_for<F, uint8_t>(visit), signature_for<F, uint16_t>(visit);
    signature_for<F, uint32_t>(visit), signature_for<F, uint64_t>(visit);
    signature_for<F, half>(visit), signature_for<F, bhalf>(visit);
    signature_for<F, float>(visit), signature_for<F, double>(visit);
    signature_for<F, complex64>(visit), signature_for<F, complex128>(visit);
    if constexpr (requires { F::kMixed; }) {
        visit.template operator()<decltype(F{}(int64_t(), uint64_t())), int64_t, uint64_t>(uint8_t(0));
        visit.template operator()<decltype(F{}(uint64_t(), int64_t())), uint64_t, int64_t>(uint8_t(0));
    }
}

#ifndef MINPY_FOR_EACH
// M(a) M(b) …: each pass of MINPY_EXPAND expands the deferred rest once more; 256 passes are enough.
#define MINPY_PARENS                   ()
#define MINPY_EXPAND(...)              MINPY_EXPAND4(MINPY_EXPAND4(MINPY_EXPAND4(MINPY_EXPAND4(__VA_ARGS__))))
#define MINPY_EXPAND4(...)             MINPY_EXPAND3(MINPY_EXPAND3(MINPY_EXPAND3(MINPY_EXPAND3(__VA_ARGS__))))
#define MINPY_EXPAND3(...)             MINPY_EXPAND2(MINPY_EXPAND2(MINPY_EXPAND2(MINPY_EXPAND2(__VA_ARGS__))))
#define MINPY_EXPAND2(...)             __VA_ARGS__
#define MINPY_FOR_EACH(M, ...)         __VA_OPT__(MINPY_EXPAND(MINPY_FOR_EACH_STEP(M, __VA_ARGS__)))
#define MINPY_FOR_EACH_STEP(M, a, ...) M(a) __VA_OPT__(MINPY_FOR_EACH_AGAIN MINPY_PARENS(M, __VA_ARGS__))
#define MINPY_FOR_EACH_AGAIN()         MINPY_FOR_EACH_STEP
#endif
