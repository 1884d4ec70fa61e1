// New arrays: constants, ranges, identities and triangles.
#include <cmath>
#include <cstring>

#include "core/array/casting.h"
#include "core/autograd/node.h"
#include "core/cpu/elementwise.h"
#include "core/ops/calls.h"
#include "core/registry/device.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {

Device device_from(const minpy_value& v) { return {int32_t(v.v.i), int32_t(v.v.i >> 32)}; }

// Where a new array goes: what the call says, else what the context says.
Array placed(Call& c, const Array& made, int device) {
    if (!c.is_none(device)) return to_device(made, device_from(c.args[device]));
    return c.context.policy == Policy::only_cpu ? made : to_device(made, c.context.device);
}

Dims checked_shape(const Dims& shape) {
    for (int64_t n : shape)
        if (n < 0) throw value_error("negative dimensions are not allowed");
    return shape;
}

Array laid_out(DimsView shape, DType t, std::string_view order) {
    if (order != "F" || shape.size() < 2) {
        if (order != "C" && order != "F") throw value_error("order must be one of 'C' or 'F' (got '", order, "')");
        return empty(shape, t);
    }
    return empty_strided(shape, f_strides(shape, 1), t);
}

void fill(const Array& a, double value) {
    if (value == 0) std::memset(a.raw(), 0, size_t(a.nbytes()));
    else
        for_dtype<kAll>(a.dtype(), [&]<class T> {
            T one;
            cast_elements(reinterpret_cast<const char*>(&value), 0, DType::float64, reinterpret_cast<char*>(&one), 0,
                          a.dtype(), 1);
            std::fill_n(a.raw_as<T>(), a.size(), one);
        });
}

template <int value> void constant(Call& c) {
    Array a = laid_out(checked_shape(c.ints(0)), c.dtype(1, DType::float64), c.text(2));
    fill(a, value);
    c.out.push_back(placed(c, a, 3));
}

// A small array for a plain shape; the context is at home on the CPU where a short way is tried.
constexpr int kUninitialised = -1;
template <int value> Array constant_plainly(ValuesView args) {
    constexpr int64_t kSmall = 4096;
    if (args.empty() || args.size() > 2) return {};
    DType t = DType::float64;
    if (args.size() == 2 && args[1].tag == MINPY_V_DTYPE) t = DType(args[1].v.i);
    else if (args.size() == 2 && args[1].tag != MINPY_V_NONE && args[1].tag != MINPY_V_DEFAULT) return {};
    DimsView shape;
    if (args[0].tag == MINPY_V_INT) shape = {&args[0].v.i, 1};
    else if (args[0].tag == MINPY_V_INTS) shape = ints_of(args[0]);
    else return {};
    int64_t size = 1;
    if (shape.size() > kMaxDims) return {};
    for (int64_t n : shape) {
        if (n < 0 || n > kSmall || (size *= n) > kSmall) return {};
    }
    if (t <= DType::none || int(t) >= kNumDTypes) return {};
    Array a = empty(shape, t);
    // What lies in the storage itself is cleared as a whole: a size that the compiler knows is a store.
    if (value == 0 && a.nbytes() <= Storage::kInline) std::memset(a.storage().inline_data, 0, Storage::kInline);
    else if (value != kUninitialised) fill(a, value);
    return a;
}

void uninitialised(Call& c) {
    c.out.push_back(placed(c, laid_out(checked_shape(c.ints(0)), c.dtype(1, DType::float64), c.text(2)), 3));
}

// The layout of `a` for order 'K' and 'A', in the shape that was asked for.
Array like(Call& c, int dtype, int order, int shape) {
    const Array& a = c.in[0];
    DType t = c.dtype(dtype, a.dtype());
    std::string_view o = c.text(order);
    bool other_shape = !c.is_none(shape) && checked_shape(c.ints(shape)).size() != a.ndim();
    Dims dims = c.is_none(shape) ? a.dims() : checked_shape(c.ints(shape));
    if (o == "K" && !other_shape) return empty_strided(dims, a.strides(), t);
    if (o == "A")
        o = !other_shape && is_f_contiguous(a.shape(), a.strides(), a.itemsize()) && !a.is_contiguous() ? "F" : "C";
    return laid_out(dims, t, o == "K" ? "C" : o);
}

Array beside(Call& c, const Array& made, int device) {
    return to_device(made, c.is_none(device) ? c.in[0].device() : device_from(c.args[device]));
}

