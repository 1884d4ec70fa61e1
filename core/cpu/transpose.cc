#include "core/cpu/transpose.h"

#include <algorithm>
#include <cstring>

#include "core/array/element_size.h"
#include "core/cpu/pool.h"

namespace minpy {
namespace {

constexpr int64_t kLeast = 8;           // elements along both axes from which blocks pay
constexpr int64_t kBlockBytes = 256;    // of a row of a block
constexpr int64_t kParallel = 1 << 17;  // elements from which threads pay
constexpr int64_t kTask = 1 << 16;      // elements of one task, about

// A square of elements, as many as a vector holds.
template <class U> struct Square {
    static constexpr int K = sizeof(U) == 16 ? 1 : 16 / int(sizeof(U));

    static void run(const char* from, int64_t from_step, char* to, int64_t to_step) {
        if constexpr (K == 1) {
            std::memcpy(to, from, sizeof(U));
        } else {
            typedef U Vector __attribute__((vector_size(16)));
            Vector low, high, rows[K], next[K];
            for (int k = 0; k < K / 2; ++k) {
                low[2 * k] = U(k), low[2 * k + 1] = U(K + k);
                high[2 * k] = U(K / 2 + k), high[2 * k + 1] = U(K + K / 2 + k);
            }
            for (int k = 0; k < K; ++k) std::memcpy(&rows[k], from + k * from_step, 16);
            // Each pass interleaves the rows of the upper with those of the lower half.
            for (int pass = 1; pass < K; pass *= 2) {
                for (int k = 0; k < K / 2; ++k) {
                    next[2 * k] = __builtin_shuffle(rows[k], rows[k + K / 2], low);
                    next[2 * k + 1] = __builtin_shuffle(rows[k], rows[k + K / 2], high);
                }
                for (int k = 0; k < K; ++k) rows[k] = next[k];
            }
            for (int k = 0; k < K; ++k) std::memcpy(to + k * to_step, &rows[k], 16);
        }
    }
};

// `rows` rows of `columns` elements become columns.
template <class U>
void block(const char* from, int64_t from_step, char* to, int64_t to_step, int64_t rows, int64_t columns) {
    constexpr int64_t K = Square<U>::K, item = sizeof(U);
    int64_t whole_rows = rows / K * K, whole_columns = columns / K * K;
    for (int64_t j = 0; j < whole_columns; j += K)
        for (int64_t i = 0; i < whole_rows; i += K)
            Square<U>::run(from + i * from_step + j * item, from_step, to + j * to_step + i * item, to_step);
    auto rest = [&](int64_t i0, int64_t i1, int64_t j0, int64_t j1) {
        for (int64_t j = j0; j < j1; ++j)
            for (int64_t i = i0; i < i1; ++i)
                std::memcpy(to + j * to_step + i * item, from + i * from_step + j * item, size_t(item));
    };
    rest(whole_rows, rows, 0, columns);
    rest(0, whole_rows, whole_columns, columns);
}

}  // namespace

bool copy_transposed(DimsView shape, char* to, const int64_t* to_strides, const char* from, const int64_t* from_strides,
                     int64_t itemsize) {
    int inner_to = -1, inner_from = -1;
    for (size_t i = 0; i < shape.size(); ++i) {
        if (shape[i] < kLeast) continue;
        if (to_strides[i] == itemsize) inner_to = int(i);
        if (from_strides[i] == itemsize) inner_from = int(i);
    }
    if (inner_to < 0 || inner_from < 0 || inner_to == inner_from || from_strides[inner_to] == itemsize) return false;
    int64_t rows = shape[size_t(inner_to)], columns = shape[size_t(inner_from)];  // of `from`
    int64_t from_step = from_strides[inner_to], to_step = to_strides[inner_from];
    Dims sizes, to_steps, from_steps;  // the other axes
    int64_t outer = 1;
    for (size_t i = 0; i < shape.size(); ++i) {
        if (int(i) == inner_to || int(i) == inner_from) continue;
        sizes.push_back(shape[i]), to_steps.push_back(to_strides[i]), from_steps.push_back(from_strides[i]);
        outer *= shape[i];
    }
    // Strips of whole columns of `from`, which are rows of `to`.
    int64_t side = kBlockBytes / itemsize, strips = (columns + side - 1) / side, tasks = outer * strips;
    auto strip = [&](int64_t task) {
        int64_t rest = task / strips, first = task % strips * side, width = std::min(side, columns - first);
        const char* a = from + first * itemsize;
        char* r = to + first * to_step;
        for (int64_t i = sizes.size() - 1; i >= 0; --i) {
            a += rest % sizes[i] * from_steps[i];
            r += rest % sizes[i] * to_steps[i];
            rest /= sizes[i];
        }
        for (int64_t i = 0; i < rows; i += side, a += side * from_step, r += side * itemsize) {
            int64_t height = std::min(side, rows - i);
            for_size(itemsize, [&]<class T> { block<T>(a, from_step, r, to_step, height, width); });
        }
    };
    int64_t batch = outer * rows * columns < kParallel ? tasks : std::max<int64_t>(1, kTask / (rows * side));
    parallel_for((tasks + batch - 1) / batch, [&](int64_t b) {
        for (int64_t t = b * batch; t < std::min(tasks, (b + 1) * batch); ++t) strip(t);
    });
    return true;
}

}  // namespace minpy
