// The loops of partitions, compiled once per instruction level, MINPY_LEVEL. Exports splits_<level>().
#include "core/cpu/loops/prelude.h"
#include "core/cpu/split_loops.h"

namespace minpy {
namespace MINPY_LEVEL {
namespace splits {

// The parts of a vector as masks of its lanes, and its lanes put together: which is all that differs between dtypes.
#if defined(__AVX512DQ__)
template <class T> struct Lanes {
    static constexpr bool kWide = sizeof(T) == 8;
    static constexpr int kCount = kWide ? 8 : 16;
    using Mask = std::conditional_t<kWide, __mmask8, __mmask16>;

    static __m512i load(const T* x) { return _mm512_loadu_si512(x); }
    static __m512i all(T value) {
        if constexpr (kWide) return _mm512_set1_epi64(__builtin_bit_cast(long long, value));
        else return _mm512_set1_epi32(__builtin_bit_cast(int, value));
    }
    static Mask less(__m512i a, __m512i b) {
        if constexpr (std::is_same_v<T, double>)
            return _mm512_cmp_pd_mask(_mm512_castsi512_pd(a), _mm512_castsi512_pd(b), _CMP_LT_OQ);
        else if constexpr (std::is_same_v<T, float>)
            return _mm512_cmp_ps_mask(_mm512_castsi512_ps(a), _mm512_castsi512_ps(b), _CMP_LT_OQ);
        else if constexpr (std::is_same_v<T, int64_t>) return _mm512_cmplt_epi64_mask(a, b);
        else if constexpr (std::is_same_v<T, uint64_t>) return _mm512_cmplt_epu64_mask(a, b);
        else if constexpr (std::is_same_v<T, int32_t>) return _mm512_cmplt_epi32_mask(a, b);
        else return _mm512_cmplt_epu32_mask(a, b);
    }
    static Mask not_at_most(__m512i a, __m512i b) {
        if constexpr (std::is_same_v<T, double>)
            return _mm512_cmp_pd_mask(_mm512_castsi512_pd(a), _mm512_castsi512_pd(b), _CMP_NLE_UQ);
        else if constexpr (std::is_same_v<T, float>)
            return _mm512_cmp_ps_mask(_mm512_castsi512_ps(a), _mm512_castsi512_ps(b), _CMP_NLE_UQ);
        else return less(b, a);
    }
    // Writes the chosen lanes one behind the other.
    static T* store(T* to, Mask chosen, __m512i x) {
        const int n = __builtin_popcount(chosen);
        const Mask first = Mask((1u << n) - 1);
        if constexpr (kWide) _mm512_mask_storeu_epi64(to, first, _mm512_maskz_compress_epi64(chosen, x));
        else _mm512_mask_storeu_epi32(to, first, _mm512_maskz_compress_epi32(chosen, x));
        return to + n;
    }
};
#endif

template <class T> struct Splitter {
    static bool is_low(T x, T low) { return x < low; }
    static bool is_high(T x, T high) { return !(x <= high); }

    static void count(const void* elements, int64_t n, const void* low_at, const void* high_at, int64_t* lows,
                      int64_t* highs) {
        const T *x = static_cast<const T*>(elements), low = *static_cast<const T*>(low_at),
                high = *static_cast<const T*>(high_at);
        *lows = *highs = 0;
        // Counts as wide as the elements, for vectors, and short enough to hold.
        using Count = std::conditional_t<sizeof(T) == 8, int64_t, int32_t>;
        constexpr int64_t kRun = 1 << 14;
        for (int64_t from = 0; from < n; from += kRun) {
            const T* y = x + from;
            const int64_t m = n - from < kRun ? n - from : kRun;
            Count l = 0, h = 0;
            for (int64_t i = 0; i < m; ++i) l += is_low(y[i], low), h += is_high(y[i], high);
            *lows += l, *highs += h;
        }
    }

    // To three places, each element or position by masks: branches would be unpredictable.
    template <class Out, class What>
    static void one_by_one(const T* x, int64_t from, int64_t n, T low, T high, Out* lows, Out* middle, Out* highs,
                           What&& what) {
        uintptr_t l = uintptr_t(lows), m = uintptr_t(middle), h = uintptr_t(highs);
        for (int64_t i = from; i < n; ++i) {
            const uintptr_t a = -uintptr_t(is_low(x[i], low)), c = -uintptr_t(is_high(x[i], high));
            *reinterpret_cast<Out*>(m ^ ((m ^ l) & a) ^ ((m ^ h) & c)) = what(i);
            l += a & sizeof(Out), h += c & sizeof(Out), m += ~(a | c) & sizeof(Out);
        }
    }

    // All three parts, or the middle alone.
    template <bool all>
    static void split(const void* elements, int64_t n, const void* low_at, const void* high_at, void* lows,
                      void* middle, void* highs) {
        const T *x = static_cast<const T*>(elements), low = *static_cast<const T*>(low_at),
                high = *static_cast<const T*>(high_at);
        [[maybe_unused]] T *l = static_cast<T*>(lows), *h = static_cast<T*>(highs);
        T* m = static_cast<T*>(middle);
        int64_t i = 0;
#if defined(__AVX512DQ__)
        using V = Lanes<T>;
        const __m512i lowest = V::all(low), highest = V::all(high);
        for (; i + V::kCount <= n; i += V::kCount) {
            const __m512i v = V::load(x + i);
            const typename V::Mask a = V::less(v, lowest), c = V::not_at_most(v, highest);
            if constexpr (all) l = V::store(l, a, v), h = V::store(h, c, v);
            if (auto b = typename V::Mask(~(a | c))) m = V::store(m, b, v);
        }
#endif
        if constexpr (all) {
            one_by_one(x, i, n, low, high, l, m, h, [&](int64_t k) { return x[k]; });
        } else {
            for (; i < n; ++i)
                if (!is_low(x[i], low) && !is_high(x[i], high)) *m++ = x[i];
        }
    }
    static void keep(const void* elements, int64_t n, const void* low_at, const void* high_at, void* middle) {
        split<false>(elements, n, low_at, high_at, nullptr, middle, nullptr);
    }

    static void places(const void* elements, int64_t n, int64_t first, const void* low_at, const void* high_at,
                       int64_t* lows, int64_t* middle, int64_t* highs) {
        const T *x = static_cast<const T*>(elements), low = *static_cast<const T*>(low_at),
                high = *static_cast<const T*>(high_at);
        int64_t i = 0;
#if defined(__AVX512DQ__)
        using V = Lanes<T>;
        using W = Lanes<int64_t>;
        const __m512i lowest = V::all(low), highest = V::all(high), step = W::all(8);
        __m512i at = _mm512_add_epi64(W::all(first), _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7));
        for (; i + V::kCount <= n; i += V::kCount) {
            const __m512i v = V::load(x + i);
            uint32_t a = V::less(v, lowest), c = V::not_at_most(v, highest), b = ~(a | c);
            for (int k = 0; k < V::kCount; k += 8, a >>= 8, b >>= 8, c >>= 8) {
                lows = W::store(lows, __mmask8(a), at);
                highs = W::store(highs, __mmask8(c), at);
                if (__mmask8(b)) middle = W::store(middle, __mmask8(b), at);
                at = _mm512_add_epi64(at, step);
            }
        }
#endif
        one_by_one(x, i, n, low, high, lows, middle, highs, [&](int64_t k) { return first + k; });
    }
};

template <class... T> SplitTable table_of() {
    SplitTable t{};
    ((t.loops[int(dtype_of<T>)] = {Splitter<T>::count, Splitter<T>::template split<true>, Splitter<T>::keep,
                                   Splitter<T>::places}),
     ...);
    return t;
}

}  // namespace splits
}  // namespace MINPY_LEVEL

const SplitTable& MINPY_CONCAT(splits_, MINPY_LEVEL)() {
    static const SplitTable table =
        MINPY_LEVEL::splits::table_of<int32_t, uint32_t, int64_t, uint64_t, float, double>();
    return table;
}

}  // namespace minpy
