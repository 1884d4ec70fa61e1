#include "core/cpu/scan.h"

#include <atomic>
#include <cmath>
#include <limits>
#include <memory>

#include "core/cpu/elementwise.h"
#include "core/cpu/pool.h"

namespace minpy {
namespace {

constexpr int64_t kParallel = 1 << 17;  // elements from which threads pay
constexpr int64_t kTask = 1 << 16;      // elements of one task, about
constexpr int64_t kColumns = 512;       // side by side in one task
// Chains side by side, because one has to wait for each of its additions. Segments start in different cache sets.
constexpr int kChains = 8;
constexpr int64_t kSegment = 1008;
constexpr int64_t kGroup = kChains * kSegment;

template <class T> struct Plus {
    static T identity() {
        if constexpr (std::is_floating_point_v<T>) return T(-0.0);  // 0 would make 0 of a first -0
        else return T{};
    }
    static T of(T x, T y) {
        if constexpr (std::is_integral_v<T>) return T(uint64_t(x) + uint64_t(y));
        else return x + y;
    }
};
template <class T> struct Times {
    static T identity() {
        if constexpr (is_complex<T>) return {1, 0};
        else return T(1);
    }
    static T of(T x, T y) {
        if constexpr (std::is_integral_v<T>) return T(uint64_t(x) * uint64_t(y));
        else return x * y;
    }
};

// Rows of elements Dir apart, 1 or -1.
template <class T, template <class> class Fold, int Dir> struct Scanner {
    using F = Fold<T>;
    static constexpr bool kSum = std::is_same_v<F, Plus<T>>;
    static constexpr bool kSegmented = !is_complex<T>;
    // Chains of products in double: in float factors near one lose the same way each time, and segments lose more.
    using Part = std::conditional_t<!kSum && std::is_same_v<T, float>, double, T>;
    using G = Fold<Part>;

    static void from_end_to_end(const T* x, T* y, int64_t n) {
        T last = x[0];
        y[0] = last;
        for (int64_t i = 1; i < n; ++i) y[Dir * i] = last = F::of(last, x[Dir * i]);
    }

    // kChains segments that lie `step` apart. A sum starts at zero and has `before` added on the way out: the last
    // element of a segment and what the next one starts with are the same number. A product starts with `before`.
    static void chains(const T* x, T* y, int64_t step, int64_t n, const Part* before) {
        Part last[kChains], start[kChains];
        for (int k = 0; k < kChains; ++k) {
            start[k] = before[k];
            last[k] = kSum ? Part(x[Dir * k * step]) : G::of(start[k], x[Dir * k * step]);
            y[Dir * k * step] = T(kSum ? G::of(start[k], last[k]) : last[k]);
        }
        for (int64_t i = 1; i < n; ++i)
            for (int k = 0; k < kChains; ++k) {
                last[k] = G::of(last[k], x[Dir * (k * step + i)]);
                y[Dir * (k * step + i)] = T(kSum ? G::of(start[k], last[k]) : last[k]);
            }
    }
    // kChains whole rows, each from end to end.
    static void whole(const T* x, T* y, int64_t step, int64_t n) {
        T last[kChains];
        for (int k = 0; k < kChains; ++k) y[k * step] = last[k] = x[k * step];
        for (int64_t i = 1; i < n; ++i)
            for (int k = 0; k < kChains; ++k) y[k * step + Dir * i] = last[k] = F::of(last[k], x[k * step + Dir * i]);
    }
    static void totals(const T* x, Part* total) {
        for (int k = 0; k < kChains; ++k) total[k] = x[Dir * k * kSegment];
        for (int64_t i = 1; i < kSegment; ++i)
            for (int k = 0; k < kChains; ++k) total[k] = G::of(total[k], x[Dir * (k * kSegment + i)]);
    }
    static bool is_ordinary(Part x) {
        if constexpr (std::is_floating_point_v<T>) {
            Part size = std::fabs(x);
            // Far enough from the ends that no product of two leaves the normal numbers.
            constexpr Part most = std::is_same_v<T, float> ? Part(0x1p60) : Part(0x1p500);
            return kSum ? size <= Part(std::numeric_limits<T>::max()) : size < most && size > 1 / most;
        } else {
            return true;
        }
    }

    // One row of at least two groups; `starts` has a place for each segment.
    static uint32_t long_row(const T* x, T* y, int64_t n, Part* starts) {
        int64_t groups = n / kGroup;
        std::atomic<uint32_t> flags{0};
        auto each_group = [&](auto&& f) {
            constexpr int64_t least = kTask / kGroup;
            int64_t batch = n < kParallel ? groups : least;
            parallel_for((groups + batch - 1) / batch, [&](int64_t b) {
                HardwareFlags hardware;
                for (int64_t g = b * batch; g < std::min(groups, (b + 1) * batch); ++g) f(g);
                flags.fetch_or(hardware.take(), std::memory_order_relaxed);
            });
        };
        each_group([&](int64_t g) { totals(x + Dir * g * kGroup, starts + g * kChains); });
        flags = 0;  // of sums that another order may not meet
        Part before = G::identity();
        bool ordinary = true;
        for (int64_t s = 0; s < groups * kChains; ++s) {
            Part total = starts[s], next = G::of(before, total);
            ordinary = ordinary && is_ordinary(total) && is_ordinary(next);
            starts[s] = before;
            before = next;
        }
        if (!ordinary) {
            from_end_to_end(x, y, n);
            return 0;
        }
        each_group([&](int64_t g) {
            chains(x + Dir * g * kGroup, y + Dir * g * kGroup, kSegment, kSegment, starts + g * kChains);
        });
        Part last = G::identity();
        for (int64_t i = groups * kGroup; i < n; ++i) {
            last = G::of(last, x[Dir * i]);
            y[Dir * i] = T(G::of(before, last));
        }
        return flags.load();
    }
    static bool is_long(int64_t n) { return kSegmented && n >= 2 * kGroup; }

    static uint32_t rows(const T* x, T* y, int64_t count, int64_t n, Part* starts) {
        int64_t i = 0;
        uint32_t flags = 0;
        if (is_long(n)) {
            for (; i < count; ++i) flags |= long_row(x + i * n, y + i * n, n, starts + i * (n / kSegment));
            return flags;
        }
        if constexpr (kSegmented)
            for (; i + kChains <= count; i += kChains) whole(x + i * n, y + i * n, n, n);
        for (; i < count; ++i) from_end_to_end(x + i * n, y + i * n, n);
        return flags;
    }

    // Columns side by side, `step` elements from one row to the next.
    static void columns(const T* x, T* y, int64_t step, int64_t n, int64_t count) {
        if (x != y) std::copy(x, x + count, y);
        for (int64_t i = 1; i < n; ++i) {
            const T* __restrict before = y + Dir * (i - 1) * step;
            T* to = y + Dir * i * step;
            const T* from = x + Dir * i * step;
#pragma GCC ivdep
            for (int64_t j = 0; j < count; ++j) to[j] = F::of(before[j], from[j]);
        }
    }

    static uint32_t run(const T* x, T* y, const ScanShape& s) {
        std::atomic<uint32_t> flags{0};
        int64_t first = Dir < 0 ? (s.n - 1) * s.inner : 0;  // where a row begins
        // f(from, to) for `count` pieces of work, each of so many elements.
        auto tasks = [&](int64_t count, int64_t each, auto&& f) {
            bool alone = s.outer * s.n * s.inner < kParallel;
            int64_t batch = alone ? count : std::max<int64_t>(1, kTask / each);
            parallel_for((count + batch - 1) / batch, [&](int64_t b) {
                HardwareFlags hardware;
                uint32_t met = f(b * batch, std::min(count, (b + 1) * batch));
                flags.fetch_or(met | hardware.take(), std::memory_order_relaxed);
            });
        };
        if (s.inner == 1) {
            std::unique_ptr<Part[]> starts;
            if (is_long(s.n)) starts = std::make_unique<Part[]>(size_t(s.outer * (s.n / kSegment)));
            if (is_long(s.n) && s.outer < 2 * kChains) {  // threads within the rows
                HardwareFlags hardware;
                uint32_t met = rows(x + first, y + first, s.outer, s.n, starts.get());
                return met | hardware.take();
            }
            tasks((s.outer + kChains - 1) / kChains, kChains * s.n, [&](int64_t from, int64_t to) {
                int64_t i = from * kChains, count = std::min(s.outer, to * kChains) - i, at = i * s.n + first;
                return rows(x + at, y + at, count, s.n, starts.get() + (is_long(s.n) ? i * (s.n / kSegment) : 0));
            });
        } else {
            int64_t chunks = (s.inner + kColumns - 1) / kColumns;
            tasks(s.outer * chunks, s.n * std::min(s.inner, kColumns), [&](int64_t from, int64_t to) {
                for (int64_t t = from; t < to; ++t) {
                    int64_t j = t % chunks * kColumns, at = t / chunks * s.n * s.inner + first + j;
                    columns(x + at, y + at, s.inner, s.n, std::min(kColumns, s.inner - j));
                }
                return 0u;
            });
        }
        return flags.load();
    }
};

}  // namespace

uint32_t scan(bool product, DType type, const char* from, char* to, const ScanShape& shape, bool backwards) {
    if (shape.outer * shape.n * shape.inner == 0) return 0;
    return for_dtype<kBool | kInteger | kFloat | kComplex>(type, [&]<class T>() -> uint32_t {
        auto* x = reinterpret_cast<const T*>(from);
        auto* y = reinterpret_cast<T*>(to);
        if (product)
            return backwards ? Scanner<T, Times, -1>::run(x, y, shape) : Scanner<T, Times, 1>::run(x, y, shape);
        return backwards ? Scanner<T, Plus, -1>::run(x, y, shape) : Scanner<T, Plus, 1>::run(x, y, shape);
    });
}

}  // namespace minpy
