// Where something holds or belongs: nonzero, searchsorted, digitize, bincount.
#include <cmath>

#include "core/array/indexing.h"
#include "core/autograd/rules.h"
#include "core/cpu/pool.h"
#include "core/ops/calls.h"
#include "core/registry/device.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {

// Flat positions of what is not zero, of an array on the CPU.
Array true_positions(const Array& a) {
    return positions_of(a.dtype() == DType::boolean ? a : copy_of(a, DType::boolean));
}

// f(i, coordinates) for ascending flat positions: only a new row is divided for.
template <class F> void for_coordinates(const Array& flat, DimsView shape, F&& f) {
    const int64_t* p = flat.raw_as<int64_t>();
    const int64_t ndim = int64_t(shape.size()), width = ndim ? shape.back() : 1;
    int64_t at[kMaxDims], row = 0, end = 0;  // flat positions of the present row
    for (int64_t i = 0; i < flat.size(); ++i) {
        if (p[i] >= end) {
            int64_t rest = p[i] / width;
            row = rest * width, end = row + width;
            for (int64_t k = ndim - 2; k >= 0; --k) at[k] = rest % shape[size_t(k)], rest /= shape[size_t(k)];
        }
        if (ndim) at[ndim - 1] = p[i] - row;
        f(i, at);
    }
}

// The coordinate along each axis of flat positions.
void nonzero(Call& c) {
    const Array& a = c.in[0];
    if (a.ndim() == 0)
        throw value_error("Calling nonzero on 0d arrays is not allowed. Use np.atleast_1d(scalar).nonzero() instead.");
    Array flat = true_positions(a);
    if (a.ndim() == 1) return c.out.push_back(flat);
    for (int64_t k = 0; k < a.ndim(); ++k) c.out.push_back(empty(flat.shape(), DType::int64));
    int64_t* to[kMaxDims];
    for (int64_t k = 0; k < a.ndim(); ++k) to[k] = c.out[k].raw_as<int64_t>();
    for_coordinates(flat, a.shape(), [&](int64_t i, const int64_t* at) {
        for (int64_t k = 0; k < a.ndim(); ++k) to[k][i] = at[k];
    });
}

void argwhere(Call& c) {
    const Array& a = c.in[0];
    Array flat = true_positions(a);
    int64_t n = flat.size(), ndim = a.ndim();
    if (ndim == 1) return c.out.push_back(reshape_window(flat, Dims{n, 1}));
    Array out = empty(Dims{n, ndim}, DType::int64);
    auto* to = out.raw_as<int64_t>();
    for_coordinates(flat, a.shape(), [&](int64_t i, const int64_t* at) { std::copy(at, at + ndim, to + i * ndim); });
    c.out.push_back(out);
}

// ---- binary search ----

// a < b in sorting order: NaN is the largest.
template <class T> bool before(const T& a, const T& b) {
    if constexpr (is_complex<T>) {
        int a_nan = 2 * (a.re != a.re) + (a.im != a.im), b_nan = 2 * (b.re != b.re) + (b.im != b.im);
        if (a_nan != b_nan) return a_nan < b_nan;
        if (a_nan < 2 && a.re != b.re) return a.re < b.re;
        return (a_nan & 1) == 0 && a.im < b.im;
    } else if constexpr (is_short_float<T>) {
        return before(float(a), float(b));
    } else {
        return a < b || (b != b && a == a);
    }
}

constexpr int64_t kParallel = 1 << 14;  // keys from which threads pay
constexpr int64_t kTask = 1 << 13;      // keys of one task
constexpr int kTogether = 32;           // keys whose searches wait for memory together

// before() without branches.
template <class T> bool is_before(const T& a, const T& b) {
    if constexpr (std::is_floating_point_v<T>) return (a < b) | ((b != b) & (a == a));
    else return before(a, b);
}

