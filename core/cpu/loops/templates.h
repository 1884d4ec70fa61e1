// Turns the functors of a family header into loops; included inside the namespace of a level, after math.h and before
// the family's header. Loops of functors that use vector mathematics work on whole vectors only, tails padded with
// copies of the last element, because scalar and vector variants differ in the last bit.
#include "core/ops/functors.h"

template <class F> constexpr bool has_vector_math() {
    if constexpr (requires { F::kVectorMath; }) return F::kVectorMath;
    else return false;
}
template <class F> constexpr bool has_hardware_flags() {
    if constexpr (requires { F::kHardwareFlags; }) return F::kHardwareFlags;
    else return false;
}

// Whether F has a shorter way for ordinary values of this type (core/ops/quick.h); in steps, where one loop would be too
// long a chain.
template <class F, class T> constexpr bool quick_of() {
    if constexpr (requires(T x) { F::quick(x); })
        return math::kIsComplex<T> || std::is_same_v<decltype(F::quick(T())), T>;
    else return false;
}
template <class F, class T> inline constexpr bool has_quick = quick_of<F, T>();
template <class F, class T> inline constexpr bool has_quick_steps = requires(T x) { F::first_step(x); };

// The elements after which conditions are looked at.
template <class T> inline constexpr int kChunk = 16 * kWidth<T>;

template <class F, class A, class R> struct UnaryLoop {
    static unsigned run(char* const* args, unsigned, int64_t n) {
        const A* a = reinterpret_cast<const A*>(args[0]);
        R* r = reinterpret_cast<R*>(args[1]);
        if constexpr (has_vector_math<F>() || has_quick<F, A>) {
            constexpr int W = kWidth<A>, C = kChunk<A>;
            unsigned flags = 0;
            int64_t i = 0;
            for (; i + C <= n; i += C) flags |= block<C>(a + i, r + i);
            for (; i + W <= n; i += W) flags |= block<W>(a + i, r + i);
            if (i < n) {
                A pad[W];
                R out[W];
                load_lanes<W>(a + i, int(n - i), pad);
                flags |= block<W>(pad, out);
                store_lanes<W>(out, int(n - i), r + i);
            }
            return flags;
        } else {
            return plain(a, r, n);
        }
    }
    template <int N> static unsigned block(const A* a, R* r) {
        constexpr bool warns = requires { F::warn(a[0], r[0]); };
        if constexpr (warns || has_quick<F, A>) {
            // In and out may be the same memory, and the input is looked at afterwards.
            A copy[N];
            if (static_cast<const void*>(a) == r) {
                for (int j = 0; j < N; ++j) copy[j] = a[j];
                a = copy;
            }
            if constexpr (has_quick<F, A>) {
#pragma GCC ivdep
                for (int j = 0; j < N; ++j) r[j] = F::quick(a[j]);
                if (!any_special<N>(r)) return 0;  // ordinary values all: nothing to warn of
                unsigned flags = 0;
                each_special<N, kWidth<A>>(r, [&](int j) {
                    r[j] = F{}(a[j]);
                    if constexpr (warns) flags |= F::warn(a[j], r[j]);
                });
                return flags;
            } else {
                each<N>(a, r);
                unsigned flags = 0;
                if (any_special<N>(r))
                    for (int j = 0; j < N; ++j) flags |= F::warn(a[j], r[j]);
                return flags;
            }
        } else {
            each<N>(a, r);
            return 0;
        }
    }
    template <int N> static void each(const A* a, R* r) {
#pragma GCC ivdep
        for (int j = 0; j < N; ++j) r[j] = F{}(a[j]);
    }
    static unsigned plain(const A* a, R* r, int64_t n) {
        unsigned flags = 0;
#pragma GCC ivdep
        for (int64_t i = 0; i < n; ++i) {
            R out = F{}(a[i]);
            if constexpr (requires { F::warn(a[i], out); }) flags |= F::warn(a[i], out);
            r[i] = out;
        }
        return flags;
    }
};

