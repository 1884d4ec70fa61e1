// Convolution and pooling over one to three spatial axes: (batch, channels, spatial...). A convolution is linear in the
// data and in the weights; its transposes are operators too, so every order follows from three kernels.
#include "core/cpu/convolution.h"

#include <cmath>
#include <limits>

#include "core/autograd/rules.h"
#include "core/cpu/pool.h"
#include "core/ops/calls.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {

DimsView view(const Dims& d) { return {d.data(), size_t(d.size())}; }

// One number for every spatial axis, or one for all.
Dims spread(const minpy_value& v, int64_t n, int64_t otherwise, const char* what, int64_t least) {
    Dims d = v.tag == MINPY_V_NONE ? Dims() : ints_from(v);
    if (d.empty()) d = Dims(n, otherwise);
    if (d.size() == 1 && n > 1) d = Dims(n, d[0]);
    if (d.size() != n)
        throw value_error(what, " needs one number for each of the ", n, " spatial axes, got ", to_string(view(d)))
            .in_argument(what);
    for (int64_t i : d)
        if (i < least || i > INT32_MAX)
            throw value_error(what, " must be at least ", least, ", got ", to_string(view(d))).in_argument(what);
    return d;
}

void check_floating(const Call& c) {
    DType t = c.promoted();
    if (!in(t, kFloating)) throw type_error(c.op.name, " needs floating-point arrays, got ", name(t));
}

int64_t reach(int64_t kernel, int64_t dilate) { return checked_add(checked_mul(kernel - 1, dilate), 1); }

// ---- convolution ----

// From the shapes of data and weight, and stride, pad, dilate, groups from argument `first` on.
Convolution convolution_of(DimsView x, DimsView w, const minpy_value* attributes) {
    int64_t n = int64_t(x.size()) - 2;
    if (n < 1 || n > 3)
        throw shape_error("the data must have 3 to 5 axes, (batch, channels, spatial...), got shape ", to_string(x))
            .in_argument("x");
    if (w.size() != x.size())
        throw shape_error(
            "the weight must have as many axes as the data, (filters, channels / groups, kernel...), got shape ",
            to_string(w), " for data of shape ", to_string(x))
            .in_argument("weight");
    Convolution c;
    c.groups = int_of(attributes[3]);
    if (c.groups < 1) throw value_error("groups must be at least 1, got ", c.groups).in_argument("groups");
    c.batch = x[0], c.channels = x[1], c.filters = w[0];
    if (c.channels % c.groups || c.filters % c.groups)
        throw value_error(c.channels, " channels and ", c.filters, " filters do not divide into ", c.groups, " groups")
            .in_argument("groups");
    if (w[1] != c.channels / c.groups)
        throw shape_error("a weight of shape ", to_string(w), " does not fit data of shape ", to_string(x),
                          ": its second size must be ", c.channels / c.groups)
            .in_argument("weight");
    c.stride = spread(attributes[0], n, 1, "stride", 1);
    c.pad = spread(attributes[1], n, 0, "pad", 0);
    c.dilate = spread(attributes[2], n, 1, "dilate", 1);
    for (int64_t i = 0; i < n; ++i) {
        int64_t size = x[size_t(i + 2)], kernel = w[size_t(i + 2)];
        c.in.push_back(size);
        c.kernel.push_back(kernel);
        int64_t room = size + 2 * c.pad[i] - reach(kernel, c.dilate[i]);
        if (kernel < 1 || room < 0)
            throw shape_error("a kernel of ", kernel, " (dilated by ", c.dilate[i], ") does not fit an axis of ", size,
                              " padded by ", c.pad[i]);
        c.out.push_back(room / c.stride[i] + 1);
    }
    return c;
}

Dims with_spatial(int64_t a, int64_t b, const Dims& spatial) {
    Dims d{a, b};
    for (int64_t s : spatial) d.push_back(s);
    return d;
}

// Contiguous operands in the dtype that is computed in: short floats go through float32.
struct Operands {
    DType t;
    Array a, b, bias, out;
    explicit Operands(Call& c) : t(in(c.out[0].dtype(), kShortFloat) ? DType::float32 : c.out[0].dtype()) {
        auto ready = [&](const Array& x) { return x.dtype() == t ? contiguous(x) : copy_of(x, t); };
        a = ready(c.in[0]), b = ready(c.in[1]);
        if (c.in.size() > 2 && c.in[2]) bias = ready(c.in[2]);
        out = c.out[0].dtype() == t ? c.out[0] : empty(c.out[0].shape(), t);
    }
    void finish(Call& c) {
        if (!out.is(c.out[0])) copy_into(c.out[0], out);
    }
};

