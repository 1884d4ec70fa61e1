// Batch, layer, instance and local response normalisation. The fused operators give results and first derivatives; what
// they equal is written down in terms of operators, and higher orders differentiate that.
#include <cmath>

#include "core/cpu/layer_loops.h"
#include "core/cpu/pool.h"
#include "core/ops/floats.h"
#include "core/ops/fused.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {

DimsView view(const Dims& d) { return {d.data(), size_t(d.size())}; }

// The data as (outer, channels, inner).
struct Channels {
    int64_t outer = 1, channels, inner = 1, axis;
    Channels(DimsView x, const minpy_value& axis_of) {
        if (x.size() < 2)
            throw shape_error("the data must have at least 2 axes, got shape ", to_string(x)).in_argument("x");
        axis = normalize_axis(int_of(axis_of), int64_t(x.size()));
        channels = x[size_t(axis)];
        for (int64_t i = 0; i < int64_t(x.size()); ++i)
            (i < axis ? outer : i > axis ? inner : channels) *= i == axis ? 1 : x[size_t(i)];
    }
    int64_t count() const { return outer * inner; }
    template <class F> void for_channel(int64_t c, F&& run) const {  // runs of elements: offset and length
        for (int64_t o = 0; o < outer; ++o) run((o * channels + c) * inner, inner);
    }
};

template <class F> void for_channels(const Channels& k, F&& run) {
    int64_t each = std::max<int64_t>(1, 16384 / std::max<int64_t>(k.count(), 1));
    parallel_for((k.channels + each - 1) / each, [&](int64_t task) {
        for (int64_t c = task * each; c < std::min(k.channels, (task + 1) * each); ++c) run(c);
    });
}

template <class T>
void batch_norm_forward(const Channels& k, double eps, const T* x, const T* gamma, const T* beta, T* y, T* mean,
                        T* var) {
    const LayerLoops<T>& loops = layer_loops<T>();
    double n = double(std::max<int64_t>(k.count(), 1));
    for_channels(k, [&](int64_t c) {
        double sum = 0, squares = 0;
        k.for_channel(c, [&](int64_t at, int64_t len) { sum += loops.sum(x + at, len); });
        double m = sum / n;
        k.for_channel(c, [&](int64_t at, int64_t len) { squares += loops.squares(x + at, len, m); });
        double v = squares / n, scale = double(gamma[c]) / std::sqrt(v + eps);
        mean[c] = T(m), var[c] = T(v);
        T s = T(scale), shift = T(double(beta[c]) - m * scale);
        k.for_channel(c, [&](int64_t at, int64_t len) { loops.affine(x + at, y + at, len, s, shift); });
    });
}

// dx = a g + b x + shift of one channel.
template <class T> struct Slope {
    T a, b, shift;
    Slope(double n, double sum, double dot, double r, double gamma, double mean)
        : a(T(gamma * r)),
          b(T(-gamma * r * dot * r / n)),
          shift(T(-gamma * r * sum / n + gamma * r * dot * r * mean / n)) {}
};

template <class T>
void batch_norm_backward(const Channels& k, double eps, const T* g, const T* x, const T* gamma, const T* mean,
                         const T* var, T* dx, T* dgamma, T* dbeta) {
    const LayerLoops<T>& loops = layer_loops<T>();
    double n = double(std::max<int64_t>(k.count(), 1));
    for_channels(k, [&](int64_t c) {
        double m = double(mean[c]), r = 1 / std::sqrt(double(var[c]) + eps), sum = 0, dot = 0;
        k.for_channel(c, [&](int64_t at, int64_t len) {
            double more, product;
            loops.sum_and_product(g + at, x + at, len, mean[c], &more, &product);
            sum += more, dot += product;
        });
        dot *= r;  // with the normalised data
        dbeta[c] = T(sum), dgamma[c] = T(dot);
        Slope<T> s(n, sum, dot, r, double(gamma[c]), m);
        k.for_channel(
            c, [&](int64_t at, int64_t len) { loops.affine_two(g + at, x + at, dx + at, len, s.a, s.b, s.shift); });
    });
}

// The same where channels lie next to each other: rows of numbers of up to kChannels channels.
constexpr int64_t kChannels = 256;
template <class F> void for_channel_blocks(const Channels& k, F&& run) {
    parallel_for((k.channels + kChannels - 1) / kChannels,
                 [&](int64_t i) { run(i * kChannels, std::min(kChannels, k.channels - i * kChannels)); });
}