template <class F, class A, class B, class R> struct BinaryLoop {
    static unsigned run(char* const* args, unsigned scalars, int64_t n) {
        const A* a = reinterpret_cast<const A*>(args[0]);
        const B* b = reinterpret_cast<const B*>(args[1]);
        R* r = reinterpret_cast<R*>(args[2]);
        switch (scalars & 3) {
            case 0: return both<false, false>(a, b, r, n);
            case 1: return both<true, false>(a, b, r, n);
            case 2: return both<false, true>(a, b, r, n);
            default: return both<true, true>(a, b, r, n);
        }
    }
    template <bool SA, bool SB> static unsigned both(const A* a, const B* b, R* r, int64_t n) {
        unsigned flags = 0;
        if constexpr (SB && !SA && requires { F::is_unary(b[0]); }) {
            if (F::is_unary(b[0])) {
                const B y = b[0];
                int64_t i = 0;
                // The conditions of a chunk are looked at where one may be, unless its input is gone by then.
                constexpr int C = kChunk<A>;
                for (; static_cast<const void*>(a) != r && i + C <= n; i += C) {
#pragma GCC ivdep
                    for (int j = 0; j < C; ++j) r[i + j] = F::unary(a[i + j]);
                    if (!any_special<C>(r + i)) continue;
                    for (int j = 0; j < C; ++j) flags |= F::warn(a[i + j], y, r[i + j]);
                }
#pragma GCC ivdep
                for (; i < n; ++i) {
                    const A x = a[i];
                    R out = F::unary(x);
                    flags |= F::warn(x, y, out);
                    r[i] = out;
                }
                return flags;
            }
        }
        if constexpr (has_vector_math<F>()) {
            constexpr int W = kWidth<A>, C = kChunk<A>;
            A x[C];
            B y[C];
            if (SA)
                for (int j = 0; j < C; ++j) x[j] = a[0];
            if (SB)
                for (int j = 0; j < C; ++j) y[j] = b[0];
            int64_t i = 0;
            for (; i + C <= n; i += C) flags |= block<C>(SA ? x : a + i, SB ? y : b + i, r + i);
            for (; i + W <= n; i += W) flags |= block<W>(SA ? x : a + i, SB ? y : b + i, r + i);
            if (i < n) {
                R out[W];
                if (!SA) load_lanes<W>(a + i, int(n - i), x);
                if (!SB) load_lanes<W>(b + i, int(n - i), y);
                flags |= block<W>(x, y, out);
                store_lanes<W>(out, int(n - i), r + i);
            }
        } else {
            const A x0 = SA ? a[0] : A();
            const B y0 = SB ? b[0] : B();
#pragma GCC ivdep
            for (int64_t i = 0; i < n; ++i) {
                const A x = SA ? x0 : a[i];
                const B y = SB ? y0 : b[i];
                R out = F{}(x, y);
                if constexpr (requires { F::warn(x, y, out); }) flags |= F::warn(x, y, out);
                r[i] = out;
            }
        }
        return flags;
    }
    template <int N> static unsigned block(const A* a, const B* b, R* r) {
        if constexpr (requires { F::warn(a[0], b[0], r[0]); }) {
            A copy_a[N];
            B copy_b[N];
            if (static_cast<const void*>(a) == r) {
                for (int j = 0; j < N; ++j) copy_a[j] = a[j];
                a = copy_a;
            }
            if (static_cast<const void*>(b) == r) {
                for (int j = 0; j < N; ++j) copy_b[j] = b[j];
                b = copy_b;
            }
            if constexpr (has_quick_steps<F, A>) {
                A high[N], low[N];
                for (int j = 0; j < N; ++j) {
                    auto s = F::first_step(a[j]);
                    high[j] = s.high, low[j] = s.low;
                }
                for (int j = 0; j < N; ++j) {
                    auto s = F::second_step(a[j], {high[j], low[j]});
                    high[j] = s.high, low[j] = s.low;
                }
#pragma GCC ivdep
                for (int j = 0; j < N; ++j) r[j] = F::third_step(a[j], {high[j], low[j]}, b[j]);
                if (!any_special<N>(r)) return 0;
                unsigned flags = 0;
                each_special<N, kWidth<A>>(r, [&](int j) {
                    r[j] = F{}(a[j], b[j]);
                    flags |= F::warn(a[j], b[j], r[j]);
                });
                return flags;
            } else {
                each<N>(a, b, r);
                unsigned flags = 0;
                if (any_special<N>(r))
                    for (int j = 0; j < N; ++j) flags |= F::warn(a[j], b[j], r[j]);
                return flags;
            }
        } else {
            each<N>(a, b, r);
            return 0;
        }
    }
    template <int N> static void each(const A* a, const B* b, R* r) {
#pragma GCC ivdep
        for (int j = 0; j < N; ++j) r[j] = F{}(a[j], b[j]);
    }
};

template <class F, class A, class B, class C, class R> struct TernaryLoop {
    static unsigned run(char* const* args, unsigned scalars, int64_t n) {
        const A* a = reinterpret_cast<const A*>(args[0]);
        const B* b = reinterpret_cast<const B*>(args[1]);
        const C* c = reinterpret_cast<const C*>(args[2]);
        R* r = reinterpret_cast<R*>(args[3]);
        if (scalars == 0) {
#pragma GCC ivdep
            for (int64_t i = 0; i < n; ++i) r[i] = F{}(a[i], b[i], c[i]);
        } else if (scalars == 6) {  // bounds of a clip
            const B y = b[0];
            const C z = c[0];
#pragma GCC ivdep
            for (int64_t i = 0; i < n; ++i) r[i] = F{}(a[i], y, z);
        } else {
            const int64_t sa = scalars & 1 ? 0 : 1, sb = scalars & 2 ? 0 : 1, sc = scalars & 4 ? 0 : 1;
#pragma GCC ivdep
            for (int64_t i = 0; i < n; ++i) r[i] = F{}(a[i * sa], b[i * sb], c[i * sc]);
        }
        return 0;
    }
};

// A table under construction: one loop for every signature of every functor.
struct TableBuilder {
    Loop* out;
    int64_t size = 0;

    template <class F> void all(const char* name) {
        each_signature<F>([&]<class R, class... In>(uint8_t fixed) {
            out[size++] = {name,
                           sizeof...(In),
                           1,
                           has_hardware_flags<F>(),
                           fixed,
                           {dtype_of<In>..., dtype_of<R>},
                           run<F, R, In...>()};
        });
    }
    template <class F, class R, class A> static LoopFn run() { return UnaryLoop<F, A, R>::run; }
    template <class F, class R, class A, class B> static LoopFn run() { return BinaryLoop<F, A, B, R>::run; }
    template <class F, class R, class A, class B, class C> static LoopFn run() {
        return TernaryLoop<F, A, B, C, R>::run;
    }
};

// The last line of a family header names its functors.
#define MINPY_FUNCTORS(...)                            \
    inline int64_t build(Loop* out) {                  \
        TableBuilder b{out};                           \
        MINPY_FOR_EACH(MINPY_ADD_FUNCTOR, __VA_ARGS__) \
        return b.size;                                 \
    }
#define MINPY_ADD_FUNCTOR(f) b.all<f>(#f);