void infer_convolution(Call& c) {
    check_floating(c);
    Convolution k = convolution_of(c.in[0].shape(), c.in[1].shape(), &c.args[3]);
    if (c.in[2] && (c.in[2].ndim() != 1 || c.in[2].dim(0) != k.filters))
        throw shape_error("the bias must have shape (", k.filters, ",), got ", to_string(c.in[2].shape()))
            .in_argument("bias");
    DType t = c.promoted();
    c.cast_all(t);
    c.output(view(with_spatial(k.batch, k.filters, k.out)), t);
}

void run_convolution(Call& c) {
    Operands o(c);
    Convolution k = convolution_of(c.in[0].shape(), c.in[1].shape(), &c.args[3]);
    if (k.empty()) {
        copy_into(o.out, full_scalar(0, o.t));
        Dims column{1, k.filters};
        for (int64_t i = 0; i < k.out.size(); ++i) column.push_back(1);
        if (o.bias) copy_into(o.out, reshape_window(o.bias, view(column)));
    } else {
        convolve(o.t, k, o.a.raw(), o.b.raw(), o.bias ? o.bias.raw() : nullptr, o.out.raw());
    }
    o.finish(c);
}

// _conv_backward_data(g, weight, shape, ...): `shape` is the data's.
void infer_transposed_data(Call& c) {
    check_floating(c);
    Dims x = c.ints(2);
    Convolution k = convolution_of(view(x), c.in[1].shape(), &c.args[3]);
    if (!same(c.in[0].shape(), view(with_spatial(k.batch, k.filters, k.out))))
        throw shape_error("the cotangent has shape ", to_string(c.in[0].shape()), ", the result ",
                          to_string(view(with_spatial(k.batch, k.filters, k.out))))
            .in_argument("g");
    DType t = c.promoted();
    c.cast_all(t);
    c.output(view(x), t);
}

void run_transposed_data(Call& c) {
    Operands o(c);
    Convolution k = convolution_of(c.out[0].shape(), c.in[1].shape(), &c.args[3]);
    if (k.empty()) copy_into(o.out, full_scalar(0, o.t));
    else convolve_transpose_data(o.t, k, o.a.raw(), o.b.raw(), o.out.raw());
    o.finish(c);
}

// _conv_backward_weight(g, x, shape, ...): `shape` is the weight's.
void infer_transposed_weight(Call& c) {
    check_floating(c);
    Dims w = c.ints(2);
    Convolution k = convolution_of(c.in[1].shape(), view(w), &c.args[3]);
    if (!same(c.in[0].shape(), view(with_spatial(k.batch, k.filters, k.out))))
        throw shape_error("the cotangent has shape ", to_string(c.in[0].shape()), ", the result ",
                          to_string(view(with_spatial(k.batch, k.filters, k.out))))
            .in_argument("g");
    DType t = c.promoted();
    c.cast_all(t);
    c.output(view(w), t);
}

void run_transposed_weight(Call& c) {
    Operands o(c);
    Convolution k = convolution_of(c.in[1].shape(), c.out[0].shape(), &c.args[3]);
    if (k.empty()) copy_into(o.out, full_scalar(0, o.t));
    else convolve_transpose_weight(o.t, k, o.a.raw(), o.b.raw(), o.out.raw());
    o.finish(c);
}

Array conv(Reverse& c, const Array& x, const Array& w) {
    return call(MINPY_OP("convolution"), x, w, none_value(), c.arg(3), c.arg(4), c.arg(5), c.arg(6));
}
Array conv_data(Reverse& c, const Array& g, const Array& w, const Dims& shape) {
    return call(MINPY_OP("_conv_backward_data"), g, w, shape, c.arg(3), c.arg(4), c.arg(5), c.arg(6));
}
Array conv_weight(Reverse& c, const Array& g, const Array& x, const Dims& shape) {
    return call(MINPY_OP("_conv_backward_weight"), g, x, shape, c.arg(3), c.arg(4), c.arg(5), c.arg(6));
}

// ---- pooling ----

enum class Pool { max, avg, sum };

struct Pooling {
    Pool type;
    int64_t in[3] = {1, 1, 1}, kernel[3] = {1, 1, 1}, out[3] = {1, 1, 1}, stride[3] = {1, 1, 1}, pad[3] = {0, 0, 0};
    int64_t planes, in_size = 1, out_size = 1;
    Dims result;
};

