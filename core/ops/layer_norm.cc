// Layer normalisation: each row with mean 0 and variance 1. The fused operators give the result and the first derivatives,
// higher orders differentiate the composite that they equal.
#include "core/cpu/layer_loops.h"
#include "core/cpu/pool.h"
#include "core/cpu/scratch.h"
#include "core/ops/floats.h"
#include "core/ops/fused.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {

DimsView view(const Dims& d) { return {d.data(), size_t(d.size())}; }
DimsView all_but_last(DimsView shape) { return shape.first(shape.size() - 1); }

// The data as rows of n elements, some of which are a task.
struct Rows {
    int64_t rows = 1, n, step;
    explicit Rows(DimsView x) : n(x.back()) {
        for (int64_t size : all_but_last(x)) rows *= size;
        step = std::max<int64_t>({16, (rows + 15) / 16, 16384 / std::max<int64_t>(n, 1)});
    }
    int64_t tasks() const { return (rows + step - 1) / step; }
    template <class F> void for_tasks(F&& run) const {
        parallel_for(tasks(), [&](int64_t task) { run(task, task * step, std::min(step, rows - task * step)); });
    }
    // Sums of gamma's and beta's derivatives: of each task in double, of some rows in the data's dtype.
    ScratchSizes scratch(DType t) const {
        return {checked_mul(checked_mul(tasks(), n), 2 * sizeof(double)), checked_mul(n, 2 * itemsize(t))};
    }
};

void check_data(const Array& x) {
    if (x.ndim() < 1) throw shape_error("the data must have at least one axis").in_argument("x");
}

template <class T>
void backward(const Rows& k, double eps, const T* g, const T* x, const T* gamma, const T* mean, const T* var, T* dx,
              T* dgamma, T* dbeta, const Array& set_aside) {
    constexpr int64_t kRows = 64;  // whose derivatives are added in T
    Scratch scratch(set_aside, k.scratch(dtype_of<T>), k.tasks());
    double* sums = reinterpret_cast<double*>(scratch.shared());
    k.for_tasks([&](int64_t task, int64_t first, int64_t rows) {
        Scratch::Slot slot(scratch);
        T* part = reinterpret_cast<T*>(slot.get());
        double* sum = sums + task * 2 * k.n;
        std::fill_n(sum, 2 * k.n, 0.0);
        for (int64_t r = first; r < first + rows; r += kRows) {
            std::fill_n(part, 2 * k.n, T(0));
            layer_loops<T>().layer_norm_backward(g + r * k.n, x + r * k.n, gamma, mean + r, var + r, dx + r * k.n, part,
                                                 part + k.n, std::min(kRows, first + rows - r), k.n, eps);
            for (int64_t i = 0; i < 2 * k.n; ++i) sum[i] += double(part[i]);
        }
    });
    for (int64_t task = 1; task < k.tasks(); ++task)
        for (int64_t i = 0; i < 2 * k.n; ++i) sums[i] += sums[task * 2 * k.n + i];
    for (int64_t i = 0; i < k.n; ++i) {
        dgamma[i] = k.rows ? T(sums[i]) : T(0);
        dbeta[i] = k.rows ? T(sums[k.n + i]) : T(0);
    }
}

// What the backward is, in terms of operators: (dx, dgamma, dbeta) of g, x and gamma.
Arrays backward_of(const Array& g, const Array& x, const Array& gamma, double eps) {
    Dims last{x.ndim() - 1}, others;
    for (int64_t i = 0; i + 1 < x.ndim(); ++i) others.push_back(i);
    double n = double(std::max<int64_t>(x.dim(x.ndim() - 1), 1));
    Array centred = x - ops::sum(x, view(last), true) / n;
    Array r = 1.0 / call(MINPY_OP("sqrt"), ops::sum(centred * centred, view(last), true) / n + eps);
    Array normal = centred * r, scaled = g * gamma;
    Array dx =
        (scaled - ops::sum(scaled, view(last), true) / n - normal * (ops::sum(scaled * normal, view(last), true) / n)) *
        r;
    if (others.empty()) return {dx, g * normal, g};
    return {dx, ops::sum(g * normal, view(others)), ops::sum(g, view(others))};
}

// One number for each row against the data.
Array of_rows(const Array& v) {
    Dims shape = v.dims();
    shape.push_back(1);
    return ops::reshape(v, view(shape));
}

}  // namespace

