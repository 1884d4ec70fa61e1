// Sorting, and what needs sorted values: unique, partition.
#include <algorithm>

#include "core/array/indexing.h"
#include "core/autograd/rules.h"
#include "core/autograd/tape.h"
#include "core/cpu/partition.h"
#include "core/cpu/sort.h"
#include "core/ops/calls.h"
#include "core/registry/device.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {

// The array with the sorted axis last, as contiguous rows.
struct Rows {
    int64_t n, rows;
    Array moved;  // a window
    Rows(const Array& a, int64_t axis) {
        Dims shape = a.dims(), strides(a.strides().begin(), a.strides().end());
        std::rotate(shape.begin() + axis, shape.begin() + axis + 1, shape.end());
        std::rotate(strides.begin() + axis, strides.begin() + axis + 1, strides.end());
        n = shape.back();
        rows = n ? a.size() / n : 0;
        moved = window(a, 0, shape, strides);
    }
};

// sort(rows of the operand, rows of the result) as contiguous memory.
template <class F> void in_rows(Call& c, F&& sort) {
    const int64_t axis = c.integer(1);
    Rows from(c.in[0], axis), to(c.out[0], axis);
    Array rows = contiguous(from.moved);
    if (to.moved.is_contiguous()) return sort(from, rows, to.moved);
    Array result = empty(to.moved.shape(), c.out[0].dtype());
    sort(from, rows, result);
    copy_into(to.moved, result);
}
void sort_kernel(Call& c) {
    Rows to(c.out[0], c.integer(1));
    if (to.moved.is_contiguous()) {
        copy_into(c.out[0], c.in[0]);
        return sort_rows(to.moved.raw(), to.moved.dtype(), to.rows, to.n);
    }
    Array rows = copy_of(Rows(c.in[0], c.integer(1)).moved);
    sort_rows(rows.raw(), rows.dtype(), to.rows, to.n);
    copy_into(to.moved, rows);
}
void argsort_kernel(Call& c) {
    in_rows(c, [](const Rows& r, const Array& x, const Array& to) {
        argsort_rows(x.raw(), x.dtype(), r.rows, r.n, to.raw_as<int64_t>());
    });
}
void partition_kernel(Call& c) {
    in_rows(c, [&](const Rows& r, const Array& x, const Array& to) {
        partition_rows(x.raw(), x.dtype(), r.rows, r.n, c.integer(2), to.raw());
    });
}
void argpartition_kernel(Call& c) {
    in_rows(c, [&](const Rows& r, const Array& x, const Array& to) {
        argpartition_rows(x.raw(), x.dtype(), r.rows, r.n, c.integer(2), to.raw_as<int64_t>());
    });
}

void check_kind(Call& c, int kind, int order, int stable) {
    if (!c.is_none(order)) throw unsupported("order of fields");
    if (c.is_none(kind)) return;
    if (!c.is_none(stable))
        throw value_error("`kind` and keyword parameters can't be provided at the same time. Use only one of them.");
    std::string_view k = c.text(kind);
    // NumPy looks at the first letter.
    if (!k.empty() && std::string_view("qhmsQHMS").find(k[0]) != std::string_view::npos) return;
    throw value_error("sort kind must be one of 'quick', 'heap', or 'stable' (got '", k, "')");
}

// The operand and its axis; flattened for None.
Array along(Call& c, int axis_at, int64_t& axis) {
    const Array& a = c.in[0];
    if (c.is_none(axis_at)) {
        axis = 0;
        return ops::reshape(a, Dims{-1});
    }
    if (a.ndim() == 0 && (c.integer(axis_at) == 0 || c.integer(axis_at) == -1)) {
        axis = 0;
        return ops::reshape(a, Dims{1});
    }
    axis = c.axis(axis_at, a.ndim());
    return a;
}

Array sorted(const Array& a, int64_t axis) {
    if (!may_be_traced(a)) return call(MINPY_OP("_sort"), a, axis);
    // Recorded as a choice of elements.
    return call(MINPY_OP("take_along_axis"), a, call(MINPY_OP("_argsort"), a, axis), axis);
}

