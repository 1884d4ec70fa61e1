#include "core/cpu/sort.h"

#include <hwy/contrib/sort/vqsort.h>

#include <algorithm>
#include <bit>
#include <numeric>
#include <vector>

#include "core/cpu/pool.h"

namespace minpy {
namespace {

constexpr int64_t kVector = 48;         // elements from which vector sorting pays (measured)
constexpr int64_t kParallel = 1 << 16;  // elements from which threads pay

template <class T> void sort_keys(T* keys, int64_t n) {
    if (n < kVector) std::sort(keys, keys + n);
    else hwy::Sorter()(keys, size_t(n), hwy::SortAscending());  // it holds a buffer: one per sort, for threads
}

// Signed integers in the order of floats; NaN is the largest, and -0 is 0.
template <class Float, class Key> struct Ordered {
    static constexpr Key kMost = Key(~(Key(1) << (8 * sizeof(Key) - 1)));
    static Key flip(Key bits) { return Key(bits ^ ((bits >> (8 * sizeof(Key) - 1)) & kMost)); }
    static constexpr Key kNegativeZero = Key(~kMost);
    static Key key(Float x) {
        Key bits = std::bit_cast<Key>(x);
        bits = bits == kNegativeZero ? Key(0) : flip(bits);
        if constexpr (is_short_float<Float>) return float(x) != float(x) ? kMost : bits;
        else return x != x ? kMost : bits;
    }
};
template <class T> struct KeyOf {  // integers are their own keys
    using Key = T;
    static Key key(T x) { return x; }
};
template <> struct KeyOf<double> : Ordered<double, int64_t> { using Key = int64_t; };
template <> struct KeyOf<float> : Ordered<float, int32_t> { using Key = int32_t; };
template <> struct KeyOf<half> : Ordered<half, int16_t> { using Key = int16_t; };
template <> struct KeyOf<bhalf> : Ordered<bhalf, int16_t> { using Key = int16_t; };

template <class T> inline constexpr bool is_integer = std::is_integral_v<T>;

// NumPy's order of complex numbers: real before imaginary part; behind them those with a NaN in the imaginary part, in the
// real part, in both.
template <class T> bool complex_less(T a, T b) {
    int a_nan = 2 * (a.re != a.re) + (a.im != a.im), b_nan = 2 * (b.re != b.re) + (b.im != b.im);
    if (a_nan != b_nan) return a_nan < b_nan;
    if (a_nan < 2 && a.re != b.re) return a.re < b.re;
    return (a_nan & 1) == 0 && a.im < b.im;
}

template <class T> void sort_row(T* row, int64_t n) {
    if constexpr (sizeof(T) == 1) {
        // Counting: one pass each way.
        int64_t counts[256] = {};
        auto* bytes = reinterpret_cast<uint8_t*>(row);
        for (int64_t i = 0; i < n; ++i) ++counts[bytes[i]];
        constexpr int first = std::is_same_v<T, int8_t> ? 128 : 0;
        for (int k = 0; k < 256; ++k) {
            uint8_t value = uint8_t(k + first);
            bytes = std::fill_n(bytes, counts[value], value);
        }
    } else if constexpr (is_complex<T>) {
        std::stable_sort(row, row + n, complex_less<T>);
    } else if constexpr (is_integer<T>) {
        sort_keys(row, n);
    } else {
        using K = KeyOf<T>;
        auto* keys = reinterpret_cast<typename K::Key*>(row);
        int64_t negative_zeros = 0;
        for (int64_t i = 0; i < n; ++i) negative_zeros += keys[i] == K::kNegativeZero;
        std::vector<typename K::Key> zeros;  // in order, where there are both
        if (negative_zeros)
            std::copy_if(keys, keys + n, std::back_inserter(zeros),
                         [](auto k) { return k == 0 || k == K::kNegativeZero; });
        for (int64_t i = 0; i < n; ++i) keys[i] = K::key(std::bit_cast<T>(keys[i]));
        sort_keys(keys, n);
        int64_t at = negative_zeros ? std::lower_bound(keys, keys + n, typename K::Key(0)) - keys : 0;
        for (int64_t i = 0; i < n; ++i) keys[i] = K::flip(keys[i]);
        std::copy(zeros.begin(), zeros.end(), keys + at);
    }
}

// Key and position in one integer: sorting it is stable, and needs no comparison of pairs.
template <class T> void argsort_row(const T* row, int64_t n, int64_t* out) {
    if constexpr (is_complex<T>) {
        std::iota(out, out + n, int64_t(0));
        std::stable_sort(out, out + n, [&](int64_t a, int64_t b) { return complex_less(row[a], row[b]); });
    } else {
        using Key = typename KeyOf<T>::Key;
        if (sizeof(T) <= 4 && n <= int64_t(UINT32_MAX)) {
            uint64_t bias = std::is_signed_v<Key> ? uint64_t(1) << 31 : 0;
            auto* packed = reinterpret_cast<uint64_t*>(out);
            for (int64_t i = 0; i < n; ++i)
                packed[i] = (uint64_t(uint32_t(int64_t(KeyOf<T>::key(row[i]))) ^ bias) << 32) | uint64_t(i);
            sort_keys(packed, n);
            for (int64_t i = 0; i < n; ++i) out[i] = int64_t(packed[i] & UINT32_MAX);
        } else {
            uint64_t bias = std::is_signed_v<Key> ? uint64_t(1) << 63 : 0;
            std::vector<hwy::uint128_t> pairs;
            pairs.resize(size_t(n));
            for (int64_t i = 0; i < n; ++i) {
                pairs[size_t(i)].hi = uint64_t(int64_t(KeyOf<T>::key(row[i]))) ^ bias;
                pairs[size_t(i)].lo = uint64_t(i);
            }
            if (n < kVector) {
                std::sort(pairs.begin(), pairs.end(), [](const hwy::uint128_t& a, const hwy::uint128_t& b) {
                    return a.hi != b.hi ? a.hi < b.hi : a.lo < b.lo;
                });
            } else {
                hwy::Sorter()(pairs.data(), size_t(n), hwy::SortAscending());
            }
            for (int64_t i = 0; i < n; ++i) out[i] = int64_t(pairs[size_t(i)].lo);
        }
    }
}

template <class F> void for_each_row(int64_t rows, int64_t n, F&& f) {
    if (rows > 1 && rows * n >= kParallel) parallel_for(rows, f);
    else
        for (int64_t i = 0; i < rows; ++i) f(i);
}

}  // namespace

void sort_rows(char* data, DType dtype, int64_t rows, int64_t n) {
    for_dtype<kAll>(dtype, [&]<class T> {
        for_each_row(rows, n, [&](int64_t i) { sort_row(reinterpret_cast<T*>(data) + i * n, n); });
    });
}

void argsort_rows(const char* data, DType dtype, int64_t rows, int64_t n, int64_t* out) {
    for_dtype<kAll>(dtype, [&]<class T> {
        for_each_row(rows, n,
                     [&](int64_t i) { argsort_row(reinterpret_cast<const T*>(data) + i * n, n, out + i * n); });
    });
}

}  // namespace minpy
