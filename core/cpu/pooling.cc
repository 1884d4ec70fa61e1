#include "core/cpu/pooling.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/cpu/pool.h"

namespace minpy {
namespace {

constexpr int64_t kSpan = 1024;  // elements of a row that are looked at together

// Of one axis the part of a window inside the data, and its length with padding, which averages count as MXNet's do.
struct Window {
    int64_t low, high, length;
    Window(const Pooling& p, int axis, int64_t o) {
        int64_t from = o * p.stride[axis] - p.pad[axis];
        int64_t to = std::min(from + p.kernel[axis], p.in[axis] + p.pad[axis]);
        low = std::max<int64_t>(from, 0), high = std::min(to, p.in[axis]), length = to - from;
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

template <class F> void for_planes(const Pooling& p, F&& plane) {
    int64_t step = std::max<int64_t>(1, 32768 / std::max<int64_t>(p.in_size, 1));
    parallel_for((p.planes + step - 1) / step, [&](int64_t task) {
        for (int64_t i = task * step; i < std::min(p.planes, (task + 1) * step); ++i) plane(i);
    });
}

template <class T> T larger(T most, T x) { return (x > most) | (x != x) ? x : most; }

// Columns of the result that are made together, and what they look at of a row: from, in padded columns.
struct Columns {
    int64_t first, n, from, span;
    Columns(const Pooling& p, int64_t first) : first(first) {
        n = std::min(p.out[2] - first, (kSpan - p.kernel[2]) / p.stride[2] + 1);
        from = first * p.stride[2] - p.pad[2], span = (n - 1) * p.stride[2] + p.kernel[2];
    }
    int64_t low() const { return std::max<int64_t>(0, -from); }
    int64_t high(const Pooling& p) const { return std::min(span, p.in[2] - from); }
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
            std::fill_n(line, c.span, none);
            for_lines(p, w0, w1, [&](int64_t offset) {
                const T* from = x + offset + c.from;
                for (int64_t i = c.low(), high = c.high(p); i < high; ++i)
                    line[i] = max ? larger(line[i], from[i]) : line[i] + from[i];
            });
            std::fill_n(to, c.n, none);
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
        int64_t low = std::max<int64_t>(k, c.low()), high = std::min(k + c.n * p.stride[2], c.high(p));
        visit(k, low, high, std::min(p.stride[2], p.kernel[2] - k));
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
                std::fill_n(share, c.n, T(0));
                for_pieces(p, c, [&](int64_t k, int64_t low, int64_t high, int64_t n) {
                    std::fill_n(count, c.n * stride, T(0));
                    spread(most, c.n, stride, n, never, best);
                    for_lines(p, w0, w1, [&](int64_t offset) {
                        const T* from = x + offset + c.from;
                        count_best(from + low, best + low - k, high - low, count + low - k);
                    });
                    fold_all_columns<false>(count, stride, stride, c.n, share);
                });
                for (int64_t o = 0; o < c.n; ++o) share[o] = arrived[o] * (T(1) / std::max(share[o], T(1)));
            } else if (p.type == Pooling::Type::avg) {
                for (int64_t o = 0; o < c.n; ++o) share[o] = arrived[o] * average.weight(p, c.first + o);
            } else {
                std::copy_n(arrived, c.n, share);
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
    return whole;
}

template <int K, class T> void pool_side_by_side(const Pooling& p, const T* __restrict x, T* __restrict y) {
    for (int64_t i = 0; i < p.out[0]; ++i)
        for (int64_t j = 0; j < p.out[1]; ++j) {
            const T* from = x + (i * p.in[1] + j * K) * p.in[2];
            T* to = y + (i * p.out[1] + j) * p.out[2];
            for (int64_t o = 0; o < p.out[2]; ++o) {
                T most = from[o * K];
                for (int r = 0; r < K; ++r)
                    for (int k = 0; k < K; ++k) most = larger(most, from[r * p.in[2] + o * K + k]);
                to[o] = most;
            }
        }
}

template <int K, class T>
void pool_side_by_side_backward(const Pooling& p, const T* __restrict g, const T* __restrict x, const T* __restrict y,
                                T* __restrict dx) {
    for (int64_t i = 0; i < p.out[0]; ++i)
        for (int64_t j = 0; j < p.out[1]; ++j) {
            int64_t at = (i * p.out[1] + j) * p.out[2], first = (i * p.in[1] + j * K) * p.in[2];
            const T *arrived = g + at, *best = y + at, *from = x + first;
            T* to = dx + first;
            for (int64_t o = 0; o < p.out[2]; ++o) {
                T count = 0;
                for (int r = 0; r < K; ++r)
                    for (int k = 0; k < K; ++k) count += from[r * p.in[2] + o * K + k] == best[o] ? T(1) : T(0);
                T share = arrived[o] * (T(1) / (count > 0 ? count : T(1)));
                for (int r = 0; r < K; ++r)
                    for (int k = 0; k < K; ++k) {
                        int64_t e = r * p.in[2] + o * K + k;
                        to[e] = from[e] == best[o] ? share : T(0);
                    }
            }
        }
}

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

}  // namespace

template <class T> void pool(const Pooling& p, const T* x, T* y) {
    for_planes(p, [&](int64_t i) {
        const T* from = x + i * p.in_size;
        T* to = y + i * p.out_size;
        if (side_by_side<2>(p)) pool_side_by_side<2>(p, from, to);
        else if (side_by_side<3>(p)) pool_side_by_side<3>(p, from, to);
        else if (!in_spans(p)) pool_plane_slowly(p, from, to);
        else if (p.type == Pooling::Type::max) pool_plane<true>(p, from, to);
        else pool_plane<false>(p, from, to);
    });
}

template <class T> void pool_backward(const Pooling& p, const T* g, const T* x, const T* y, T* dx) {
    bool two = side_by_side<2>(p), three = side_by_side<3>(p);
    // Every element is written where no row or column is left over.
    bool whole = (two || three) && p.out_size * (two ? 4 : 9) == p.in_size;
    for_planes(p, [&](int64_t i) {
        const T *from = x + i * p.in_size, *best = y + i * p.out_size, *arrived = g + i * p.out_size;
        T* to = dx + i * p.in_size;
        if (!whole) std::fill_n(to, p.in_size, T(0));
        if (two) pool_side_by_side_backward<2>(p, arrived, from, best, to);
        else if (three) pool_side_by_side_backward<3>(p, arrived, from, best, to);
        else if (!in_spans(p) || p.stride[2] > kSpan / 2) pool_plane_backward_slowly(p, arrived, from, best, to);
        else if (p.type == Pooling::Type::max) pool_plane_backward<true>(p, arrived, from, best, to);
        else pool_plane_backward<false>(p, arrived, from, best, to);
    });
}

template <class T> void pool_gather(const Pooling& p, const T* h, const T* x, const T* y, T* out) {
    for_planes(p, [&](int64_t i) {
        const T *from = x + i * p.in_size, *best = y + i * p.out_size, *moved = h + i * p.in_size;
        T* to = out + i * p.out_size;
        for_windows(p, [&](int64_t at, const Window& w0, const Window& w1, const Window& w2, double weight) {
            T sum = 0;
            for_window(p, w0, w1, w2, [&](int64_t k) {
                sum += p.type != Pooling::Type::max || from[k] == best[at] ? moved[k] : T(0);
            });
            to[at] = sum * share_of(p, from, best[at], w0, w1, w2, weight);
        });
    });
}

#define MINPY_POOLING(T)                                                           \
    template void pool(const Pooling&, const T*, T*);                              \
    template void pool_backward(const Pooling&, const T*, const T*, const T*, T*); \
    template void pool_gather(const Pooling&, const T*, const T*, const T*, T*);
MINPY_POOLING(float)
MINPY_POOLING(double)

}  // namespace minpy
