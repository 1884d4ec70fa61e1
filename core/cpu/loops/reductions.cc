// The loops of reductions, compiled once per instruction level, MINPY_LEVEL. Exports reductions_<level>().
#include "core/cpu/loops/prelude.h"

namespace minpy {
namespace MINPY_LEVEL {
namespace reductions {
#include "core/ops/math.h"
// The vocabulary first.
#include "core/ops/reductions.h"

template <class F, class T> struct Folder {
    // Accumulators side by side; the compiler makes vectors of them. The same at every level.
    // Selects take longer than sums, so more of them run side by side.
    static constexpr bool kSelects = requires(T x) { F::better(x, x); };
    static constexpr int kLanes = sizeof(T) >= 16 ? 8 : (kSelects ? 512 : 128) / int(sizeof(T));

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
        for (; !kSelects && r + 4 <= n_rows; r += 4) {
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
            ReduceLoop& loop = out[int(dtype_of<T>)];
            loop = {
                dtype_of<T>, F::kHardwareFlags, Folder<F, T>::fold, Folder<F, T>::rows, Folder<F, T>::identity, nullptr,
                nullptr};
            if constexpr (requires(T x) { F::better(x, x); }) {
                loop.find = Folder<F, T>::find;
                loop.find_rows = Folder<F, T>::find_rows;
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
        return t;
    }();
    return table;
}

}  // namespace minpy
