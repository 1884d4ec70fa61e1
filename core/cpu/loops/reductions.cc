// The loops of reductions, compiled once per instruction level, MINPY_LEVEL. Exports reductions_<level>().
#include "core/cpu/loops/prelude.h"

namespace minpy {
namespace MINPY_LEVEL {
namespace reductions {
#include "core/ops/math.h"
// The vocabulary first.
#include "core/ops/reductions.h"

template <class F, class T> struct Fold {
    // Accumulators side by side; the compiler makes vectors of them. The same at every level.
    static constexpr int kLanes = sizeof(T) >= 16 ? 8 : 128 / int(sizeof(T));

    static void fold(const char* p, int64_t n, char* to) {
        *reinterpret_cast<T*>(to) = tree(reinterpret_cast<const T*>(p), n);
    }

    static T tree(const T* x, int64_t n) {
        if (n > kReduceBlock) {
            int64_t blocks = (n + kReduceBlock - 1) / kReduceBlock, half = (blocks + 1) / 2 * kReduceBlock;
            return F{}(tree(x, half), tree(x + half, n - half));
        }
        return n < 8 ? chain(x, n) : n <= 128 || n < 2 * kLanes ? lanes<8>(x, n) : lanes<kLanes>(x, n);
    }
    // Up to 128 elements are added as NumPy adds them.
    static T chain(const T* x, int64_t n) {
        T result = x[0];
        for (int64_t i = 1; i < n; ++i) result = F{}(result, x[i]);
        return result;
    }
    template <int L> static T lanes(const T* x, int64_t n) {
        T lane[L];
        for (int k = 0; k < L; ++k) lane[k] = x[k];
        int64_t i = L;
        for (; i + L <= n; i += L)
            for (int k = 0; k < L; ++k) lane[k] = F{}(lane[k], x[i + k]);
        if constexpr (L == 8) {
            T result = F{}(F{}(F{}(lane[0], lane[1]), F{}(lane[2], lane[3])),
                           F{}(F{}(lane[4], lane[5]), F{}(lane[6], lane[7])));
            for (; i < n; ++i) result = F{}(result, x[i]);
            return result;
        } else {
            for (int k = 0; k < int(n - i); ++k) lane[k % L] = F{}(lane[k % L], x[i + k]);
            for (int half = L / 2; half; half /= 2)
                for (int k = 0; k < half; ++k) lane[k] = F{}(lane[k], lane[k + half]);
            return lane[0];
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
            for (int64_t j = 0; j < n; ++j) acc[j] = F{}(acc[j], F{}(F{}(a[j], b[j]), F{}(c[j], d[j])));
        }
        for (; r < n_rows; ++r) {
            const T* a = reinterpret_cast<const T*>(p + r * step);
#pragma GCC ivdep
            for (int64_t j = 0; j < n; ++j) acc[j] = F{}(acc[j], a[j]);
        }
    }

    static void identity(char* to) { *reinterpret_cast<T*>(to) = F::template identity<T>(); }

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
            int64_t i = from;
            if (math::is_nan(top))
                while (!math::is_nan(x[i])) ++i;
            else
                while (!(x[i] == top)) ++i;
            *index = base + i;
        }
        *reinterpret_cast<T*>(best_at) = best;
    }
    static void find_rows(const char* p, int64_t n, int64_t row, char* best_at, int64_t* index) {
        const T* x = reinterpret_cast<const T*>(p);
        T* __restrict best = reinterpret_cast<T*>(best_at);
#pragma GCC ivdep
        for (int64_t j = 0; j < n; ++j) {
            bool news = row == 0 || ((F::better(x[j], best[j]) || math::is_nan(x[j])) && !math::is_nan(best[j]));
            best[j] = news ? x[j] : best[j];
            index[j] = news ? row : index[j];
        }
    }
};

struct Builder {
    ReduceLoop* out;
    int64_t size = 0;
    template <class F, class T> void one(const char* name) {
        if constexpr (in(dtype_of<T>, F::kTypes)) {
            out[size] = {
                name,    dtype_of<T>, F::kHardwareFlags, Fold<F, T>::fold, Fold<F, T>::rows, Fold<F, T>::identity,
                nullptr, nullptr};
            if constexpr (requires(T x) { F::better(x, x); }) {
                out[size].find = Fold<F, T>::find;
                out[size].find_rows = Fold<F, T>::find_rows;
            }
            ++size;
        }
    }
    template <class F> void all(const char* name) {
        one<F, bool>(name);
        one<F, int8_t>(name), one<F, int16_t>(name), one<F, int32_t>(name), one<F, int64_t>(name);
        one<F, uint8_t>(name), one<F, uint16_t>(name), one<F, uint32_t>(name), one<F, uint64_t>(name);
        one<F, float>(name), one<F, double>(name);
        one<F, complex64>(name), one<F, complex128>(name);
    }
};

}  // namespace reductions
}  // namespace MINPY_LEVEL

const ReduceTable& MINPY_CONCAT(reductions_, MINPY_LEVEL)() {
    static ReduceLoop loops[64];
    static const ReduceTable table = [] {
        MINPY_LEVEL::reductions::Builder b{loops};
        b.all<MINPY_LEVEL::reductions::Sum>("Sum");
        b.all<MINPY_LEVEL::reductions::Prod>("Prod");
        b.all<MINPY_LEVEL::reductions::Max>("Max");
        b.all<MINPY_LEVEL::reductions::Min>("Min");
        return ReduceTable{loops, b.size};
    }();
    return table;
}

}  // namespace minpy
