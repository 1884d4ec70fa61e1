// Rows of products of vectors and matrices: matmul has the kernel, the others are composites over it.
#include <cmath>

#include "core/autograd/rules.h"
#include "core/cpu/blas.h"
#include "core/cpu/elementwise.h"
#include "core/cpu/pool.h"
#include "core/ops/axes.h"
#include "core/registry/registry.h"
#include "core/registry/thread_state.h"

namespace minpy {
namespace {

DimsView view(const Dims& d) { return {d.data(), size_t(d.size())}; }

// NumPy's matmul: vectors get an axis of 1 that goes again, leading axes broadcast.
struct MatmulShape {
    int64_t m, k, n;
    Dims batch, result;
    MatmulShape(DimsView a, DimsView b) {
        if (a.empty() || b.empty())
            throw value_error(
                "matmul: Input operand ", a.empty() ? 0 : 1,
                " does not have enough dimensions (has 0, gufunc core with signature (n?,k),(k,m?)->(n?,m?) "
                "requires 1)");
        m = a.size() > 1 ? a[a.size() - 2] : 1;
        k = a.back();
        n = b.size() > 1 ? b.back() : 1;
        int64_t kb = b.size() > 1 ? b[b.size() - 2] : b[0];
        if (k != kb)
            throw shape_error(
                "matmul: Input operand 1 has a mismatch in its core dimension 0, with gufunc signature "
                "(n?,k),(k,m?)->(n?,m?) (size ",
                kb, " is different from ", k, ")");
        DimsView batch_a = a.size() > 2 ? a.first(a.size() - 2) : DimsView();
        DimsView batch_b = b.size() > 2 ? b.first(b.size() - 2) : DimsView();
        batch = broadcast_shapes(batch_a, batch_b);
        result = batch;
        if (a.size() > 1) result.push_back(m);
        if (b.size() > 1) result.push_back(n);
    }
};

// Matrices of an operand: a vector is a row on the left and a column on the right; leading axes repeat by steps of 0.
struct Matrices {
    Array array;
    MatrixView first;
    Dims batch_steps;
    Matrices(const Array& a, const Dims& batch, bool left) : array(a) { set(batch, left); }
    void set(const Dims& batch, bool left) {
        int64_t n = array.ndim();
        auto step = [&](int64_t i) { return array.strides()[size_t(i)]; };
        if (n == 1) first = {array.raw(), left ? 0 : step(0), left ? step(0) : 0};
        else first = {array.raw(), step(n - 2), step(n - 1)};
        batch_steps = Dims(batch.size());
        for (int64_t i = 0; i + 2 < n; ++i)
            if (array.dim(i) != 1) batch_steps[batch.size() - (n - 2) + i] = step(i);
    }
    MatrixView at(int64_t i, const Dims& batch) const {
        MatrixView m = first;
        if (batch.size() == 1) m.data += i * batch_steps[0];
        else
            for (int64_t axis = batch.size() - 1; axis >= 0; --axis) {
                m.data += i % batch[axis] * batch_steps[axis];
                i /= batch[axis];
            }
        return m;
    }
};

// The floating-point conditions of a product, on all threads. Panels are filled up with zeros, and infinity times those is
// invalid to the processor: the result must show what it tells.
class Conditions {
public:
    void tell(DType t, const char* result, int64_t n) {
        constexpr uint32_t kInvalid = 8, kOverflow = 2;
        uint32_t raised = hardware_.take() & (kInvalid | kOverflow);
        if (!raised || !in(t, kFloat | kComplex)) return;
        bool nan = false, infinite = false;
        for_dtype<kFloat>(real_of(t), [&]<class T> {
            const T* x = reinterpret_cast<const T*>(result);
            for (int64_t i = 0; i < n * itemsize(t) / int64_t(sizeof(T)); ++i)
                nan |= std::isnan(double(x[i])), infinite |= std::isinf(double(x[i]));
        });
        thread_state().fp_status |= raised & ((nan ? kInvalid : 0) | (nan || infinite ? kOverflow : 0));
    }

private:
    HardwareFlags hardware_;
};

void matmul_kernel(Call& c) {
    Array a = c.in[0], b = c.in[1], to = c.out[0];
    MatmulShape s(a.shape(), b.shape());
    DType t = a.dtype();
    // Where products have no loops they go through the next larger dtype; short floats do for their digits as well.
    double multiplications = double(s.k) * double(size_of(view(s.result)));
    DType through = in(t, kShortFloat)                      ? DType::float32
                    : multiplications < 4096                ? t
                    : t == DType::boolean                   ? DType::int32
                    : t == DType::int8 || t == DType::uint8 ? DType::int16
                                                            : t;
    if (through != t) {
        t = through;
        a = copy_of(a, t);
        b = copy_of(b, t);
        to = empty(to.shape(), t);
    }
    int64_t item = itemsize(t), batches = size_of(view(s.batch)), work = s.m * s.k * s.n;
    Matrices left(a, s.batch, true), right(b, s.batch, false);
    // What a product cannot read in place is copied, once for all batches.
    if (!is_product_matrix(t, left.first, s.m, s.k)) left.array = copy_of(a), left.set(s.batch, true);
    if (!is_product_matrix(t, right.first, s.k, s.n)) right.array = copy_of(b), right.set(s.batch, false);
    // One matrix on the right of all rows of a: one product.
    bool shared =
        !s.batch.empty() && left.array.get()->contiguous && a.ndim() > 1 &&
        std::all_of(right.batch_steps.begin(), right.batch_steps.end(), [](int64_t step) { return step == 0; }) &&
        left.array.size() == batches * s.m * s.k;
    if (shared) {
        s.m *= batches, work *= batches, batches = std::min<int64_t>(batches, 1);
        left.first = {left.first.data, s.k * item, item};  // an axis of 1 has any step
    }
    Conditions conditions;
    int64_t each = batches * work < (1 << 18) ? batches : std::max<int64_t>(1, (1 << 17) / std::max<int64_t>(1, work));
    if (each > 0) {
        parallel_for((batches + each - 1) / each, [&](int64_t task) {
            for (int64_t i = task * each; i < std::min(batches, (task + 1) * each); ++i)
                product(t, left.at(i, s.batch), right.at(i, s.batch), to.raw() + i * s.m * s.n * item, s.m, s.n, s.k);
        });
    }
    conditions.tell(t, to.raw(), to.size());
    if (!to.is(c.out[0])) thread_state().fp_status |= convert_into(c.out[0], to);
}

// Small matrices and vectors of one dtype, wherever they lie.
Array matmul_plainly(ValuesView args) {
    constexpr int64_t kMost = 1 << 18;  // multiplications, after which what is saved does not show
    if (args.size() != 2) return {};
    const ArrayBody* operands[2];
    for (size_t i = 0; i < 2; ++i) {
        if (args[i].tag != MINPY_V_ARRAY) return {};
        const ArrayBody* x = operands[i] = array_of(args[i]);
        if (!x || x->ndim < 1 || x->ndim > 2 || x->node || !x->storage->device.is_cpu() ||
            x->storage->has(Storage::kPending | Storage::kPoisoned | Storage::kTraced))
            return {};
    }
    const ArrayBody &a = *operands[0], &b = *operands[1];
    bool row = a.ndim == 1, column = b.ndim == 1;
    DType t = a.dtype;
    int64_t m = row ? 1 : a.shape[0], k = a.shape[row ? 0 : 1], n = column ? 1 : b.shape[1];
    if (!in(t, kFloat) || b.dtype != t || b.shape[0] != k || m > kMost || n > kMost || k > kMost || m * n > kMost ||
        m * n * k > kMost)
        return {};
    MatrixView left{a.storage->data + a.offset, row ? 0 : a.strides[0], a.strides[row ? 0 : 1]};
    MatrixView right{b.storage->data + b.offset, b.strides[0], column ? 0 : b.strides[1]};
    if (!is_product_matrix(t, left, m, k) || !is_product_matrix(t, right, k, n)) return {};
    int64_t shape[2] = {m, n};
    Array out = empty({shape + row, size_t(2 - row - column)}, t);
    Conditions conditions;
    product(t, left, right, out.raw(), m, n, k);
    conditions.tell(t, out.raw(), out.size());
    return out;
}

Array with_axis(const Array& x, int64_t at) {
    Dims shape = x.dims();
    shape.insert(at < 0 ? at + x.ndim() + 1 : at, 1);
    return ops::reshape(x, shape);
}

Array without_axis(const Array& x, int64_t at) {
    Dims shape = x.dims();
    shape.erase(at < 0 ? at + x.ndim() : at);
    return ops::reshape(x, shape);
}

// A vector operand seen as a matrix, so that one rule serves all ranks.
void matmul_reverse(Reverse& c) {
    Array a = c.in(0), b = c.in(1), g = c.g();
    bool row = a.ndim() == 1, column = b.ndim() == 1;
    if (column) g = with_axis(g, -1);
    if (row) g = with_axis(g, -2);
    Array A = row ? with_axis(a, 0) : a, B = column ? with_axis(b, 1) : b;
    // A matrix that several products read, as weights are: the next gradient is added to the sum of those before.
    auto added = [&](int64_t i, const Array& x, bool turn_x, const Array& y, bool turn_y) {
        Array* sum = c.sum_so_far(i);
        return sum && !row && !column && ops::add_matmul(*sum, x, turn_x, y, turn_y);
    };
    if (c.needs(0) && !added(0, g, false, B, true)) {
        Array ga = ops::unbroadcast(ops::matmul(g, ops::swap_last_axes(B)), A.shape());
        c.set(0, row ? ops::reshape(ga, a.shape()) : ga);
    }
    if (!c.needs(1) || added(1, A, true, g, false)) return;
    if (B.ndim() == 2 && A.ndim() > 2) {
        // One matrix on the right of all rows: one product, not one for each batch and their sum.
        Dims rows{A.size() / std::max<int64_t>(A.dim(-1), 1), A.dim(-1)}, columns{rows[0], g.dim(-1)};
        Array gb = ops::matmul(ops::swap_last_axes(ops::reshape(A, rows)), ops::reshape(g, columns));
        c.set(1, column ? ops::reshape(gb, b.shape()) : gb);
    } else {
        Array gb = ops::unbroadcast(ops::matmul(ops::swap_last_axes(A), g), B.shape());
        c.set(1, column ? ops::reshape(gb, b.shape()) : gb);
    }
}

// The given axes first, or last.
Array with_order(const Array& a, const Dims& axes, bool first) {
    Dims order;
    for (int64_t i = 0; i < a.ndim(); ++i)
        if (std::find(axes.begin(), axes.end(), i) == axes.end()) order.push_back(i);
    for (int64_t i = 0; i < axes.size(); ++i) order.insert(first ? i : order.size(), axes[i]);
    bool sorted = std::is_sorted(order.begin(), order.end());
    return sorted ? a : ops::transpose(a, order);
}

// Sum of products over `along_a` of a and `along_b` of b; their other axes follow each other.
Array contract(const Array& a, const Array& b, const Dims& along_a, const Dims& along_b) {
    Array left = with_order(a, along_a, false), right = with_order(b, along_b, true);
    int64_t k = size_along(a.shape(), along_a), m = 1, n = 1;
    Dims result;
    for (int64_t i = 0; i < a.ndim() - along_a.size(); ++i) result.push_back(left.dim(i)), m *= left.dim(i);
    for (int64_t i = along_b.size(); i < b.ndim(); ++i) result.push_back(right.dim(i)), n *= right.dim(i);
    Dims left_shape{m, k}, right_shape{k, n};
    Array product = ops::matmul(ops::reshape(left, left_shape), ops::reshape(right, right_shape));
    return ops::reshape(product, result);
}

Array multiply(Call& c) { return c.call(MINPY_OP("multiply"), c.args[0], c.args[1]); }

// inner speaks of the transpose of b, as NumPy does.
void not_aligned(const Array& a, int64_t i, const Array& b, int64_t j, bool inner) {
    Dims shape = b.dims();
    if (inner && shape.size() > 1) std::swap(shape[shape.size() - 1], shape[shape.size() - 2]);
    throw shape_error("shapes ", to_string(a.shape()), " and ", shape, " not aligned: ", a.dim(i), " (dim ", i,
                      ") != ", b.dim(j), " (dim ", inner ? std::max<int64_t>(j - 1, 0) : j, ")");
}

// dot and inner: over the last axis of a and the given one of b.
Array dot(Call& c, bool inner) {
    const Array &a = c.in[0], &b = c.in[1];
    if (a.ndim() == 0 || b.ndim() == 0) return multiply(c);
    int64_t i = a.ndim() - 1, j = inner || b.ndim() == 1 ? b.ndim() - 1 : b.ndim() - 2;
    if (a.dim(i) != b.dim(j)) not_aligned(a, i, b, j, inner);
    if (b.ndim() == 1 || (!inner && a.ndim() <= 2 && b.ndim() == 2)) return c.call(MINPY_OP("matmul"), a, b);
    return contract(a, b, {i}, {j});
}

Array flat(const Array& a) {
    Dims shape{-1};
    return a.ndim() == 1 ? a : ops::reshape(a, shape);
}

// `axes` of tensordot: a count, or axes of a and axes of b, each an integer or a list.
Array tensordot(Call& c) {
    const Array &a = c.in[0], &b = c.in[1];
    const minpy_value& v = c.args[2];
    Dims along_a, along_b;
    auto pair = [&](const minpy_value& x, const minpy_value& y) { along_a = ints_from(x), along_b = ints_from(y); };
    if (v.tag == MINPY_V_VALUES && v.len == 2) {
        auto* list = static_cast<const minpy_value*>(v.v.p);
        pair(list[0], list[1]);
    } else if (v.tag == MINPY_V_INTS && v.len == 2) {
        pair(to_value(ints_of(v)[0]), to_value(ints_of(v)[1]));
    } else if (v.tag == MINPY_V_ARRAY && array_of(v)->ndim == 2 && array_of(v)->shape[0] == 2) {
        Dims both = ints_from(to_value(flat(Array::share(array_of(v)))));
        for (int64_t i = 0; i < both.size(); ++i) (i < both.size() / 2 ? along_a : along_b).push_back(both[i]);
    } else if (v.tag == MINPY_V_VALUES || v.tag == MINPY_V_INTS) {
        throw value_error("axes must be an integer or a pair of axes");
    } else {
        int64_t n = int_of(v);
        for (int64_t i = 0; i < n; ++i) along_a.push_back(a.ndim() - n + i), along_b.push_back(i);
    }
    bool fits = along_a.size() == along_b.size();
    for (int64_t i = 0; fits && i < along_a.size(); ++i) {
        if (along_a[i] >= a.ndim() || along_a[i] < -a.ndim() || along_b[i] >= b.ndim() || along_b[i] < -b.ndim()) {
            if (!is_number(v)) throw index_error("tuple index out of range");
            fits = false;
            break;
        }
        fits = a.dim(along_a[i]) == b.dim(along_b[i]);
    }
    if (!fits) throw shape_error("shape-mismatch for sum");
    return contract(a, b, normalize_axes(view(along_a), a.ndim()), normalize_axes(view(along_b), b.ndim()));
}

// The axis as last one.
Array with_last(const Array& a, int64_t axis) {
    axis = normalize_axis(axis, a.ndim());
    return with_order(a, {axis}, false);
}

void needs_axes(const char* name, const Array& a, int operand, int64_t least, const char* signature) {
    if (a.ndim() < least)
        throw value_error(name, ": Input operand ", operand, " does not have enough dimensions (has ", a.ndim(),
                          ", gufunc core with signature ", signature, " requires ", least, ")");
}

void same_core(const char* name, int64_t is, int64_t wanted, const char* signature) {
    if (is != wanted)
        throw shape_error(name, ": Input operand 1 has a mismatch in its core dimension 0, with gufunc signature ",
                          signature, " (size ", is, " is different from ", wanted, ")");
}

Array vecdot(Call& c) {
    const char* signature = "(n),(n)->()";
    needs_axes("vecdot", c.in[0], 0, 1, signature);
    needs_axes("vecdot", c.in[1], 1, 1, signature);
    Array a = with_last(c.in[0], c.integer(2)), b = with_last(c.in[1], c.integer(2));
    same_core("vecdot", b.dim(-1), a.dim(-1), signature);
    Array product = ops::matmul(with_axis(ops::conj(a), -2), with_axis(b, -1));
    return without_axis(without_axis(product, -1), -1);
}

Array matvec(Call& c) {
    const char* signature = "(m,n),(n)->(m)";
    needs_axes("matvec", c.in[0], 0, 2, signature);
    needs_axes("matvec", c.in[1], 1, 1, signature);
    same_core("matvec", c.in[1].dim(-1), c.in[0].dim(-1), signature);
    return without_axis(ops::matmul(c.in[0], with_axis(c.in[1], -1)), -1);
}

Array vecmat(Call& c) {
    const char* signature = "(n),(n,m)->(m)";
    needs_axes("vecmat", c.in[0], 0, 1, signature);
    needs_axes("vecmat", c.in[1], 1, 2, signature);
    same_core("vecmat", c.in[1].dim(-2), c.in[0].dim(-1), signature);
    return without_axis(ops::matmul(with_axis(ops::conj(c.in[0]), -2), c.in[1]), -2);
}

// Axis by axis a size of a next to one of b, so that a reshape interleaves them.
Array kron(Call& c) {
    Array a = c.in[0], b = c.in[1];
    while (a.ndim() < b.ndim()) a = with_axis(a, 0);
    while (b.ndim() < a.ndim()) b = with_axis(b, 0);
    Dims shape_a, shape_b, result;
    for (int64_t i = 0; i < a.ndim(); ++i) {
        shape_a.push_back(a.dim(i)), shape_a.push_back(1);
        shape_b.push_back(1), shape_b.push_back(b.dim(i));
        result.push_back(checked_mul(a.dim(i), b.dim(i)));
    }
    return ops::reshape(ops::reshape(a, shape_a) * ops::reshape(b, shape_b), result);
}

Array cross(Call& c) {
    int64_t axes[3] = {c.integer(2), c.integer(3), c.integer(4)};
    if (!c.is_none(5)) axes[0] = axes[1] = axes[2] = c.integer(5);
    Array a = with_last(c.in[0], axes[0]), b = with_last(c.in[1], axes[1]);
    if (a.dim(-1) == 2 || b.dim(-1) == 2) throw unsupported("vectors of two elements");  // NumPy warns
    if (a.dim(-1) != 3 || b.dim(-1) != 3)
        throw value_error("Both input arrays must be (arrays of) 3-dimensional vectors, but they are ", a.dim(-1),
                          " and ", b.dim(-1), " dimensional instead.");
    Array y = call(MINPY_OP("_cross"), a, b);
    int64_t axis = normalize_axis(axes[2], y.ndim());
    if (axis == y.ndim() - 1) return y;
    Dims order;
    for (int64_t i = 0; i + 1 < y.ndim(); ++i) order.push_back(i);
    order.insert(axis, y.ndim() - 1);
    return ops::transpose(y, order);
}

void cross_kernel(Call& c) {
    Array a = contiguous(broadcast_window(c.in[0], c.out[0].shape()));
    Array b = contiguous(broadcast_window(c.in[1], c.out[0].shape()));
    bool half = in(a.dtype(), kShortFloat);
    if (half) a = copy_of(a, DType::float32), b = copy_of(b, DType::float32);
    Array to = half ? empty(a.shape(), DType::float32) : c.out[0];
    for_dtype<kInteger | kFloat | kComplex>(a.dtype(), [&]<class T> {
        auto sub = [](T p, T q, T r, T s) {
            if constexpr (std::is_integral_v<T>) return T(uint64_t(p) * uint64_t(q) - uint64_t(r) * uint64_t(s));
            else return p * q - r * s;
        };
        for (int64_t i = 0; i < a.size(); i += 3) {
            const T *x = a.raw_as<T>() + i, *y = b.raw_as<T>() + i;
            T* z = to.raw_as<T>() + i;
            z[0] = sub(x[1], y[2], x[2], y[1]);
            z[1] = sub(x[2], y[0], x[0], y[2]);
            z[2] = sub(x[0], y[1], x[1], y[0]);
        }
    });
    if (half) copy_into(c.out[0], to);
}

template <Array (*F)(Call&)> void give(Call& c) { c.out.push_back(F(c)); }

}  // namespace

void register_products(Registry& r) {
    r.op("matmul(x1, x2, /)")
        .infer([](Call& c) {
            DType t = c.promoted();
            MatmulShape s(c.in[0].shape(), c.in[1].shape());
            c.cast_all(t);
            c.output(view(s.result), t);
        })
        .kernel(matmul_kernel)
        .short_way(matmul_plainly)
        .reverse(matmul_reverse)
        .saves(true, false)
        .scalar_result()
        .sample("f64(2,3), f64(3,4)")
        .sample("f64(3), f64(2,3,2)")
        .sample("f64(2,1,2,3), f64(3)")
        .sample("f64(2,2,3), f64(3,2)")
        .c_function()
        .doc("Matrix product of the last two axes; leading axes broadcast, vectors count as rows and columns.");
    r.alias("linalg.matmul", "matmul");
    r.op("dot(a, b)")
        .composite([](Call& c) { c.out.push_back(dot(c, false)); })
        .scalar_result()
        .sample("f64(2,3), f64(3,2)")
        .sample("f64(2,3), f64(2,3,2)")
        .c_function()
        .doc("Sum of products over the last axis of a and the last but one of b; a product where one is a number.");
    r.op("inner(a, b, /)")
        .composite([](Call& c) { c.out.push_back(dot(c, true)); })
        .scalar_result()
        .sample("f64(2,3), f64(4,3)")
        .doc("Sum of products over the last axes of both.");
    r.op("vdot(a, b, /)")
        .composite([](Call& c) {
            Array a = flat(c.in[0]);
            c.out.push_back(ops::matmul(ops::conj(a), ops::reshape(c.in[1], a.shape())));
        })
        .scalar_result()
        .sample("f64(2,3), f64(3,2)")
        .doc("Sum of products of all elements, those of a conjugated.");
    r.op("outer(a, b)")
        .composite([](Call& c) { c.out.push_back(with_axis(flat(c.in[0]), 1) * flat(c.in[1])); })
        .sample("f64(2), f64(3)")
        .doc("The product of each element of a with each of b.");
    r.op("tensordot(a, b, axes: value = 2)")
        .composite(give<tensordot>)
        .sample("f64(2,3), f64(2,3)")
        .sample("f64(2,3,2), f64(3,4), axes=([1],[0])")
        .doc("Sum of products over several axes: the last n of a and the first n of b, or those of two lists.");
    r.alias("linalg.tensordot", "tensordot");
    r.op("vecdot(x1, x2, /, axis: axis = -1)")
        .composite(give<vecdot>)
        .scalar_result()
        .sample("f64(2,3), f64(3)")
        .doc("Sum of products over an axis, elements of x1 conjugated; the other axes broadcast.");
    r.alias("linalg.vecdot", "vecdot");
    r.op("matvec(x1, x2, /)")
        .composite(give<matvec>)
        .sample("f64(2,3), f64(2,3)")
        .doc("Matrices times vectors; leading axes broadcast.");
    r.op("vecmat(x1, x2, /)")
        .composite(give<vecmat>)
        .sample("f64(2,3), f64(3,2)")
        .doc("Vectors, conjugated, times matrices; leading axes broadcast.");
    r.op("kron(a, b)")
        .composite(give<kron>)
        .sample("f64(2,2), f64(3)")
        .doc("Kronecker product: blocks of b scaled by the elements of a.");
    r.op("cross(a, b, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: axis = None)")
        .composite(give<cross>)
        .sample("f64(2,3), f64(3)")
        .sample("f64(3,2), f64(3,2), axis=0")
        .doc("Cross product of vectors of three elements.");
    r.op("_cross(a, b)")
        .infer([](Call& c) {
            DType t = c.promoted();
            c.cast_all(t);
            Dims shape = broadcast_shapes(c.in[0].shape(), c.in[1].shape());
            if (c.in[0].ndim() == 0 || c.in[1].ndim() == 0 || c.in[0].dim(-1) != 3 || c.in[1].dim(-1) != 3)
                throw shape_error("vectors of three elements are needed");
            c.output(view(shape), t);
        })
        .kernel(cross_kernel)
        .reverse([](Reverse& c) {
            if (c.needs(0)) c.set(0, ops::unbroadcast(call(MINPY_OP("_cross"), c.in(1), c.g()), view(c.in_shape(0))));
            if (c.needs(1)) c.set(1, ops::unbroadcast(call(MINPY_OP("_cross"), c.g(), c.in(0)), view(c.in_shape(1))));
        })
        .saves(true, false)
        .sample("f64(2,3), f64(3)")
        .doc("Cross product along the last axis.");
}

}  // namespace minpy
