// Bits of integers. Plain scalar C++ (see core/ops/math.h): no includes, no namespace.

struct BitwiseAnd {
    static constexpr auto kTypes = kBool | kInteger;
    template <class T> MINPY_FN T operator()(T x, T y) const { return T(x & y); }
};
struct BitwiseOr {
    static constexpr auto kTypes = kBool | kInteger;
    template <class T> MINPY_FN T operator()(T x, T y) const { return T(x | y); }
};
struct BitwiseXor {
    static constexpr auto kTypes = kBool | kInteger;
    template <class T> MINPY_FN T operator()(T x, T y) const { return T(x ^ y); }
};
struct Invert {
    static constexpr auto kTypes = kBool | kInteger;
    template <class T> MINPY_FN T operator()(T x) const { return T(~x); }
    MINPY_FN bool operator()(bool x) const { return __builtin_bit_cast(std::uint8_t, x) == 0; }
};
// A shift by the width or more, or by less than nothing, leaves the sign.
struct LeftShift {
    static constexpr auto kTypes = kInteger;
    template <class T> MINPY_FN T operator()(T x, T y) const {
        constexpr int width = 8 * int(sizeof(T));
        using U = std::make_unsigned_t<T>;
        bool inside = U(y) < U(width);
        return inside ? T(std::uint64_t(x) << (inside ? int(y) : 0)) : T(0);
    }
};
struct RightShift {
    static constexpr auto kTypes = kInteger;
    template <class T> MINPY_FN T operator()(T x, T y) const {
        constexpr int width = 8 * int(sizeof(T));
        using U = std::make_unsigned_t<T>;
        bool inside = U(y) < U(width);
        return T(x >> (inside ? int(y) : width - 1)) & (inside || std::is_signed_v<T> ? T(~T(0)) : T(0));
    }
};
// Ones of the modulus.
struct BitwiseCount {
    static constexpr auto kTypes = kInteger;
    template <class T> MINPY_FN std::uint8_t operator()(T x) const {
        std::make_unsigned_t<T> u = std::make_unsigned_t<T>(x);
        if constexpr (std::is_signed_v<T>) u = x < 0 ? std::make_unsigned_t<T>(0 - u) : u;
        return std::uint8_t(__builtin_popcountll(u));
    }
};

MINPY_FUNCTORS(BitwiseAnd, BitwiseOr, BitwiseXor, Invert, LeftShift, RightShift, BitwiseCount)