// Attributes from `first` on: kernel, pool_type, stride, pad, global_pool, pooling_convention.
Pooling pooling_of(DimsView x, const minpy_value* attributes) {
    int64_t n = int64_t(x.size()) - 2;
    if (n < 1 || n > 3)
        throw shape_error("the data must have 3 to 5 axes, (batch, channels, spatial...), got shape ", to_string(x))
            .in_argument("x");
    Pooling p;
    std::string_view type = string_of(attributes[1]), convention = string_of(attributes[5]);
    if (type != "max" && type != "avg" && type != "sum")
        throw value_error("pool_type must be 'max', 'avg' or 'sum', got '", type, "'").in_argument("pool_type");
    if (convention != "valid" && convention != "full")
        throw value_error("pooling_convention must be 'valid' or 'full', got '", convention, "'")
            .in_argument("pooling_convention");
    p.type = type == "max" ? Pool::max : type == "avg" ? Pool::avg : Pool::sum;
    bool global = int_of(attributes[4]);
    Dims kernel, stride(n, 1), pad(n, 0);
    if (global) {
        kernel = Dims(x.begin() + 2, x.end());
    } else {
        kernel = spread(attributes[0], n, 0, "kernel", 1);
        stride = spread(attributes[2], n, 1, "stride", 1);
        pad = spread(attributes[3], n, 0, "pad", 0);
    }
    p.planes = x[0] * x[1];
    p.result = {x[0], x[1]};
    for (int64_t i = 0; i < n; ++i) {
        int64_t k = 3 - n + i, size = x[size_t(i + 2)], room = size + 2 * pad[i] - kernel[i];
        if (room < 0 || kernel[i] < 1)
            throw shape_error("a kernel of ", kernel[i], " does not fit an axis of ", size, " padded by ", pad[i])
                .in_argument("kernel");
        if (pad[i] >= kernel[i])
            throw value_error("pad must be less than kernel, got ", pad[i], " and ", kernel[i]).in_argument("pad");
        p.in[k] = size, p.kernel[k] = kernel[i], p.stride[k] = stride[i], p.pad[k] = pad[i];
        p.out[k] = (convention == "full" ? room + stride[i] - 1 : room) / stride[i] + 1;
        // Under "full" a last window may begin beyond the data; it has nothing to look at.
        if ((p.out[k] - 1) * stride[i] >= size + pad[i]) --p.out[k];
        p.in_size *= p.in[k];
        p.out_size *= p.out[k];
        p.result.push_back(p.out[k]);
    }
    return p;
}

// visit(output index, low[3], high[3], weight) for each window of one plane, clipped to the data.
template <class F> void for_windows(const Pooling& p, F&& visit) {
    int64_t at = 0, low[3], high[3];
    for (int64_t o0 = 0; o0 < p.out[0]; ++o0)
        for (int64_t o1 = 0; o1 < p.out[1]; ++o1)
            for (int64_t o2 = 0; o2 < p.out[2]; ++o2, ++at) {
                int64_t o[3] = {o0, o1, o2}, area = 1;
                for (int k = 0; k < 3; ++k) {
                    int64_t from = o[k] * p.stride[k] - p.pad[k];
                    int64_t to = std::min(from + p.kernel[k], p.in[k] + p.pad[k]);
                    area *= to - from;  // the average counts padding, as MXNet's does
                    low[k] = std::max<int64_t>(from, 0), high[k] = std::min(to, p.in[k]);
                }
                visit(at, low, high, p.type == Pool::avg ? 1.0 / double(area) : 1.0);
            }
}
template <class F> void for_window(const Pooling& p, const int64_t* low, const int64_t* high, F&& visit) {
    for (int64_t i = low[0]; i < high[0]; ++i)
        for (int64_t j = low[1]; j < high[1]; ++j)
            for (int64_t k = low[2]; k < high[2]; ++k) visit((i * p.in[1] + j) * p.in[2] + k);
}

template <class F> void for_planes(const Pooling& p, F&& plane) {
    int64_t step = std::max<int64_t>(1, 16384 / std::max<int64_t>(p.in_size, 1));
    parallel_for((p.planes + step - 1) / step, [&](int64_t task) {
        for (int64_t i = task * step; i < std::min(p.planes, (task + 1) * step); ++i) plane(i);
    });
}

