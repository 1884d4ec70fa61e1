// Pooling over one to three spatial axes: (batch, channels, spatial...), with MXNet's conventions.
#include "core/cpu/pooling.h"

#include "core/autograd/rules.h"
#include "core/ops/spatial.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {

DimsView view(const Dims& d) { return {d.data(), size_t(d.size())}; }

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
    p.type = type == "max" ? Pooling::Type::max : type == "avg" ? Pooling::Type::avg : Pooling::Type::sum;
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

void register_pooling(Registry& r) {
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
