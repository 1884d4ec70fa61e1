// The loops of reductions, compiled once per instruction level, MINPY_LEVEL. Exports reductions_<level>().
#include "core/cpu/loops/prelude.h"
#include "core/cpu/reduce_loops.h"

#if defined(__AVX512F__)
#define MINPY_VECTOR_BYTES 64
#elif defined(__AVX2__)
#define MINPY_VECTOR_BYTES 32
#else
#define MINPY_VECTOR_BYTES 16
#endif

namespace minpy {
namespace MINPY_LEVEL {
namespace reductions {
#include "core/ops/math.h"
// The vocabulary first.
#include "core/ops/reductions.h"

template <class T> struct Wide {
    typedef T Vector __attribute__((vector_size(MINPY_VECTOR_BYTES)));
    typedef T Loose __attribute__((vector_size(MINPY_VECTOR_BYTES), aligned(alignof(T)), may_alias));
    static Vector load(const T* p) { return *reinterpret_cast<const Loose*>(p); }
};

template <class F, class T> struct Folder {
    // Accumulators side by side; the compiler makes two vectors of them. The same at every level.
    static constexpr int kLanes = sizeof(T) >= 16 ? 8 : 128 / int(sizeof(T));
    static constexpr int kVector = MINPY_VECTOR_BYTES / int(sizeof(T));
    // Whether the order of the elements is that of a comparison, but for NaN.
    static constexpr bool kExtreme = !math::kIsComplex<T> && requires(T x) { F::better(x, x); };
    // Whether one NaN decides.
    static constexpr bool kFlagsNaN = [] {
        if constexpr (kExtreme) return math::kIsFloat<T> && F::kNaNWins;
        else return false;
    }();

    static void fold(const char* p, int64_t n, char* to) {
        *reinterpret_cast<T*>(to) = tree(reinterpret_cast<const T*>(p), n);
    }

    static T tree(const T* x, int64_t n) {
        if (n <= kReduceBlock) return block(x, n);
        const int64_t half = half_of(n);
        if constexpr (kPaired) {
            T a, b;
            if (n == 2 * half) return trees(x, x + half, half, &a, &b), F{}(a, b);
            // Of float a part of a block is over too soon for that to pay.
            if (sizeof(T) == 8 && half == kReduceBlock && n - half > 128)
                return blocks(x, x + half, n - half, &a, &b), F{}(a, b);
        }
        return F{}(tree(x, half), tree(x + half, n - half));
    }
    static int64_t half_of(int64_t n) { return ((n + kReduceBlock - 1) / kReduceBlock + 1) / 2 * kReduceBlock; }
    static T block(const T* x, int64_t n) {
        if constexpr (kExtreme) return n < 4 * kVector ? chain(x, n) : extreme(x, n);
        else return n < kShortFold ? chain(x, n) : n <= 128 || n < 2 * kLanes ? lanes<8>(x, n) : lanes<kLanes>(x, n);
    }
    // Sums are made of two halves side by side: two streams keep the memory busier than one.
    static constexpr bool kPaired = std::is_same_v<F, Sum> && math::kIsFloat<T>;
    static void trees(const T* x, const T* y, int64_t n, T* a, T* b) {
        if (n == kReduceBlock) return blocks(x, y, n, a, b);
        const int64_t half = half_of(n);
        T c, d;
        trees(x, y, half, a, b);
        trees(x + half, y + half, n - half, &c, &d);
        *a = F{}(*a, c);
        *b = F{}(*b, d);
    }
    // One whole block of x, and m elements of y.
    static void blocks(const T* x, const T* y, int64_t m, T* to_a, T* to_b) {
        using Vector = typename Wide<T>::Vector;
        constexpr auto load = Wide<T>::load;
        constexpr int kVectors = kLanes / kVector;
        const int64_t both = m - m % kLanes;
        Vector a[kVectors], b[kVectors];
        for (int k = 0; k < kVectors; ++k) a[k] = load(x + k * kVector), b[k] = load(y + k * kVector);
        for (int64_t i = kLanes; i < both; i += kLanes)
            for (int k = 0; k < kVectors; ++k) {
                a[k] += load(x + i + k * kVector);
                b[k] += load(y + i + k * kVector);
            }
        T lane[2][kLanes];
        std::memcpy(lane[0], a, sizeof a);
        std::memcpy(lane[1], b, sizeof b);
        *to_a = joined<kLanes>(lane[0], x, both, kReduceBlock);
        *to_b = joined<kLanes>(lane[1], y, both, m);
    }
    // Of n >= 4 vectors' elements. The last vectors overlap those before: an extreme may be looked at twice. Vectors by
    // name: of loops over lanes the compiler makes scalars as it pleases.
    static T extreme(const T* x, int64_t n) {
        using Vector = typename Wide<T>::Vector;
        constexpr auto load = Wide<T>::load;
        auto better = [](Vector a, Vector b) -> Vector { return (F::kLargest ? a > b : a < b) ? a : b; };  // b for NaN
        constexpr int64_t step = 4 * kVector;
        const Vector worst = Vector{} + F::template worst<T>();
        Vector b0 = worst, b1 = worst, b2 = worst, b3 = worst;
        [[maybe_unused]] decltype(b0 != b0) nan = {};
        for (int64_t i = 0; i < n; i += step) {
            const T* p = x + (i + step <= n ? i : n - step);
            Vector a0 = load(p), a1 = load(p + kVector), a2 = load(p + 2 * kVector), a3 = load(p + 3 * kVector);
            b0 = better(a0, b0), b1 = better(a1, b1), b2 = better(a2, b2), b3 = better(a3, b3);
            if constexpr (kFlagsNaN) nan |= (a0 != a0) | (a1 != a1) | (a2 != a2) | (a3 != a3);
        }
        b0 = better(better(b0, b1), better(b2, b3));
        T best = b0[0];
        bool special = false;
        for (int k = 0; k < kVector; ++k) {
            T y = b0[k];
            best = F::better(y, best) ? y : best;
            if constexpr (kFlagsNaN) special |= nan[k] != 0;
        }
        // The NaN of the data; or what was nowhere beaten, if NaN was all there was.
        if constexpr (math::kIsFloat<T> && !kFlagsNaN) special = best == F::template worst<T>();
        return special ? chain(x, n) : best;
    }
    // Products of floats in double: near one their roundings do not cancel.
    using Lane = std::conditional_t<std::is_same_v<F, Prod> && std::is_same_v<T, float>, double, T>;

    // Up to 128 elements are added as NumPy adds them.
    static T chain(const T* x, int64_t n) {
        Lane result = x[0];
        for (int64_t i = 1; i < n; ++i) result = F{}(result, Lane(x[i]));
        return T(result);
    }
    // As block() has them.
    template <int N> static void rows_of(const T* x, int64_t n_rows, T* to) {
        for (int64_t i = 0; i < n_rows; ++i) to[i] = chain(x + i * N, N);
    }
    static void short_rows(const char* p, int64_t n, int64_t n_rows, char* to_at) {
        static_assert(kShortFold == 8);
        const T* x = reinterpret_cast<const T*>(p);
        T* to = reinterpret_cast<T*>(to_at);
        switch (n) {
            case 1: return rows_of<1>(x, n_rows, to);
            case 2: return rows_of<2>(x, n_rows, to);
            case 3: return rows_of<3>(x, n_rows, to);
            case 4: return rows_of<4>(x, n_rows, to);
            case 5: return rows_of<5>(x, n_rows, to);
            case 6: return rows_of<6>(x, n_rows, to);
            default: return rows_of<7>(x, n_rows, to);
        }
    }
    template <int L> static T lanes(const T* x, int64_t n) {
        Lane lane[L];
        for (int k = 0; k < L; ++k) lane[k] = x[k];
        return joined<L>(lane, x, L, n);
    }
    // The lanes, which hold the elements before `i`, with those from there on.
    template <int L> [[gnu::always_inline]] static T joined(Lane* lane, const T* x, int64_t i, int64_t n) {
        for (; i + L <= n; i += L)
            for (int k = 0; k < L; ++k) lane[k] = F{}(lane[k], Lane(x[i + k]));
        if constexpr (L == 8) {
            Lane result = F{}(F{}(F{}(lane[0], lane[1]), F{}(lane[2], lane[3])),
                              F{}(F{}(lane[4], lane[5]), F{}(lane[6], lane[7])));
            for (; i < n; ++i) result = F{}(result, Lane(x[i]));
            return T(result);
        } else {
            for (int k = 0; k < int(n - i); ++k) lane[k % L] = F{}(lane[k % L], Lane(x[i + k]));
            for (int half = L / 2; half; half /= 2)
                for (int k = 0; k < half; ++k) lane[k] = F{}(lane[k], lane[k + half]);
            return T(lane[0]);
        }
    }

    static void rows(char* to, const char* p, int64_t step, int64_t n_rows, int64_t n) {
        T* __restrict acc = reinterpret_cast<T*>(to);
        int64_t r = 0;
        for (; r + 4 <= n_rows; r += 4) {
            const T* a = reinterpret_cast<const T*>(p + r * step);
            const T* b = reinterpret_cast<const T*>(p + (r + 1) * step);
            const T* c = reinterpret_cast<const T*>(p + (r + 2) * step);
            const T* d = reinterpret_cast<const T*>(p + (r + 3) * step);
#pragma GCC ivdep
            for (int64_t j = 0; j < n; ++j) acc[j] = five(acc[j], a[j], b[j], c[j], d[j]);
        }
        for (; r < n_rows; ++r) {
            const T* a = reinterpret_cast<const T*>(p + r * step);
#pragma GCC ivdep
            for (int64_t j = 0; j < n; ++j) acc[j] = F{}(acc[j], a[j]);
        }
    }
    static T five(T acc, T a, T b, T c, T d) {
        if constexpr (kFlagsNaN) {
            T p = F::better(a, b) ? a : b, q = F::better(c, d) ? c : d, top = F::better(p, q) ? p : q;
            top = F::better(top, acc) ? top : acc;
            bool nan = __builtin_isunordered(a, b) | __builtin_isunordered(c, d) | (acc != acc);
            return nan ? std::numeric_limits<T>::quiet_NaN() : top;
        }
        return F{}(acc, F{}(F{}(a, b), F{}(c, d)));
    }

    static void identity(char* to) { *reinterpret_cast<T*>(to) = F::template identity<T>(); }

    // Where the first of n elements is that is `top`, or no number if that is none; there is one.
    static int64_t place(const T* x, int64_t n, T top) {
        bool none = math::is_nan(top);
        int64_t i = 0;
        if constexpr (kExtreme) {
            using Vector = typename Wide<T>::Vector;
            constexpr int64_t step = 8 * kVector;
            const Vector wanted = Vector{} + top;
            for (; i + step <= n; i += step) {
                decltype(wanted == wanted) hits = {};
                for (int64_t k = i; k < i + step; k += kVector) {
                    Vector a = Wide<T>::load(x + k);
                    hits |= none ? a != a : a == wanted;
                }
                bool hit = false;
                for (int k = 0; k < kVector; ++k) hit |= hits[k] != 0;
                if (hit) break;
            }
        }
        while (none ? !math::is_nan(x[i]) : !(x[i] == top)) ++i;
        return i;
    }
    // Block by block: its best, and only if that is news where it is.
    static void find(const char* p, int64_t n, int64_t base, char* best_at, int64_t* index) {
        const T* x = reinterpret_cast<const T*>(p);
        T best = *reinterpret_cast<T*>(best_at);
        for (int64_t from = 0; from < n; from += kReduceBlock) {
            if (*index >= 0 && math::is_nan(best)) return;
            int64_t count = n - from < kReduceBlock ? n - from : kReduceBlock;
            T top = tree(x + from, count);
            if (*index >= 0 && !F::better(top, best) && !math::is_nan(top)) continue;
            best = top;
            int64_t i = from + place(x + from, count, top);
            *index = base + i;
        }
        *reinterpret_cast<T*>(best_at) = best;
    }
    static void find_rows(const char* p, int64_t n, int64_t row, char* best_at, int64_t* index) {
        const T* x = reinterpret_cast<const T*>(p);
        T* __restrict best = reinterpret_cast<T*>(best_at);
#pragma GCC ivdep
        for (int64_t j = 0; j < n; ++j) {
            bool news = row == 0;
            if constexpr (math::kIsComplex<T>)
                news = news || ((F::better(x[j], best[j]) || math::is_nan(x[j])) && !math::is_nan(best[j]));
            else news = news | ((F::better(x[j], best[j]) | (x[j] != x[j])) & (best[j] == best[j]));
            best[j] = news ? x[j] : best[j];
            index[j] = news ? row : index[j];
        }
    }
};

struct Builder {
    ReduceLoop* out;  // by dtype
    template <class F, class T> void one() {
        if constexpr (in(dtype_of<T>, F::kTypes)) {
            using E = std::conditional_t<std::is_same_v<T, bool>, uint8_t, T>;  // bytes are vectorised, bools not
            ReduceLoop& loop = out[int(dtype_of<T>)];
            loop = {dtype_of<T>,
                    F::kHardwareFlags,
                    Folder<F, E>::fold,
                    Folder<F, E>::rows,
                    Folder<F, E>::short_rows,
                    Folder<F, E>::identity,
                    nullptr,
                    nullptr};
            if constexpr (requires(E x) { F::better(x, x); }) {
                loop.find = Folder<F, E>::find;
                loop.find_rows = Folder<F, E>::find_rows;
            }
        }
    }
    template <class F> void all() {
        one<F, bool>();
        one<F, int8_t>(), one<F, int16_t>(), one<F, int32_t>(), one<F, int64_t>();
        one<F, uint8_t>(), one<F, uint16_t>(), one<F, uint32_t>(), one<F, uint64_t>();
        one<F, float>(), one<F, double>();
        one<F, complex64>(), one<F, complex128>();
    }
};

}  // namespace reductions
}  // namespace MINPY_LEVEL

const ReduceTable& MINPY_CONCAT(reductions_, MINPY_LEVEL)() {
    static const ReduceTable table = [] {
        ReduceTable t{};
        MINPY_LEVEL::reductions::Builder{t.loops[int(Fold::sum)]}.all<MINPY_LEVEL::reductions::Sum>();
        MINPY_LEVEL::reductions::Builder{t.loops[int(Fold::prod)]}.all<MINPY_LEVEL::reductions::Prod>();
        MINPY_LEVEL::reductions::Builder{t.loops[int(Fold::max)]}.all<MINPY_LEVEL::reductions::Max>();
        MINPY_LEVEL::reductions::Builder{t.loops[int(Fold::min)]}.all<MINPY_LEVEL::reductions::Min>();
        MINPY_LEVEL::reductions::Builder{t.loops[int(Fold::fmax)]}.all<MINPY_LEVEL::reductions::Fmax>();
        MINPY_LEVEL::reductions::Builder{t.loops[int(Fold::fmin)]}.all<MINPY_LEVEL::reductions::Fmin>();
        return t;
    }();
    return table;
}

}  // namespace minpy
