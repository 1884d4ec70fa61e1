// How BLAS sees the operands of a matrix product: leading dimensions, transposition, strides from matrix to matrix.
// Plain host code without CUDA, so that tests run it anywhere.
#pragma once
#include <cstdint>
#include <vector>

#include "core/registry/backend.h"

namespace minpy::cuda {

// One operand's last two axes: one of them must be contiguous. Sizes in elements.
struct Matrix {
    int64_t ld = 0;
    bool transposed = false;  // stored column by column

    // False: BLAS cannot read this in place.
    bool from(int64_t rows, int64_t columns, int64_t row_step, int64_t column_step) {
        auto whole = [](int64_t n) { return n < 1 ? 1 : n; };
        if ((column_step == 1 || columns == 1) && (row_step >= whole(columns) || rows == 1)) {
            ld = rows == 1 ? whole(columns) : row_step;
            transposed = false;
            return true;
        }
        if ((row_step == 1 || rows == 1) && (column_step >= whole(rows) || columns == 1)) {
            ld = columns == 1 ? whole(rows) : column_step;
            transposed = true;
            return true;
        }
        return false;
    }
};

// A product of stacks of matrices; vectors count as matrices of one row or column. Strides in elements.
struct Product {
    int64_t m = 1, k = 0, n = 1;
    struct Operand {
        int64_t row = 0, column = 0;
        int64_t batch[64];
    } a, b;
    int batch_axes = 0;
    int64_t batch[64];

    void from(const minpy_tensor& x, const minpy_tensor& y, const minpy_tensor& out, int64_t item) {
        k = x.shape[x.ndim - 1];
        m = x.ndim > 1 ? x.shape[x.ndim - 2] : 1;
        n = y.ndim > 1 ? y.shape[y.ndim - 1] : 1;
        a.row = x.ndim > 1 ? x.strides[x.ndim - 2] / item : 0;
        a.column = x.strides[x.ndim - 1] / item;
        b.row = (y.ndim > 1 ? y.strides[y.ndim - 2] : y.strides[0]) / item;
        b.column = y.ndim > 1 ? y.strides[y.ndim - 1] / item : 0;
        batch_axes = out.ndim - (x.ndim > 1) - (y.ndim > 1);
        for (int i = 0; i < batch_axes; ++i) batch[i] = out.shape[i];
        spread(x, a, item);
        spread(y, b, item);
    }
    int64_t batches() const {
        int64_t count = 1;
        for (int i = 0; i < batch_axes; ++i) count *= batch[i];
        return count;
    }
    // The trailing batch axes that one stride per operand walks: from this axis on.
    int strided_from() const {
        int first = batch_axes;
        int64_t stride_a = 0, stride_b = 0, count = 1;
        while (first > 0) {
            int axis = first - 1;
            if (count > 1 && batch[axis] != 1 &&
                (a.batch[axis] != stride_a * count || b.batch[axis] != stride_b * count))
                break;
            if (count == 1) stride_a = a.batch[axis], stride_b = b.batch[axis];
            count *= batch[axis];
            first = axis;
        }
        return first;
    }

private:
    void spread(const minpy_tensor& t, Operand& o, int64_t item) {
        int own = t.ndim > 2 ? t.ndim - 2 : 0, missing = batch_axes - own;
        for (int i = 0; i < batch_axes; ++i)
            o.batch[i] = i < missing || t.shape[i - missing] == 1 ? 0 : t.strides[i - missing] / item;
    }
};

}  // namespace minpy::cuda
