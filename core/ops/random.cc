// Rows of random numbers. The public ones take the next draw of the context's stream and are composites over rows that are
// functions of seed, stream and draw: tapes replay them, and gradients reach locations and scales.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "core/cpu/pool.h"
#include "core/ops/axes.h"
#include "core/registry/device.h"
#include "core/registry/registry.h"

namespace minpy {
namespace elements {
#include "core/ops/math.h"
// The vocabulary first.
#include "core/ops/random.h"
}  // namespace elements

namespace {

constexpr int64_t kTask = 1 << 13;  // elements of one task

// Where a stream stands, as attributes of an internal row.
struct Draw {
    int64_t seed, stream, draw;
    explicit Draw(const Call& c)
        : seed(int64_t(c.context.rng->seed)),
          stream(int64_t(c.context.rng->stream)),
          draw(int64_t(c.context.rng->counter.fetch_add(1))) {}
};

// f(index) for all elements, over the threads.
template <class F> void for_elements(int64_t n, F&& f) {
    parallel_for((n + kTask - 1) / kTask, [&](int64_t task) {
        for (int64_t i = task * kTask; i < std::min(n, (task + 1) * kTask); ++i) f(i);
    });
}

// The attributes (…, seed, stream, draw) from `at` on.
struct State {
    uint64_t key, draw;
    State(const Call& c, int at)
        : key(elements::stream_key(uint64_t(c.integer(at)), uint64_t(c.integer(at + 1)))),
          draw(uint64_t(c.integer(at + 2))) {}
};

template <class D> void draw_kernel(Call& c) {
    State s(c, 2);
    const Array& to = c.out[0];
    bool wide = to.dtype() == DType::float64;
    Array work = in(to.dtype(), kFloat) ? to : empty(to.shape(), DType::float32);
    for_elements(to.size(), [&](int64_t i) {
        elements::Words x = elements::random_words(s.key, s.draw, uint64_t(i), 0);
        if (wide) work.raw_as<double>()[i] = D{}(x);
        else work.raw_as<float>()[i] = D{}.single(x);
    });
    if (!work.is(to)) copy_into(to, work);
}

void infer_draw(Call& c) {
    DType t = c.dtype(1, DType::float64);
    if (!in(t, kFloating)) throw type_error("Unsupported dtype dtype('", name(t), "') for ", c.op.name);
    for (int64_t n : c.ints(0))
        if (n < 0) throw value_error("negative dimensions are not allowed");
    c.output(c.ints(0), t);
}

void check_range(double low, double high, DType t) {
    auto info = [&]<class T>() {
        return std::pair(double(std::numeric_limits<T>::min()), double(std::numeric_limits<T>::max()));
    };
    auto [least, most] = for_dtype<kInteger>(t, info);
    if (low < least) throw value_error("low is out of bounds for ", name(t));
    if (high > most) throw value_error("high is out of bounds for ", name(t));
}

void integers_kernel(Call& c) {
    State s(c, 4);
    // Bounds in two's complement, so that uint64 has all of its values.
    uint64_t low = uint64_t(c.integer(1)), n = uint64_t(c.integer(2)) - low + 1;
    for_dtype<kInteger>(c.out[0].dtype(), [&]<class T> {
        T* to = c.out[0].raw_as<T>();
        for_elements(c.out[0].size(),
                     [&](int64_t i) { to[i] = T(low + elements::random_below(s.key, s.draw, uint64_t(i), n)); });
    });
}

// Fisher and Yates, element by element from the front.
void permutation_kernel(Call& c) {
    State s(c, 1);
    int64_t n = c.integer(0), *to = c.out[0].raw_as<int64_t>();
    for (int64_t i = 0; i < n; ++i) to[i] = i;
    for (int64_t i = 0; i + 1 < n; ++i)
        std::swap(to[i], to[i + int64_t(elements::random_below(s.key, s.draw, uint64_t(i), uint64_t(n - i)))]);
}

// ---- public ----

// The shape of a result: `size`, which the parameters must fit, or their common shape.
Dims result_shape(const Call& c, int size_at) {
    SmallVector<DimsView, 4> shapes;
    for (const Array& a : c.in) shapes.push_back(a.shape());
    Dims common = broadcast_shapes(std::span<const DimsView>(shapes.data(), size_t(shapes.size())));
    if (c.is_none(size_at)) return common;
    Dims size = c.ints(size_at);
    checked_size(size, 16);
    Dims both = broadcast_shapes(common, size);
    if (!(both == size))
        throw shape_error("Output size ", size, " is not compatible with broadcast dimensions of inputs ", common, ".");
    return size;
}

// On the context's device: a plugin may have the kernel, and falls back to the same bits.
Array standard(const Call& c, const char* row, const Dims& shape, DType t) {
    Draw d(c);
    return c.call(find_op(row), shape, t, d.seed, d.stream, d.draw);
}

DType float_dtype(const Call& c, int at) {
    DType t = c.dtype(at, DType::float64);
    if (!in(t, kFloating)) throw type_error("Unsupported dtype dtype('", name(t), "') for ", c.op.name);
    return t;
}

void uniform(Call& c) {
    DType t = float_dtype(c, 3);
    Array u = standard(c, "_random_uniform", result_shape(c, 2), t);
    Array width = c.call(MINPY_OP("subtract"), c.args[1], c.args[0]);
    Array scaled = u * ops::astype(width, t);
    c.out.push_back(ops::astype(c.call(MINPY_OP("add"), scaled, c.args[0]), t));
}

void normal(Call& c) {
    DType t = float_dtype(c, 3);
    Array z = standard(c, "_random_normal", result_shape(c, 2), t);
    Array scaled = c.call(MINPY_OP("multiply"), z, c.args[1]);
    c.out.push_back(ops::astype(c.call(MINPY_OP("add"), scaled, c.args[0]), t));
}

void exponential(Call& c) {
    DType t = float_dtype(c, 2);
    Array z = standard(c, "_random_exponential", result_shape(c, 1), t);
    c.out.push_back(ops::astype(c.call(MINPY_OP("multiply"), z, c.args[0]), t));
}

void bernoulli(Call& c) {
    Array u = standard(c, "_random_uniform", result_shape(c, 1), DType::float64);
    c.out.push_back(c.call(MINPY_OP("less"), u, c.args[0]));
}

void integers(Call& c) {
    DType t = c.dtype(3, DType::int64);
    if (!in(t, kInteger)) throw type_error("Unsupported dtype dtype('", name(t), "') for integers");
    minpy_value low = c.args[0], high = c.args[1];
    if (c.is_none(1)) high = low, low = to_value(0);
    double lowest = double_of(low), highest = double_of(high) - (c.flag(4) ? 0 : 1);
    if (lowest > highest) throw value_error("low >= high");
    check_range(lowest, highest, t);
    auto bits = [](const minpy_value& v) { return v.tag == MINPY_V_UINT ? int64_t(v.v.bits) : int_of(v); };
    Dims shape = c.is_none(2) ? Dims() : c.ints(2);
    Draw d(c);
    c.out.push_back(c.call(MINPY_OP("_random_integers"), shape, bits(low), bits(high) - (c.flag(4) ? 0 : 1), t, d.seed,
                           d.stream, d.draw));
}

void permutation(Call& c) {
    const Array& x = c.in[0];
    bool number = x.ndim() == 0;
    if (number && !in(x.dtype(), kInteger)) throw type_error("x must be an integer or at least 1-dimensional");
    Draw d(c);
    Array order =
        c.call(MINPY_OP("_random_permutation"), number ? int_of(c.args[0]) : x.dim(0), d.seed, d.stream, d.draw);
    c.out.push_back(number ? order : c.call(find_op("take"), x, order, 0));
}

}  // namespace

void register_random(Registry& r) {
    r.op("random.uniform(low = 0.0, high = 1.0, size: ints = None, dtype: dtype = None)")
        .composite(uniform)
        .random()
        .scalar_result()
        .sample("f64(2,3), f64(3)")
        .doc("Uniform random numbers in [low, high). Gradients reach both.");
    r.op("random.normal(loc = 0.0, scale = 1.0, size: ints = None, dtype: dtype = None)")
        .composite(normal)
        .random()
        .scalar_result()
        .sample("f64(2,3), f64(3)")
        .doc("Normal random numbers of mean loc and deviation scale. Gradients reach both.");
    r.op("random.exponential(scale = 1.0, size: ints = None, dtype: dtype = None)")
        .composite(exponential)
        .random()
        .scalar_result()
        .sample("f64(2,3)")
        .doc("Exponential random numbers of mean scale.");
    r.op("random.bernoulli(p = 0.5, size: ints = None)")
        .composite(bernoulli)
        .random()
        .no_gradient()
        .scalar_result()
        .sample("0.3, size=(2,3)")
        .doc("True with probability p.");
    r.op("random.integers(low: scalar, high: scalar = None, size: ints = None, dtype: dtype = None, endpoint: bool = "
         "False)")
        .composite(integers)
        .random()
        .no_gradient()
        .scalar_result()
        .sample("10, size=(2,3)")
        .doc(
            "Random integers in [low, high), or [0, low) without high; with endpoint, high included. None is "
            "favoured.");
    r.op("random.permutation(x)")
        .composite(permutation)
        .random()
        .sample("f64(4,2)")
        .doc("The rows of an array, or the numbers below an integer, in random order.");

    r.op("_random_uniform(shape: ints, dtype: dtype, seed: int, stream: int, draw: int)")
        .infer(infer_draw)
        .kernel(draw_kernel<elements::Uniform>)
        .no_gradient()
        .doc("Uniform in [0, 1): a function of seed, stream and draw.");
    r.op("_random_normal(shape: ints, dtype: dtype, seed: int, stream: int, draw: int)")
        .infer(infer_draw)
        .kernel(draw_kernel<elements::Normal>)
        .no_gradient()
        .doc("Standard normal: a function of seed, stream and draw.");
    r.op("_random_exponential(shape: ints, dtype: dtype, seed: int, stream: int, draw: int)")
        .infer(infer_draw)
        .kernel(draw_kernel<elements::Exponential>)
        .no_gradient()
        .doc("Standard exponential: a function of seed, stream and draw.");
    r.op("_random_integers(shape: ints, low: int, last: int, dtype: dtype, seed: int, stream: int, draw: int)")
        .infer([](Call& c) {
            for (int64_t n : c.ints(0))
                if (n < 0) throw value_error("negative dimensions are not allowed");
            DType t = c.dtype(3, DType::int64);
            if (!in(t, kInteger)) throw type_error("an integer dtype is needed");
            c.output(c.ints(0), t);
        })
        .kernel(integers_kernel)
        .no_gradient()
        .doc("Integers in [low, last]: a function of seed, stream and draw.");
    r.op("_random_permutation(n: int, seed: int, stream: int, draw: int)")
        .infer([](Call& c) {
            if (c.integer(0) < 0) throw value_error("negative dimensions are not allowed");
            c.output(Dims{c.integer(0)}, DType::int64);
        })
        .kernel(permutation_kernel)
        .no_gradient()
        .doc("The integers below n in random order: a function of seed, stream and draw.");
}

}  // namespace minpy
