#include "core/cpu/sort.h"

#include <hwy/contrib/sort/vqsort.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <new>
#include <numeric>
#include <vector>

#include "core/array/small_vector.h"
#include "core/cpu/allocator.h"

namespace minpy {
namespace {

// Room for n elements, of memory that was used before: fresh pages would cost more than a sort's pass. Null if refused.
template <class T> class Room {
public:
    explicit Room(int64_t n) : bytes_(n * int64_t(sizeof(T))) {
        try {
            data_ = static_cast<T*>(allocate(bytes_));
        } catch (...) {}
    }
    Room(const Room&) = delete;
    ~Room() {
        if (data_) deallocate(data_, bytes_);
    }
    explicit operator bool() const { return data_; }
    T* get() const { return data_; }
    T& operator[](int64_t i) const { return data_[i]; }

private:
    int64_t bytes_;
    T* data_ = nullptr;
};

constexpr int64_t kVector = 48;     // elements from which vector sorting pays (measured)
constexpr int64_t kLong = 1 << 18;  // keys of one row from which it is cut into parts (measured)

inline bool before(const hwy::uint128_t& a, const hwy::uint128_t& b) {
    return (a.hi < b.hi) | ((a.hi == b.hi) & (a.lo < b.lo));
}
template <class T> bool before(T a, T b) { return a < b; }

template <class T> void sort_keys(T* keys, int64_t n) {
    if (n < kVector) std::sort(keys, keys + n, [](const T& a, const T& b) { return before(a, b); });
    else hwy::Sorter()(keys, size_t(n), hwy::SortAscending());  // it holds a buffer: one per sort, for threads
}

// f(from, to) for pieces of a long row that is alone; else for the whole.
template <class F> void in_pieces(bool alone, int64_t n, F&& f) {
    if (!alone || n < kSortThreads) return f(int64_t(0), n);
    constexpr int64_t piece = kSortThreads / 2;
    parallel_for((n + piece - 1) / piece, [&](int64_t k) { f(k * piece, std::min(n, (k + 1) * piece)); });
}

// A long row in threads: cut in two around a middle key, each part again, until there is one for each thread. Keys are in
// total order, so that the result is the same however many there are.
template <class T> void sort_in_parts(T* keys, int64_t n) {
    int threads = num_threads();
    if (n < kLong || threads == 1) return sort_keys(keys, n);
    Room<T> other(n);
    if (!other) return sort_keys(keys, n);
    constexpr int kMostParts = 64, kSample = 255;
    struct Piece {
        int64_t from, to, low, high;  // of the keys; where its low and high ones go
    };
    int64_t ends[kMostParts + 1] = {0, n};
    int parts = 1;
    T *from = keys, *to = other.get();
    for (; parts < threads && parts < kMostParts / 2; parts *= 2) {
        int per_part = std::max(1, 2 * threads / parts);
        SmallVector<Piece, 64> pieces;
        SmallVector<T, 32> pivots;
        for (int p = 0; p < parts; ++p) {
            int64_t first = ends[p], size = ends[p + 1] - first;
            T sample[kSample];
            for (int k = 0; k < kSample; ++k) sample[k] = size ? from[first + size / kSample * k] : T{};
            std::nth_element(sample, sample + kSample / 2, sample + kSample,
                             [](auto& a, auto& b) { return before(a, b); });
            pivots.push_back(sample[kSample / 2]);
            for (int k = 0; k < per_part; ++k)
                pieces.push_back({first + size * k / per_part, first + size * (k + 1) / per_part, 0, 0});
        }
        parallel_for(pieces.size(), [&](int64_t i) {
            Piece& p = pieces[i];
            const T pivot = pivots[i / per_part];
            int64_t count = 0;
            for (int64_t k = p.from; k < p.to; ++k) count += before(from[k], pivot);
            p.low = count;
        });
        int64_t next[kMostParts + 1];
        for (int p = 0; p < parts; ++p) {
            int64_t low = ends[p], total = 0;
            for (int k = 0; k < per_part; ++k) total += pieces[p * per_part + k].low;
            int64_t high = low + total;
            next[2 * p] = low, next[2 * p + 1] = high;
            for (int k = 0; k < per_part; ++k) {
                Piece& piece = pieces[p * per_part + k];
                int64_t count = piece.low;
                piece.low = low, piece.high = high;
                low += count, high += piece.to - piece.from - count;
            }
        }
        next[2 * parts] = n;
        parallel_for(pieces.size(), [&](int64_t i) {
            const Piece& p = pieces[i];
            const T pivot = pivots[i / per_part];
            int64_t low = p.low, high = p.high;
            for (int64_t k = p.from; k < p.to; ++k) {  // by masks: a branch would be unpredictable
                const T key = from[k];
                int64_t is_low = before(key, pivot);
                to[high ^ ((low ^ high) & -is_low)] = key;
                low += is_low, high += 1 - is_low;
            }
        });
        std::copy(next, next + 2 * parts + 1, ends);
        std::swap(from, to);
    }
    parallel_for(parts, [&](int64_t p) { sort_keys(from + ends[p], ends[p + 1] - ends[p]); });
    if (from != keys) in_pieces(true, n, [&](int64_t a, int64_t b) { std::copy(from + a, from + b, keys + a); });
}
template <class T> void sort_keys(T* keys, int64_t n, bool alone) {
    if (alone) sort_in_parts(keys, n);
    else sort_keys(keys, n);
}

// Signed integers in the order of floats; NaN is the largest, and -0 is 0.
template <class Float, class Key, Key infinity> struct Ordered {  // its bits
    static constexpr Key kMost = Key(~(Key(1) << (8 * sizeof(Key) - 1)));
    static constexpr Key kNegativeZero = Key(~kMost);
    // Of plain comparisons of integers, which the compiler makes vectors of.
    static Key flip(Key bits) { return Key(bits ^ (bits < 0 ? kMost : Key(0))); }
    static Key key(Key bits) {
        Key ordered = bits == kNegativeZero ? Key(0) : flip(bits);
        return Key(bits & kMost) > infinity ? kMost : ordered;
    }
    static Key key(Float x) { return key(std::bit_cast<Key>(x)); }
};
template <class T> struct KeyOf {  // integers are their own keys
    using Key = T;
    static Key key(T x) { return x; }
};
template <> struct KeyOf<double> : Ordered<double, int64_t, 0x7ff0000000000000> { using Key = int64_t; };
template <> struct KeyOf<float> : Ordered<float, int32_t, 0x7f800000> { using Key = int32_t; };
template <> struct KeyOf<half> : Ordered<half, int16_t, 0x7c00> { using Key = int16_t; };
template <> struct KeyOf<bhalf> : Ordered<bhalf, int16_t, 0x7f80> { using Key = int16_t; };

template <class T> inline constexpr bool is_integer = std::is_integral_v<T>;

// NumPy's order of complex numbers: real before imaginary part; behind them those with a NaN in the imaginary part, in the
// real part, in both.
template <class T> bool complex_less(T a, T b) {
    int a_nan = 2 * (a.re != a.re) + (a.im != a.im), b_nan = 2 * (b.re != b.re) + (b.im != b.im);
    if (a_nan != b_nan) return a_nan < b_nan;
    if (a_nan < 2 && a.re != b.re) return a.re < b.re;
    return (a_nan & 1) == 0 && a.im < b.im;
}

template <class T> void sort_row(T* row, int64_t n, bool alone) {
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
        sort_keys(row, n, alone);
    } else {
        using K = KeyOf<T>;
        auto* keys = reinterpret_cast<typename K::Key*>(row);
        std::atomic<bool> negative_zeros{false};
        in_pieces(alone, n, [&](int64_t from, int64_t to) {
            bool found = false;
            for (int64_t i = from; i < to; ++i) found |= keys[i] == K::kNegativeZero;
            if (found) negative_zeros = true;
        });
        std::vector<typename K::Key> zeros;  // in order, where there are both
        if (negative_zeros)
            std::copy_if(keys, keys + n, std::back_inserter(zeros),
                         [](auto k) { return k == 0 || k == K::kNegativeZero; });
        in_pieces(alone, n, [&](int64_t from, int64_t to) {
            for (int64_t i = from; i < to; ++i) keys[i] = K::key(keys[i]);
        });
        sort_keys(keys, n, alone);
        int64_t at = negative_zeros ? std::lower_bound(keys, keys + n, typename K::Key(0)) - keys : 0;
        in_pieces(alone, n, [&](int64_t from, int64_t to) {
            for (int64_t i = from; i < to; ++i) keys[i] = K::flip(keys[i]);
        });
        std::copy(zeros.begin(), zeros.end(), keys + at);
    }
}

// Key and position in one integer: sorting it is stable, and needs no comparison of pairs.
template <class T> void argsort_row(const T* row, int64_t n, int64_t* out, bool alone) {
    if constexpr (is_complex<T>) {
        std::iota(out, out + n, int64_t(0));
        std::stable_sort(out, out + n, [&](int64_t a, int64_t b) { return complex_less(row[a], row[b]); });
    } else {
        using Key = typename KeyOf<T>::Key;
        if (sizeof(T) <= 4 && n <= int64_t(UINT32_MAX)) {
            uint64_t bias = std::is_signed_v<Key> ? uint64_t(1) << 31 : 0;
            auto* packed = reinterpret_cast<uint64_t*>(out);
            in_pieces(alone, n, [&](int64_t from, int64_t to) {
                for (int64_t i = from; i < to; ++i)
                    packed[i] = (uint64_t(uint32_t(int64_t(KeyOf<T>::key(row[i]))) ^ bias) << 32) | uint64_t(i);
            });
            sort_keys(packed, n, alone);
            in_pieces(alone, n, [&](int64_t from, int64_t to) {
                for (int64_t i = from; i < to; ++i) out[i] = int64_t(packed[i] & UINT32_MAX);
            });
        } else {
            uint64_t bias = std::is_signed_v<Key> ? uint64_t(1) << 63 : 0;
            Room<hwy::uint128_t> pairs(n);
            if (!pairs) throw std::bad_alloc();
            in_pieces(alone, n, [&](int64_t from, int64_t to) {
                for (int64_t i = from; i < to; ++i)
                    pairs[i].hi = uint64_t(int64_t(KeyOf<T>::key(row[i]))) ^ bias, pairs[i].lo = uint64_t(i);
            });
            sort_keys(pairs.get(), n, alone);
            in_pieces(alone, n, [&](int64_t from, int64_t to) {
                for (int64_t i = from; i < to; ++i) out[i] = int64_t(pairs[i].lo);
            });
        }
    }
}

}  // namespace

void sort_rows(char* data, DType dtype, int64_t rows, int64_t n) {
    for_dtype<kAll>(dtype, [&]<class T> {
        for_each_row(rows, n, [&](int64_t i) { sort_row(reinterpret_cast<T*>(data) + i * n, n, rows == 1); });
    });
}

void argsort_rows(const char* data, DType dtype, int64_t rows, int64_t n, int64_t* out) {
    for_dtype<kAll>(dtype, [&]<class T> {
        for_each_row(rows, n, [&](int64_t i) {
            argsort_row(reinterpret_cast<const T*>(data) + i * n, n, out + i * n, rows == 1);
        });
    });
}

}  // namespace minpy