template <int value> void constant_like(Call& c) {
    Array a = like(c, 1, 2, 3);
    fill(a, value);
    c.out.push_back(beside(c, a, 4));
}

// A copy of a broadcast value, in terms of operators: the value may be recorded.
Array filled(const minpy_value& value, const Array& operand, Weak weak, const Array& to, Device device) {
    if (weak != Weak::none) {
        Array one = array_of_number(value, to.dtype());  // "Python integer 300 out of bounds for uint8"
        thread_state().fp_status |= convert_into(to, one);
        return to_device(to, device);
    }
    if (may_be_traced(operand) || !operand.on_cpu())
        return call(MINPY_OP("copy"),
                    ops::broadcast_to(ops::astype(ops::to_device(operand, device), to.dtype()), to.shape()));
    thread_state().fp_status |= convert_into(to, operand);
    return to_device(to, device);
}

void full(Call& c) {
    const Array& value = c.array(1);
    Weak weak = c.weak[c.first[1]];
    Array to = laid_out(checked_shape(c.ints(0)), c.dtype(2, value.dtype()), c.text(3));
    Device device = !c.is_none(4)                          ? device_from(c.args[4])
                    : c.context.policy == Policy::only_cpu ? kCpu
                    : value.on_cpu()                       ? c.context.device
                                                           : value.device();
    c.out.push_back(filled(c.args[1], value, weak, to, device));
}

void full_like(Call& c) {
    Array to = like(c, 2, 3, 4);
    Device device = c.is_none(5) ? c.in[0].device() : device_from(c.args[5]);
    c.out.push_back(filled(c.args[1], c.array(1), c.weak[c.first[1]], to, device));
}

// ---- ranges ----

// start + i * delta as NumPy fills it: the first two elements are cast, the others follow from their difference.
template <class T> void progress(T* to, int64_t n) {
    if (n < 3) return;
    if constexpr (is_short_float<T>) {
        float first = float(to[0]), delta = float(to[1]) - first;
        for (int64_t i = 2; i < n; ++i) to[i] = T(first + float(i) * delta);
    } else if constexpr (is_complex<T>) {
        T first = to[0], delta = to[1] - to[0];
        using R = typename T::real_type;
        for (int64_t i = 2; i < n; ++i) to[i] = T{first.re + R(i) * delta.re, first.im + R(i) * delta.im};
    } else if constexpr (std::is_floating_point_v<T>) {
        T first = to[0], delta = to[1] - to[0];
        for (int64_t i = 2; i < n; ++i) to[i] = first + T(i) * delta;
    } else {
        uint64_t first = uint64_t(int64_t(to[0])), delta = uint64_t(int64_t(to[1])) - first;
        for (int64_t i = 2; i < n; ++i) to[i] = T(first + uint64_t(i) * delta);
    }
}

bool integral(const minpy_value& v) {
    return v.tag == MINPY_V_INT || v.tag == MINPY_V_BOOL ||
           (v.tag == MINPY_V_SCALAR && in(DType(v.len), (kInteger | kBool) & ~bit(DType::uint64)));
}

