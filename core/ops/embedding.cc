// Rows of a table by number, the numbers' unit vectors, and layers made of products.
#include <cmath>
#include <cstring>

#include "core/autograd/rules.h"
#include "core/ops/calls.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {

DimsView view(const Dims& d) { return {d.data(), size_t(d.size())}; }

// Indices as int64, negative ones from the end; floats must be whole numbers.
Array rows_of(const Array& indices, int64_t n, bool strict = true) {
    DType t = indices.dtype();
    if (in(t, kComplex)) throw type_error("indices must be numbers of rows, got ", name(t)).in_argument("indices");
    Array rows = copy_of(indices, in(t, kFloating) ? DType::float64 : DType::int64);
    Array out = in(t, kFloating) ? empty(rows.shape(), DType::int64) : rows;
    for (int64_t i = 0; i < rows.size(); ++i) {
        int64_t row;
        if (in(t, kFloating)) {
            double x = rows.raw_as<double>()[i];
            if (!(std::abs(x) < 0x1p62))
                throw index_error("index ", x, " is out of bounds for axis 0 with size ", n).in_argument("indices");
            row = int64_t(x);
        } else {
            row = rows.raw_as<int64_t>()[i];
        }
        if (strict && (row < -n || row >= n))
            throw index_error("index ", row, " is out of bounds for axis 0 with size ", n).in_argument("indices");
        out.raw_as<int64_t>()[i] = row < 0 && strict ? row + n : row;
    }
    return out;
}

Dims looked_up(const Array& indices, DimsView table) {
    Dims shape = indices.dims();
    for (size_t i = 1; i < table.size(); ++i) shape.push_back(table[i]);
    return shape;
}

}  // namespace

void register_embedding(Registry& r) {
    r.op("embedding(indices, weight)")
        .infer([](Call& c) {
            if (c.in[1].ndim() < 1) throw shape_error("the table must have at least one axis").in_argument("weight");
            c.output(view(looked_up(c.in[0], c.in[1].shape())), c.in[1].dtype());
        })
        .kernel([](Call& c) {
            Array table = contiguous(c.in[1]), rows = rows_of(c.in[0], table.dim(0));
            int64_t bytes = table.dim(0) ? table.nbytes() / table.dim(0) : 0;
            for (int64_t i = 0; i < rows.size(); ++i)
                std::memcpy(c.out[0].raw() + i * bytes, table.raw() + rows.raw_as<int64_t>()[i] * bytes, size_t(bytes));
        })
        .reverse([](Reverse& c) {
            if (c.needs(1)) c.set(1, call(MINPY_OP("_embedding_backward"), c.g(), c.in(0), c.in_shape(1)));
        })
        .saves(true, false)
        .sample("i64(4), f64(5,3)")
        .doc("Rows of a table: weight[indices]; indices may be floats.");
    r.op("_embedding_backward(g, indices, shape: ints)")
        .infer([](Call& c) {
            Dims shape = c.ints(2);
            if (shape.empty() || !same(c.in[0].shape(), view(looked_up(c.in[1], view(shape)))))
                throw shape_error("a cotangent of shape ", to_string(c.in[0].shape()),
                                  " does not fit indices of shape ", to_string(c.in[1].shape()), " into ",
                                  to_string(view(shape)));
            c.output(view(shape), c.in[0].dtype());
        })
        .kernel([](Call& c) {
            // Short floats add up in float32.
            DType t = in(c.out[0].dtype(), kShortFloat) ? DType::float32 : c.out[0].dtype();
            Array g = c.in[0].dtype() == t ? contiguous(c.in[0]) : copy_of(c.in[0], t);
            Array sum = zeros(c.out[0].shape(), t), rows = rows_of(c.in[1], sum.dim(0));
            int64_t width = sum.dim(0) ? sum.size() / sum.dim(0) : 0;
            for_dtype<kNumeric & ~kShortFloat>(t, [&]<class T> {
                for (int64_t i = 0; i < rows.size(); ++i) {
                    T* to = sum.raw_as<T>() + rows.raw_as<int64_t>()[i] * width;
                    const T* from = g.raw_as<T>() + i * width;
                    for (int64_t k = 0; k < width; ++k) to[k] = T(to[k] + from[k]);
                }
            });
            copy_into(c.out[0], sum);
        })
        .reverse([](Reverse& c) {
            if (c.needs(0)) c.set(0, call(MINPY_OP("embedding"), c.in(1), c.g()));
        })
        .saves(true, false)
        .doc("The transpose of embedding: rows added up where they came from.");

    r.op("one_hot(indices, depth: int, on_value: float = 1.0, off_value: float = 0.0, dtype: dtype = 'float32')")
        .infer([](Call& c) {
            Dims shape = c.in[0].dims();
            if (c.integer(1) < 0)
                throw value_error("depth must not be negative, got ", c.integer(1)).in_argument("depth");
            shape.push_back(c.integer(1));
            c.output(view(shape), c.dtype(4, DType::float32));
        })
        .kernel([](Call& c) {
            int64_t depth = c.integer(1), bytes = c.out[0].itemsize();
            Array rows = rows_of(c.in[0], depth, false), on = full_scalar(c.number(2), c.out[0].dtype());
            copy_into(c.out[0], full_scalar(c.number(3), c.out[0].dtype()));
            for (int64_t i = 0; i < rows.size(); ++i) {
                int64_t k = rows.raw_as<int64_t>()[i];
                if (k >= 0 && k < depth) std::memcpy(c.out[0].raw() + (i * depth + k) * bytes, on.raw(), size_t(bytes));
            }
        })
        .no_gradient()
        .sample("i64(4), 5")
        .doc("Unit vectors: on_value at each index, off_value elsewhere; all off for an index that is out of range.");

    r.op("fully_connected(x, weight, bias: array? = None, flatten: bool = True)")
        .composite([](Call& c) {
            Array x = c.in[0];
            const Array& w = c.in[1];
            if (w.ndim() != 2)
                throw shape_error("the weight must have shape (outputs, inputs), got ", to_string(w.shape()))
                    .in_argument("weight");
            if (x.ndim() < 1) throw shape_error("the data must have at least one axis").in_argument("x");
            if (c.flag(3) && x.ndim() != 2) {
                Dims flat{x.dim(0), x.dim(0) ? x.size() / x.dim(0) : w.dim(1)};
                x = ops::reshape(x, view(flat));
            }
            if (x.dim(-1) != w.dim(1))
                throw shape_error("a weight of shape ", to_string(w.shape()), " does not fit data of shape ",
                                  to_string(c.in[0].shape()))
                    .in_argument("weight");
            Array y = ops::matmul(x, ops::swap_last_axes(w));
            c.out.push_back(c.in[2] ? y + c.in[2] : y);
        })
        .sample("f64(3,2,2), f64(5,4), f64(5)")
        .doc("x @ weight.T + bias, with all axes of x but the first flattened.");
}

}  // namespace minpy
