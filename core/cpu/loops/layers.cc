// The loops of softmax and of normalisation, compiled once per instruction level, MINPY_LEVEL. Exports layers_<level>().
#include "core/cpu/layer_loops.h"

#include "core/cpu/loops/prelude.h"

namespace minpy {
namespace MINPY_LEVEL {
namespace layers {
#include "core/ops/math.h"
#include "core/ops/quick.h"

constexpr int64_t kPiece = kLayerPiece;
template <class T> constexpr int kLanes = 128 / int(sizeof(T));  // accumulators side by side
constexpr int kSums = 16;                                        // and in double

inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
// Of L lanes, by halves of fixed size: of a loop over sizes the compiler makes scalars.
template <int L, class T, class F> T folded(T* lane, F&& f) {
    if constexpr (L == 1) return lane[0];
    else {
        for (int k = 0; k < L / 2; ++k) lane[k] = f(lane[k], lane[k + L / 2]);
        return folded<L / 2>(lane, f);
    }
}
template <class T> bool is_finite(T x) { return math::fabs(x) <= std::numeric_limits<T>::max(); }

// ---- softmax ----

// exp(x) of x <= 0; anything for NaN. `all`: subnormal results too; a sum that is at least one does not see them.
#if defined(MINPY_QUICK_MATH)
template <bool all> float exp_below(float x) {
    const float least = all ? -104.5f : -87.0f;
    math::ExpParts<float> e = math::exp_parts(x > least ? x : least);
    float y = 1.0f + math::exp_tail(e.r);
    if (!all) return math::scaled_by(y, e.shifted);
    return math::of_bits(math::bits(y) + ((math::bits(e.shifted) + 64u) << 23)) * 0x1p-64f;
}
template <bool all> double exp_below(double x) {
    const double least = all ? -745.5 : -708.0;
    math::ExpParts<double> e = math::exp_parts(x > least ? x : least);
    double y = 1.0 + math::exp_tail(e.r);
    if (!all) return math::scaled_by(y, e.shifted);
    return math::of_bits(math::bits(y) + ((math::bits(e.shifted) + 512u) << 52)) * 0x1p-512;
}
#else
template <bool all, class T> T exp_below(T x) { return math::exp(x); }
#endif
template <class T> T log_of(T x) {
#if defined(MINPY_QUICK_MATH)
    return math::quick_log(x);
#else
    return math::log(x);
#endif
}

// The largest element, or NaN if there is one.
template <class T> T larger(T most, T x) { return math::select((x > most) | (x != x), x, most); }
template <int L, class T> T largest_of(const T* x, int64_t n) {  // n >= L
    T lane[L];
    for (int k = 0; k < L; ++k) lane[k] = x[k];
    int64_t i = L;
    for (; i + L <= n; i += L)
        for (int k = 0; k < L; ++k) lane[k] = larger(lane[k], x[i + k]);
    if (i < n)  // elements may be looked at twice
        for (int k = 0; k < L; ++k) lane[k] = larger(lane[k], x[n - L + k]);
    return folded<L>(lane, larger<T>);
}
template <class T> T largest(const T* x, int64_t n) {
    if (n >= kLanes<T>) return largest_of<kLanes<T>>(x, n);
    if (n >= 8) return largest_of<8>(x, n);
    T most = x[0];
    for (int64_t i = 1; i < n; ++i) most = larger(most, x[i]);
    return most;
}

struct Plus {
    template <class T> T operator()(T a, T b) const { return a + b; }
};

// y = exp(x - most), if it is kept; the sum. The last lanes are filled up: vector functions have other bits than scalar
// ones at some levels.
template <bool keep, class T> double exponentials(const T* x, T* y, int64_t n, T most) {
    constexpr int L = kLanes<T>;
    double total = 0;
    for (int64_t from = 0; from < n; from += kPiece) {
        int64_t end = least(from + kPiece, n), i = from;
        T lane[L] = {};
        for (; i + L <= end; i += L)
            for (int k = 0; k < L; ++k) {
                T e = exp_below<keep>(x[i + k] - most);
                if (keep) y[i + k] = e;
                lane[k] += e;
            }
        if (i < end) {
            T rest[L];
            for (int k = 0; k < L; ++k) rest[k] = -std::numeric_limits<T>::infinity();
            for (int k = 0; k < int(end - i); ++k) rest[k] = x[i + k] - most;
            for (int k = 0; k < L; ++k) lane[k] += rest[k] = exp_below<keep>(rest[k]);
            if (keep)
                for (int k = 0; k < int(end - i); ++k) y[i + k] = rest[k];
        }
        total += double(folded<L>(lane, Plus{}));
    }
    return total;
}

// Of a sum of exponentials below `most`; NaN where that is none.
template <class T> T scale_of(double sum, T most, bool logarithm) {
    T s = logarithm ? log_of(T(sum)) : 1 / T(sum);
    return is_finite(most) ? s : std::numeric_limits<T>::quiet_NaN();
}

// Rows shorter than a vector's lanes: their exponentials are taken together.
template <class T> void softmax_short_rows(const T* x, T* y, int64_t rows, int64_t n, bool logarithm) {
    T power[2 * kPiece];
    int64_t together = 2 * kPiece / n;
    for (int64_t from = 0; from < rows; from += together) {
        int64_t count = least(together, rows - from);
        const T* in = x + from * n;
        T *out = y + from * n, most[2 * kPiece];
        for (int64_t r = 0; r < count; ++r) {
            most[r] = largest(in + r * n, n);
            for (int64_t i = 0; i < n; ++i) out[r * n + i] = in[r * n + i] - most[r];
        }
        exponentials<true>(out, power, count * n, T(0));
        for (int64_t r = 0; r < count; ++r) {
            double sum = 0;
            for (int64_t i = 0; i < n; ++i) sum += double(power[r * n + i]);
            T s = scale_of(sum, most[r], logarithm);
            for (int64_t i = 0; i < n; ++i) out[r * n + i] = logarithm ? out[r * n + i] - s : power[r * n + i] * s;
        }
    }
}

template <class T> void softmax_rows(const T* x, T* y, int64_t rows, int64_t n, bool logarithm) {
    if (n < kLanes<T>) return softmax_short_rows(x, y, rows, n, logarithm);
    for (int64_t r = 0; r < rows; ++r, x += n, y += n) {
        T most = largest(x, n);
        if (logarithm) {
            T s = scale_of(exponentials<false>(x, y, n, most), most, true);
#pragma GCC ivdep
            for (int64_t i = 0; i < n; ++i) y[i] = (x[i] - most) - s;
        } else {
            T s = scale_of(exponentials<true>(x, y, n, most), most, false);
            for (int64_t i = 0; i < n; ++i) y[i] *= s;
        }
    }
}

template <class T> void softmax_lines(const T* x, T* y, int64_t n, int64_t step, int64_t width, bool logarithm) {
    constexpr int64_t kDepth = 128;  // lines whose powers are added in T
    T most[kPiece], part[kPiece], power[2 * kPiece];
    double sum[kPiece];
    for (int64_t j = 0; j < width; ++j) most[j] = x[j], sum[j] = 0;
    for (int64_t i = 1; i < n; ++i)
        for (int64_t j = 0; j < width; ++j) most[j] = larger(most[j], x[i * step + j]);
    // Short lines go together, so that their exponentials are those of one long one.
    int64_t together = least(kDepth, 2 * kPiece / width);
    for (int64_t from = 0; from < n;) {
        int64_t depth = least(n, from + kDepth);
        for (int64_t j = 0; j < width; ++j) part[j] = 0;
        for (; from < depth; from += together) {
            int64_t lines = least(together, depth - from);
            const T* in = x + from * step;
            T* out = y + from * step;
            for (int64_t i = 0; i < lines; ++i)
                for (int64_t j = 0; j < width; ++j) power[i * width + j] = in[i * step + j] - most[j];
            if (logarithm)
                for (int64_t i = 0; i < lines; ++i)
                    for (int64_t j = 0; j < width; ++j) out[i * step + j] = power[i * width + j];
            exponentials<true>(power, power, lines * width, T(0));
            for (int64_t i = 0; i < lines; ++i)
                for (int64_t j = 0; j < width; ++j) {
                    part[j] += power[i * width + j];
                    if (!logarithm) out[i * step + j] = power[i * width + j];
                }
        }
        from = depth;
        for (int64_t j = 0; j < width; ++j) sum[j] += double(part[j]);
    }
    for (int64_t j = 0; j < width; ++j) part[j] = scale_of(sum[j], most[j], logarithm);
    for (int64_t i = 0; i < n; ++i)
        for (int64_t j = 0; j < width; ++j) {
            T& to = y[i * step + j];
            to = logarithm ? to - part[j] : to * part[j];
        }
}

// g y - y s with s = sum(g y); of the logarithm g - exp(y) s with s = sum(g). Where y is NaN, so is its whole row.
template <class T>
void softmax_rows_backward(const T* __restrict g, const T* __restrict y, T* __restrict dx, int64_t rows, int64_t n,
                           bool logarithm) {
    constexpr int L = kLanes<T>;
    for (int64_t r = 0; r < rows; ++r, g += n, y += n, dx += n) {
        double total = 0;
        for (int64_t i = 0; i < n;) {
            int64_t end = least(i + kPiece, n);
            T lane[L] = {};
            for (; i + L <= end; i += L)
                for (int k = 0; k < L; ++k) lane[k] += logarithm ? g[i + k] : g[i + k] * y[i + k];
            for (int k = 0; i < end; ++i, ++k) lane[k] += logarithm ? g[i] : g[i] * y[i];
            total += double(folded<L>(lane, Plus{}));
        }
        T s = T(total);
        if (!logarithm) {
            for (int64_t i = 0; i < n; ++i) dx[i] = g[i] * y[i] - y[i] * s;
            continue;
        }
        if (y[0] != y[0]) s = y[0];
        T power[kPiece];
        for (int64_t from = 0; from < n; from += kPiece) {
            int64_t m = least(kPiece, n - from);
            exponentials<true>(y + from, power, m, T(0));
            for (int64_t i = 0; i < m; ++i) dx[from + i] = g[from + i] - power[i] * s;
        }
    }
}

template <class T>
void softmax_lines_backward(const T* __restrict g, const T* __restrict y, T* __restrict dx, int64_t n, int64_t step,
                            int64_t width, bool logarithm) {
    double sum[kPiece];
    T s[kPiece], power[kPiece];
    for (int64_t j = 0; j < width; ++j) sum[j] = 0;
    for (int64_t i = 0; i < n; ++i)
        for (int64_t j = 0; j < width; ++j)
            sum[j] += double(logarithm ? g[i * step + j] : g[i * step + j] * y[i * step + j]);
    for (int64_t j = 0; j < width; ++j) s[j] = logarithm && y[j] != y[j] ? y[j] : T(sum[j]);
    for (int64_t i = 0; i < n; ++i) {
        const T *given = g + i * step, *result = y + i * step;
        T* to = dx + i * step;
        if (logarithm) {
            exponentials<true>(result, power, width, T(0));
            for (int64_t j = 0; j < width; ++j) to[j] = given[j] - power[j] * s[j];
        } else {
            for (int64_t j = 0; j < width; ++j) to[j] = given[j] * result[j] - result[j] * s[j];
        }
    }
}

// ---- sums ----

template <class F> double total(int64_t n, F&& term) {
    double lane[kSums] = {};
    int64_t i = 0;
    for (; i + kSums <= n; i += kSums)
        for (int k = 0; k < kSums; ++k) lane[k] += term(i + k);
    for (int k = 0; i < n; ++i, ++k) lane[k] += term(i);
    return folded<kSums>(lane, Plus{});
}

template <class T> double sum(const T* x, int64_t n) {
    return total(n, [&](int64_t i) { return double(x[i]); });
}
template <class T> double squares(const T* x, int64_t n, double mean) {
    return total(n, [&](int64_t i) {
        double d = double(x[i]) - mean;
        return d * d;
    });
}
// Of cotangents: pieces in T, whose sums are added in double.
template <class T> void sum_and_product(const T* g, const T* x, int64_t n, T mean, double* sum, double* product) {
    constexpr int L = kLanes<T>;
    *sum = *product = 0;
    for (int64_t i = 0; i < n;) {
        int64_t end = least(i + kPiece, n);
        T a[L] = {}, b[L] = {};
        for (; i + L <= end; i += L)
            for (int k = 0; k < L; ++k) {
                a[k] += g[i + k];
                b[k] += g[i + k] * (x[i + k] - mean);
            }
        for (int k = 0; i < end; ++i, ++k) {
            a[k] += g[i];
            b[k] += g[i] * (x[i] - mean);
        }
        *sum += double(folded<L>(a, Plus{})), *product += double(folded<L>(b, Plus{}));
    }
}

template <class T> void affine(const T* __restrict x, T* __restrict y, int64_t n, T a, T c) {
    for (int64_t i = 0; i < n; ++i) y[i] = x[i] * a + c;
}
template <class T>
void affine_two(const T* __restrict g, const T* __restrict x, T* __restrict y, int64_t n, T a, T b, T c) {
    for (int64_t i = 0; i < n; ++i) y[i] = a * g[i] + b * x[i] + c;
}

template <class T>
void sum_lines(const T* __restrict x, int64_t rows, int64_t step, int64_t width, double* __restrict sums) {
    for (int64_t r = 0; r < rows; ++r, x += step)
        for (int64_t j = 0; j < width; ++j) sums[j] += double(x[j]);
}
template <class T>
void squares_lines(const T* __restrict x, int64_t rows, int64_t step, int64_t width, const double* __restrict mean,
                   double* __restrict sums) {
    for (int64_t r = 0; r < rows; ++r, x += step)
        for (int64_t j = 0; j < width; ++j) {
            double d = double(x[j]) - mean[j];
            sums[j] += d * d;
        }
}
template <class T>
void sum_and_product_lines(const T* __restrict g, const T* __restrict x, int64_t rows, int64_t step, int64_t width,
                           const T* __restrict mean, double* __restrict sums, double* __restrict products) {
    for (int64_t r = 0; r < rows; ++r, x += step, g += step)
        for (int64_t j = 0; j < width; ++j) {
            sums[j] += double(g[j]);
            products[j] += double(g[j]) * (double(x[j]) - double(mean[j]));
        }
}
template <class T>
void affine_lines(const T* __restrict x, T* __restrict y, int64_t rows, int64_t step, int64_t width,
                  const T* __restrict a, const T* __restrict c) {
    for (int64_t r = 0; r < rows; ++r, x += step, y += step)
        for (int64_t j = 0; j < width; ++j) y[j] = x[j] * a[j] + c[j];
}
template <class T>
void affine_two_lines(const T* __restrict g, const T* __restrict x, T* __restrict y, int64_t rows, int64_t step,
                      int64_t width, const T* __restrict a, const T* __restrict b, const T* __restrict c) {
    for (int64_t r = 0; r < rows; ++r, g += step, x += step, y += step)
        for (int64_t j = 0; j < width; ++j) y[j] = a[j] * g[j] + b[j] * x[j] + c[j];
}

// ---- layer normalisation ----

template <class T>
void layer_norm(const T* __restrict x, const T* __restrict gamma, const T* __restrict beta, T* __restrict y,
                T* __restrict mean, T* __restrict var, int64_t rows, int64_t n, double eps) {
    for (int64_t r = 0; r < rows; ++r, x += n, y += n) {
        double m = sum(x, n) / double(n), v = squares(x, n, m) / double(n);
        T middle = T(m), scale = T(1 / math::sqrt(v + eps));
        for (int64_t i = 0; i < n; ++i) y[i] = (x[i] - middle) * scale * gamma[i] + beta[i];
        mean[r] = middle, var[r] = T(v);
    }
}

template <class T>
void layer_norm_backward(const T* __restrict g, const T* __restrict x, const T* __restrict gamma,
                         const T* __restrict mean, const T* __restrict var, T* __restrict dx, T* __restrict dgamma,
                         T* __restrict dbeta, int64_t rows, int64_t n, double eps) {
    constexpr int L = kLanes<T>;
    for (int64_t r = 0; r < rows; ++r, g += n, x += n, dx += n) {
        double scale = 1 / math::sqrt(double(var[r]) + eps);
        T middle = mean[r], s = T(scale);
        double sum = 0, product = 0;
        for (int64_t i = 0; i < n;) {
            int64_t end = least(i + kPiece, n);
            T a[L] = {}, b[L] = {};
            auto term = [&](int64_t at, int k) {
                T arrived = g[at], normal = (x[at] - middle) * s, scaled = arrived * gamma[at];
                dgamma[at] += arrived * normal, dbeta[at] += arrived;
                a[k] += scaled, b[k] += scaled * normal;
            };
            for (; i + L <= end; i += L)
                for (int k = 0; k < L; ++k) term(i + k, k);
            for (int k = 0; i < end; ++i, ++k) term(i, k);
            sum += double(folded<L>(a, Plus{})), product += double(folded<L>(b, Plus{}));
        }
        // dx = s (g gamma - mean(g gamma) - normal mean(g gamma normal))
        T shift = T(sum / double(n)), slope = T(product / double(n));
        for (int64_t k = 0; k < n; ++k) {
            T normal = (x[k] - middle) * s;
            dx[k] = (g[k] * gamma[k] - shift - normal * slope) * s;
        }
    }
}

template <class T> constexpr LayerLoops<T> loops() {
    return {softmax_rows<T>,
            softmax_lines<T>,
            softmax_rows_backward<T>,
            softmax_lines_backward<T>,
            sum<T>,
            squares<T>,
            sum_and_product<T>,
            affine<T>,
            affine_two<T>,
            sum_lines<T>,
            squares_lines<T>,
            sum_and_product_lines<T>,
            affine_lines<T>,
            affine_two_lines<T>,
            layer_norm<T>,
            layer_norm_backward<T>};
}

}  // namespace layers
}  // namespace MINPY_LEVEL

const LayerTable& MINPY_CONCAT(layers_, MINPY_LEVEL)() {
    static constexpr LayerTable table{MINPY_LEVEL::layers::loops<float>(), MINPY_LEVEL::layers::loops<double>()};
    return table;
}

}  // namespace minpy