// Where n keys belong among `size` elements: step by step for several keys at once, each step halving what is left.
template <class T, bool Right>
void search_some(const T* x, const int64_t* sorter, int64_t size, const T* key, int n, int64_t* out) {
    auto is_left = [&](int64_t at, const T& k) {
        const T& element = x[sorter ? sorter[at] : at];
        return Right ? !is_before(k, element) : is_before(element, k);
    };
    for (int i = 0; i < n; ++i) out[i] = 0;
    int64_t left = size;
    for (; left > 1; left -= left / 2)
        for (int i = 0; i < n; ++i) out[i] += int64_t(is_left(out[i] + left / 2 - 1, key[i])) * (left / 2);
    if (left == 1)
        for (int i = 0; i < n; ++i) out[i] += is_left(out[i], key[i]);
}

template <class T> void search(const Array& a, const Array& v, const int64_t* sorter, bool right, int64_t* out) {
    const T* x = a.raw_as<T>();
    const T* key = v.raw_as<T>();
    int64_t n = v.size(), size = a.size();
    auto run = [&](int64_t from, int64_t to) {
        for (; from < to; from += kTogether) {
            int count = int(std::min<int64_t>(kTogether, to - from));
            if (right) search_some<T, true>(x, sorter, size, key + from, count, out + from);
            else search_some<T, false>(x, sorter, size, key + from, count, out + from);
        }
    };
    if (n < kParallel) return run(0, n);
    parallel_for((n + kTask - 1) / kTask, [&](int64_t k) { run(k * kTask, std::min(n, (k + 1) * kTask)); });
}

void searchsorted(Call& c) {
    std::string_view side = c.text(2);
    if (side != "left" && side != "right")
        throw value_error("search side must be 'left' or 'right' (got '", side, "')");
    if (c.in[0].ndim() != 1)
        throw value_error(c.in[0].ndim() ? "object too deep for desired array"
                                         : "object of too small depth for desired array");
    DType t = c.promoted();
    Array a = copy_of(c.in[0], t), v = copy_of(c.in[1], t), sorter;
    if (c.in[2]) {
        if (!in(c.in[2].dtype(), kInteger)) throw type_error("sorter must only contain integers");
        if (c.in[2].size() != a.size()) throw value_error("sorter.size must equal a.size");
        sorter = copy_of(c.in[2], DType::int64);
        for (int64_t i = 0; i < sorter.size(); ++i)
            if (uint64_t(sorter.raw_as<int64_t>()[i]) >= uint64_t(a.size()))
                throw value_error("Sorter index out of range.");
    }
    Array out = empty(v.shape(), DType::int64);
    for_dtype<kAll>(t, [&]<class T> {
        search<T>(a, v, sorter ? sorter.raw_as<int64_t>() : nullptr, side == "right", out.raw_as<int64_t>());
    });
    c.out.push_back(out);
}

// Increasing, decreasing, or neither.
int direction(const Array& bins) {
    Array flat = copy_of(bins, in(bins.dtype(), kFloat) ? bins.dtype() : DType::float64);
    return for_dtype<kFloat>(flat.dtype(), [&]<class T>() -> int {
        const T* x = flat.raw_as<T>();
        bool up = true, down = true;
        for (int64_t i = 1; i < flat.size(); ++i) {
            up = up && !(x[i] < x[i - 1]);
            down = down && !(x[i] > x[i - 1]);
        }
        return up ? 1 : down ? -1 : 0;
    });
}

void digitize(Call& c) {
    const Array& x = c.in[0];
    Array bins = to_device(c.in[1], kCpu);
    bins.data();
    if (in(x.dtype(), kComplex)) throw type_error("x may not be complex");
    if (in(bins.dtype(), kComplex))
        throw type_error("Cannot cast array data from dtype('", name(bins.dtype()),
                         "') to dtype('float64') according to the rule 'safe'");
    if (bins.ndim() != 1) throw value_error("object of too small depth for desired array");
    int way = direction(bins);
    if (way == 0) throw value_error("bins must be monotonically increasing or decreasing");
    const char* side = c.flag(2) ? "left" : "right";
    if (way > 0) return c.out.push_back(call(MINPY_OP("searchsorted"), bins, x, side));
    Array reversed = ops::slice(bins, 0, MINPY_SLICE_NONE, MINPY_SLICE_NONE, -1);
    Array from_end = call(MINPY_OP("searchsorted"), reversed, x, side);
    c.out.push_back(call(MINPY_OP("subtract"), bins.size(), from_end));
}

