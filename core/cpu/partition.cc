#include "core/cpu/partition.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "core/array/array.h"
#include "core/cpu/levels.h"
#include "core/cpu/sort.h"
#include "core/cpu/split_loops.h"

namespace minpy {

MINPY_LEVEL_TABLE(SplitTable, splits)

namespace {

constexpr int64_t kLong = 512;  // elements of a row that is worth a sample

template <class T> inline constexpr bool is_split = !is_complex<T> && (sizeof(T) == 4 || sizeof(T) == 8);

// A row in three parts: what is below `low`, what is above `high` (NaN is), and the middle between them. Pieces of it count
// what they have of each, and then know where to put it.
template <class T> class Split {
public:
    Split(const T* x, int64_t n, T low, T high)
        : loop_(splits_table().loops[int(dtype_of<T>)]), x_(x), n_(n), low_(low), high_(high) {
        for (int64_t k = 0; k < n_pieces_; ++k) {
            pieces_[k].from = n * k / n_pieces_;
            pieces_[k].n = n * (k + 1) / n_pieces_ - pieces_[k].from;
        }
        each([&](Piece& p) { loop_.count(x_ + p.from, p.n, &low_, &high_, &p.lows, &p.highs); });
        for (const Piece& p : pieces()) below_ += p.lows, above_ += p.highs;
        int64_t low_at = 0, middle_at = below_, high_at = n - above_;
        for (Piece& p : pieces()) {
            p.low_at = low_at, p.middle_at = middle_at, p.high_at = high_at;
            low_at += p.lows, high_at += p.highs, middle_at += p.n - p.lows - p.highs;
        }
    }
    bool has_in_middle(int64_t k) const { return below_ <= k && k < n_ - above_; }
    int64_t below() const { return below_; }
    int64_t n_middle() const { return n_ - above_ - below_; }

    void move(T* to) {
        each([&](const Piece& p) {
            loop_.move(x_ + p.from, p.n, &low_, &high_, to + p.low_at, to + p.middle_at, to + p.high_at);
        });
    }
    void keep_middle(T* to) {
        each([&](const Piece& p) { loop_.keep(x_ + p.from, p.n, &low_, &high_, to + p.middle_at - below_); });
    }
    void places(int64_t* to) {
        each([&](const Piece& p) {
            loop_.places(x_ + p.from, p.n, p.from, &low_, &high_, to + p.low_at, to + p.middle_at, to + p.high_at);
        });
    }

private:
    static constexpr int64_t kPieces = 16;
    struct Piece {
        int64_t from, n, lows, highs, low_at, middle_at, high_at;
    };
    std::span<Piece> pieces() { return {pieces_, size_t(n_pieces_)}; }
    template <class F> void each(F&& f) {
        parallel_for(n_pieces_, [&](int64_t k) { f(pieces_[k]); });
    }

    const SplitLoop& loop_;
    const T* x_;
    int64_t n_, n_pieces_ = n_ < kSortThreads ? 1 : kPieces;
    int64_t below_ = 0, above_ = 0;
    T low_, high_;
    Piece pieces_[kPieces];
};

template <class T> void sort_values(T* x, int64_t n) { sort_rows(reinterpret_cast<char*>(x), dtype_of<T>, 1, n); }

// Two values of a sample that are probably close to the kth on either side.
template <class T> std::pair<T, T> around(const T* x, int64_t n, int64_t kth) {
    using Limits = std::numeric_limits<T>;
    constexpr bool is_float = Limits::has_infinity;
    // Of 64 to 1,024 elements, and three deviations of the median's rank.
    constexpr int kMost = 1024;
    const int half_root = std::clamp(int(std::bit_width(uint64_t(n) / 16)) / 2, 3, 5), size = 1 << (2 * half_root);
    T sample[kMost];
    for (int k = 0; k < size; ++k) sample[k] = x[n / size * k];
    sort_values(sample, size);
    const int rank = int(double(kth) / double(n) * size), margin = 3 * (1 << half_root) / 2;
    T low = rank > margin ? sample[rank - margin] : is_float ? -Limits::infinity() : Limits::lowest();
    T high = rank + margin < size ? sample[rank + margin] : is_float ? Limits::infinity() : Limits::max();
    if (!(high == high)) high = Limits::infinity();
    return {low, high};
}

// The row's kth in its place in `to`; false where that was not found.
template <class T> bool partition_row(const T* x, int64_t n, int64_t kth, T* to) {
    auto [low, high] = around(x, n, kth);
    Split<T> split(x, n, low, high);
    if (!(low == low) || !split.has_in_middle(kth)) return false;
    split.move(to);
    if (low != high) sort_values(to + split.below(), split.n_middle());
    return true;
}

template <class T> bool argpartition_row(const T* x, int64_t n, int64_t kth, int64_t* to) {
    auto [low, high] = around(x, n, kth);
    Split<T> split(x, n, low, high);
    if (!(low == low) || !split.has_in_middle(kth)) return false;
    T value = low;
    if (low != high) {
        Array middle = empty(Dims{split.n_middle()}, dtype_of<T>);
        split.keep_middle(middle.raw_as<T>());
        sort_values(middle.raw_as<T>(), split.n_middle());
        value = middle.raw_as<T>()[kth - split.below()];
    }
    Split<T>(x, n, value, value).places(to);
    return true;
}

}  // namespace

void partition_rows(const char* from, DType dtype, int64_t rows, int64_t n, int64_t kth, char* to) {
    for_dtype<kAll>(dtype, [&]<class T> {
        for_each_row(rows, n, [&](int64_t i) {
            const T* x = reinterpret_cast<const T*>(from) + i * n;
            T* y = reinterpret_cast<T*>(to) + i * n;
            if constexpr (is_split<T>)
                if (n >= kLong && partition_row(x, n, kth, y)) return;
            std::memcpy(y, x, size_t(n) * sizeof(T));
            sort_values(y, n);
        });
    });
}

void argpartition_rows(const char* from, DType dtype, int64_t rows, int64_t n, int64_t kth, int64_t* to) {
    for_dtype<kAll>(dtype, [&]<class T> {
        for_each_row(rows, n, [&](int64_t i) {
            const T* x = reinterpret_cast<const T*>(from) + i * n;
            if constexpr (is_split<T>)
                if (n >= kLong && argpartition_row(x, n, kth, to + i * n)) return;
            argsort_rows(reinterpret_cast<const char*>(x), dtype, 1, n, to + i * n);
        });
    });
}

}  // namespace minpy
