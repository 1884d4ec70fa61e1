// Products of matrices and vectors.
#include "core/autograd/rules.h"
#include "core/cpu/blas.h"
#include "core/ops/calls.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {

DimsView view(const Dims& d) { return {d.data(), size_t(d.size())}; }

// NumPy's matmul: vectors get an axis of 1 that goes again, leading axes broadcast.
struct MatmulShape {
    int64_t m, k, n;
    Dims batch, result;
    MatmulShape(DimsView a, DimsView b) {
        if (a.empty() || b.empty())
            throw value_error("matmul: Input operand ", a.empty() ? 0 : 1,
                              " does not have enough dimensions (has 0, gufunc core with signature (n?,k),(k,m?)->(n?,m?) requires 1)");
        m = a.size() > 1 ? a[a.size() - 2] : 1;
        k = a.back();
        n = b.size() > 1 ? b.back() : 1;
        int64_t kb = b.size() > 1 ? b[b.size() - 2] : b[0];
        if (k != kb)
            throw shape_error("matmul: Input operand 1 has a mismatch in its core dimension 0, with gufunc signature "
                              "(n?,k),(k,m?)->(n?,m?) (size ", kb, " is different from ", k, ")");
        batch = broadcast_shapes(a.size() > 2 ? a.first(a.size() - 2) : DimsView(), b.size() > 2 ? b.first(b.size() - 2) : DimsView());
        result = batch;
        if (a.size() > 1) result.push_back(m);
        if (b.size() > 1) result.push_back(n);
    }
};

// A matrix as BLAS takes it: the last two axes, one of them contiguous.
struct Matrix {
    const char* data;
    int64_t ld;
    bool transposed;
};
bool as_matrix(const char* data, int64_t rows, int64_t columns, int64_t row_step, int64_t column_step, int64_t item, Matrix& out) {
    if ((column_step == item || columns == 1) && (row_step % item == 0) && (row_step / item >= std::max<int64_t>(columns, 1) || rows == 1)) {
        out = {data, std::max({row_step / item, columns, int64_t(1)}), false};
        if (rows == 1) out.ld = std::max<int64_t>(columns, 1);
        return true;
    }
    if ((row_step == item || rows == 1) && column_step % item == 0 && (column_step / item >= std::max<int64_t>(rows, 1) || columns == 1)) {
        out = {data, std::max({column_step / item, rows, int64_t(1)}), true};
        if (columns == 1) out.ld = std::max<int64_t>(rows, 1);
        return true;
    }
    return false;
}

template <class T>
void product_loop(const Array& a, const Array& b, T* c, int64_t m, int64_t k, int64_t n, const char* pa, const char* pb,
                  int64_t arow, int64_t acol, int64_t brow, int64_t bcol) {
    (void)a, (void)b;
    for (int64_t i = 0; i < m; ++i) {
        for (int64_t j = 0; j < n; ++j) {
            T sum{};
            for (int64_t l = 0; l < k; ++l) {
                T x = *reinterpret_cast<const T*>(pa + i * arow + l * acol), y = *reinterpret_cast<const T*>(pb + l * brow + j * bcol);
                if constexpr (std::is_same_v<T, bool>)
                    sum = sum | (x & y);
                else if constexpr (std::is_integral_v<T>)
                    sum = T(uint64_t(sum) + uint64_t(x) * uint64_t(y));
                else
                    sum += x * y;
            }
            c[i * n + j] = sum;
        }
    }
}