void arange(Call& c) {
    minpy_value start = c.args[0], stop = c.args[1], step = c.args[2];
    if (start.tag == MINPY_V_NONE && stop.tag == MINPY_V_NONE)
        throw type_error("arange() requires stop to be specified.");
    if (stop.tag == MINPY_V_NONE) {
        stop = start;
        start = to_value(0);
    } else if (start.tag == MINPY_V_NONE) {
        start = to_value(0);
    }
    if (step.tag == MINPY_V_NONE) step = to_value(1);
    DType t = DType::int64;  // at least, as in NumPy
    for (minpy_value* v : {&start, &stop, &step}) {
        if (v->tag == MINPY_V_COMPLEX || v->tag == MINPY_V_UINT || v->tag == MINPY_V_BIGINT)
            throw unsupported("arange of ", describe(*v));
        DType own = v->tag == MINPY_V_ARRAY ? array_of(*v)->dtype : dtype_of_number(*v);
        if (v->tag == MINPY_V_ARRAY) *v = in(own, kInteger | kBool) ? to_value(int_of(*v)) : to_value(double_of(*v));
        t = promote(t, own);
    }
    if (in(t, kComplex)) throw unsupported("arange of complex numbers");
    t = c.dtype(3, t);
    if (t == DType::boolean) throw unsupported("arange of bool");

    int64_t n;
    bool exact = integral(start) && integral(stop) && integral(step);
    if (exact) {
        int64_t a = int_of(start), b = int_of(stop), d = int_of(step);
        if (d == 0) throw Error(MINPY_E_INVALID, "ZeroDivisionError", "division by zero");
        uint64_t reach = 0, width = d > 0 ? uint64_t(d) : 0 - uint64_t(d);
        if (d > 0 ? b > a : b < a) reach = d > 0 ? uint64_t(b) - uint64_t(a) : uint64_t(a) - uint64_t(b);
        uint64_t count = reach / width + (reach % width != 0);
        if (count > uint64_t(INT64_MAX)) throw value_error("Maximum allowed size exceeded");
        n = int64_t(count);
    } else {
        double d = double_of(step);
        if (d == 0) throw Error(MINPY_E_INVALID, "ZeroDivisionError", "float division by zero");
        double distance = double_of(stop) - double_of(start), steps = distance / d, length = std::ceil(steps);
        if (steps == 0 && distance != 0) length = std::signbit(steps) ? 0 : 1;  // less than any number of steps
        if (std::isnan(length)) throw value_error("arange: cannot compute length");
        if (length > 9.2e18) throw value_error("Maximum allowed size exceeded");
        n = length > 0 ? int64_t(length) : 0;
    }
    Dims shape{n};
    Array a = empty(shape, t);
    if (n > 0) {
        char* p = a.raw();
        auto put = [&](int64_t i, const minpy_value& v) { store_number(v, t, p + i * a.itemsize()); };
        put(0, start);
        if (n > 1) {
            if (exact) put(1, to_value(int_of(start) + int_of(step)));
            else put(1, to_value(double_of(start) + double_of(step)));
        }
        for_dtype<kNumeric>(t, [&]<class T> { progress(a.raw_as<T>(), n); });
    }
    c.out.push_back(placed(c, a, 4));
}

// Along axis 0, like NumPy: start + (stop - start) / div * i, the last element being `stop` itself.
template <class T> void fill_linspace(const Array& out, const Array& start, const Array& stop, bool endpoint) {
    int64_t n = out.dim(0), width = start.size();
    double div = double(endpoint ? n - 1 : n);
    const T* a = start.raw_as<T>();
    const T* b = stop.raw_as<T>();
    T* to = out.raw_as<T>();
    // The scale of a step in the numbers' own precision; complex ones by parts.
    auto times = [](T x, double s) {
        if constexpr (is_complex<T>) return T{typename T::real_type(x.re * s), typename T::real_type(x.im * s)};
        else return T(x * T(s));
    };
    auto over = [](T x, double s) {
        if constexpr (is_complex<T>) return T{typename T::real_type(x.re / s), typename T::real_type(x.im / s)};
        else return T(x / T(s));
    };
    bool any_zero = false;
    for (int64_t k = 0; k < width; ++k) any_zero = any_zero || (div > 0 && over(b[k] + -a[k], div) == T{});
    for (int64_t k = 0; k < width; ++k) {
        T first = a[k], delta = b[k] + -first, step = div > 0 ? over(delta, div) : delta;
        if (any_zero)
            for (int64_t i = 0; i < n; ++i) to[i * width + k] = times(delta, double(i) / div) + first;
        else
            for (int64_t i = 0; i < n; ++i) to[i * width + k] = times(step, double(i)) + first;
    }
    if (endpoint && n > 1) std::copy_n(b, width, to + (n - 1) * width);
}

DType linspace_dtype(Call& c) {
    DType t = DType::none;
    for (int i = 0; i < 2; ++i) {
        DType own = c.in[i].dtype();
        if (!in(own, kFloating | kComplex)) own = DType::float64;
        t = t == DType::none ? own : promote(t, own);
    }
    return t;
}

void infer_linspace(Call& c) {
    int64_t num = c.integer(2);
    if (num < 0) throw value_error("Number of samples, ", num, ", must be non-negative.");
    Dims shape = broadcast_shapes(c.in[0].shape(), c.in[1].shape());
    int64_t axis = c.args[6].tag == MINPY_V_NONE ? 0 : c.axis(6, shape.size() + 1);
    if (axis != 0) throw unsupported("axis of linspace");
    shape.insert(0, num);
    c.output(shape, c.dtype(5, linspace_dtype(c)));
}

