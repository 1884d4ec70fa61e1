// Parts of vectors, included inside the namespace of a level after math.h: the tail of an array as one whole vector, and
// whether a lane is infinite or no number. Small arrays are nothing but a tail.

// One vector of the widest kind, so that every level pads alike.
template <class T> inline constexpr int kWidth = 64 / int(sizeof(T));

// The last `n` elements of an array, fewer than N, and copies of the last one. Put together in a register: a vector
// that is stored in parts and loaded whole waits for its stores, longer than a sine takes.
template <class A, int... J> void gather_lanes(const A* a, int n, A* pad, std::integer_sequence<int, J...>) {
    if constexpr (math::kIsFloat<A>) {
        typedef A Vector __attribute__((vector_size(sizeof...(J) * sizeof(A))));
        Vector v = {a[J < n - 1 ? J : n - 1]...};
        __builtin_memcpy(pad, &v, sizeof v);
    } else {
        ((pad[J] = a[J < n - 1 ? J : n - 1]), ...);
    }
}
template <int N, class A> void load_lanes(const A* a, int n, A* pad) {
#if defined(__AVX512DQ__)
    if constexpr (std::is_same_v<A, double> && N == kWidth<A>) {
        return _mm512_storeu_pd(pad, _mm512_mask_loadu_pd(_mm512_set1_pd(a[n - 1]), __mmask8((1u << n) - 1), a));
    } else if constexpr (std::is_same_v<A, float> && N == kWidth<A>) {
        return _mm512_storeu_ps(pad, _mm512_mask_loadu_ps(_mm512_set1_ps(a[n - 1]), __mmask16((1u << n) - 1), a));
    }
#endif
    gather_lanes(a, n, pad, std::make_integer_sequence<int, N>());
}

// The first `n` elements of a padded vector of N.
template <int N, class R> void store_lanes(const R* pad, int n, R* r) {
#if defined(__AVX512DQ__)
    if constexpr (std::is_same_v<R, double> && N == kWidth<R>) {
        return _mm512_mask_storeu_pd(r, __mmask8((1u << n) - 1), _mm512_loadu_pd(pad));
    } else if constexpr (std::is_same_v<R, float> && N == kWidth<R>) {
        return _mm512_mask_storeu_ps(r, __mmask16((1u << n) - 1), _mm512_loadu_ps(pad));
    }
#endif
    for (int j = 0; j < n; ++j) r[j] = pad[j];
}

// Whether a result is infinite or no number: what every condition of floats leaves behind, and cheap to look for.
template <int N, class R> bool any_special(const R* r) {
    if constexpr (math::kIsComplex<R>) {
        return any_special<2 * N>(reinterpret_cast<const typename R::real_type*>(r));
    } else if constexpr (math::kIsFloat<R>) {
#if defined(__AVX512DQ__)
        constexpr int kSpecial = 0x99;  // quiet and signalling NaN, both infinities
        if constexpr (std::is_same_v<R, double> && N == kWidth<R>)
            return _mm512_fpclass_pd_mask(_mm512_loadu_pd(r), kSpecial) != 0;
        if constexpr (std::is_same_v<R, float> && N == kWidth<R>)
            return _mm512_fpclass_ps_mask(_mm512_loadu_ps(r), kSpecial) != 0;
#endif
        using U = std::conditional_t<sizeof(R) == 8, uint64_t, uint32_t>;
        constexpr U exponent = sizeof(R) == 8 ? U(0x7ff0000000000000) : U(0x7f800000);
        U found = 0;
        for (int j = 0; j < N; ++j) found |= (__builtin_bit_cast(U, r[j]) & exponent) == exponent ? ~U(0) : U(0);
        return found != 0;
    } else {
        return true;
    }
}

// f(j) where r[j] is special, looked for a vector of W at a time.
template <int N, int W, class R, class Do> void each_special(const R* r, Do&& f) {
    for (int k = 0; k < N; k += W) {
        if (!any_special<W>(r + k)) continue;
        for (int j = k; j < k + W; ++j)
            if (any_special<1>(r + j)) f(j);
    }
}