void register_layer_norm(Registry& r) {
    // (y, mean, variance of the rows)
    r.op("_layer_norm(x, gamma, beta, eps: float = 1e-05)")
        .outputs(3)
        .infer([](Call& c) {
            DType t = floating(c);
            check_data(c.in[0]);
            DimsView x = c.in[0].shape();
            check_vector(c.in[1], x.back(), "gamma");
            check_vector(c.in[2], x.back(), "beta");
            c.cast_all(t);
            c.output(x, t);
            c.output(all_but_last(x), t);
            c.output(all_but_last(x), t);
        })
        .kernel([](Call& c) {
            Rows k(c.in[0].shape());
            Floats f(c);
            for_dtype<kFloat>(f.t, [&]<class T> {
                k.for_tasks([&](int64_t, int64_t first, int64_t rows) {
                    layer_loops<T>().layer_norm(f.in[0].raw_as<T>() + first * k.n, f.in[1].raw_as<T>(),
                                                f.in[2].raw_as<T>(), f.out[0].raw_as<T>() + first * k.n,
                                                f.out[1].raw_as<T>() + first, f.out[2].raw_as<T>() + first, rows, k.n,
                                                c.number(3));
                });
            });
            f.finish(c);
        })
        .reverse([](Reverse& c) {
            Array x = c.in(0);
            if (c.has_g(0)) {
                Arrays d = invoke(MINPY_OP("_layer_norm_backward"),
                                  std::initializer_list<minpy_value>{to_value(c.g(0)), to_value(x), to_value(c.in(1)),
                                                                     to_value(without_node(c.out(1))),
                                                                     to_value(without_node(c.out(2))), c.arg(3)});
                for (int64_t i = 0; i < 3; ++i)
                    if (c.needs(i)) c.set(i, d[i]);
            }
            if (!c.needs(0) || !(c.has_g(1) || c.has_g(2))) return;
            double n = double(std::max<int64_t>(x.dim(x.ndim() - 1), 1));
            Array more;
            if (c.has_g(1)) more = of_rows(c.g(1) / n);
            if (c.has_g(2)) more = ops::accumulate(more, of_rows(c.g(2) * (2 / n)) * (x - of_rows(c.out(1))));
            c.set(0, ops::accumulate(c.results[0], ops::broadcast_to(more, x.shape())));
        })
        .sample("f64(4,3), f64(3), f64(3)")
        .sample("f64(2,3,5), f64(5), f64(5), eps=0.1")
        .doc("The rows normalised, scaled and shifted; and the mean and variance used.");

    r.op("_layer_norm_backward(g, x, gamma, mean, var, eps: float = 1e-05)")
        .outputs(3)
        .infer([](Call& c) {
            DType t = floating(c);
            check_data(c.in[1]);
            DimsView x = c.in[1].shape();
            if (!same(c.in[0].shape(), x))
                throw shape_error("the cotangent has shape ", to_string(c.in[0].shape()), ", the data ", to_string(x))
                    .in_argument("g");
            check_vector(c.in[2], x.back(), "gamma");
            for (int i = 3; i < 5; ++i)
                if (!same(c.in[i].shape(), all_but_last(x)))
                    throw shape_error("there must be one number for each row, got shape ", to_string(c.in[i].shape()))
                        .in_argument(c.op.params[size_t(i)].name);
            c.cast_all(t);
            c.output(x, t);
            c.output(c.in[2].shape(), t);
            c.output(c.in[2].shape(), t);
        })
        .kernel([](Call& c) {
            Rows k(c.in[1].shape());
            Floats f(c);
            for_dtype<kFloat>(f.t, [&]<class T> {
                const T* p[5];
                for (int i = 0; i < 5; ++i) p[i] = f.in[i].raw_as<T>();
                backward(k, c.number(5), p[0], p[1], p[2], p[3], p[4], f.out[0].raw_as<T>(), f.out[1].raw_as<T>(),
                         f.out[2].raw_as<T>(), c.workspace);
            });
            f.finish(c);
        })
        .workspace([](const Call& c) {
            Rows k(c.in[1].shape());
            return k.scratch(computed_in(c)).bytes(k.tasks());
        })
        .reverse([](Reverse& c) {
            double eps = double_of(c.arg(5));
            reverse_of(c, 3, [&](const Arrays& a) { return backward_of(a[0], a[1], a[2], eps); });
        })
        .saves(true, false)
        .doc("The transpose of _layer_norm; mean and variance are those of the data.");

    r.op("layer_norm(x, gamma, beta, axis: axis = -1, eps: float = 1e-05)")
        .composite([](Call& c) {
            const Array& x = c.in[0];
            check_data(x);
            int64_t axis = c.axis(3, x.ndim()), last = x.ndim() - 1;
            check_vector(c.in[1], x.dim(axis), "gamma");
            check_vector(c.in[2], x.dim(axis), "beta");
            minpy_value args[] = {none_value(), to_value(c.in[1]), to_value(c.in[2]), c.args[4]};
            Array rows = axis == last ? x : ops::move_axis(x, axis, last);
            args[0] = to_value(rows);
            CallOptions with;
            with.context = &c.context;
            Array y = invoke(MINPY_OP("_layer_norm"), args, with).front();
            c.out.push_back(axis == last ? y : ops::move_axis(y, last, axis));
        })
        .sample("f64(2,3,2), f64(3), f64(3), axis=1")
        .sample("f64(4,3), f64(3), f64(3)")
        .doc("The data normalised along one axis, scaled and shifted.");
}

}  // namespace minpy