template <class T>
void batch_norm_forward_lines(const Channels& k, double eps, const T* x, const T* gamma, const T* beta, T* y, T* mean,
                              T* var) {
    const LayerLoops<T>& loops = layer_loops<T>();
    double n = double(std::max<int64_t>(k.outer, 1));
    for_channel_blocks(k, [&](int64_t first, int64_t width) {
        double middle[kChannels] = {}, squares[kChannels] = {};
        T scale[kChannels], shift[kChannels];
        loops.sum_lines(x + first, k.outer, k.channels, width, middle);
        for (int64_t c = 0; c < width; ++c) middle[c] /= n;
        loops.squares_lines(x + first, k.outer, k.channels, width, middle, squares);
        for (int64_t c = 0; c < width; ++c) {
            double v = squares[c] / n, s = double(gamma[first + c]) / std::sqrt(v + eps);
            mean[first + c] = T(middle[c]), var[first + c] = T(v);
            scale[c] = T(s), shift[c] = T(double(beta[first + c]) - middle[c] * s);
        }
        loops.affine_lines(x + first, y + first, k.outer, k.channels, width, scale, shift);
    });
}

template <class T>
void batch_norm_backward_lines(const Channels& k, double eps, const T* g, const T* x, const T* gamma, const T* mean,
                               const T* var, T* dx, T* dgamma, T* dbeta) {
    const LayerLoops<T>& loops = layer_loops<T>();
    double n = double(std::max<int64_t>(k.outer, 1));
    for_channel_blocks(k, [&](int64_t first, int64_t width) {
        double sum[kChannels] = {}, dot[kChannels] = {};
        T a[kChannels], b[kChannels], shift[kChannels];
        loops.sum_and_product_lines(g + first, x + first, k.outer, k.channels, width, mean + first, sum, dot);
        for (int64_t c = 0; c < width; ++c) {
            double r = 1 / std::sqrt(double(var[first + c]) + eps);
            dot[c] *= r;
            dbeta[first + c] = T(sum[c]), dgamma[first + c] = T(dot[c]);
            Slope<T> s(n, sum[c], dot[c], r, double(gamma[first + c]), double(mean[first + c]));
            a[c] = s.a, b[c] = s.b, shift[c] = s.shift;
        }
        loops.affine_two_lines(g + first, x + first, dx + first, k.outer, k.channels, width, a, b, shift);
    });
}

// What the backward is, in terms of operators: (dx, dgamma, dbeta) of g, x and gamma.
Arrays backward_of(const Array& g, const Array& x, const Array& gamma, double eps, int64_t axis) {
    Dims axes;
    for (int64_t i = 0; i < x.ndim(); ++i)
        if (i != axis) axes.push_back(i);
    double n = double(std::max<int64_t>(x.size() / std::max<int64_t>(x.dim(axis), 1), 1));
    Array centred = x - ops::sum(x, view(axes), true) / n;
    Array r = 1.0 / call(MINPY_OP("sqrt"), ops::sum(centred * centred, view(axes), true) / n + eps);
    Array normal = centred * r;
    Array dbeta = ops::sum(g, view(axes), true), dgamma = ops::sum(g * normal, view(axes), true);
    Array dx = column(gamma, x.ndim(), axis) * r * (g - dbeta / n - normal * (dgamma / n));
    return {dx, ops::reshape(dgamma, gamma.shape()), ops::reshape(dbeta, gamma.shape())};
}

// The data with mean 0 and variance 1 over all axes but one.
Array normalized(const Array& x, double eps, int64_t axis) {
    Dims n{x.dim(axis)};
    return call(MINPY_OP("_batch_norm"), x, ops::ones(view(n), x.dtype(), x.device()),
                ops::zeros(view(n), x.dtype(), x.device()), eps, axis);
}

Array inference(const Array& x, const Array& gamma, const Array& beta, const Array& mean, const Array& var, double eps,
                int64_t axis) {
    int64_t n = x.ndim();
    Array scale = gamma / call(MINPY_OP("sqrt"), var + eps);
    return x * column(scale, n, axis) + column(beta - mean * scale, n, axis);
}

}  // namespace

