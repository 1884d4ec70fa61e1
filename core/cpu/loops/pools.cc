// The loops of pooling, a plane at a time, compiled once per instruction level, MINPY_LEVEL. Exports pools_<level>().
#include "core/cpu/pooling.h"

#include "core/cpu/loops/prelude.h"

namespace minpy {
namespace MINPY_LEVEL {
namespace pools {
#include "core/ops/math.h"

inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t greatest(int64_t a, int64_t b) { return a < b ? b : a; }
template <class T> void fill(T* to, int64_t n, T value) {
    for (int64_t i = 0; i < n; ++i) to[i] = value;
}

constexpr int64_t kSpan = 1024;  // elements of a row that are looked at together

// Of one axis the part of a window inside the data, and its length with padding, which averages count as MXNet's do.
struct Window {
    int64_t low, high, length;
    Window(const Pooling& p, int axis, int64_t o) {
        int64_t from = o * p.stride[axis] - p.pad[axis];
        int64_t to = least(from + p.kernel[axis], p.in[axis] + p.pad[axis]);
        low = greatest(from, 0), high = least(to, p.in[axis]), length = to - from;
    }
};

// visit(output index, windows of the first two axes, first output column) for each row of a plane's result.
template <class F> void for_rows(const Pooling& p, F&& visit) {
    for (int64_t o0 = 0, at = 0; o0 < p.out[0]; ++o0)
        for (int64_t o1 = 0; o1 < p.out[1]; ++o1, at += p.out[2]) visit(at, Window(p, 0, o0), Window(p, 1, o1));
}
// line(offset) for each row of the data in two windows.
template <class F> void for_lines(const Pooling& p, const Window& w0, const Window& w1, F&& line) {
    for (int64_t i = w0.low; i < w0.high; ++i)
        for (int64_t j = w1.low; j < w1.high; ++j) line((i * p.in[1] + j) * p.in[2]);
}

template <class T> T larger(T most, T x) { return math::select((x > most) | (x != x), x, most); }

// Columns of the result that are made together, and what they look at of a row: from, in padded columns.
struct Columns {
    int64_t first, n, from, span;
    Columns(const Pooling& p, int64_t first) : first(first) {
        n = least(p.out[2] - first, (kSpan - p.kernel[2]) / p.stride[2] + 1);
        from = first * p.stride[2] - p.pad[2], span = (n - 1) * p.stride[2] + p.kernel[2];
    }
    int64_t low() const { return greatest(0, -from); }
    int64_t high(const Pooling& p) const { return least(span, p.in[2] - from); }
};
template <class F> void for_columns(const Pooling& p, F&& visit) {
    for (int64_t first = 0; first < p.out[2];) {
        Columns c(p, first);
        visit(c);
        first += c.n;
    }
}
bool in_spans(const Pooling& p) { return p.kernel[2] <= kSpan / 2; }

// One over the size of a window; only the last windows of a row may be shorter than the others.
template <class T> struct Average {
    double rows;
    T whole;
    Average(const Pooling& p, const Window& w0, const Window& w1)
        : rows(double(w0.length * w1.length)), whole(T(1 / (rows * double(p.kernel[2])))) {}
    T weight(const Pooling& p, int64_t o) const {
        int64_t length = Window(p, 2, o).length;
        return length == p.kernel[2] ? whole : T(1 / (rows * double(length)));
    }
};

template <bool max, int step, class T>
void fold_columns(const T* line, int64_t kernel, int64_t stride, int64_t n, T* __restrict to) {
    if (step) stride = step;
    for (int64_t k = 0; k < kernel; ++k)
        for (int64_t o = 0; o < n; ++o)
            to[o] = max ? larger(to[o], line[o * stride + k]) : to[o] + line[o * stride + k];
}

template <bool max, class T>
void fold_all_columns(const T* line, int64_t kernel, int64_t stride, int64_t n, T* __restrict to) {
    if (stride == 1) fold_columns<max, 1>(line, kernel, 1, n, to);
    else if (stride == 2) fold_columns<max, 2>(line, kernel, 2, n, to);
    else fold_columns<max, 0>(line, kernel, stride, n, to);
}

template <bool max, class T> void pool_plane(const Pooling& p, const T* x, T* y) {
    constexpr T none = max ? -std::numeric_limits<T>::infinity() : T(0);
    for_rows(p, [&](int64_t at, const Window& w0, const Window& w1) {
        Average<T> average(p, w0, w1);
        for_columns(p, [&](const Columns& c) {
            T line[kSpan];
            T* __restrict to = y + at + c.first;
            fill(line, c.span, none);
            for_lines(p, w0, w1, [&](int64_t offset) {
                const T* from = x + offset + c.from;
                for (int64_t i = c.low(), high = c.high(p); i < high; ++i)
                    line[i] = max ? larger(line[i], from[i]) : line[i] + from[i];
            });
            fill(to, c.n, none);
            fold_all_columns<max>(line, p.kernel[2], p.stride[2], c.n, to);
            if (p.type == Pooling::Type::avg)
                for (int64_t o = 0; o < c.n; ++o) to[o] *= average.weight(p, c.first + o);
        });
    });
}

// Of each window `step` neighbours, `n` of them with its number and the rest with `other`.
template <int step, class T> void spread(const T* from, int64_t windows, int64_t stride, int64_t n, T other, T* to) {
    if (step) stride = step;
    for (int64_t o = 0; o < windows; ++o)
        for (int64_t r = 0; r < stride; ++r) to[o * stride + r] = r < n ? from[o] : other;
}
template <class T> void spread(const T* from, int64_t windows, int64_t stride, int64_t n, T other, T* to) {
    if (stride == 1) spread<1>(from, windows, 1, n, other, to);
    else if (stride == 2) spread<2>(from, windows, 2, n, other, to);
    else spread<0>(from, windows, stride, n, other, to);
}

// Windows overlap where the kernel is longer than the stride: then it is gone through in pieces of one stride, within
// which every element of the data belongs to one window. `visit(first, last, best)`: elements of padded columns, and
// numbers of the windows for them, a stride for each.
template <class F> void for_pieces(const Pooling& p, const Columns& c, F&& visit) {
    for (int64_t k = 0; k < p.kernel[2]; k += p.stride[2]) {
        int64_t low = greatest(k, c.low()), high = least(k + c.n * p.stride[2], c.high(p));
        visit(k, low, high, least(p.stride[2], p.kernel[2] - k));
    }
}

template <class T> void count_best(const T* __restrict x, const T* __restrict best, int64_t n, T* __restrict count) {
    for (int64_t i = 0; i < n; ++i) count[i] += x[i] == best[i] ? T(1) : T(0);
}
template <bool max, class T>
void add_shares(const T* __restrict x, const T* __restrict best, const T* __restrict part, int64_t n,
                T* __restrict to) {
    for (int64_t i = 0; i < n; ++i) {
        T share = part[i];
        if (max) share = x[i] == best[i] ? share : T(0);
        to[i] += share;
    }
}

template <bool max, class T> void pool_plane_backward(const Pooling& p, const T* g, const T* x, const T* y, T* dx) {
    constexpr T never = std::numeric_limits<T>::quiet_NaN();
    int64_t stride = p.stride[2];
    for_rows(p, [&](int64_t at, const Window& w0, const Window& w1) {
        Average<T> average(p, w0, w1);
        for_columns(p, [&](const Columns& c) {
            // One stride beyond the span: the last window's numbers are spread over whole strides.
            T best[2 * kSpan], part[2 * kSpan], share[kSpan];
            const T *most = y + at + c.first, *arrived = g + at + c.first;
            if constexpr (max) {
                T count[2 * kSpan];
                fill(share, c.n, T(0));
                for_pieces(p, c, [&](int64_t k, int64_t low, int64_t high, int64_t n) {
                    fill(count, c.n * stride, T(0));
                    spread(most, c.n, stride, n, never, best);
                    for_lines(p, w0, w1, [&](int64_t offset) {
                        const T* from = x + offset + c.from;
                        count_best(from + low, best + low - k, high - low, count + low - k);
                    });
                    fold_all_columns<false>(count, stride, stride, c.n, share);
                });
                for (int64_t o = 0; o < c.n; ++o) share[o] = arrived[o] * (T(1) / (share[o] > 1 ? share[o] : T(1)));
            } else if (p.type == Pooling::Type::avg) {
                for (int64_t o = 0; o < c.n; ++o) share[o] = arrived[o] * average.weight(p, c.first + o);
            } else {
                for (int64_t o = 0; o < c.n; ++o) share[o] = arrived[o];
            }
            for_pieces(p, c, [&](int64_t k, int64_t low, int64_t high, int64_t n) {
                if constexpr (max) spread(most, c.n, stride, n, never, best);
                spread(share, c.n, stride, n, T(0), part);
                for_lines(p, w0, w1, [&](int64_t offset) {
                    const T* from = x + offset + c.from;
                    add_shares<max>(from + low, best + low - k, part + low - k, high - low, dx + offset + c.from + low);
                });
            });
        });
    });
}

// ---- windows of R rows and K columns side by side, all inside the data: 2 x 2 and 3 x 3 in one loop ----

template <int K> bool side_by_side(const Pooling& p) {
    bool whole = p.type == Pooling::Type::max && p.kernel[0] == 1 && p.stride[0] == 1;
    for (int axis = 1; axis < 3; ++axis)
        whole =
            whole && p.kernel[axis] == K && p.stride[axis] == K && p.pad[axis] == 0 && p.out[axis] * K <= p.in[axis];
    return whole && p.in[2] <= kSpan;
}

// The analyzer does not see that as many elements are written as are read: rows of p.out[2] * K.
// NOLINTBEGIN(clang-analyzer-core.*)
// Calls rows(first row of the result, how many): whole rows of windows, of about kSpan columns of the data together.
template <int K, class F> void for_whole_rows(const Pooling& p, F&& rows) {
    int64_t together = p.in[2] == p.out[2] * K ? greatest(1, kSpan / p.in[2]) : 1;
    for (int64_t i = 0; i < p.out[0]; ++i)
        for (int64_t j = 0; j < p.out[1]; j += together) rows(i, j, least(together, p.out[1] - j));
}

template <int K, class T> void fold_side_by_side(const T* __restrict line, int64_t n, T* __restrict to) {
    for (int64_t o = 0; o < n; ++o) {
        T most = line[o * K];
        for (int k = 1; k < K; ++k) most = larger(most, line[o * K + k]);
        to[o] = most;
    }
}
template <int K, class T> void spread_side_by_side(const T* __restrict from, int64_t n, T* __restrict to) {
    for (int64_t o = 0; o < n; ++o)
        for (int k = 0; k < K; ++k) to[o * K + k] = from[o];
}

template <int K, class T> void pool_side_by_side(const Pooling& p, const T* x, T* y) {
    for_whole_rows<K>(p, [&](int64_t i, int64_t first, int64_t rows) {
        T line[kSpan];
        int64_t n = p.out[2] * K;
        for (int64_t j = 0; j < rows; ++j) {
            const T* from = x + (i * p.in[1] + (first + j) * K) * p.in[2];
            T* to = line + j * n;
            for (int64_t c = 0; c < n; ++c) {
                T most = from[c];
                for (int r = 1; r < K; ++r) most = larger(most, from[r * p.in[2] + c]);
                to[c] = most;
            }
        }
        fold_side_by_side<K>(line, rows * p.out[2], y + (i * p.out[1] + first) * p.out[2]);
    });
}

template <int K, class T> void pool_side_by_side_backward(const Pooling& p, const T* g, const T* x, const T* y, T* dx) {
    for_whole_rows<K>(p, [&](int64_t i, int64_t first, int64_t rows) {
        T best[kSpan], count[kSpan], part[kSpan], share[kSpan];
        int64_t n = p.out[2] * K, at = (i * p.out[1] + first) * p.out[2], outs = rows * p.out[2];
        auto row = [&](int64_t j) { return (i * p.in[1] + (first + j) * K) * p.in[2]; };
        spread_side_by_side<K>(y + at, outs, best);
        for (int64_t j = 0; j < rows; ++j) {
            const T *from = x + row(j), *wanted = best + j * n;
            for (int64_t c = 0; c < n; ++c) {
                T hits = 0;
                for (int r = 0; r < K; ++r) hits += math::select(from[r * p.in[2] + c] == wanted[c], T(1), T(0));
                count[j * n + c] = hits;
            }
        }
        for (int64_t o = 0; o < outs; ++o) {
            T hits = 0;
            for (int k = 0; k < K; ++k) hits += count[o * K + k];
            part[o] = g[at + o] * (T(1) / math::select(hits > 0, hits, T(1)));
        }
        spread_side_by_side<K>(part, outs, share);
        for (int64_t j = 0; j < rows; ++j)
            for (int r = 0; r < K; ++r) {
                const T *from = x + row(j) + r * p.in[2], *wanted = best + j * n, *given = share + j * n;
                T* __restrict to = dx + row(j) + r * p.in[2];
                for (int64_t c = 0; c < n; ++c) to[c] = math::select(from[c] == wanted[c], given[c], T(0));
            }
    });
}

// NOLINTEND(clang-analyzer-core.*)

// ---- element by element: for windows longer than a span, and for the second order ----

// visit(output index, windows, weight) for each window of one plane.
template <class F> void for_windows(const Pooling& p, F&& visit) {
    for_rows(p, [&](int64_t at, const Window& w0, const Window& w1) {
        for (int64_t o = 0; o < p.out[2]; ++o) {
            Window w2(p, 2, o);
            double area = double(w0.length * w1.length * w2.length);
            visit(at + o, w0, w1, w2, p.type == Pooling::Type::avg ? 1 / area : 1.0);
        }
    });
}
template <class F> void for_window(const Pooling& p, const Window& w0, const Window& w1, const Window& w2, F&& visit) {
    for_lines(p, w0, w1, [&](int64_t offset) {
        for (int64_t k = w2.low; k < w2.high; ++k) visit(offset + k);
    });
}

// The share of each element of a window.
template <class T>
T share_of(const Pooling& p, const T* x, T y, const Window& w0, const Window& w1, const Window& w2, double weight) {
    if (p.type != Pooling::Type::max) return T(weight);
    int64_t n = 0;
    for_window(p, w0, w1, w2, [&](int64_t i) { n += x[i] == y; });
    return n ? T(1) / T(n) : T(0);
}

template <class T> void pool_plane_slowly(const Pooling& p, const T* x, T* y) {
    for_windows(p, [&](int64_t at, const Window& w0, const Window& w1, const Window& w2, double weight) {
        bool max = p.type == Pooling::Type::max;
        T result = max ? -std::numeric_limits<T>::infinity() : T(0);
        for_window(p, w0, w1, w2, [&](int64_t i) { result = max ? larger(result, x[i]) : result + x[i]; });
        y[at] = max ? result : T(result * T(weight));
    });
}

template <class T> void pool_plane_backward_slowly(const Pooling& p, const T* g, const T* x, const T* y, T* dx) {
    for_windows(p, [&](int64_t at, const Window& w0, const Window& w1, const Window& w2, double weight) {
        T share = share_of(p, x, y[at], w0, w1, w2, weight) * g[at];
        for_window(p, w0, w1, w2,
                   [&](int64_t i) { dx[i] += p.type != Pooling::Type::max || x[i] == y[at] ? share : T(0); });
    });
}

template <class T> void plane(const Pooling& p, const T* x, T* y) {
    if (side_by_side<2>(p)) pool_side_by_side<2>(p, x, y);
    else if (side_by_side<3>(p)) pool_side_by_side<3>(p, x, y);
    else if (!in_spans(p)) pool_plane_slowly(p, x, y);
    else if (p.type == Pooling::Type::max) pool_plane<true>(p, x, y);
    else pool_plane<false>(p, x, y);
}

template <class T> void plane_backward(const Pooling& p, const T* g, const T* x, const T* y, T* dx) {
    bool two = side_by_side<2>(p), three = side_by_side<3>(p);
    // Every element is written where no row or column is left over.
    bool whole = (two || three) && p.out_size * (two ? 4 : 9) == p.in_size;
    if (!whole) fill(dx, p.in_size, T(0));
    if (two) pool_side_by_side_backward<2>(p, g, x, y, dx);
    else if (three) pool_side_by_side_backward<3>(p, g, x, y, dx);
    else if (!in_spans(p) || p.stride[2] > kSpan / 2) pool_plane_backward_slowly(p, g, x, y, dx);
    else if (p.type == Pooling::Type::max) pool_plane_backward<true>(p, g, x, y, dx);
    else pool_plane_backward<false>(p, g, x, y, dx);
}

template <class T> void plane_gather(const Pooling& p, const T* h, const T* x, const T* y, T* out) {
    for_windows(p, [&](int64_t at, const Window& w0, const Window& w1, const Window& w2, double weight) {
        T sum = 0;
        for_window(p, w0, w1, w2,
                   [&](int64_t k) { sum += p.type != Pooling::Type::max || x[k] == y[at] ? h[k] : T(0); });
        out[at] = sum * share_of(p, x, y[at], w0, w1, w2, weight);
    });
}

}  // namespace pools
}  // namespace MINPY_LEVEL

const PoolTable& MINPY_CONCAT(pools_, MINPY_LEVEL)() {
    using namespace MINPY_LEVEL::pools;
    static constexpr PoolTable table{{plane<float>, plane_backward<float>, plane_gather<float>},
                                     {plane<double>, plane_backward<double>, plane_gather<double>}};
    return table;
}

}  // namespace minpy
