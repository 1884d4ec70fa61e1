// Register tiles of matrix products, compiled once per instruction level, MINPY_LEVEL. Exports products_<level>().
//
// A tile of c, `kRows` by three vectors, stays in registers while k runs: its columns are vectors of b, its rows single
// elements of a. Compiled with contraction: a product's multiplications and additions are one operation in every library.
#include <utility>

#include "core/cpu/loops/prelude.h"
#include "core/cpu/products.h"

namespace minpy {
namespace MINPY_LEVEL {
namespace products {

#if defined(__AVX512F__)
constexpr int kBytes = 64, kRows = 8, kInnerRows = 4;
#elif defined(__AVX2__)
constexpr int kBytes = 32, kRows = 4, kInnerRows = 2;
#else
constexpr int kBytes = 16, kRows = 4, kInnerRows = 1;
#endif
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
constexpr bool kFused = true;
#else
constexpr bool kFused = false;
#endif

template <class T> struct VectorOf { typedef T type __attribute__((vector_size(kBytes))); };
template <class T> using Vector = typename VectorOf<T>::type;
template <class T> constexpr int kWidth = kBytes / int(sizeof(T));
template <class T> constexpr int kColumns = 3 * kWidth<T>;

template <class T> Vector<T> load(const T* p) {
    Vector<T> v;
    std::memcpy(&v, p, sizeof v);
    return v;
}
template <class T> void store(T* p, Vector<T> v) { std::memcpy(p, &v, sizeof v); }

// M rows by N vectors of c. `packed`: elements of a lie in the order of their use.
template <class T, int M, int N, bool packed>
void tile(int64_t k, const T* a, int64_t row_step, int64_t column_step, const T* b, int64_t b_step, T* c,
          int64_t c_step, bool add, const T* ahead = nullptr) {
    Vector<T> sums[M][N];
#pragma GCC unroll 8
    for (int i = 0; i < M; ++i)
#pragma GCC unroll 4
        for (int j = 0; j < N; ++j) sums[i][j] = Vector<T>{};
    if (add) {  // asked for early: it lies far away
#pragma GCC unroll 8
        for (int i = 0; i < M; ++i)
#pragma GCC unroll 4
            for (int j = 0; j < N; ++j) __builtin_prefetch(c + i * c_step + j * kWidth<T>, 1);
    }
    for (int64_t l = 0; l < k; ++l) {
        Vector<T> y[N];
#pragma GCC unroll 4
        for (int j = 0; j < N; ++j) {
            y[j] = load(b + j * kWidth<T>);
            // Few rows wait for b: the panel beside this one is asked for.
            if constexpr (!packed && M < kRows) __builtin_prefetch(b + (N + j) * kWidth<T>);
        }
#pragma GCC unroll 8
        for (int i = 0; i < M; ++i) {
            T x = packed ? a[i] : a[i * row_step];
#pragma GCC unroll 4
            for (int j = 0; j < N; ++j) sums[i][j] += x * y[j];
        }
        a += packed ? M : column_step;
        b += b_step;
        if constexpr (packed) __builtin_prefetch(ahead + l * kWidth<T>, 0, 2);
    }
    if (add) {
#pragma GCC unroll 8
        for (int i = 0; i < M; ++i)
#pragma GCC unroll 4
            for (int j = 0; j < N; ++j) sums[i][j] += load(c + i * c_step + j * kWidth<T>);
    }
#pragma GCC unroll 8
    for (int i = 0; i < M; ++i)
#pragma GCC unroll 4
        for (int j = 0; j < N; ++j) store<T>(c + i * c_step + j * kWidth<T>, sums[i][j]);
}

// All rows of c at N vectors of its columns.
template <class T, int N, bool packed>
void strip(int64_t m, int64_t k, const T* a, int64_t row_step, int64_t column_step, const T* b, int64_t b_step, T* c,
           int64_t c_step, bool add) {
    int64_t i = 0, line = packed ? k : row_step;
    if constexpr (kRows == 8)
        for (; i + 8 <= m; i += 8)
            tile<T, 8, N, packed>(k, a + i * line, row_step, column_step, b, b_step, c + i * c_step, c_step, add,
                                  i < 8 * N ? b + k * b_step + i / 8 * k * kWidth<T> : b);
    if constexpr (!packed && kRows == 8) {
        // Rows that do not fill a tile are one, so that b is read once for all of them.
        switch (m - i) {
            case 7:
                return tile<T, 7, N, packed>(k, a + i * line, row_step, column_step, b, b_step, c + i * c_step, c_step,
                                             add);
            case 6:
                return tile<T, 6, N, packed>(k, a + i * line, row_step, column_step, b, b_step, c + i * c_step, c_step,
                                             add);
            case 5:
                return tile<T, 5, N, packed>(k, a + i * line, row_step, column_step, b, b_step, c + i * c_step, c_step,
                                             add);
            case 3:
                return tile<T, 3, N, packed>(k, a + i * line, row_step, column_step, b, b_step, c + i * c_step, c_step,
                                             add);
            default: break;
        }
    }
    for (; i + 4 <= m; i += 4)
        tile<T, 4, N, packed>(k, a + i * line, row_step, column_step, b, b_step, c + i * c_step, c_step, add, b);
    for (; i + 2 <= m; i += 2)
        tile<T, 2, N, packed>(k, a + i * line, row_step, column_step, b, b_step, c + i * c_step, c_step, add, b);
    if (i < m) tile<T, 1, N, packed>(k, a + i * line, row_step, column_step, b, b_step, c + i * c_step, c_step, add, b);
}

template <class T, bool packed>
void strip_of(int64_t vectors, int64_t m, int64_t k, const T* a, int64_t row_step, int64_t column_step, const T* b,
              int64_t b_step, T* c, int64_t c_step, bool add) {
    if (vectors == 3) strip<T, 3, packed>(m, k, a, row_step, column_step, b, b_step, c, c_step, add);
    else if (vectors == 2) strip<T, 2, packed>(m, k, a, row_step, column_step, b, b_step, c, c_step, add);
    else strip<T, 1, packed>(m, k, a, row_step, column_step, b, b_step, c, c_step, add);
}

template <class T, bool packed>
void panels(int64_t m, int64_t n, int64_t k, const T* a, int64_t row_step, int64_t column_step, const T* b, T* c,
            int64_t c_step, bool add) {
    constexpr int64_t W = kWidth<T>, C = kColumns<T>;
    for (int64_t j = 0; j < n; j += C) {
        int64_t columns = n - j < C ? n - j : C, vectors = (columns + W - 1) / W;
        if (columns == vectors * W) {
            strip_of<T, packed>(vectors, m, k, a, row_step, column_step, b + j * k, columns, c + j, c_step, add);
            continue;
        }
        // Part of a vector: through a tile in memory.
        T whole[kRows * C];
        for (int64_t i = 0; i < m; i += kRows) {
            int64_t rows = m - i < kRows ? m - i : kRows;
            strip_of<T, packed>(vectors, rows, k, a + i * (packed ? k : row_step), row_step, column_step, b + j * k,
                                vectors * W, whole, C, false);
            for (int64_t r = 0; r < rows; ++r) {
                T *to = c + (i + r) * c_step + j, *from = whole + r * C;
                for (int64_t x = 0; x < columns; ++x) to[x] = add ? T(to[x] + from[x]) : from[x];
            }
        }
    }
}

// v[i + N/2] between v[i]: log2(N) of these make the rows of a matrix its columns.
template <class T, int... I>
void interleave(const Vector<T>& x, const Vector<T>& y, Vector<T>& low, Vector<T>& high,
                std::integer_sequence<int, I...>) {
    constexpr int W = sizeof...(I);
    low = __builtin_shufflevector(x, y, (I / 2 + I % 2 * W)...);
    high = __builtin_shufflevector(x, y, (W / 2 + I / 2 + I % 2 * W)...);
}
// Adds the lanes of v up, into its first.
template <int half, class V, int... I> void fold(V& v, std::integer_sequence<int, I...> lanes) {
    if constexpr (half > 0) {
        v += __builtin_shufflevector(v, v, (I ^ half)...);
        fold<half / 2>(v, lanes);
    }
}

// The same of four vectors, into the first lanes of one: in the same order of additions.
template <class T> Vector<T> fold_four(const Vector<T>& x, const Vector<T>& y, const Vector<T>& z, const Vector<T>& w) {
    constexpr auto lanes = std::make_integer_sequence<int, kWidth<T>>();
    auto halves = [&](const Vector<T>& p, const Vector<T>& q) {
        Vector<T> low, high;
        interleave<T>(p, q, low, high, lanes);
        return low + high;
    };
    Vector<T> all = halves(halves(x, z), halves(y, w));
    if constexpr (kWidth < T >> 8)
        all += __builtin_shufflevector(all, all, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
    if constexpr (kWidth<T> == 16)
        all += __builtin_shufflevector(all, all, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11);
    if constexpr (kWidth<T> == 8) all += __builtin_shufflevector(all, all, 4, 5, 6, 7, 0, 1, 2, 3);
    return all;
}

template <int N, class T> void transpose(Vector<T> (&v)[N]) {
#pragma GCC unroll 8
    for (int step = 1; step < N; step *= 2) {
        Vector<T> next[N];
#pragma GCC unroll 32
        for (int i = 0; i < N / 2; ++i)
            interleave<T>(v[i], v[i + N / 2], next[2 * i], next[2 * i + 1],
                          std::make_integer_sequence<int, kWidth<T>>());
#pragma GCC unroll 32
        for (int i = 0; i < N; ++i) v[i] = next[i];
    }
}

// M lines of k elements: the first of each, the second of each, and so on, `to_step` apart (M of them, or a vector).
template <class T, int M> void weave(int64_t k, const T* from, int64_t line, int64_t step, T* to, int64_t to_step) {
    constexpr int W = kWidth<T>;
    int64_t l = 0;
    if constexpr (M > 1 && M <= W && sizeof(T) >= 4) {
        for (; step == 1 && l + W <= k; l += W) {
            Vector<T> v[M];
#pragma GCC unroll 16
            for (int i = 0; i < M; ++i) {
                v[i] = load(from + i * line + l);
                __builtin_prefetch(from + (i + M) * line + l);  // the next lines, too short to be seen coming
            }
            transpose<M, T>(v);
#pragma GCC unroll 16
            for (int i = 0; i < M; ++i) store<T>(to + (M == W ? (l + i) * to_step : l * M + i * W), v[i]);
        }
    }
    if (line == 1) {
        for (; l < k; ++l) std::memcpy(to + l * to_step, from + l * step, M * sizeof(T));
    } else {
        for (; l < k; ++l)
            for (int i = 0; i < M; ++i) to[l * to_step + i] = from[i * line + l * step];
    }
}

template <class T> struct Loops {
    static constexpr int64_t W = kWidth<T>, C = kColumns<T>;

    static void direct(int64_t m, int64_t n, int64_t k, const char* a_at, int64_t row_step, int64_t column_step,
                       const char* b_at, int64_t b_step, char* c_at, int64_t c_step, bool add) {
        const T *a = reinterpret_cast<const T*>(a_at), *b = reinterpret_cast<const T*>(b_at);
        T* c = reinterpret_cast<T*>(c_at);
        int64_t j = 0;
        for (; j + C <= n; j += C)
            strip<T, 3, false>(m, k, a, row_step, column_step, b + j, b_step, c + j, c_step, add);
        int64_t vectors = (n - j) / W;
        if (vectors) strip_of<T, false>(vectors, m, k, a, row_step, column_step, b + j, b_step, c + j, c_step, add);
        j += vectors * W;
        if (j == n) return;
        // The last vector overlaps the one before: its elements come out the same again, or are left as they are.
        if (!add)
            return strip<T, 1, false>(m, k, a, row_step, column_step, b + n - W, b_step, c + n - W, c_step, false);
        T last[kRows * W];
        for (int64_t i = 0; i < m; i += kRows) {
            int64_t rows = m - i < kRows ? m - i : kRows;
            strip<T, 1, false>(rows, k, a + i * row_step, row_step, column_step, b + n - W, b_step, last, W, false);
            for (int64_t r = 0; r < rows; ++r)
                for (int64_t x = j; x < n; ++x) c[(i + r) * c_step + x] += last[r * W + x - (n - W)];
        }
    }

    static void pack_left(int64_t m, int64_t k, const char* a_at, int64_t row_step, int64_t column_step, char* to_at) {
        const T* a = reinterpret_cast<const T*>(a_at);
        T* to = reinterpret_cast<T*>(to_at);
        int64_t i = 0;
        if constexpr (kRows == 8)
            for (; i + 8 <= m; i += 8) weave<T, 8>(k, a + i * row_step, row_step, column_step, to + i * k, 8);
        for (; i + 4 <= m; i += 4) weave<T, 4>(k, a + i * row_step, row_step, column_step, to + i * k, 4);
        for (; i + 2 <= m; i += 2) weave<T, 2>(k, a + i * row_step, row_step, column_step, to + i * k, 2);
        if (i < m) weave<T, 1>(k, a + i * row_step, row_step, column_step, to + i * k, 1);
    }

    static void pack_right(int64_t k, int64_t n, const char* b_at, int64_t row_step, int64_t column_step, char* to_at) {
        for (int64_t j = 0; j < n; j += C) {
            int64_t columns = n - j < C ? n - j : C, wide = (columns + W - 1) / W * W;
            const T* b = reinterpret_cast<const T*>(b_at) + j * column_step;
            T* to = reinterpret_cast<T*>(to_at) + j * k;
            if (column_step == 1 && columns == C) {
                for (int64_t l = 0; l < k; ++l)
                    for (int v = 0; v < 3; ++v) {
                        store<T>(to + l * C + v * W, load(b + l * row_step + v * W));
                        __builtin_prefetch(b + l * row_step + C + v * W);
                    }
                continue;
            }
            for (int64_t x = 0; x < wide; x += W) {
                if (x + W <= columns) {
                    weave<T, W>(k, b + x * column_step, column_step, row_step, to + x, wide);
                    continue;
                }
                for (int64_t l = 0; l < k; ++l)
                    for (int64_t i = x; i < x + W; ++i)
                        to[l * wide + i] = i < columns ? b[l * row_step + i * column_step] : T(0);
            }
        }
    }

    static void block(int64_t m, int64_t n, int64_t k, const char* a_at, int64_t row_step, int64_t column_step,
                      const char* b_at, char* c_at, int64_t c_step, bool add) {
        const T *a = reinterpret_cast<const T*>(a_at), *b = reinterpret_cast<const T*>(b_at);
        T* c = reinterpret_cast<T*>(c_at);
        if (row_step == 0 && column_step == 0) panels<T, true>(m, n, k, a, 0, 0, b, c, c_step, add);
        else panels<T, false>(m, n, k, a, row_step, column_step, b, c, c_step, add);
    }

    // Lines of q, `q_step` apart and filled up with zeros to whole vectors, with lines of p: lanes add up side by side.
    template <int M, int N>
    static void inner_tile(int64_t k, const T* p, int64_t p_step, const T* q, int64_t q_step, T* c, int64_t c_step) {
        Vector<T> sums[M][N];
#pragma GCC unroll 4
        for (int i = 0; i < M; ++i)
#pragma GCC unroll 6
            for (int j = 0; j < N; ++j) sums[i][j] = Vector<T>{};
        auto add = [&](const T* from, int64_t step, const T* with) {
            Vector<T> x[M];
#pragma GCC unroll 4
            for (int i = 0; i < M; ++i) x[i] = load(from + i * step);
#pragma GCC unroll 6
            for (int j = 0; j < N; ++j) {
                Vector<T> y = load(with + j * q_step);
#pragma GCC unroll 4
                for (int i = 0; i < M; ++i) sums[i][j] += x[i] * y;
            }
        };
        int64_t l = 0;
        for (; l + W <= k; l += W) {
#pragma GCC unroll 4
            for (int i = 0; i < M; ++i)
                __builtin_prefetch(p + (i + M) * p_step + l);  // lines too short to be seen coming
            add(p + l, p_step, q + l);
        }
        if (l < k) {
            T rest[M * W] = {};
            for (int i = 0; i < M; ++i)
                for (int64_t r = l; r < k; ++r) rest[i * W + r - l] = p[i * p_step + r];
            add(rest, W, q + l);
        }
#pragma GCC unroll 6
        for (int j = 0; j < N; ++j) {
            if constexpr (M == 4 && W >= 4) {
                sums[0][j] = fold_four<T>(sums[0][j], sums[1][j], sums[2][j], sums[3][j]);
#pragma GCC unroll 4
                for (int i = 0; i < 4; ++i) c[i * c_step + j] = sums[0][j][i];
            } else {
#pragma GCC unroll 4
                for (int i = 0; i < M; ++i) {
                    fold<W / 2>(sums[i][j], std::make_integer_sequence<int, W>());
                    c[i * c_step + j] = sums[i][j][0];
                }
            }
        }
    }
    template <int N>
    static void inner_lines(int64_t m, int64_t k, const T* p, int64_t p_step, const T* q, int64_t q_step, T* c,
                            int64_t c_step) {
        constexpr int M = kInnerRows;
        int64_t i = 0;
        for (; i + M <= m; i += M) inner_tile<M, N>(k, p + i * p_step, p_step, q, q_step, c + i * c_step, c_step);
        for (; i < m; ++i) inner_tile<1, N>(k, p + i * p_step, p_step, q, q_step, c + i * c_step, c_step);
    }
    static void inner(int64_t m, int64_t n, int64_t k, const char* p_at, int64_t p_step, const char* q_at,
                      int64_t q_step, char* c_at, int64_t c_step) {
        const T *p = reinterpret_cast<const T*>(p_at), *q = reinterpret_cast<const T*>(q_at);
        T* c = reinterpret_cast<T*>(c_at);
        constexpr int64_t kLines = 64;  // of p, which stay near for all of q
        for (int64_t i = 0; i < m; i += kLines) {
            int64_t rows = m - i < kLines ? m - i : kLines, pieces = (n + 5) / 6;
            for (int64_t x = 0; x < pieces; ++x) {
                int64_t j = n * x / pieces, many = n * (x + 1) / pieces - j;
                const T *from = p + i * p_step, *with = q + j * q_step;
                T* to = c + i * c_step + j;
                switch (many) {
                    case 1: inner_lines<1>(rows, k, from, p_step, with, q_step, to, c_step); break;
                    case 2: inner_lines<2>(rows, k, from, p_step, with, q_step, to, c_step); break;
                    case 3: inner_lines<3>(rows, k, from, p_step, with, q_step, to, c_step); break;
                    case 4: inner_lines<4>(rows, k, from, p_step, with, q_step, to, c_step); break;
                    case 5: inner_lines<5>(rows, k, from, p_step, with, q_step, to, c_step); break;
                    default: inner_lines<6>(rows, k, from, p_step, with, q_step, to, c_step); break;
                }
            }
        }
    }

    static void turn(int64_t m, int64_t n, const char* from_at, int64_t from_step, char* to_at, int64_t to_step,
                     bool add) {
        const T* from = reinterpret_cast<const T*>(from_at);
        T* to = reinterpret_cast<T*>(to_at);
        int64_t j = 0;
        if (!add)
            for (; j + W <= n; j += W) weave<T, int(W)>(m, from + j * from_step, from_step, 1, to + j, to_step);
        for (; j < n; ++j)
            for (int64_t i = 0; i < m; ++i) {
                T x = from[j * from_step + i], &y = to[i * to_step + j];
                y = add ? T(y + x) : x;
            }
    }

    template <int N>
    static void narrow_of(int64_t m, int64_t k, const T* a, int64_t row_step, int64_t column_step, const T* b,
                          int64_t b_row_step, int64_t b_column_step, T* c, int64_t c_step) {
        for (int64_t i = 0; i < m; ++i) {
            T sums[N] = {};
            for (int64_t l = 0; l < k; ++l) {
                T x = a[i * row_step + l * column_step];
                for (int j = 0; j < N; ++j) sums[j] += x * b[l * b_row_step + j * b_column_step];
            }
            std::memcpy(c + i * c_step, sums, sizeof sums);
        }
    }
    template <int N>
    static void narrow_at(int64_t n, int64_t m, int64_t k, const T* a, int64_t row_step, int64_t column_step,
                          const T* b, int64_t b_row_step, int64_t b_column_step, T* c, int64_t c_step) {
        if constexpr (N > 0) {
            if (n != N)
                return narrow_at<N - 1>(n, m, k, a, row_step, column_step, b, b_row_step, b_column_step, c, c_step);
            if (b_column_step == 1) return narrow_of<N>(m, k, a, row_step, column_step, b, b_row_step, 1, c, c_step);
            narrow_of<N>(m, k, a, row_step, column_step, b, b_row_step, b_column_step, c, c_step);
        }
    }
    static void narrow(int64_t m, int64_t n, int64_t k, const char* a, int64_t row_step, int64_t column_step,
                       const char* b, int64_t b_row_step, int64_t b_column_step, char* c, int64_t c_step) {
        narrow_at<kNarrow>(n, m, k, reinterpret_cast<const T*>(a), row_step, column_step, reinterpret_cast<const T*>(b),
                           b_row_step, b_column_step, reinterpret_cast<T*>(c), c_step);
    }

    // Sums of four vectors' lanes for each row, whatever rows stand beside it.
    template <int M> static void dots_of(int64_t k, const T* a, int64_t row_step, const T* x, T* y) {
        Vector<T> sums[M][4] = {};
        int64_t l = 0;
        for (; l + 4 * W <= k; l += 4 * W)
#pragma GCC unroll 4
            for (int v = 0; v < 4; ++v) {
                Vector<T> other = load(x + l + v * W);
#pragma GCC unroll 4
                for (int i = 0; i < M; ++i) sums[i][v] += load(a + i * row_step + l + v * W) * other;
            }
        for (; l + W <= k; l += W)
#pragma GCC unroll 4
            for (int i = 0; i < M; ++i) sums[i][0] += load(a + i * row_step + l) * load(x + l);
#pragma GCC unroll 4
        for (int i = 0; i < M; ++i) {
            Vector<T> all = (sums[i][0] + sums[i][1]) + (sums[i][2] + sums[i][3]);
            fold<W / 2>(all, std::make_integer_sequence<int, W>());
            // What is left: four chains, then one.
            const T* row = a + i * row_step;
            T rest[4] = {};
            int64_t r = l;
            for (; r + 4 <= k; r += 4)
#pragma GCC unroll 4
                for (int j = 0; j < 4; ++j) rest[j] += row[r + j] * x[r + j];
            for (; r < k; ++r) rest[0] += row[r] * x[r];
            y[i] = all[0] + ((rest[0] + rest[1]) + (rest[2] + rest[3]));
        }
    }
    static void dots(int64_t m, int64_t k, const char* a_at, int64_t row_step, const char* x_at, char* y_at) {
        const T *a = reinterpret_cast<const T*>(a_at), *x = reinterpret_cast<const T*>(x_at);
        T* y = reinterpret_cast<T*>(y_at);
        int64_t i = 0;
        for (; i + 2 <= m; i += 2) dots_of<2>(k, a + i * row_step, row_step, x, y + i);
        if (i < m) dots_of<1>(k, a + i * row_step, row_step, x, y + i);
    }

    // Piece by piece of y, which stays in the first cache; four rows of b at a time.
    static void sums(int64_t n, int64_t k, const char* b_at, int64_t row_step, const char* x_at, int64_t x_step,
                     char* y_at) {
        const T *b = reinterpret_cast<const T*>(b_at), *x = reinterpret_cast<const T*>(x_at);
        constexpr int64_t kPiece = 8192 / int64_t(sizeof(T));
        for (int64_t from = 0; from < n; from += kPiece) {
            int64_t count = n - from < kPiece ? n - from : kPiece, l = 0;
            T* __restrict y = reinterpret_cast<T*>(y_at) + from;
            for (int64_t j = 0; j < count; ++j) y[j] = 0;
            for (; l + 4 <= k; l += 4) {
                const T *p = b + l * row_step + from, *q = p + row_step, *r = q + row_step, *s = r + row_step;
                T w = x[l * x_step], u = x[(l + 1) * x_step], v = x[(l + 2) * x_step], z = x[(l + 3) * x_step];
                for (int64_t j = 0; j < count; ++j) y[j] = (((y[j] + w * p[j]) + u * q[j]) + v * r[j]) + z * s[j];
            }
            for (; l < k; ++l) {
                const T* p = b + l * row_step + from;
                T w = x[l * x_step];
                for (int64_t j = 0; j < count; ++j) y[j] = y[j] + w * p[j];
            }
        }
    }

    static constexpr ProductLoop loop() {
        ProductLoop result{W, C, direct, pack_left, pack_right, block, turn, narrow, nullptr, nullptr, nullptr};
        if constexpr (std::is_floating_point_v<T>) result.inner = inner, result.dots = dots, result.sums = sums;
        return result;
    }
};

}  // namespace products
}  // namespace MINPY_LEVEL

const ProductTable& MINPY_CONCAT(products_, MINPY_LEVEL)() {
    static const ProductTable table = [] {
        using namespace MINPY_LEVEL::products;
        ProductTable t{kFused};
        t.loops[int(DType::float32)] = Loops<float>::loop();
        t.loops[int(DType::float64)] = Loops<double>::loop();
        // Products wrap around: the same bits, signed or not.
        t.loops[int(DType::int16)] = t.loops[int(DType::uint16)] = Loops<uint16_t>::loop();
        t.loops[int(DType::int32)] = t.loops[int(DType::uint32)] = Loops<uint32_t>::loop();
        t.loops[int(DType::int64)] = t.loops[int(DType::uint64)] = Loops<uint64_t>::loop();
        return t;
    }();
    return table;
}

}  // namespace minpy