void sort(Call& c) {
    check_kind(c, 2, 3, 4);
    if (c.in[0].ndim() == 0 && !c.is_none(1)) throw axis_error(c.integer(1), 0);
    int64_t axis;
    Array a = along(c, 1, axis);
    c.out.push_back(sorted(a, axis));
}

void argsort(Call& c) {
    check_kind(c, 2, 3, 4);
    int64_t axis;
    Array a = along(c, 1, axis);
    c.out.push_back(call(MINPY_OP("_argsort"), a, axis));
}

// A sorted axis is partitioned at every kth.
void check_kth(Call& c, int64_t n) {
    for (int64_t k : c.ints(1))
        if (c.in[0].size() && (k < -n || k >= n))
            throw value_error("kth(=", k < 0 ? k + n : k, ") out of bounds (", n, ")");
    if (c.text(3) != "introselect") throw value_error("select kind must be 'introselect' (got '", c.text(3), "')");
    if (!c.is_none(4)) throw unsupported("order of fields");
}

void partition(Call& c) {
    if (c.in[0].ndim() == 0 && !c.is_none(2)) throw axis_error(c.integer(2), 0);
    int64_t axis;
    Array a = along(c, 2, axis);
    check_kth(c, a.dim(axis));
    Dims kth = c.ints(1);
    if (kth.size() != 1 || may_be_traced(a) || a.size() == 0) return c.out.push_back(sorted(a, axis));
    c.out.push_back(call(MINPY_OP("_partition"), a, axis, kth[0] < 0 ? kth[0] + a.dim(axis) : kth[0]));
}

void argpartition(Call& c) {
    int64_t axis;
    Array a = along(c, 2, axis);
    check_kth(c, a.dim(axis));
    Dims kth = c.ints(1);
    if (kth.size() != 1 || a.size() == 0) return c.out.push_back(call(MINPY_OP("_argsort"), a, axis));
    c.out.push_back(call(MINPY_OP("_argpartition"), a, axis, kth[0] < 0 ? kth[0] + a.dim(axis) : kth[0]));
}

// ---- distinct values ----

// The first of each run in a sorted row. NaNs are equal to one another if asked.
Array run_starts(const Array& sorted, bool equal_nan) {
    Array starts = empty(sorted.shape(), DType::boolean);
    int64_t n = sorted.size();
    bool* s = starts.raw_as<bool>();
    for_dtype<kAll>(sorted.dtype(), [&]<class T> {
        const T* x = sorted.raw_as<T>();
        auto same_value = [&](const T& a, const T& b) {
            auto is_nan = [](const T& v) {
                if constexpr (is_complex<T>) return v.re != v.re || v.im != v.im;
                else if constexpr (is_short_float<T>) return float(v) != float(v);
                else return v != v;
            };
            if (equal_nan && is_nan(a) && is_nan(b)) return true;
            if constexpr (is_short_float<T>) return float(a) == float(b);
            else return a == b;
        };
        for (int64_t i = 0; i < n; ++i) s[i] = i == 0 || !same_value(x[i - 1], x[i]);
    });
    return starts;
}

struct Distinct {
    bool index, inverse, counts;
};

