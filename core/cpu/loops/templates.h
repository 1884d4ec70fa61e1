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

// One vector of the widest kind, so that every level pads alike.
template <class T> inline constexpr int kWidth = 64 / int(sizeof(T));

template <class F, class A, class R> struct UnaryLoop {
    static unsigned run(char* const* args, unsigned, int64_t n) {
        const A* a = reinterpret_cast<const A*>(args[0]);
        R* r = reinterpret_cast<R*>(args[1]);
        if constexpr (has_vector_math<F>()) {
            constexpr int W = kWidth<A>;
            unsigned flags = 0;
            int64_t i = 0;
            for (; i + W <= n; i += W) flags |= block(a + i, r + i);
            if (i < n) {
                A pad[W];
                R out[W];
                for (int j = 0; j < W; ++j) pad[j] = a[i + j < n ? i + j : n - 1];
                flags |= block(pad, out);
                for (int j = 0; i + j < n; ++j) r[i + j] = out[j];
            }
            return flags;
        } else {
            return plain(a, r, n);
        }
    }
    // In and out may be the same memory, element by element: the declared conditions look at a copy of the input.
    static unsigned block(const A* a, R* r) {
        constexpr int W = kWidth<A>;
        R out[W];
#pragma GCC ivdep
        for (int j = 0; j < W; ++j) out[j] = F{}(a[j]);
        unsigned flags = 0;
        if constexpr (requires { F::warn(a[0], out[0]); }) {
#pragma GCC ivdep
            for (int j = 0; j < W; ++j) flags |= F::warn(a[j], out[j]);
        }
#pragma GCC ivdep
        for (int j = 0; j < W; ++j) r[j] = out[j];
        return flags;
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
#pragma GCC ivdep
                for (int64_t i = 0; i < n; ++i) {
                    const A x = a[i];
                    R out = F::unary(x);
                    flags |= F::warn(x, y, out);
                    r[i] = out;
                }
                return flags;
            }
        }
        if constexpr (has_vector_math<F>()) {
            constexpr int W = kWidth<A>;
            A x[W];
            B y[W];
            if (SA)
                for (int j = 0; j < W; ++j) x[j] = a[0];
            if (SB)
                for (int j = 0; j < W; ++j) y[j] = b[0];
            int64_t i = 0;
            for (; i + W <= n; i += W) flags |= block(SA ? x : a + i, SB ? y : b + i, r + i);
            if (i < n) {
                R out[W];
                for (int j = 0; !SA && j < W; ++j) x[j] = a[i + j < n ? i + j : n - 1];
                for (int j = 0; !SB && j < W; ++j) y[j] = b[i + j < n ? i + j : n - 1];
                flags |= block(x, y, out);
                for (int j = 0; i + j < n; ++j) r[i + j] = out[j];
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
    static unsigned block(const A* a, const B* b, R* r) {
        constexpr int W = kWidth<A>;
        R out[W];
#pragma GCC ivdep
        for (int j = 0; j < W; ++j) out[j] = F{}(a[j], b[j]);
        unsigned flags = 0;
        if constexpr (requires { F::warn(a[0], b[0], out[0]); }) {
#pragma GCC ivdep
            for (int j = 0; j < W; ++j) flags |= F::warn(a[j], b[j], out[j]);
        }
#pragma GCC ivdep
        for (int j = 0; j < W; ++j) r[j] = out[j];
        return flags;
    }
};

template <class F, class A, class B, class C, class R> struct TernaryLoop {
    static unsigned run(char* const* args, unsigned scalars, int64_t n) {
        const A* a = reinterpret_cast<const A*>(args[0]);
        const B* b = reinterpret_cast<const B*>(args[1]);
        const C* c = reinterpret_cast<const C*>(args[2]);
        R* r = reinterpret_cast<R*>(args[3]);
        const int64_t sa = scalars & 1 ? 0 : 1, sb = scalars & 2 ? 0 : 1, sc = scalars & 4 ? 0 : 1;
        if (scalars == 0) {
#pragma GCC ivdep
            for (int64_t i = 0; i < n; ++i) r[i] = F{}(a[i], b[i], c[i]);
        } else {
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
            out[size++] = {name, sizeof...(In), 1, has_hardware_flags<F>(), fixed, {dtype_of<In>..., dtype_of<R>}, run<F, R, In...>()};
        });
    }
    template <class F, class R, class A> static LoopFn run() { return UnaryLoop<F, A, R>::run; }
    template <class F, class R, class A, class B> static LoopFn run() { return BinaryLoop<F, A, B, R>::run; }
    template <class F, class R, class A, class B, class C> static LoopFn run() { return TernaryLoop<F, A, B, C, R>::run; }
};

// The last line of a family header names its functors.
#define MINPY_FUNCTORS(...)                                   \
    inline int64_t build(Loop* out) {                         \
        TableBuilder b{out};                                  \
        MINPY_FOR_EACH(MINPY_ADD_FUNCTOR, __VA_ARGS__)        \
        return b.size;                                        \
    }
#define MINPY_ADD_FUNCTOR(f) b.all<f>(#f);
