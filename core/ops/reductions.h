// What reductions fold with. Plain scalar C++ (see core/ops/math.h): no includes, no namespace.
//
// kTypes: the dtypes that are folded as themselves; the rest is cast first (float16 to float32, short integers of sums to
// 64 bits, everything of any() and all() to bool).

// Complex numbers are ordered by their real parts, then by their imaginary ones, as in NumPy.
template <class T> MINPY_FN bool is_less(T x, T y) {
    if constexpr (math::kIsComplex<T>) return x.re < y.re || (x.re == y.re && x.im < y.im);
    else return x < y;
}

template <class T> MINPY_FN T one() {
    if constexpr (math::kIsComplex<T>) return T{1, 0};
    else return T(1);
}

// What every number beats, or none is worse than.
template <class T> MINPY_FN T least() {
    if constexpr (math::kIsFloat<T>) return -std::numeric_limits<T>::infinity();
    else return std::numeric_limits<T>::min();
}
template <class T> MINPY_FN T most() {
    if constexpr (math::kIsFloat<T>) return std::numeric_limits<T>::infinity();
    else return std::numeric_limits<T>::max();
}

struct Sum {
    static constexpr auto kTypes = bit(DType::int64) | bit(DType::uint64) | kFloat | kComplex;
    static constexpr bool kHardwareFlags = true;
    template <class T> MINPY_FN static T identity() { return T{}; }
    template <class T> MINPY_FN T operator()(T x, T y) const { return math::add(x, y); }
};
struct Prod {
    static constexpr auto kTypes = bit(DType::int64) | bit(DType::uint64) | kFloat | kComplex;
    static constexpr bool kHardwareFlags = true;
    template <class T> MINPY_FN static T identity() { return one<T>(); }
    template <class T> MINPY_FN T operator()(T x, T y) const { return math::mul(x, y); }
};
// NaN where either is NaN. The identities serve any() and all(), which are these two on bools.
struct Max {
    static constexpr bool kLargest = true;
    static constexpr auto kTypes = kBool | kInteger | kFloat | kComplex;
    static constexpr bool kHardwareFlags = false;
    template <class T> MINPY_FN static T identity() { return T{}; }
    template <class T> MINPY_FN T operator()(T x, T y) const {
        if constexpr (math::kIsComplex<T>) return (!is_less(x, y) && !math::is_nan(y)) || math::is_nan(x) ? x : y;
        else return ((x >= y) | (x != x)) ? x : y;  // no branch: a vector of selects
    }
    template <class T> MINPY_FN static bool better(T x, T than) { return is_less(than, x); }
    static constexpr bool kNaNWins = true;
    template <class T> MINPY_FN static T worst() { return least<T>(); }
};
struct Min {
    static constexpr bool kLargest = false;
    static constexpr auto kTypes = kBool | kInteger | kFloat | kComplex;
    static constexpr bool kHardwareFlags = false;
    template <class T> MINPY_FN static T identity() { return one<T>(); }
    template <class T> MINPY_FN T operator()(T x, T y) const {
        if constexpr (math::kIsComplex<T>) return (!is_less(y, x) && !math::is_nan(y)) || math::is_nan(x) ? x : y;
        else return ((x <= y) | (x != x)) ? x : y;
    }
    template <class T> MINPY_FN static bool better(T x, T than) { return is_less(x, than); }
    static constexpr bool kNaNWins = true;
    template <class T> MINPY_FN static T worst() { return most<T>(); }
};
// NaN only where both are.
struct Fmax {
    static constexpr bool kLargest = true;
    static constexpr auto kTypes = kFloat;
    static constexpr bool kHardwareFlags = false, kNaNWins = false;
    template <class T> MINPY_FN static T identity() { return std::numeric_limits<T>::quiet_NaN(); }
    template <class T> MINPY_FN T operator()(T x, T y) const { return math::select((x >= y) | (y != y), x, y); }
    template <class T> MINPY_FN static bool better(T x, T than) { return than < x; }
    template <class T> MINPY_FN static T worst() { return least<T>(); }
};
struct Fmin {
    static constexpr bool kLargest = false;
    static constexpr auto kTypes = kFloat;
    static constexpr bool kHardwareFlags = false, kNaNWins = false;
    template <class T> MINPY_FN static T identity() { return std::numeric_limits<T>::quiet_NaN(); }
    template <class T> MINPY_FN T operator()(T x, T y) const { return math::select((x <= y) | (y != y), x, y); }
    template <class T> MINPY_FN static bool better(T x, T than) { return x < than; }
    template <class T> MINPY_FN static T worst() { return most<T>(); }
};
