// Calling an operator: the short way for small element-wise calls, and binding and checking for all others.
#include <atomic>
#include <cmath>

#include "core/array/casting.h"
#include "core/autograd/node.h"
#include "core/cpu/elementwise.h"
#include "core/fusion/deferred.h"
#include "core/registry/dispatch.h"
#include "core/registry/recorder.h"
#include "core/registry/registry.h"
#include "core/registry/statistics.h"
#include "core/registry/thread_state.h"

namespace minpy {
namespace {

// ---- the short way: small, contiguous CPU arrays; no options but `out` ----

constexpr int64_t kShortWay = 1 << 14;
constexpr int64_t kShortCast = 64;  // elements of operands that are cast
constexpr int kShortOperands = 3;

// Recorded like any other call: the operands are what a bound call would have had.
void record_short(const Op& op, Context& context, ValuesView args, Array& out, DType operand) {
    Array number;
    ArrayBody* inputs[kShortOperands];  // borrowed
    for (size_t i = 0; i < args.size(); ++i) {
        bool array = args[i].tag == MINPY_V_ARRAY;
        if (!array) number = array_of_number(args[i], operand);
        inputs[i] = array ? array_of(args[i]) : number.get();
    }
    record(op, context, args, {reinterpret_cast<const Array*>(inputs), args.size()}, {&out, 1});
}

// Whether the last axes of `wide` have the shape of `b`.
bool ends_with(const ArrayBody* wide, const ArrayBody* b) {
    int lead = wide->ndim - b->ndim;
    for (int i = 0; i < b->ndim; ++i)
        if (b->shape[i] != wide->shape[lead + i]) return false;
    return true;
}

// The number as an element that the loop reads as it is; false where it would change the result's dtype or does not fit.
bool short_number(const Op& op, const minpy_value& v, DType t, char* to) {
    Weak weak = weak_of(v);
    if (weak == Weak::none) {
        if (v.tag != MINPY_V_SCALAR || DType(v.len) != t) return false;
    } else if (promote(t, weak) != t || in(t, kBool)) {
        return false;
    }
    if (!op.mixed.empty() && weak == Weak::integer && in(t, kInteger) && !fits(v, t)) return false;
    store_number(v, t, to);
    return true;
}

// Written by the loop itself: its shape and dtype, seen by nobody else, and no operand overlaps it but in the very same
// place.
bool takes_result(const ArrayBody* out, const ArrayBody* shape, DType t, const ArrayBody* const* operands, int n) {
    constexpr uint32_t kInTheWay = Storage::kReadOnly | Storage::kRead | Storage::kTraced;
    if (!is_plain(out) || out->storage->has(kInTheWay) || out->storage->is_saved() || out->dtype != t ||
        out->ndim != shape->ndim || !ends_with(shape, out))
        return false;
    for (int i = 0; i < n; ++i) {
        const ArrayBody* b = operands[i];
        if (!b || (b->storage != out->storage && !b->storage->borrowed && !out->storage->borrowed)) continue;
        if (b->storage != out->storage || b->offset != out->offset || b->size != out->size || b->dtype != t)
            return false;
    }
    return true;
}

// What the first cache does not hold is walked forth and back by turns: it is warm where the last call ended.
uint32_t run_in_turns(const Loop& loop, char* const* first, uint32_t scalars, int64_t size) {
    static std::atomic<bool> last_went_back{true};
    constexpr int64_t kBlock = 512;
    const bool back = !last_went_back.load(std::memory_order_relaxed);
    last_went_back.store(back, std::memory_order_relaxed);
    uint32_t raised = 0;
    const int64_t blocks = (size + kBlock - 1) / kBlock;
    for (int64_t k = 0; k < blocks; ++k) {
        const int64_t from = (back ? blocks - 1 - k : k) * kBlock;
        char* p[kShortOperands + 1];
        for (int i = 0; i <= loop.n_in; ++i) p[i] = first[i] + (scalars >> i & 1 ? 0 : from * itemsize(loop.types[i]));
        raised |= loop.run(p, scalars, std::min(kBlock, size - from));
    }
    return raised;
}

// The loop over `size` elements in rows; operands of `narrow` are one row long.
inline uint32_t run_rows(const Loop& loop, char** p, uint32_t scalars, uint32_t narrow, int64_t row, int64_t size) {
    constexpr int64_t kThirdOfCache = 1 << 14;  // bytes
    if (row == size && size * itemsize(loop.types[0]) > kThirdOfCache) return run_in_turns(loop, p, scalars, size);
    uint32_t raised = loop.run(p, scalars, row);
    for (int64_t done = row; done < size; done += row) {
        for (int i = 0; i <= loop.n_in; ++i)
            if (!((scalars | narrow) >> i & 1)) p[i] += row * itemsize(loop.types[i]);
        raised |= loop.run(p, scalars, row);
    }
    return raised;
}

// Runs the loop, and keeps what its elements met.
inline void run_short(const Loop& loop, DType t, char** p, uint32_t scalars, uint32_t narrow, int64_t row,
                      int64_t size) {
    if (!size) return;
    uint32_t raised;
    if (loop.hardware_flags && in(t, kFloat | kComplex)) {
        HardwareFlags flags;
        run_rows(loop, p, scalars, narrow, row, size);
        raised = flags.take();
    } else {
        raised = run_rows(loop, p, scalars, narrow, row, size);
    }
    if (raised) thread_state().fp_status |= raised;
}

// One operand has nothing that it must be brought together with.
Array short_unary(const Op& op, ValuesView args, Context& context) {
    ArrayBody* x = array_of(args[0]);
    if (!is_ready(x) || x->size > kShortWay || (x->size >= deferral_threshold() && deferral_enabled())) return {};
    const Loop* loop = op.fixed ? nullptr : op.loops[int(x->dtype)];
    if (!loop || loop->types[0] != x->dtype || in(x->dtype, op.checked)) return {};
    Array out = empty({x->shape, size_t(x->ndim)}, loop->types[1]);
    char* p[] = {x->storage->data + x->offset, out.raw()};
    run_short(*loop, x->dtype, p, 0, 0, x->size, x->size);
    if (is_followed(x, context)) record(op, context, args, {reinterpret_cast<const Array*>(&x), 1}, {&out, 1});
    return out;
}

}  // namespace

Array elementwise_short_way(const Op& op, ValuesView args, Context& context, ArrayBody* into) {
    const int n_in = op.n_in;
    if (int(args.size()) != n_in || n_in > kShortOperands) return {};
    if (n_in == 1 && args[0].tag == MINPY_V_ARRAY && !into) return short_unary(op, args, context);
    if (n_in == 1 && args[0].tag == MINPY_V_FLOAT) {
        Array x = array_of_number(args[0]);
        minpy_value v = to_value(x);
        return elementwise_short_way(op, {&v, 1}, context, into);
    }
    const ArrayBody* operands[kShortOperands] = {};
    const ArrayBody* wide = nullptr;  // has the result's shape
    DType common = DType::none;       // of those who have a say in which loop
    bool mixed = false;
    char* p[kShortOperands + 1];
    int number_at = -1;
    bool traced = false;
    for (int i = 0; i < n_in; ++i) {
        bool fixed = op.fixed >> i & 1;
        if (args[size_t(i)].tag == MINPY_V_ARRAY) {
            const ArrayBody* b = operands[i] = array_of(args[size_t(i)]);
            if (!is_ready(b)) return {};
            traced = traced || is_followed(b, context);
            if (!wide || b->ndim > wide->ndim) wide = b;
            if (!fixed && b->dtype != common) {
                mixed = common != DType::none;
                common = mixed ? promote(common, b->dtype) : b->dtype;
            }
            p[i] = b->storage->data + b->offset;
        } else if (number_at >= 0 || fixed) {
            return {};
        } else {
            number_at = i;
        }
    }
    if (common == DType::none || wide->size > kShortWay || (wide->size >= deferral_threshold() && deferral_enabled()))
        return {};
    const Loop* loop = op.loops[int(common)];
    if (!loop || in(common, op.checked) || (into && traced)) return {};
    uint32_t scalars = 0, narrow = 0;
    int64_t row = wide->size;
    for (int i = 0; i < n_in; ++i) {
        const ArrayBody* b = operands[i];
        if (!b) continue;
        bool fixed = op.fixed >> i & 1;
        if ((fixed ? b->dtype != loop->types[i] : !mixed && b->dtype != common) || !ends_with(wide, b)) return {};
        if (b->ndim == wide->ndim) continue;
        if (b->ndim == 0) {
            scalars |= 1u << i;
            continue;
        }
        // A row repeated, as a bias is; only if all that are narrow have the same size.
        if (narrow && b->size != row) return {};
        narrow |= 1u << i;
        row = b->size;
    }
    constexpr int64_t kMostRows = 64;
    if (narrow && (into || wide->size > row * kMostRows)) return {};
    alignas(16) char number[16];
    if (number_at >= 0) {
        if (!short_number(op, args[size_t(number_at)], common, number)) return {};
        p[number_at] = number;
        scalars |= 1u << number_at;
    }
    alignas(16) char converted[kShortOperands][kShortCast * 16];
    if (mixed) {
        // Two dtypes that meet in a loop of their own would have to be looked for; recorded operands are as they were given.
        if (traced || into || wide->size > kShortCast || !op.mixed.empty()) return {};
        for (int i = 0; i < n_in; ++i) {
            const ArrayBody* b = operands[i];
            if (!b || b->dtype == loop->types[i]) continue;
            cast_elements(p[i], itemsize(b->dtype), b->dtype, converted[i], itemsize(common), common, b->size);
            p[i] = converted[i];
        }
    }
    DType result = loop->types[n_in];
    if (into && !takes_result(into, wide, result, operands, n_in)) return {};
    Array out = into ? Array::share(into) : empty({wide->shape, size_t(wide->ndim)}, result);
    p[n_in] = out.raw();
    run_short(*loop, common, p, scalars, narrow, row, wide->size);
    if (traced) record_short(op, context, args, out, common);
    return out;
}

namespace {

// ---- binding ----

void add_operand(Call& c, const minpy_value& v, const Param& p) {
    if (v.tag == MINPY_V_ARRAY) {
        c.in.push_back(Array::share(array_of(v)));
        c.weak.push_back(Weak::none);
    } else if (is_number(v)) {
        // A weak integer beyond int64 is uint64; beyond that it may still meet floats or be compared.
        bool huge = v.tag == MINPY_V_BIGINT && (c.op.elementwise || c.op.composite);
        if (huge && c.op.elementwise && c.op.mixed.empty() && std::isinf(double_of(v)))
            throw overflow_error("int too large to convert to float");
        c.in.push_back(huge ? full_scalar(double_of(v), DType::float64) : array_of_number(v));
        c.weak.push_back(weak_of(v));
    } else {
        throw type_error("an array or a number is needed, got ", describe(v)).in_argument(p.name);
    }
}

void bind_list(Call& c, const minpy_value& v, const Param& p) {
    if (v.tag == MINPY_V_ARRAYS) {
        auto* handles = static_cast<ArrayBody* const*>(v.v.p);
        for (int32_t k = 0; k < v.len; ++k) add_operand(c, pointer_value(MINPY_V_ARRAY, handles[k], 0), p);
    } else if (v.tag == MINPY_V_VALUES) {
        auto* list = static_cast<const minpy_value*>(v.v.p);
        for (int32_t k = 0; k < v.len; ++k) add_operand(c, list[k], p);
    } else if (v.tag == MINPY_V_INTS) {
        for (int64_t i : ints_of(v)) add_operand(c, to_value(i), p);
    } else if (v.tag == MINPY_V_FLOATS) {
        for (int32_t k = 0; k < v.len; ++k) add_operand(c, to_value(static_cast<const double*>(v.v.p)[k]), p);
    } else {
        throw type_error("a list of arrays is needed, got ", describe(v)).in_argument(p.name);
    }
}

[[noreturn]] void wrong_kind(const minpy_value& v, const Param& p, const char* wanted) {
    throw type_error(p.name, " must be ", wanted, p.optional ? " or None" : "", ", got ", describe(v))
        .in_argument(p.name);
}

// Checks an attribute against its kind, and brings it to its standard form.
minpy_value bind_attribute(const minpy_value& v, const Param& p) {
    auto is_int = [](const minpy_value& x) {
        return x.tag == MINPY_V_INT || x.tag == MINPY_V_BOOL ||
               (x.tag == MINPY_V_SCALAR && in(DType(x.len), kInteger | kBool)) ||
               (x.tag == MINPY_V_ARRAY && array_of(x)->size == 1 && in(array_of(x)->dtype, kInteger | kBool));
    };
    switch (p.kind) {
        case ParamKind::boolean:
            if (!is_int(v)) wrong_kind(v, p, "a bool");
            return to_value(int_of(v) != 0);
        case ParamKind::integer:
        case ParamKind::axis:
            if (v.tag == MINPY_V_UINT || v.tag == MINPY_V_BIGINT) int_of(v);
            if (!is_int(v)) wrong_kind(v, p, "an integer");
            return to_value(int_of(v));
        case ParamKind::floating:
        case ParamKind::scalar:
            if (!is_number(v) && !(v.tag == MINPY_V_ARRAY && array_of(v)->size == 1)) wrong_kind(v, p, "a number");
            return p.kind == ParamKind::floating ? to_value(double_of(v)) : v;
        case ParamKind::string:
            if (v.tag != MINPY_V_STRING) wrong_kind(v, p, "a string");
            return v;
        case ParamKind::dtype:
            if (v.tag == MINPY_V_STRING) {
                DType t = dtype_from_name(string_of(v));
                if (t == DType::none)
                    throw type_error("data type ", describe(v), " not understood").in_argument(p.name);
                return to_value(t);
            }
            if (v.tag != MINPY_V_DTYPE) wrong_kind(v, p, "a dtype");
            checked_dtype(int32_t(v.v.i));
            return v;
        case ParamKind::ints:
        case ParamKind::axes:
            if (v.tag == MINPY_V_INTS || is_int(v) || (v.tag == MINPY_V_FLOATS && v.len == 0)) return v;
            if (v.tag == MINPY_V_VALUES || v.tag == MINPY_V_ARRAY) return v;  // ints_from checks the items
            wrong_kind(v, p, "an integer or a list of integers");
        case ParamKind::device:
            if (v.tag != MINPY_V_DEVICE) wrong_kind(v, p, "a device");
            return v;
        case ParamKind::floats:
            if (v.tag != MINPY_V_FLOATS && v.tag != MINPY_V_INTS && !is_number(v)) wrong_kind(v, p, "numbers");
            return v;
        case ParamKind::function:
            if (v.tag != MINPY_V_FUNCTION) wrong_kind(v, p, "a function");
            return v;
        default: return v;
    }
}

void bind(Call& c, ValuesView args) {
    const Op& op = c.op;
    if (args.size() > op.params.size())
        throw type_error(op.name, "() takes at most ", op.params.size(), " arguments (", args.size(), " given)");
    c.args.reserve(int64_t(op.params.size()));
    for (size_t i = 0; i < op.params.size(); ++i) {
        const Param& p = op.params[i];
        c.first.push_back(int16_t(c.in.size()));
        minpy_value v;
        if (i < args.size() && args[i].tag != MINPY_V_DEFAULT) {
            v = args[i];
            if (v.tag < 0 || v.tag > MINPY_V_DEFAULT)
                throw value_error("argument ", p.name, " has the unknown tag ", v.tag).in_argument(p.name);
            if ((v.tag == MINPY_V_ARRAY || v.tag == MINPY_V_STRING) && !v.v.p)
                throw value_error("argument ", p.name, " is a null pointer").in_argument(p.name);
        } else if (p.has_default) {
            v = p.default_value[0];
        } else {
            throw type_error(op.name, "() missing required argument '", p.name, "' (pos ", i + 1, ")")
                .in_argument(p.name);
        }
        if (v.tag == MINPY_V_NONE) {
            if (!p.optional) throw type_error(p.name, " must not be None").in_argument(p.name);
            if (p.kind == ParamKind::array) {
                c.in.push_back({});
                c.weak.push_back(Weak::none);
            }
        } else if (p.kind == ParamKind::array) {
            add_operand(c, v, p);
        } else if (p.kind == ParamKind::arrays) {
            bind_list(c, v, p);
        } else {
            v = bind_attribute(v, p);
        }
        c.args.push_back(v);
    }
}

void run(Call& c) {
    const Op& op = c.op;
    if (op.composite) {
        InsideComposite inside(c);
        op.composite(c);
        inside.done();
        if (!c.options.out.empty()) deliver(c);
        return;
    }
    if (op.view) {
        Arrays inputs = c.in;
        {
            InsideKernel inside;
            c.out.push_back(op.view(c));
        }
        if (Recorder* r = recorder()) r->called(c, nullptr);
        record(c, {c.in.data(), size_t(c.in.size())}, {c.out.data(), size_t(c.out.size())});
        if (!c.options.out.empty()) deliver(c);
        return;
    }
    if (op.elementwise) {
        InsideKernel inside;
        return run_elementwise_call(c);
    }
    if (op.compute) return run_compute_call(c);
    run_kernel_call(c);
}

}  // namespace

std::string describe_operands(std::span<const Array> operands) {
    std::string text;
    for (const Array& a : operands)
        if (a) text += (text.empty() ? "" : ", ") + describe(a);
    return text;
}

Array invoke_into(const Op& op, ValuesView args, Context& context, ArrayBody* out) {
    if (!op.elementwise || op.n_outputs != 1 || observed.load(std::memory_order_relaxed)) return {};
    Array result = elementwise_short_way(op, args, context, out);
    if (result) count_call(op);
    return result;
}

Array invoke_one(const Op& op, ValuesView args) {
    if (Array out = invoke_short(op, args, Context::current())) return out;
    return std::move(invoke_long(op, args).front());
}

Arrays invoke(const Op& op, ValuesView args, const CallOptions& options) {
    if (!options.any()) {
        if (Array out = invoke_short(op, args, options.context ? *options.context : Context::current())) {
            Arrays result;
            result.push_back(std::move(out));
            return result;
        }
    }
    return invoke_long(op, args, options);
}

Arrays invoke_long(const Op& op, ValuesView args, const CallOptions& options) {
    Context& context = options.context ? *options.context : Context::current();
    Call call(op, context, options);
    try {
        WithContext current(context);
        Profiled profiled(op);
        bind(call, args);
        run(call);
    } catch (Error& e) {
        if (e.op.empty()) {
            e.op = op.name;
            e.operands = describe_operands({call.in.data(), size_t(call.in.size())});
        }
        throw;
    }
    return std::move(call.out);
}

// ---- what rows ask ----

DType Call::promoted() const {
    DType strong = DType::none;
    Weak most = Weak::none;
    for (int64_t i = 0; i < in.size(); ++i) {
        if (!in[i]) continue;
        if (weak[i] == Weak::none) strong = strong == DType::none ? in[i].dtype() : promote(strong, in[i].dtype());
        else most = std::max(most, weak[i]);
    }
    return promote(strong, most);
}

DType Call::promoted(std::span<const int> which) const {
    DType strong = DType::none;
    Weak most = Weak::none;
    for (int i : which) {
        if (!in[i]) continue;
        if (weak[i] == Weak::none) strong = strong == DType::none ? in[i].dtype() : promote(strong, in[i].dtype());
        else most = std::max(most, weak[i]);
    }
    return promote(strong, most);
}

void Call::cast(int64_t i, DType t, Casting rule) {
    if (in[i].dtype() == t) return;
    if (!can_cast(in[i].dtype(), t, rule))
        throw Error(MINPY_E_TYPE, "TypeError",
                    cat("Cannot cast array data from dtype('", name(in[i].dtype()), "') to dtype('", name(t),
                        "') according to the rule '", name(rule), "'"));
    static const Op& astype = find_op("astype");
    in[i] = call(astype, in[i], t);
}

void Call::output(DimsView shape, DType t) {
    checked_size(shape, itemsize(t));
    specs.push_back({Dims(shape.begin(), shape.end()), t});
}

}  // namespace minpy