template <class T> void pool(const Pooling& p, const T* x, T* y) {
    for_planes(p, [&](int64_t plane) {
        const T* from = x + plane * p.in_size;
        T* to = y + plane * p.out_size;
        for_windows(p, [&](int64_t at, const int64_t* low, const int64_t* high, double weight) {
            if (p.type == Pool::max) {
                T most = -std::numeric_limits<T>::infinity();
                for_window(p, low, high,
                           [&](int64_t i) { most = from[i] > most || std::isnan(from[i]) ? from[i] : most; });
                to[at] = most;
            } else {
                T sum = 0;
                for_window(p, low, high, [&](int64_t i) { sum += from[i]; });
                to[at] = T(sum * T(weight));
            }
        });
    });
}

// The share of each element of a window: of the maxima equal parts, as central differences say.
template <class T>
T share_of(const Pooling& p, const T* x, T y, const int64_t* low, const int64_t* high, double weight) {
    if (p.type != Pool::max) return T(weight);
    int64_t n = 0;
    for_window(p, low, high, [&](int64_t i) { n += x[i] == y; });
    return n ? T(1) / T(n) : T(0);
}

template <class T> void pool_backward(const Pooling& p, const T* g, const T* x, const T* y, T* dx) {
    std::fill_n(dx, p.planes * p.in_size, T(0));
    for_planes(p, [&](int64_t plane) {
        const T *from = x + plane * p.in_size, *best = y + plane * p.out_size, *arrived = g + plane * p.out_size;
        T* to = dx + plane * p.in_size;
        for_windows(p, [&](int64_t at, const int64_t* low, const int64_t* high, double weight) {
            T share = share_of(p, from, best[at], low, high, weight) * arrived[at];
            for_window(p, low, high,
                       [&](int64_t i) { to[i] += p.type != Pool::max || from[i] == best[at] ? share : T(0); });
        });
    });
}

template <class T> void pool_gather(const Pooling& p, const T* h, const T* x, const T* y, T* out) {
    for_planes(p, [&](int64_t plane) {
        const T *from = x + plane * p.in_size, *best = y + plane * p.out_size, *moved = h + plane * p.in_size;
        T* to = out + plane * p.out_size;
        for_windows(p, [&](int64_t at, const int64_t* low, const int64_t* high, double weight) {
            T sum = 0;
            for_window(p, low, high,
                       [&](int64_t i) { sum += p.type != Pool::max || from[i] == best[at] ? moved[i] : T(0); });
            to[at] = sum * share_of(p, from, best[at], low, high, weight);
        });
    });
}

// Operands in the dtype that is computed in, contiguous.
template <class F> void in_floats(Call& c, F&& body) {
    DType t = in(c.out[0].dtype(), kShortFloat) ? DType::float32 : c.out[0].dtype();
    Arrays in;
    for (const Array& a : c.in) in.push_back(a.dtype() == t ? contiguous(a) : copy_of(a, t));
    Array out = c.out[0].dtype() == t ? c.out[0] : empty(c.out[0].shape(), t);
    for_dtype<kFloat>(t, [&]<class T> {
        const T* p[3] = {};
        for (int64_t i = 0; i < in.size(); ++i) p[i] = in[i].raw_as<T>();
        body(p, out.raw_as<T>());
    });
    if (!out.is(c.out[0])) copy_into(c.out[0], out);
}

// The linear pieces of pooling: `x` and `y` say which elements are the maxima.
Array pool_piece(const Op& op, Reverse& c, const Array& g, const Array& x, const Array& y, int first) {
    return call(op, g, x, y, c.arg(first), c.arg(first + 1), c.arg(first + 2), c.arg(first + 3), c.arg(first + 4),
                c.arg(first + 5));
}

template <bool backward> void infer_pool_piece(Call& c) {
    check_floating(c);
    Pooling p = pooling_of(c.in[1].shape(), &c.args[3]);
    if (!same(c.in[0].shape(), backward ? view(p.result) : c.in[1].shape()) || !same(c.in[2].shape(), view(p.result)))
        throw shape_error("shapes do not fit together: ", to_string(c.in[0].shape()), " ", to_string(c.in[1].shape()),
                          " ", to_string(c.in[2].shape()));
    DType t = c.promoted();
    c.cast_all(t);
    c.output(backward ? c.in[1].shape() : view(p.result), t);
}

}  // namespace