void linspace(Call& c) {
    const Array& out = c.out[0];
    DType t = linspace_dtype(c), wide = in(t, kShortFloat) ? DType::float32 : t;
    Dims shape(out.shape().begin() + 1, out.shape().end());
    auto ready = [&](const Array& a) { return copy_of(broadcast_window(a, shape), wide); };
    Array made = out.dtype() == wide ? out : empty(out.shape(), wide);
    for_dtype<kFloat | kComplex>(wide, [&]<class T> {
        fill_linspace<T>(made, ready(c.in[0]), ready(c.in[1]), c.flag(3));
        if constexpr (std::is_floating_point_v<T>)
            if (in(out.dtype(), kInteger))
                for (int64_t i = 0; i < made.size(); ++i) made.raw_as<T>()[i] = std::floor(made.raw_as<T>()[i]);
    });
    if (!made.is(out)) copy_into(out, made);
}

// Weights of `stop` along axis 0, of the rank of the result.
Array linspace_weights(Reverse& c) {
    Dims shape = c.out_shape();
    int64_t n = shape[0];
    Dims column(shape.size(), 1);
    column[0] = n;
    Array w = empty(column, DType::float64);
    double div = double(c.flag(3) ? n - 1 : n);
    for (int64_t i = 0; i < n; ++i) w.raw_as<double>()[i] = div > 0 ? double(i) / div : 0;
    return ops::to_device(ops::astype(w, real_of(c.out_dtype())), c.node.device);
}

// ---- matrices ----

// Ones on a diagonal.
Array diagonal_ones(int64_t n, int64_t m, int64_t k, DType t, std::string_view order) {
    if (n < 0 || m < 0) throw value_error("negative dimensions are not allowed");
    Dims shape{n, m};
    Array a = laid_out(shape, t, order);
    fill(a, 0);
    int64_t row = k < 0 ? std::min(-std::max(k, -n), n) : 0, column = k > 0 ? std::min(k, m) : 0;
    int64_t length = std::min(n - row, m - column);
    if (length <= 0) return a;
    int64_t size[] = {length}, step[] = {a.strides()[0] + a.strides()[1]};
    copy_into(window(a, row * a.strides()[0] + column * a.strides()[1], size, step), full_scalar(1, t));
    return a;
}

void eye(Call& c) {
    int64_t n = c.integer(0), m = c.is_none(1) ? n : c.integer(1);
    c.out.push_back(placed(c, diagonal_ones(n, m, c.integer(2), c.dtype(3, DType::float64), c.text(4)), 5));
}

// Copies row by row, with zeros above (or below) diagonal k.
template <bool lower> void triangle(Call& c) {
    const Array& out = c.out[0];
    int64_t rows = out.dim(-2), columns = out.dim(-1), k = c.integer(1), item = out.itemsize();
    copy_into(out, c.in[0]);
    char* p = out.raw();
    for (int64_t i = 0; i < out.size() / std::max<int64_t>(columns, 1); ++i, p += columns * item) {
        int64_t edge = std::clamp<int64_t>(i % rows + k + (lower ? 1 : 0), 0, columns);
        if (lower) std::memset(p + edge * item, 0, size_t((columns - edge) * item));
        else std::memset(p, 0, size_t(edge * item));
    }
}

void infer_triangle(Call& c) {
    if (c.in[0].ndim() < 1) throw index_error("tuple index out of range");
    if (c.in[0].ndim() < 2) throw unsupported("a triangle of an array of 1 dimension");
    c.output(c.in[0].shape(), c.in[0].dtype());
}

}  // namespace

