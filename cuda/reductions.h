// Folds over axes. A row is one result; its elements are dealt to chunks, a chunk to a block of threads (or to one thread
// where neighbouring rows are neighbours in memory), and the partial results of chunks are folded by a second launch. The
// order depends on the shape alone, so results have the same bits every time.
#pragma once
#include "cuda/layout.h"

namespace minpy::cuda {

struct ReduceArgs {
    Layout rows;            // operand 0: where a row begins
    Layout along;           // operand 0: from there to its elements
    int64_t chunks, chunk;  // how many, and elements of each but the last
    int32_t by_thread;      // a chunk belongs to one thread
    int32_t empty;          // nothing to fold: the identity
    const char* from;
    char* to;  // rows * chunks, contiguous
};

struct ReduceKernel {
    const char* functor;
    DType in, out;
    void (*launch)(const ReduceArgs& args, unsigned blocks, unsigned threads, void* stream);
};
const ReduceKernel* reduce_kernel(const char* functor, DType in, DType out);

// How a fold of `rows` rows of `n` elements is cut: aims at enough blocks for a large device.
struct ReducePlan {
    bool by_thread;
    int64_t chunks, chunk;
    ReducePlan(int64_t rows, int64_t n, bool neighbours) {
        constexpr int64_t kWanted = 1024, kThreads = 256;
        by_thread = neighbours && rows >= 32;
        int64_t workers = by_thread ? kWanted * kThreads : kWanted;
        int64_t least = by_thread ? 64 : 4 * kThreads;  // elements for which a worker pays
        chunks = rows >= workers ? 1 : workers / (rows < 1 ? 1 : rows);
        int64_t most = (n + least - 1) / least;
        chunks = chunks < most ? chunks : most;
        chunks = chunks < 1 ? 1 : chunks;
        chunk = (n + chunks - 1) / chunks;
        chunks = chunk ? (n + chunk - 1) / chunk : 1;
    }
};

// What one thread does of one chunk: elements first, first + step, ... of `n`; `any` says whether there was one.
template <class F, class In, class T>
MINPY_HD T fold_elements(const ReduceArgs& a, const char* row, int64_t begin, int64_t n, int64_t first, int64_t step,
                         bool& any) {
    any = first < n;
    int64_t at[1];
    auto element = [&](int64_t i) {
        a.along.locate(uint64_t(begin + i), at);
        return T(load<In>(row + at[0]));
    };
    if (!any) return F::template identity<T>();
    T result = element(first);
    for (int64_t i = first + step; i < n; i += step) result = F{}(result, element(i));
    return result;
}

// Chunk number `i` of all rows: which row, where it begins, how long it is.
struct Chunk {
    const char* row;
    int64_t begin, n, index;  // index: of its result
    MINPY_HD Chunk(const ReduceArgs& a, int64_t i) {
        int64_t at[1];
        // By thread, neighbouring threads take neighbouring rows.
        int64_t r = a.by_thread ? i % a.rows.size : i / a.chunks, c = a.by_thread ? i / a.rows.size : i % a.chunks;
        a.rows.locate(uint64_t(r), at);
        row = a.from + at[0];
        begin = c * a.chunk;
        int64_t rest = a.along.size - begin;
        n = rest < a.chunk ? rest : a.chunk;
        index = r * a.chunks + c;
    }
};

template <class F, class In, class T, class Out> struct Reduce {
    MINPY_HD static void finish(const ReduceArgs& a, const Chunk& chunk, T result) {
        if (a.empty) result = F::template identity<T>();
        store<Out>(a.to + chunk.index * int64_t(sizeof(Out)), Computed<Out>(result));
    }
    // A thread on its own.
    MINPY_HD static void run(const ReduceArgs& a, Grid grid) {
        for (int64_t i = int64_t(grid.index); i < a.rows.size * a.chunks; i += int64_t(grid.threads)) {
            Chunk chunk(a, i);
            bool any;
            finish(a, chunk, fold_elements<F, In, T>(a, chunk.row, chunk.begin, chunk.n, 0, 1, any));
        }
    }
};

// Calls add.operator()<In, T, Out>() for the types that a functor's kernels have: plain ones fold as themselves; short
// floats are folded in float, into float, and a second launch writes them. Other integers than these run on the CPU.
template <class F, class V> void each_reduction(V&& add) {
    auto one = [&]<class T>() {
        if constexpr (in(dtype_of<T>, F::kTypes)) add.template operator()<T, T, T>();
    };
    one.template operator()<bool>(), one.template operator()<int32_t>(), one.template operator()<int64_t>();
    one.template operator()<float>(), one.template operator()<double>();
    one.template operator()<complex64>(), one.template operator()<complex128>();
    add.template operator()<half, float, float>(), add.template operator()<float, float, half>();
    add.template operator()<bhalf, float, float>(), add.template operator()<float, float, bhalf>();
}

}  // namespace minpy::cuda