void register_convolution(Registry& r) {
    r.op("convolution(x, weight, bias: array? = None, stride: ints = None, pad: ints = None, dilate: ints = None, "
         "groups: int = 1)")
        .infer(infer_convolution)
        .kernel(run_convolution)
        .reverse([](Reverse& c) {
            Array g = c.g();
            if (c.needs(0)) c.set(0, conv_data(c, g, c.in(1), c.in_shape(0)));
            if (c.needs(1)) c.set(1, conv_weight(c, g, c.in(0), c.in_shape(1)));
            if (c.needs(2)) {
                Dims axes{0};
                for (int64_t i = 2; i < g.ndim(); ++i) axes.push_back(i);
                c.set(2, ops::sum(g, view(axes)));
            }
        })
        .saves(true, false)
        .sample("f64(2,3,5,5), f64(4,3,3,3), f64(4)")
        .sample("f64(1,4,6), f64(2,2,2), stride=2, pad=1, dilate=2, groups=2")
        .doc("Cross-correlation of (batch, channels, spatial...) with (filters, channels / groups, kernel...).");
    r.op("_conv_backward_data(g, weight, shape: ints, stride: ints = None, pad: ints = None, dilate: ints = None, "
         "groups: int = 1)")
        .infer(infer_transposed_data)
        .kernel(run_transposed_data)
        .reverse([](Reverse& c) {
            if (c.needs(0)) c.set(0, conv(c, c.g(), c.in(1)));
            if (c.needs(1)) c.set(1, conv_weight(c, c.in(0), c.g(), c.in_shape(1)));
        })
        .saves(true, false)
        .sample("f64(2,4,3,3), f64(4,3,3,3), (2,3,5,5)")
        .doc("The transpose of a convolution in its data.");
    r.op("_conv_backward_weight(g, x, shape: ints, stride: ints = None, pad: ints = None, dilate: ints = None, groups: "
         "int = 1)")
        .infer(infer_transposed_weight)
        .kernel(run_transposed_weight)
        .reverse([](Reverse& c) {
            if (c.needs(0)) c.set(0, conv(c, c.in(1), c.g()));
            if (c.needs(1)) c.set(1, conv_data(c, c.in(0), c.g(), c.in_shape(1)));
        })
        .saves(true, false)
        .sample("f64(2,4,3,3), f64(2,3,5,5), (4,3,3,3)")
        .doc("The transpose of a convolution in its weight.");

#define MINPY_POOLING                                                                    \
    "kernel: ints = (), pool_type: str = 'max', stride: ints = None, pad: ints = None, " \
    "global_pool: bool = False, pooling_convention: str = 'valid')"
    r.op("pooling(x, " MINPY_POOLING)
        .infer([](Call& c) {
            check_floating(c);
            c.output(view(pooling_of(c.in[0].shape(), &c.args[1]).result), c.in[0].dtype());
        })
        .kernel([](Call& c) {
            Pooling p = pooling_of(c.in[0].shape(), &c.args[1]);
            in_floats(c, [&](const auto* const* in, auto* out) { pool(p, in[0], out); });
        })
        .reverse([](Reverse& c) { c.set(0, pool_piece(MINPY_OP("_pool_backward"), c, c.g(), c.in(0), c.out(), 1)); })
        .sample("f64(2,3,6,6), kernel=2, stride=2")
        .sample("f64(2,3,5), kernel=3, pool_type='avg', pad=1, pooling_convention='full', stride=2")
        .sample("f64(1,2,4,4), pool_type='sum', global_pool=True")
        .doc("Maximum, average or sum of windows over the spatial axes, with MXNet's conventions.");
    r.op("_pool_backward(g, x, y, " MINPY_POOLING)
        .infer(infer_pool_piece<true>)
        .kernel([](Call& c) {
            Pooling p = pooling_of(c.in[1].shape(), &c.args[3]);
            in_floats(c, [&](const auto* const* in, auto* out) { pool_backward(p, in[0], in[1], in[2], out); });
        })
        .reverse([](Reverse& c) {
            if (c.needs(0)) c.set(0, pool_piece(MINPY_OP("_pool_gather"), c, c.g(), c.in(1), c.in(2), 3));
        })
        .saves(true, false)
        .doc("The transpose of pooling at x, whose result was y.");
    r.op("_pool_gather(h, x, y, " MINPY_POOLING)
        .infer(infer_pool_piece<false>)
        .kernel([](Call& c) {
            Pooling p = pooling_of(c.in[1].shape(), &c.args[3]);
            in_floats(c, [&](const auto* const* in, auto* out) { pool_gather(p, in[0], in[1], in[2], out); });
        })
        .reverse([](Reverse& c) {
            if (c.needs(0)) c.set(0, pool_piece(MINPY_OP("_pool_backward"), c, c.g(), c.in(1), c.in(2), 3));
        })
        .saves(true, false)
        .doc("The derivative of pooling at x, whose result was y, along h.");
#undef MINPY_POOLING
}

}  // namespace minpy
