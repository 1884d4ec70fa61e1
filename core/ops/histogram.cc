// Rows of histograms: how many elements lie between edges.
#include <atomic>
#include <cmath>
#include <vector>

#include "core/array/casting.h"
#include "core/cpu/pool.h"
#include "core/ops/calls.h"
#include "core/registry/device.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {

constexpr int64_t kTask = 1 << 16;  // elements of one task
constexpr int64_t kBlock = 1024;

double element(const Array& a, int64_t i) {
    double x;
    cast_elements(a.raw() + i * a.itemsize(), 0, a.dtype(), reinterpret_cast<char*>(&x), 0, DType::float64, 1);
    return x;
}

// The ends of the range: given, or the least and the largest element; apart if they are equal.
struct Range {
    Array low, high;  // 0-d, as linspace takes them
    Range(Call& c, const Array& a, DType t) {
        double first = 0, last = 1;
        bool given = !c.is_none(2);
        if (given) {
            const minpy_value& v = c.args[2];
            if (v.tag != MINPY_V_FLOATS && v.tag != MINPY_V_INTS) throw unsupported("a range of ", describe(v));
            if (v.len != 2) throw unsupported("a range of ", v.len, " numbers");
            bool ints = v.tag == MINPY_V_INTS;
            first = ints ? double(static_cast<const int64_t*>(v.v.p)[0]) : static_cast<const double*>(v.v.p)[0];
            last = ints ? double(static_cast<const int64_t*>(v.v.p)[1]) : static_cast<const double*>(v.v.p)[1];
            if (first > last) throw value_error("max must be larger than min in range parameter.");
            low = scalar(first), high = scalar(last);
        } else if (a.size()) {
            low = c.call(MINPY_OP("min"), a), high = c.call(MINPY_OP("max"), a);
            first = element(low, 0), last = element(high, 0);
            low = ops::astype(low, t), high = ops::astype(high, t);
        } else {
            low = scalar(first), high = scalar(last);
        }
        if (!std::isfinite(first) || !std::isfinite(last))
            throw value_error(given ? "supplied" : "autodetected", " range of [", first, ", ", last, "] is not finite");
        if (first == last) low = low - 0.5, high = high + 0.5;
    }
};

// Equally wide bins first by division, then by comparison with the edges; the last bin has both of its edges.
Array counts(const Array& a, const std::vector<double>& edges) {
    int64_t n = int64_t(edges.size()) - 1, size = a.size();
    double first = edges.front(), last = edges.back(), scale = double(n) / (last - first);
    Array result = ops::zeros(Dims{n}, DType::int64, kCpu);
    auto* total = result.raw_as<int64_t>();
    CastFn cast = cast_function(a.dtype(), DType::float64);
    int64_t piece = std::max(kTask, n);
    parallel_for((size + piece - 1) / piece, [&](int64_t task) {
        std::vector<int64_t> own(size_t(n), 0);
        double x[kBlock];
        int64_t end = std::min(size, (task + 1) * piece);
        for (int64_t from = task * piece; from < end; from += kBlock) {
            int64_t count = std::min(kBlock, end - from);
            cast(a.raw() + from * a.itemsize(), a.itemsize(), reinterpret_cast<char*>(x), 8, count);
            for (int64_t i = 0; i < count; ++i) {
                if (!(x[i] >= first && x[i] <= last)) continue;
                double at = (x[i] - first) * scale;  // no number where the range is tiny
                int64_t k = at < double(n) ? int64_t(at) : n - 1;
                while (x[i] < edges[size_t(k)]) --k;
                while (k + 1 < n && x[i] >= edges[size_t(k + 1)]) ++k;
                ++own[size_t(k)];
            }
        }
        for (int64_t k = 0; k < n; ++k)
            if (own[size_t(k)]) std::atomic_ref(total[k]).fetch_add(own[size_t(k)], std::memory_order_relaxed);
    });
    return result;
}

// Edges as they were given: the bin before the first edge that is above the element.
Array counts_between(Call& c, const Array& a, const Array& edges) {
    int64_t n = edges.size() - 1;
    Array at = copy_of(c.call(MINPY_OP("searchsorted"), edges, a, "right"));
    Array result = ops::zeros(Dims{n}, DType::int64, kCpu);
    double last = element(edges, n);
    const int64_t* p = at.raw_as<int64_t>();
    for (int64_t i = 0; i < a.size(); ++i) {
        if (p[i] == 0) continue;
        if (p[i] <= n) ++result.raw_as<int64_t>()[p[i] - 1];
        else if (element(a, i) == last) ++result.raw_as<int64_t>()[n - 1];
    }
    return result;
}

