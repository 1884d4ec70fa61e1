// Convolution over one to three spatial axes: (batch, channels, spatial...). It is linear in the data and in the weights;
// its transposes are operators too, so every order follows from three kernels.
#include "core/cpu/convolution.h"

#include "core/autograd/rules.h"
#include "core/ops/floats.h"
#include "core/ops/spatial.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {

DimsView view(const Dims& d) { return {d.data(), size_t(d.size())}; }

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
    explicit Operands(Call& c) : t(computed_in(c)) {
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
        convolve(o.t, k, o.a.raw(), o.b.raw(), o.bias ? o.bias.raw() : nullptr, o.out.raw(), c.workspace);
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
    else convolve_transpose_data(o.t, k, o.a.raw(), o.b.raw(), o.out.raw(), c.workspace);
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
    else convolve_transpose_weight(o.t, k, o.a.raw(), o.b.raw(), o.out.raw(), c.workspace);
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

}  // namespace

void register_convolution(Registry& r) {
    r.op("convolution(x, weight, bias: array? = None, stride: ints = None, pad: ints = None, dilate: ints = None, "
         "groups: int = 1)")
        .infer(infer_convolution)
        .kernel(run_convolution)
        .workspace([](const Call& c) {
            return convolution_scratch(computed_in(c), ConvolutionPart::forward,
                                       convolution_of(c.in[0].shape(), c.in[1].shape(), &c.args[3]), bool(c.in[2]));
        })
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
        .workspace([](const Call& c) {
            return convolution_scratch(computed_in(c), ConvolutionPart::data,
                                       convolution_of(c.out[0].shape(), c.in[1].shape(), &c.args[3]), false);
        })
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
        .workspace([](const Call& c) {
            return convolution_scratch(computed_in(c), ConvolutionPart::weight,
                                       convolution_of(c.in[1].shape(), c.out[0].shape(), &c.args[3]), false);
        })
        .reverse([](Reverse& c) {
            if (c.needs(0)) c.set(0, conv(c, c.in(1), c.g()));
            if (c.needs(1)) c.set(1, conv_data(c, c.in(0), c.g(), c.in_shape(1)));
        })
        .saves(true, false)
        .sample("f64(2,4,3,3), f64(2,3,5,5), (4,3,3,3)")
        .doc("The transpose of a convolution in its weight.");
}

}  // namespace minpy
