#include "core/cpu/recurrent.h"

#include <algorithm>
#include <vector>

#include "core/array/shape.h"
#include "core/cpu/allocator.h"
#include "core/cpu/blas.h"
#include "core/cpu/pool.h"

namespace minpy {
namespace {

template <class T> class Buffer {
public:
    explicit Buffer(int64_t n)
        : bytes_(checked_mul(n, int64_t(sizeof(T)))), data_(bytes_ ? static_cast<T*>(allocate(bytes_)) : nullptr) {}
    ~Buffer() {
        if (data_) deallocate(data_, bytes_);
    }
    Buffer(const Buffer&) = delete;
    T* get() const { return data_; }

private:
    int64_t bytes_;
    T* data_;
};

template <class T> const char* bytes(const T* p) { return reinterpret_cast<const char*>(p); }
template <class T> char* bytes(T* p) { return reinterpret_cast<char*>(p); }

// Rows `row` elements apart, columns next to each other; or the transpose of that.
template <class T> MatrixView rows_of(const T* p, int64_t row) {
    return {bytes(p), row * int64_t(sizeof(T)), sizeof(T)};
}
template <class T> MatrixView columns_of(const T* p, int64_t row) {
    return {bytes(p), sizeof(T), row * int64_t(sizeof(T))};
}

template <class T> void apply(LoopFn loop, T* x, int64_t n) {
    char* args[] = {bytes(x), bytes(x)};
    loop(args, 0, n);
}

template <class T>
void multiply(const MatrixView& a, const MatrixView& b, T* c, int64_t c_step, int64_t m, int64_t n, int64_t k) {
    if (m && n && k) return tiled_product(dtype_of<T>, a, b, bytes(c), c_step, m, n, k);
    for (int64_t i = 0; i < m; ++i) std::fill_n(c + i * c_step, n, T(0));
}

// What both directions of time need: steps in the order of the recurrence, and rows in tasks fixed by shape.
struct Walk {
    const Recurrent& r;
    int64_t rows;
    explicit Walk(const Recurrent& r) : r(r), rows(std::clamp<int64_t>((r.batch / 2 + 3) / 4 * 4, 8, 32)) {}
    int64_t step(int64_t i) const { return r.backwards ? r.steps - 1 - i : i; }
    template <class F> void for_rows(F&& run) const {
        parallel_for((r.batch + rows - 1) / rows, [&](int64_t task) {
            int64_t from = task * rows;
            run(from, std::min(rows, r.batch - from));
        });
    }
};

template <class T> void add_to_rows(const T* v, int64_t n, T* to, int64_t step, int64_t rows) {
    for (int64_t i = 0; i < rows; ++i)
        for (int64_t j = 0; j < n; ++j) to[i * step + j] += v[j];
}

template <class T> class Forward {
public:
    Forward(const Recurrent& r, const RecurrentArrays<T>& a) : r(r), a(a), walk(r), H(r.hidden) {}

    void run() {
        if (r.mode == Recurrent::Mode::lstm) lstm();
        else if (r.mode == Recurrent::Mode::gru) gru();
        else plain();
    }

private:
    // The part of all steps that does not depend on the state, at once; `line` elements are between rows of `to`.
    void project(T* to, int64_t line) {
        multiply(rows_of(a.x, r.inputs), columns_of(a.wx, r.inputs), to, line, r.steps * r.batch, r.gates() * H,
                 r.inputs);
    }
    const T* before(int64_t i, int64_t row) const {
        return i == 0 ? a.h0 + row * H : a.y + (walk.step(i - 1) * r.batch + row) * H;
    }

    void plain() {
        project(a.y, H);
        PackedRight wh(dtype_of<T>, columns_of(a.wh, H), H, H);
        std::vector<T> bias(static_cast<size_t>(H));
        for (int64_t j = 0; j < H; ++j) bias[size_t(j)] = a.bx[j] + a.bh[j];
        walk.for_rows([&](int64_t row, int64_t rows) {
            for (int64_t i = 0; i < r.steps; ++i) {
                T* h = a.y + (walk.step(i) * r.batch + row) * H;
                wh.add_product(rows, bytes(before(i, row)), H, bytes(h), H);
                add_to_rows(bias.data(), H, h, H, rows);
                if (r.mode == Recurrent::Mode::tanh) apply(r.tanh, h, rows * H);
                else
                    for (int64_t e = 0; e < rows * H; ++e) h[e] = h[e] > 0 || h[e] != h[e] ? h[e] : T(0);
            }
        });
    }

    void lstm() {
        int64_t line = 5 * H;
        project(a.kept, line);
        PackedRight wh(dtype_of<T>, columns_of(a.wh, H), H, 4 * H);
        std::vector<T> bias(static_cast<size_t>(4 * H));
        for (int64_t j = 0; j < 4 * H; ++j) bias[size_t(j)] = a.bx[j] + a.bh[j];
        walk.for_rows([&](int64_t row, int64_t rows) {
            for (int64_t i = 0; i < r.steps; ++i) {
                int64_t at = walk.step(i) * r.batch + row;
                T *gates = a.kept + at * line, *h = a.y + at * H;
                wh.add_product(rows, bytes(before(i, row)), H, bytes(gates), line);
                add_to_rows(bias.data(), 4 * H, gates, line, rows);
                for (int64_t n = 0; n < rows; ++n) {
                    T* __restrict g = gates + n * line, * __restrict cell = g + 4 * H, * __restrict out = h + n * H;
                    const T* old =
                        i == 0 ? a.c0 + (row + n) * H : a.kept + (walk.step(i - 1) * r.batch + row + n) * line + 4 * H;
                    apply(r.sigmoid, g, 2 * H);
                    apply(r.tanh, g + 2 * H, H);
                    apply(r.sigmoid, g + 3 * H, H);
                    for (int64_t j = 0; j < H; ++j) out[j] = cell[j] = g[H + j] * old[j] + g[j] * g[2 * H + j];
                    apply(r.tanh, out, H);
                    for (int64_t j = 0; j < H; ++j) out[j] *= g[3 * H + j];
                    if (i + 1 == r.steps) std::copy_n(cell, H, a.c_last + (row + n) * H);
                }
            }
        });
        if (r.steps == 0) std::copy_n(a.c0, r.batch * H, a.c_last);
    }

    void gru() {
        int64_t line = 4 * H;
        project(a.kept, line);
        PackedRight both(dtype_of<T>, columns_of(a.wh, H), H, 2 * H),
            last(dtype_of<T>, columns_of(a.wh + 2 * H * H, H), H, H);
        std::vector<T> bias(a.bx, a.bx + 3 * H);
        for (int64_t j = 0; j < 2 * H; ++j) bias[size_t(j)] += a.bh[j];
        walk.for_rows([&](int64_t row, int64_t rows) {
            for (int64_t i = 0; i < r.steps; ++i) {
                int64_t at = walk.step(i) * r.batch + row;
                const T* old = before(i, row);
                T *gates = a.kept + at * line, *h = a.y + at * H;
                for (int64_t n = 0; n < rows; ++n) std::copy_n(a.bh + 2 * H, H, gates + n * line + 3 * H);
                both.add_product(rows, bytes(old), H, bytes(gates), line);
                last.add_product(rows, bytes(old), H, bytes(gates + 3 * H), line);
                add_to_rows(bias.data(), 3 * H, gates, line, rows);
                for (int64_t n = 0; n < rows; ++n) {
                    T *g = gates + n * line, *z = g + H, *fresh = g + 2 * H, *out = h + n * H;
                    apply(r.sigmoid, g, 2 * H);
                    for (int64_t j = 0; j < H; ++j) fresh[j] += g[j] * g[3 * H + j];
                    apply(r.tanh, fresh, H);
                    for (int64_t j = 0; j < H; ++j) out[j] = (1 - z[j]) * fresh[j] + z[j] * old[n * H + j];
                }
            }
        });
    }

    const Recurrent& r;
    const RecurrentArrays<T>& a;
    Walk walk;
    int64_t H;
};

// dx: cotangents of the gates before their functions, as x sees them; dh: as the state does. They differ in a GRU.
template <class T> class Backward {
public:
    Backward(const Recurrent& r, const RecurrentArrays<T>& a, const RecurrentCotangents<T>& d)
        : r(r),
          a(a),
          d(d),
          walk(r),
          H(r.hidden),
          G(r.gates() * r.hidden),
          all(r.steps * r.batch),
          dx(all * G),
          dq(r.mode == Recurrent::Mode::gru ? all * H : 0) {}

    void run() {
        bool gru = r.mode == Recurrent::Mode::gru;
        int64_t wide = gru ? 2 * H : G;
        PackedRight wh(dtype_of<T>, rows_of(a.wh, H), wide, H),
            last(dtype_of<T>, rows_of(a.wh + 2 * H * H, H), gru ? H : 0, H);
        Buffer<T> scratch(r.batch * H);
        walk.for_rows([&](int64_t row, int64_t rows) {
            T *dh = d.h0 + row * H, *dc = r.mode == Recurrent::Mode::lstm ? d.c0 + row * H : nullptr;
            std::fill_n(dh, rows * H, T(0));
            if (dc && d.c_last) std::copy_n(d.c_last + row * H, rows * H, dc);
            else if (dc) std::fill_n(dc, rows * H, T(0));
            for (int64_t i = r.steps; i-- > 0;) {
                int64_t at = walk.step(i) * r.batch + row;
                if (d.y)
                    for (int64_t e = 0; e < rows * H; ++e) dh[e] += d.y[at * H + e];
                T *gates = dx.get() + at * G, *q = gru ? dq.get() + at * H : nullptr;
                if (r.mode == Recurrent::Mode::lstm) lstm(i, at, row, rows, gates, dh, dc, scratch.get() + row * H);
                else if (gru) this->gru(i, at, row, rows, gates, q, dh);
                else plain(at, rows, gates, dh);
                wh.add_product(rows, bytes(gates), G, bytes(dh), H);
                if (gru) last.add_product(rows, bytes(q), H, bytes(dh), H);
            }
        });
        multiply(rows_of(dx.get(), G), rows_of(a.wx, r.inputs), d.x, r.inputs, all, r.inputs, G);
        multiply(columns_of(dx.get(), G), rows_of(a.x, r.inputs), d.wx, r.inputs, G, r.inputs, all);
        state_weights(dx.get(), G, wide, d.wh);
        if (gru) state_weights(dq.get(), H, H, d.wh + 2 * H * H);
        sum_rows(dx.get(), G, d.bx);
        std::copy_n(d.bx, wide, d.bh);
        if (gru) sum_rows(dq.get(), H, d.bh + 2 * H);
    }

private:
    const T* before(int64_t i, int64_t row) const {
        return i == 0 ? a.h0 + row * H : a.y + (walk.step(i - 1) * r.batch + row) * H;
    }

    // Leaves in dh what does not go through the gates.
    void plain(int64_t at, int64_t rows, T* gates, T* dh) const {
        const T* y = a.y + at * H;
        for (int64_t e = 0; e < rows * H; ++e) {
            gates[e] = r.mode == Recurrent::Mode::tanh ? dh[e] * (1 - y[e] * y[e]) : y[e] > 0 ? dh[e] : T(0);
            dh[e] = 0;
        }
    }

    void lstm(int64_t i, int64_t at, int64_t row, int64_t rows, T* gates, T* dh, T* dc, T* cells) const {
        for (int64_t n = 0; n < rows; ++n) {
            const T *g = a.kept + (at + n) * 5 * H, *f = g + H, *m = g + 2 * H, *o = g + 3 * H;
            const T* old =
                i == 0 ? a.c0 + (row + n) * H : a.kept + (walk.step(i - 1) * r.batch + row + n) * 5 * H + 4 * H;
            T* __restrict to = gates + n * G, * __restrict h = dh + n * H, * __restrict c = dc + n * H;
            T* squashed = cells + n * H;
            std::copy_n(g + 4 * H, H, squashed);
            apply(r.tanh, squashed, H);
            for (int64_t j = 0; j < H; ++j) {
                T cell = c[j] + h[j] * o[j] * (1 - squashed[j] * squashed[j]);
                to[j] = cell * m[j] * g[j] * (1 - g[j]);
                to[H + j] = cell * old[j] * f[j] * (1 - f[j]);
                to[2 * H + j] = cell * g[j] * (1 - m[j] * m[j]);
                to[3 * H + j] = h[j] * squashed[j] * o[j] * (1 - o[j]);
                c[j] = cell * f[j];
                h[j] = 0;
            }
        }
    }

    void gru(int64_t i, int64_t at, int64_t row, int64_t rows, T* gates, T* q, T* dh) const {
        const T* old = before(i, row);
        for (int64_t n = 0; n < rows; ++n) {
            const T *g = a.kept + (at + n) * 4 * H, *z = g + H, *m = g + 2 * H, *s = g + 3 * H;
            T* __restrict to = gates + n * G, * __restrict h = dh + n * H, * __restrict s_to = q + n * H;
            for (int64_t j = 0; j < H; ++j) {
                T fresh = h[j] * (1 - z[j]) * (1 - m[j] * m[j]);
                to[j] = fresh * s[j] * g[j] * (1 - g[j]);
                to[H + j] = h[j] * (old[n * H + j] - m[j]) * z[j] * (1 - z[j]);
                to[2 * H + j] = fresh;
                s_to[j] = fresh * g[j];
                h[j] *= z[j];
            }
        }
    }

    // gates (all, n)^T @ the states before (all, H): those of the first step are h0, the others the results.
    void state_weights(const T* gates, int64_t line, int64_t n, T* to) {
        if (r.steps == 0) {
            std::fill_n(to, n * H, T(0));
            return;
        }
        int64_t first = walk.step(0) * r.batch, rest = all - r.batch;
        const T *others = r.backwards ? gates : gates + r.batch * line, *states = r.backwards ? a.y + r.batch * H : a.y;
        multiply(columns_of(gates + first * line, line), rows_of(a.h0, H), to, H, n, H, r.batch);
        if (rest == 0) return;
        Buffer<T> more(n * H);
        multiply(columns_of(others, line), rows_of(states, H), more.get(), H, n, H, rest);
        for (int64_t e = 0; e < n * H; ++e) to[e] += more.get()[e];
    }

    void sum_rows(const T* gates, int64_t n, T* to) {
        std::vector<double> sums(static_cast<size_t>(n));
        for (int64_t i = 0; i < all; ++i)
            for (int64_t j = 0; j < n; ++j) sums[size_t(j)] += double(gates[i * n + j]);
        for (int64_t j = 0; j < n; ++j) to[j] = T(sums[size_t(j)]);
    }

    const Recurrent& r;
    const RecurrentArrays<T>& a;
    const RecurrentCotangents<T>& d;
    Walk walk;
    int64_t H, G, all;
    Buffer<T> dx, dq;
};

}  // namespace

template <class T> void recurrent_forward(const Recurrent& r, const RecurrentArrays<T>& a) { Forward<T>(r, a).run(); }
template <class T>
void recurrent_backward(const Recurrent& r, const RecurrentArrays<T>& a, const RecurrentCotangents<T>& d) {
    Backward<T>(r, a, d).run();
}

#define MINPY_RECURRENT(T)                                                        \
    template void recurrent_forward(const Recurrent&, const RecurrentArrays<T>&); \
    template void recurrent_backward(const Recurrent&, const RecurrentArrays<T>&, const RecurrentCotangents<T>&);
MINPY_RECURRENT(float)
MINPY_RECURRENT(double)

}  // namespace minpy