// How many bins, or null.
bool bin_count(const minpy_value& v, int64_t& n) {
    if (v.tag == MINPY_V_ARRAY) {
        const ArrayBody* a = array_of(v);
        if (a->ndim != 0 || !in(a->dtype, kInteger)) return false;
    } else if (v.tag != MINPY_V_INT && !(v.tag == MINPY_V_SCALAR && in(DType(v.len), kInteger))) {
        return false;
    }
    n = int_of(v);
    if (n < 1) throw value_error("`bins` must be positive, when an integer");
    if (n > INT64_C(1) << 40) throw Error(MINPY_E_NOMEM, "MemoryError", "too many bins");
    return true;
}

Array equal_edges(Call& c, const Array& a, int64_t n) {
    DType t = in(a.dtype(), kFloating) ? a.dtype() : DType::float64;
    Range range(c, a, t);
    return c.call(MINPY_OP("linspace"), range.low, range.high, n + 1, true, false, t);
}

Array given_edges(const minpy_value& v) {
    Array edges;
    if (v.tag == MINPY_V_ARRAY) {
        edges = to_device(Array::share(array_of(v)), kCpu);
        edges.data();
        edges = contiguous(edges);
    } else if (v.tag == MINPY_V_INTS || v.tag == MINPY_V_FLOATS) {
        bool ints = v.tag == MINPY_V_INTS;
        edges = empty(Dims{v.len}, ints ? DType::int64 : DType::float64);
        std::copy_n(static_cast<const char*>(v.v.p), size_t(v.len) * 8, edges.raw());
    } else {
        throw unsupported("bins ", describe(v));
    }
    if (edges.ndim() != 1) throw value_error("`bins` must be 1d, when an array");
    if (in(edges.dtype(), kComplex | kBool) || edges.size() < 2) throw unsupported("such edges of bins");
    for (int64_t i = 1; i < edges.size(); ++i)
        if (element(edges, i - 1) > element(edges, i))
            throw value_error("`bins` must increase monotonically, when an array");
    return edges;
}

Array operand(const Call& c) {
    Array a = contiguous(c.in[0]);
    if (in(a.dtype(), kComplex | kBool | kShortFloat)) throw unsupported(c.op.name, " of ", name(a.dtype()));
    return ops::reshape(a, Dims{-1});
}

// Of (a, bins, range, density, weights).
void histogram(Call& c) {
    if (!c.is_none(4)) throw unsupported("weights");
    Array a = operand(c);
    int64_t n;
    Array edges, hist;
    if (bin_count(c.args[1], n)) {
        edges = copy_of(equal_edges(c, a, n));
        std::vector<double> e;
        for (int64_t i = 0; i <= n; ++i) e.push_back(element(edges, i));
        hist = counts(a, e);
    } else {
        edges = given_edges(c.args[1]);
        hist = counts_between(c, a, edges);
    }
    if (!c.is_none(3) && c.flag(3)) {
        Array widths =
            ops::astype(ops::slice(edges, 0, 1, MINPY_SLICE_NONE) - ops::slice(edges, 0, 0, -1), DType::float64);
        Array density = ops::astype(hist, DType::float64) / widths;
        hist = density / c.call(MINPY_OP("sum"), hist);
    }
    c.out.push_back(hist);
    c.out.push_back(edges);
}

}  // namespace

void register_histogram(Registry& r) {
    r.op("histogram(a, bins: value = 10, range: floats = None, density: bool = None, weights: value = None)")
        .outputs(2)
        .compute(histogram)
        .no_gradient()
        .sample("f64(20)")
        .sample("f64(20), 4, range=(0.0, 1.0)")
        .doc("How many elements lie in each bin, and the edges of the bins; the last one has both of its edges.");
    r.op("histogram_bin_edges(a, bins: value = 10, range: floats = None, weights: value = None)")
        .compute([](Call& c) {
            int64_t n;
            if (!c.is_none(3)) throw unsupported("weights");
            c.out.push_back(bin_count(c.args[1], n) ? equal_edges(c, operand(c), n) : given_edges(c.args[1]));
        })
        .no_gradient()
        .sample("f64(20)")
        .doc("The edges of the bins of a histogram.");
}

}  // namespace minpy