void register_creation(Registry& r) {
    r.op("zeros(shape: ints, dtype: dtype = None, order: str = 'C', *, device: device = None)")
        .composite(constant<0>)
        .short_way(constant_plainly<0>)
        .no_gradient()
        .sample("(2,3)")
        .doc("A new array of zeros.");
    r.op("ones(shape: ints, dtype: dtype = None, order: str = 'C', *, device: device = None)")
        .composite(constant<1>)
        .short_way(constant_plainly<1>)
        .no_gradient()
        .sample("(2,3)")
        .doc("A new array of ones.");
    r.op("empty(shape: ints, dtype: dtype = None, order: str = 'C', *, device: device = None)")
        .composite(uninitialised)
        .short_way(constant_plainly<kUninitialised>)
        .no_gradient()
        .doc("A new array of whatever was in memory.");
    r.op("full(shape: ints, fill_value, dtype: dtype = None, order: str = 'C', *, device: device = None)")
        .composite(full)
        .sample("(2,3), f64(3)")
        .doc("A new array with one value, or values that broadcast to its shape.");
    r.op("zeros_like(a, dtype: dtype = None, order: str = 'K', shape: ints = None, *, device: device = None)")
        .composite(constant_like<0>)
        .no_gradient()
        .sample("f64(2,3)")
        .doc("A new array of zeros of the shape, dtype, layout and device of another.");
    r.op("ones_like(a, dtype: dtype = None, order: str = 'K', shape: ints = None, *, device: device = None)")
        .composite(constant_like<1>)
        .no_gradient()
        .sample("f64(2,3)")
        .doc("A new array of ones of the shape, dtype, layout and device of another.");
    r.op("empty_like(prototype, dtype: dtype = None, order: str = 'K', shape: ints = None, *, device: device = None)")
        .composite([](Call& c) { c.out.push_back(beside(c, like(c, 1, 2, 3), 4)); })
        .no_gradient()
        .doc("A new array of the shape, dtype, layout and device of another, uninitialised.");
    r.op("full_like(a, fill_value, dtype: dtype = None, order: str = 'K', shape: ints = None, *, device: device = "
         "None)")
        .composite(full_like)
        .sample("f64(2,3), f64(3)")
        .doc("A new array like another, with one value or values that broadcast.");
    r.op("arange(start: scalar = None, stop: scalar = None, step: scalar = None, dtype: dtype = None, *, device: "
         "device = None)")
        .composite(arange)
        .no_gradient()
        .sample("1.0, 3.0, 0.5")
        .doc("Evenly spaced numbers from start (0 if one number is given) up to but without stop.");
    r.op("linspace(start, stop, num: int = 50, endpoint: bool = True, retstep: bool = False, dtype: dtype = None, "
         "axis: axis = 0)")
        .infer([](Call& c) {
            if (c.flag(4)) throw unsupported("retstep of linspace");
            infer_linspace(c);
        })
        .kernel(linspace)
        .linear([](Reverse& c) {
            Array g = c.g(), w = linspace_weights(c);
            auto give = [&](int i, const Array& weights) {
                Array along = ops::sum(g * weights, Dims{0});
                c.set(i, ops::unbroadcast(along, c.in_shape(i)));
            };
            if (c.needs(0)) give(0, 1.0 - w);
            if (c.needs(1)) give(1, w);
        })
        .sample("f64(), f64(), 5")
        .sample("f64(3), f64(2,1), num=4, endpoint=False")
        .doc("`num` evenly spaced numbers from start to stop.");
    r.op("eye(N: int, M: int = None, k: int = 0, dtype: dtype = None, order: str = 'C', *, device: device = None)")
        .composite(eye)
        .no_gradient()
        .sample("3, 4, 1")
        .doc("A matrix with ones on a diagonal and zeros elsewhere.");
    r.op("identity(n: int, dtype: dtype = None)")
        .composite([](Call& c) {
            Array a = diagonal_ones(c.integer(0), c.integer(0), 0, c.dtype(1, DType::float64), "C");
            c.out.push_back(c.context.policy == Policy::only_cpu ? a : to_device(a, c.context.device));
        })
        .no_gradient()
        .sample("3")
        .doc("The identity matrix.");
    r.op("tri(N: int, M: int = None, k: int = 0, dtype: dtype = None)")
        .composite([](Call& c) {
            int64_t n = c.integer(0), m = c.is_none(1) ? n : c.integer(1);
            Dims shape = checked_shape({n, m});
            Array one = ops::ones(shape, c.dtype(3, DType::float64),
                                  c.context.policy == Policy::only_cpu ? kCpu : c.context.device);
            c.out.push_back(call(MINPY_OP("tril"), one, c.integer(2)));
        })
        .no_gradient()
        .sample("3, 4, 1")
        .doc("Ones at and below a diagonal, zeros above.");
    r.op("tril(m, k: int = 0)")
        .infer(infer_triangle)
        .kernel(triangle<true>)
        .linear([](Reverse& c) { c.set(0, call(MINPY_OP("tril"), c.g(), c.integer(1))); })
        .sample("f64(2,3,4), 1")
        .doc("A copy with zeros above diagonal k of the last two axes.");
    r.op("triu(m, k: int = 0)")
        .infer(infer_triangle)
        .kernel(triangle<false>)
        .linear([](Reverse& c) { c.set(0, call(MINPY_OP("triu"), c.g(), c.integer(1))); })
        .sample("f64(2,3,4), -1")
        .doc("A copy with zeros below diagonal k of the last two axes.");
}

}  // namespace minpy