void matmul_kernel(Call& c) {
    Array a = c.in[0], b = c.in[1];
    MatmulShape s(a.shape(), b.shape());
    if (in(a.dtype(), kShortFloat)) {  // in float32, as oneDNN does
        Array wide = empty(view(s.result), DType::float32);
        Call inner(c.op, c.context, c.options);
        inner.in = {copy_of(a, DType::float32), copy_of(b, DType::float32)};
        inner.out.push_back(wide);
        matmul_kernel(inner);
        return copy_into(c.out[0], wide);
    }
    if (c.out[0].size() == 0) return;
    if (s.k == 0) return copy_into(c.out[0], full_scalar(0, c.out[0].dtype()));
    if (std::max({s.m, s.k, s.n}) > INT32_MAX) throw value_error("matmul: a side of more than 2**31-1 elements is not supported");
    int64_t item = a.itemsize();
    auto with_matrix_axes = [&](const Array& x, bool left) {
        Dims shape = s.batch, strides;
        Dims own = x.dims(), steps(x.strides().begin(), x.strides().end());
        if (x.ndim() == 1) {
            own.insert(left ? 0 : 1, 1);
            steps.insert(left ? 0 : 1, 0);
        }
        Array matrices = window(x, 0, view(own), view(steps));
        shape.push_back(own[own.size() - 2]);
        shape.push_back(own.back());
        return broadcast_window(matrices, view(shape));
    };
    bool blas = in(a.dtype(), kFloat | kComplex);
    // An operand that BLAS cannot read in place is copied, once for all batches.
    auto readable = [&](const Array& x) {
        int64_t n = x.ndim();
        Matrix probe;
        return as_matrix(nullptr, x.dim(n - 2), x.dim(n - 1), x.strides()[size_t(n - 2)], x.strides()[size_t(n - 1)], item, probe);
    };
    Array A = with_matrix_axes(a, true), B = with_matrix_axes(b, false);
    if (blas && !readable(A)) A = with_matrix_axes(copy_of(a), true);
    if (blas && !readable(B)) B = with_matrix_axes(copy_of(b), false);
    int64_t nb = s.batch.size(), batches = size_of(view(s.batch));
    int64_t arow = A.strides()[size_t(nb)], acol = A.strides()[size_t(nb + 1)];
    int64_t brow = B.strides()[size_t(nb)], bcol = B.strides()[size_t(nb + 1)];
    for (int64_t i = 0; i < batches; ++i) {
        const char *pa = A.raw(), *pb = B.raw();
        int64_t rest = i;
        for (int64_t axis = nb - 1; axis >= 0; --axis) {
            int64_t at = rest % s.batch[axis];
            rest /= s.batch[axis];
            pa += at * A.strides()[size_t(axis)];
            pb += at * B.strides()[size_t(axis)];
        }
        char* pc = c.out[0].raw() + i * s.m * s.n * item;
        if (blas) {
            Matrix ma, mb;
            as_matrix(pa, s.m, s.k, arow, acol, item, ma);
            as_matrix(pb, s.k, s.n, brow, bcol, item, mb);
            gemm(a.dtype(), ma.transposed, mb.transposed, s.m, s.n, s.k, ma.data, ma.ld, mb.data, mb.ld, pc, s.n);
        } else {
            for_dtype<kBool | kInteger>(a.dtype(), [&]<class T> {
                product_loop<T>(a, b, reinterpret_cast<T*>(pc), s.m, s.k, s.n, pa, pb, arow, acol, brow, bcol);
            });
        }
    }
}

// A vector operand seen as a matrix, so that one rule serves all ranks.
void matmul_reverse(Reverse& c) {
    Array a = c.in(0), b = c.in(1), g = c.g();
    int64_t na = a.ndim(), nb = b.ndim();
    auto expand = [](const Array& x, int64_t at) {
        Dims shape = x.dims();
        shape.insert(at, 1);
        return ops::reshape(x, view(shape));
    };
    if (nb == 1) g = expand(g, g.ndim());
    if (na == 1) g = expand(g, g.ndim() - 1);
    Array A = na == 1 ? expand(a, 0) : a, B = nb == 1 ? expand(b, 1) : b;
    if (c.needs(0)) {
        Array ga = ops::unbroadcast(ops::matmul(g, ops::swap_last_axes(B)), A.shape());
        c.set(0, na == 1 ? ops::reshape(ga, a.shape()) : ga);
    }
    if (c.needs(1)) {
        Array gb = ops::unbroadcast(ops::matmul(ops::swap_last_axes(A), g), B.shape());
        c.set(1, nb == 1 ? ops::reshape(gb, b.shape()) : gb);
    }
}

}  // namespace

void register_linalg(Registry& r) {
    r.op("matmul(x1, x2, /)")
        .infer([](Call& c) {
            DType t = c.promoted();
            MatmulShape s(c.in[0].shape(), c.in[1].shape());
            c.cast_all(t);
            c.output(view(s.result), t);
        })
        .kernel(matmul_kernel)
        .reverse(matmul_reverse)
        .saves(true, false)
        .scalar_result()
        .sample("f64(2,3), f64(3,4)")
        .sample("f64(3), f64(2,3,2)")
        .sample("f64(2,1,2,3), f64(3)")
        .c_function()
        .doc("Matrix product of the last two axes; leading axes broadcast, vectors count as rows and columns.");
}

}  // namespace minpy