void unique_of(Call& c, Distinct wanted, bool equal_nan) {
    const Array& a = c.in[0];
    Array flat = ops::reshape(a, Dims{-1});
    Array host = to_device(may_be_traced(flat) ? without_node(flat) : flat, kCpu);
    host.data();
    int64_t n = host.size();
    Array order, values;
    bool positions = wanted.index || wanted.inverse || wanted.counts || may_be_traced(a);
    Array rows = copy_of(host);
    if (positions) {
        order = empty(host.shape(), DType::int64);
        argsort_rows(rows.raw(), rows.dtype(), 1, n, order.raw_as<int64_t>());
        Array sorted_rows = empty(host.shape(), host.dtype());
        gather(sorted_rows, rows, order, Dims{0}, 0);
        rows = sorted_rows;
    } else {
        sort_rows(rows.raw(), rows.dtype(), 1, n);
    }
    Array starts = run_starts(rows, equal_nan);
    Array first = positions_of(starts);  // in the sorted row
    int64_t m = first.size();
    auto give = [&](const Array& x) { c.out.push_back(to_device(x, a.device())); };
    if (positions) {
        Array index = empty(first.shape(), DType::int64);
        gather(index, order, first, Dims{0}, 0);
        c.out.push_back(ops::gather(flat, index, 0));
        if (wanted.index) give(index);
    } else {
        Array distinct = empty(first.shape(), rows.dtype());
        gather(distinct, rows, first, Dims{0}, 0);
        give(distinct);
    }
    const int64_t* f = first.raw_as<int64_t>();
    if (wanted.inverse) {
        Array inverse = empty(a.shape(), DType::int64);
        const int64_t* o = order.raw_as<int64_t>();
        for (int64_t k = 0; k < m; ++k)
            for (int64_t i = f[k]; i < (k + 1 < m ? f[k + 1] : n); ++i) inverse.raw_as<int64_t>()[o[i]] = k;
        give(inverse);
    }
    if (wanted.counts) {
        Array counts = empty(first.shape(), DType::int64);
        for (int64_t k = 0; k < m; ++k) counts.raw_as<int64_t>()[k] = (k + 1 < m ? f[k + 1] : n) - f[k];
        give(counts);
    }
}

}  // namespace

void register_sorting(Registry& r) {
    r.op("_sort(a, axis: int)")
        .infer([](Call& c) { c.output(c.in[0].shape(), c.in[0].dtype()); })
        .kernel(sort_kernel)
        .not_differentiable("sort records the choice of elements")
        .doc("Sorted along an axis.");
    r.op("_partition(a, axis: int, kth: int)")
        .infer([](Call& c) { c.output(c.in[0].shape(), c.in[0].dtype()); })
        .kernel(partition_kernel)
        .not_differentiable("partition records the choice of elements")
        .doc("The kth element along an axis where sorting puts it.");
    r.op("_argsort(a, axis: int)")
        .infer([](Call& c) { c.output(c.in[0].shape(), DType::int64); })
        .kernel(argsort_kernel)
        .no_gradient()
        .doc("The positions that sort along an axis.");
    r.op("_argpartition(a, axis: int, kth: int)")
        .infer([](Call& c) { c.output(c.in[0].shape(), DType::int64); })
        .kernel(argpartition_kernel)
        .no_gradient()
        .doc("The positions along an axis that put the kth element where sorting puts it.");
    r.op("sort(a, axis: axis? = -1, kind: str = None, order: str = None, *, stable: bool = None)")
        .composite(sort)
        .sample("f64(3,4)")
        .sample("f64(3,4), axis=0")
        .c_function()
        .doc("A sorted copy along an axis, flattened for None; NaN comes last.");
    r.op("argsort(a, axis: axis? = -1, kind: str = None, order: str = None, *, stable: bool = None)")
        .composite(argsort)
        .no_gradient()
        .sample("f64(3,4)")
        .c_function()
        .doc("The indices that sort along an axis, equal elements in their order.");
    r.op("partition(a, kth: ints, axis: axis? = -1, kind: str = 'introselect', order: str = None)")
        .composite(partition)
        .sample("f64(3,4), 2")
        .doc("A copy in which the kth element is where sorting puts it, smaller ones before it.");
    r.op("argpartition(a, kth: ints, axis: axis? = -1, kind: str = 'introselect', order: str = None)")
        .composite(argpartition)
        .no_gradient()
        .sample("f64(3,4), 2")
        .doc("The indices that partition along an axis.");
    r.op("unique(ar, return_index: bool = False, return_inverse: bool = False, return_counts: bool = False, "
         "axis: axis = None, *, equal_nan: bool = True, sorted: bool = True)")
        .composite([](Call& c) {
            if (!c.is_none(4)) throw unsupported("unique along an axis");
            unique_of(c, {c.flag(1), c.flag(2), c.flag(3)}, c.flag(5));
        })
        .outputs(0)
        .sample("f64(2,3)")
        .doc("The distinct elements in order; where each was first, where each element went, how often each came.");
    r.op("unique_values(x, /)")
        .composite([](Call& c) { unique_of(c, {}, false); })
        .sample("f64(2,3)")
        .doc("The distinct elements in order; NaNs are distinct from one another.");
}

}  // namespace minpy