// ---- counting ----

void bincount(Call& c) {
    Array x = to_device(c.in[0], kCpu);
    x.data();
    if (x.ndim() != 1)
        throw value_error(x.ndim() ? "object too deep for desired array"
                                   : "object of too small depth for desired array");
    if (!in(x.dtype(), kInteger | kBool) && x.size())
        throw type_error("Cannot cast array data from dtype('", name(x.dtype()),
                         "') to dtype('int64') according to the rule 'safe'");
    int64_t least = c.integer(2);
    if (least < 0) throw value_error("'minlength' must not be negative");
    Array positions = copy_of(x, DType::int64);
    const int64_t* p = positions.raw_as<int64_t>();
    int64_t n = positions.size(), most = -1, fewest = 0;
    for (int64_t i = 0; i < n; ++i) most = std::max(most, p[i]), fewest = std::min(fewest, p[i]);
    if (fewest < 0) throw value_error("'list' argument must have no negative elements");
    Dims shape{std::max(least, checked_add(most, 1))};
    if (!c.in[1]) {
        Array counts = zeros({shape.data(), size_t(shape.size())}, DType::int64, kCpu);
        int64_t* count = counts.raw_as<int64_t>();
        for (int64_t i = 0; i < n; ++i) ++count[p[i]];
        return c.out.push_back(counts);
    }
    Array weights = ops::astype(c.in[1], DType::float64);
    if (!same(weights.shape(), x.shape())) throw value_error("The weights and list don't have the same length.");
    c.out.push_back(call(MINPY_OP("_scatter_add"), weights, positions, shape, Dims{0}, 0));
}

}  // namespace

void register_searching(Registry& r) {
    r.op("nonzero(a)")
        .compute(nonzero)
        .list_result()
        .no_gradient()
        .sample("f64(2,3)")
        .doc("The indices of what is not zero, one array for each axis.");
    r.op("flatnonzero(a)")
        .composite([](Call& c) { c.out.push_back(call(MINPY_OP("nonzero"), ops::reshape(c.in[0], Dims{-1}))); })
        .no_gradient()
        .sample("f64(2,3)")
        .doc("The indices of what is not zero in the flattened array.");
    r.op("argwhere(a)")
        .compute(argwhere)
        .no_gradient()
        .sample("f64(2,3)")
        .doc("The indices of what is not zero, one row for each element.");
    r.op("count_nonzero(a, axis: axes = None, *, keepdims: bool = False)")
        .composite([](Call& c) {
            Array truth = ops::astype(c.in[0], DType::boolean);
            c.out.push_back(call(MINPY_OP("sum"), truth, c.args[1], DType::int64, c.flag(2)));
        })
        .no_gradient()
        .scalar_result()
        .sample("f64(2,3), axis=1")
        .doc("How many elements are not zero.");
    r.op("searchsorted(a, v, side: str = 'left', sorter: array? = None)")
        .compute(searchsorted)
        .no_gradient()
        .scalar_result()
        .sample("[0.1, 0.5, 0.9], f64(4)")
        .doc("Where values belong in a sorted array: before equal ones, or behind them for side 'right'.");
    r.op("digitize(x, bins, right: bool = False)")
        .composite(digitize)
        .no_gradient()
        .scalar_result()
        .sample("f64(4), [0.0, 0.5, 1.0]")
        .doc("The bin of each value, between edges that increase or decrease.");
    r.op("bincount(x, weights: array? = None, minlength: int = 0)")
        .composite(bincount)
        .sample("i64(5), f64(5)")
        .doc("How often each integer comes, or the sum of its weights.");
}

}  // namespace minpy