void register_normalization(Registry& r) {
    // (y, mean, variance of the batch)
    r.op("_batch_norm(x, gamma, beta, eps: float = 1e-05, axis: axis = 1)")
        .outputs(3)
        .infer([](Call& c) {
            DType t = floating(c);
            Channels k(c.in[0].shape(), c.args[4]);
            check_vector(c.in[1], k.channels, "gamma");
            check_vector(c.in[2], k.channels, "beta");
            c.cast_all(t);
            c.output(c.in[0].shape(), t);
            c.output(c.in[1].shape(), t);
            c.output(c.in[1].shape(), t);
        })
        .kernel([](Call& c) {
            Channels k(c.in[0].shape(), c.args[4]);
            Floats f(c);
            for_dtype<kFloat>(f.t, [&]<class T> {
                auto* forward = k.inner == 1 ? batch_norm_forward_lines<T> : batch_norm_forward<T>;
                forward(k, c.number(3), f.in[0].raw_as<T>(), f.in[1].raw_as<T>(), f.in[2].raw_as<T>(),
                        f.out[0].raw_as<T>(), f.out[1].raw_as<T>(), f.out[2].raw_as<T>());
            });
            f.finish(c);
        })
        .reverse([](Reverse& c) {
            Array x = c.in(0);
            int64_t axis = normalize_axis(c.integer(4), x.ndim());
            if (c.has_g(0)) {
                Arrays d =
                    invoke(MINPY_OP("_batch_norm_backward"),
                           std::initializer_list<minpy_value>{to_value(c.g(0)), to_value(x), to_value(c.in(1)),
                                                              to_value(without_node(c.out(1))),
                                                              to_value(without_node(c.out(2))), c.arg(3), c.arg(4)});
                for (int64_t i = 0; i < 3; ++i)
                    if (c.needs(i)) c.set(i, d[i]);
            }
            if (!c.needs(0) || !(c.has_g(1) || c.has_g(2))) return;
            double n = double(std::max<int64_t>(x.size() / std::max<int64_t>(x.dim(axis), 1), 1));
            Array more;
            if (c.has_g(1)) more = column(c.g(1) / n, x.ndim(), axis);
            if (c.has_g(2))
                more = ops::accumulate(
                    more, column(c.g(2) * (2 / n), x.ndim(), axis) * (x - column(c.out(1), x.ndim(), axis)));
            c.set(0, ops::accumulate(c.results[0], ops::broadcast_to(more, x.shape())));
        })
        .sample("f64(4,3), f64(3), f64(3)")
        .sample("f64(2,3,2,2), f64(3), f64(3), eps=0.1")
        .doc("The data normalised over all axes but one, scaled and shifted; and the mean and variance used.");

    r.op("_batch_norm_backward(g, x, gamma, mean, var, eps: float = 1e-05, axis: axis = 1)")
        .outputs(3)
        .infer([](Call& c) {
            DType t = floating(c);
            Channels k(c.in[1].shape(), c.args[6]);
            if (!same(c.in[0].shape(), c.in[1].shape()))
                throw shape_error("the cotangent has shape ", to_string(c.in[0].shape()), ", the data ",
                                  to_string(c.in[1].shape()))
                    .in_argument("g");
            for (int i = 2; i < 5; ++i) check_vector(c.in[i], k.channels, c.op.params[size_t(i)].name.c_str());
            c.cast_all(t);
            c.output(c.in[1].shape(), t);
            c.output(c.in[2].shape(), t);
            c.output(c.in[2].shape(), t);
        })
        .kernel([](Call& c) {
            Channels k(c.in[1].shape(), c.args[6]);
            Floats f(c);
            for_dtype<kFloat>(f.t, [&]<class T> {
                const T* p[5];
                for (int i = 0; i < 5; ++i) p[i] = f.in[i].raw_as<T>();
                auto* backward = k.inner == 1 ? batch_norm_backward_lines<T> : batch_norm_backward<T>;
                backward(k, c.number(5), p[0], p[1], p[2], p[3], p[4], f.out[0].raw_as<T>(), f.out[1].raw_as<T>(),
                         f.out[2].raw_as<T>());
            });
            f.finish(c);
        })
        .reverse([](Reverse& c) {
            double eps = double_of(c.arg(5));
            int64_t axis = normalize_axis(c.integer(6), int64_t(c.in_shape(1).size()));
            reverse_of(c, 3, [&](const Arrays& a) { return backward_of(a[0], a[1], a[2], eps, axis); });
        })
        .saves(true, false)
        .doc("The transpose of _batch_norm; mean and variance are those of the data.");

    r.op("batch_norm(x, gamma, beta, moving_mean: array? = None, moving_var: array? = None, eps: float = 1e-05, "
         "momentum: float = 0.9, "
         "axis: axis = 1, training: bool? = None)")
        .composite([](Call& c) {
            bool training = c.is_none(8) ? c.context.training || !c.in[3] || !c.in[4] : c.flag(8);
            int64_t axis = normalize_axis(c.integer(7), c.in[0].ndim());
            if (!training) {
                if (!c.in[3] || !c.in[4]) throw value_error("inference needs moving_mean and moving_var");
                Channels k(c.in[0].shape(), c.args[7]);
                for (int i = 1; i < 5; ++i) check_vector(c.in[i], k.channels, c.op.params[size_t(i)].name.c_str());
                c.out.push_back(inference(c.in[0], c.in[1], c.in[2], c.in[3], c.in[4], c.number(5), axis));
                return;
            }
            minpy_value args[] = {to_value(c.in[0]), to_value(c.in[1]), to_value(c.in[2]), c.args[5], c.args[7]};
            CallOptions with;
            with.context = &c.context;
            Arrays found = invoke(MINPY_OP("_batch_norm"), args, with);
            double keep = c.number(6);
            for (int i = 0; i < 2; ++i) {
                const Array& moving = c.in[3 + i];
                if (!moving) continue;
                check_vector(moving, found[1].size(), c.op.params[size_t(i) + 3].name.c_str());
                assign(moving, without_node(moving) * keep + without_node(found[1 + i]) * (1 - keep), c.context);
            }
            c.out.push_back(found[0]);
        })
        .domain("(0.5, 2)")
        .sample("f64(4,3), f64(3), f64(3)")
        .sample("f64(2,3,2), f64(3), f64(3), f64(3), f64(3), training=False")
        .doc(
            "Batch normalisation. In training the batch's mean and variance are used, and the moving ones updated in "
            "place; "
            "else the moving ones are used. By default as the context says.");

    r.op("instance_norm(x, gamma, beta, eps: float = 1e-05)")
        .composite([](Call& c) {
            const Array& x = c.in[0];
            if (x.ndim() < 3)
                throw shape_error("the data must have at least 3 axes, got shape ", to_string(x.shape()))
                    .in_argument("x");
            check_vector(c.in[1], x.dim(1), "gamma");
            check_vector(c.in[2], x.dim(1), "beta");
            int64_t planes = x.dim(0) * x.dim(1);
            Dims flat{planes, planes ? x.size() / planes : 0};
            Array normal = normalized(ops::reshape(x, view(flat)), c.number(3), 0);
            c.out.push_back(ops::reshape(normal, x.shape()) * column(c.in[1], x.ndim(), 1) +
                            column(c.in[2], x.ndim(), 1));
        })
        .sample("f64(2,3,4), f64(3), f64(3)")
        .doc("Each channel of each sample normalised over its spatial axes, scaled and shifted.");

    r.op("local_response_norm(x, size: int = 5, alpha: float = 0.0001, beta: float = 0.75, k: float = 2.0)")
        .composite([](Call& c) {
            const Array& x = c.in[0];
            int64_t size = c.integer(1);
            if (x.ndim() < 2)
                throw shape_error("the data must have at least 2 axes, got shape ", to_string(x.shape()))
                    .in_argument("x");
            if (size < 1 || size % 2 == 0)
                throw value_error("size must be odd and positive, got ", size).in_argument("size");
            // Sums over neighbouring channels are a pooling of (batch, 1, channels, rest).
            int64_t rest = 1;
            for (int64_t i = 2; i < x.ndim(); ++i) rest *= x.dim(i);
            Dims four{x.dim(0), 1, x.dim(1), rest}, kernel{size, 1}, stride{1, 1}, pad{size / 2, 0};
            Array squares = call(MINPY_OP("pooling"), ops::reshape(call(MINPY_OP("square"), x), view(four)), kernel,
                                 "sum", stride, pad);
            Array scale = ops::reshape(squares, x.shape()) * (c.number(2) / double(size)) + c.number(4);
            c.out.push_back(x * call(MINPY_OP("power"), scale, -c.number(3)));
        })
        .sample("f64(2,4,3), size=3, alpha=0.5")
        .doc("x / (k + alpha / size * s)**beta, where s sums the squares of `size` neighbouring channels.");
}

}  // namespace minpy
