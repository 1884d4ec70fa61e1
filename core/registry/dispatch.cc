#include "core/registry/dispatch.h"

#include <chrono>
#include <cmath>

#include "core/autograd/tape.h"
#include "core/cpu/elementwise.h"
#include "core/fusion/deferred.h"
#include "core/ops/calls.h"
#include "core/registry/device.h"
#include "core/registry/recorder.h"
#include "core/registry/statistics.h"
#include "core/registry/thread_state.h"

namespace minpy {
namespace {

constexpr DType kSearchOrder[] = {DType::boolean,  DType::int8,    DType::uint8,   DType::int16,     DType::uint16,
                                  DType::int32,    DType::uint32,  DType::int64,   DType::uint64,    DType::float16,
                                  DType::bfloat16, DType::float32, DType::float64, DType::complex64, DType::complex128};

[[noreturn]] void no_loop(const Call& c) {
    throw type_error("ufunc '", c.op.name,
                     "' not supported for the input types, and the inputs could not be safely coerced to any supported "
                     "types according to the casting rule ''safe''");
}

void check_output_cast(const Op& op, DType from, DType to, Casting rule) {
    if (can_cast(from, to, rule)) return;
    if (op.elementwise)
        throw Error(MINPY_E_TYPE, "UFuncTypeError",
                    cat("Cannot cast ufunc '", op.name, "' output from dtype('", name(from), "') to dtype('", name(to),
                        "') with casting rule '", name(rule), "'"));
    throw type_error("Cannot cast array data from dtype('", name(from), "') to dtype('", name(to),
                     "') according to the rule '", name(rule), "'");
}

// `operands` are named where the shapes do not fit.
void check_output_shape(DimsView result, DimsView out, std::span<const Array> operands) {
    if (same(result, out)) return;
    Dims common;
    try {
        common = broadcast_shapes(result, out);
    } catch (Error&) {
        std::string shapes;
        for (const Array& a : operands) shapes += to_string(a.shape()) + " ";
        throw shape_error("operands could not be broadcast together with shapes ", shapes, to_string(out), " ");
    }
    if (!same({common.data(), size_t(common.size())}, out))
        throw shape_error("non-broadcastable output operand with shape ", to_string(out),
                          " doesn't match the broadcast shape ", to_string({common.data(), size_t(common.size())}));
}

DimsView view(const Dims& d) { return {d.data(), size_t(d.size())}; }

}  // namespace

namespace {

// NumPy's result_type of the operands that have a say.
DType promoted_free(const Call& c) {
    SmallVector<int, 4> which;
    for (int i = 0; i < c.op.n_in; ++i)
        if (!(c.op.fixed >> i & 1)) which.push_back(i);
    return c.promoted({which.data(), size_t(which.size())});
}

// A loop of two types for integers that would meet in a float.
const Loop* mixed_loop(const Call& c, DType common) {
    if (c.op.mixed.empty() || c.options.dtype != DType::none || !in(common, kFloat)) return nullptr;
    for (const Loop* loop : c.op.mixed)
        if (can_cast(c.in[0].dtype(), loop->types[0]) && can_cast(c.in[1].dtype(), loop->types[1])) return loop;
    return nullptr;
}

// Where a row has loops of two types, an integer beyond its array's dtype keeps its own, so that -1 < uint8 is true.
void free_large_integers(Call& c) {
    DType common = promoted_free(c);
    if (in(common, kFloat | kComplex))
        for (int i = 0; i < c.op.n_in; ++i)
            if (c.weak[i] == Weak::integer && c.args[i].tag == MINPY_V_BIGINT && std::isinf(double_of(c.args[i])))
                throw overflow_error("int too large to convert to float");
    if (!in(common, kInteger)) return;
    for (int i = 0; i < c.op.n_in; ++i) {
        if (c.weak[i] != Weak::integer || fits(c.args[i], common)) continue;
        c.weak[i] = Weak::none;
        // Beyond 64 bits only its sign matters.
        if (c.args[i].tag == MINPY_V_BIGINT)
            c.in[i] = full_scalar(double_of(c.args[i]) < 0 ? -HUGE_VAL : HUGE_VAL, DType::float64);
    }
}

}  // namespace

Resolved resolve_loop(const Call& c) {
    const Op& op = c.op;
    DType common = c.options.dtype;
    if (common == DType::none) common = promoted_free(c);
    if (op.types) common = op.types(common);
    if (const Loop* loop = mixed_loop(c, common)) return {loop, {loop->types[0], loop->types[1]}, loop->types[2]};
    DType chosen = DType::none;
    // The first loop that all operands may be cast to: int8 and uint8 meet in a float16 loop, though their common type
    // does not. Weak numbers, and rows with a rule, go by the common type.
    bool each = c.options.dtype == DType::none && !op.types;
    for (int i = 0; i < op.n_in; ++i) each = each && (c.weak[i] == Weak::none || op.fixed >> i & 1);
    auto takes = [&](DType t) {
        if (c.options.dtype != DType::none) return t == common;
        if (!each) return can_cast(common, t);
        for (int i = 0; i < op.n_in; ++i)
            if (!(op.fixed >> i & 1) && !can_cast(c.in[i].dtype(), t)) return false;
        return true;
    };
    for (DType t : kSearchOrder) {
        if (!in(t, op.loop_types)) continue;
        if (takes(t)) {
            chosen = t;
            break;
        }
    }
    if (chosen == DType::none) no_loop(c);
    Resolved r;
    r.loop = op.loops[int(chosen)];
    bool through_float32 = !r.loop;  // short floats
    if (through_float32) r.loop = op.loops[int(DType::float32)];
    for (int i = 0; i < op.n_in; ++i) {
        bool fixed = op.fixed >> i & 1;
        r.in.push_back(fixed ? r.loop->types[i] : chosen);
        // Anything is a condition; other operands of a fixed type must be that or less.
        if (fixed && r.in[i] != DType::boolean && !can_cast(c.in[i].dtype(), r.in[i])) no_loop(c);
    }
    DType result = r.loop->types[op.n_in];
    r.out = result == DType::float32 && through_float32 ? chosen : result;
    for (int i = 0; i < op.n_in; ++i)
        if (!(op.fixed >> i & 1) && c.weak[i] == Weak::none && !can_cast(c.in[i].dtype(), chosen, c.options.casting))
            throw Error(MINPY_E_TYPE, "UFuncTypeError",
                        cat("Cannot cast ufunc '", op.name, "' input ", op.n_in > 1 ? cat(i, " ") : "", "from dtype('",
                            name(c.in[i].dtype()), "') to dtype('", name(chosen), "') with casting rule '",
                            name(c.options.casting), "'"));
    return r;
}

uint32_t run_loop(const Loop& loop, std::span<const Array> inputs, const Array& out) {
    Operand operands[4];
    Dims strides[3];
    int64_t lead = out.ndim();
    for (size_t i = 0; i < inputs.size(); ++i) {
        const Array& a = inputs[i];
        a.data();
        const int64_t* steps = a.strides().data();
        if (!same(a.shape(), out.shape())) {
            strides[i].resize(lead);
            for (int64_t k = 0; k < a.ndim(); ++k)
                if (a.dim(k) != 1) strides[i][lead - a.ndim() + k] = a.strides()[size_t(k)];
            steps = strides[i].data();
        }
        operands[i] = {a.raw(), steps, a.dtype()};
    }
    operands[inputs.size()] = {out.raw(), out.strides().data(), out.dtype()};
    return run_elementwise(loop, out.shape(), {operands, inputs.size() + 1});
}

// ---- devices ----

Device device_of_call(const Call& c) {
    Device found = kCpu;
    bool any = false;
    for (const Array& a : c.in) {
        if (!a) continue;
        any = true;
        if (a.on_cpu() || a.device() == found) continue;
        if (!found.is_cpu())
            throw value_error("operands are on different devices: ", to_string(found), " and ", to_string(a.device()),
                              "; move one with to_device");
        found = a.device();
    }
    return any ? found : c.context.device;
}

void gather_operands(Call& c, Device device) {
    for (int64_t i = 0; i < c.in.size(); ++i) {
        Array& a = c.in[i];
        if (!a || a.device() == device) continue;
        if (a.on_cpu() && c.weak[i] == Weak::none && a.size() > 1)
            count_fallback(c.op.name, device, "host_array", uint64_t(a.nbytes()), 0, Reaction::allow);
        a = ops::to_device(a, device);
    }
}

// ---- results ----

namespace {

// x[:] = x[:], with which `x[:] += y` ends.
bool is_there(const Array& to, const Array& value) {
    const Storage& s = to.storage();
    return &s == &value.storage() && same_window(to, value) && !s.has(Storage::kReadOnly | Storage::kTraced) &&
           !s.is_saved() && !may_be_traced(to) && !may_be_traced(value) && !recorder();
}

// What is pending is computed where it goes.
bool computed_into(const Array& to, const Array& value) {
    if (to.size() < deferral_threshold() || !deferral_enabled() || !to.on_cpu() || !value.on_cpu()) return false;
    return &to.storage() != &value.storage() && write_group(MINPY_OP("astype"), nullptr, {&value, 1}, to, false);
}

}  // namespace

void assign(const Array& to, const Array& value, Context& context) {
    if (is_there(to, value)) return;
    if (!same(to.shape(), value.shape())) {
        Array wide = broadcast_window(value, to.shape());  // the error is assignment's
        if (may_be_traced(value)) wide = ops::broadcast_to(value, to.shape());
        return assign(to, wide, context);
    }
    {
        InsideKernel inside;
        if (!computed_into(to, value)) {
            before_write(to.storage());
            if (to.on_cpu() && value.on_cpu()) thread_state().fp_status |= convert_into(to, value);
            else copy_between(to, value);
        }
    }
    if (Recorder* r = recorder()) r->wrote(to, value);
    if (may_be_traced(to) || may_be_traced(value) || to.storage().has(Storage::kTraced)) {
        Array recorded = in(to.dtype(), kFloating | kComplex) && value.dtype() != to.dtype() && may_be_traced(value)
                             ? ops::astype(value, to.dtype())
                             : value;
        record_write(to, recorded, context);
    }
}

void deliver(Call& c) {
    for (size_t i = 0; i < c.options.out.size() && int64_t(i) < c.out.size(); ++i) {
        const Array& to = c.options.out[i];
        if (!to) continue;
        Array& result = c.out[int64_t(i)];
        if (result.is(to)) continue;
        check_output_cast(c.op, result.dtype(), to.dtype(), c.options.casting);
        if (!c.op.elementwise && !same(result.shape(), to.shape()))
            throw shape_error("Output array is the wrong shape: ", to_string(to.shape()), " for a result of shape ",
                              to_string(result.shape()))
                .in_argument("out");
        check_output_shape(result.shape(), to.shape(),
                           c.op.elementwise ? std::span<const Array>(c.in) : std::span<const Array>(&result, 1));
        Array value = result;
        if (c.options.where) {
            Array old = may_be_traced(to) ? with_current_node(to, c.context) : to;
            value = call(find_op("where"), c.options.where, ops::astype(result, to.dtype()), old);
        }
        assign(to, value, c.context);
        result = to;
    }
}

// ---- element-wise ----

namespace {

// The loop can write straight into `to`.
bool writes_through(const Call& c, const Array& to, DimsView shape) {
    if (c.options.where || !to.on_cpu() || !same(to.shape(), shape)) return false;
    if (may_be_traced(to)) return false;
    for (const Array& a : c.in) {
        if (may_be_traced(a)) return false;
        // What is not computed yet has memory of its own.
        constexpr uint32_t kNoMemory = Storage::kPending;
        if (&a.storage() != &to.storage() && (a.storage().has(kNoMemory) || to.storage().has(kNoMemory))) continue;
        bool exact = same_window(a, to) && a.dtype() == to.dtype();
        if (may_overlap(a, to) && !exact) return false;
    }
    return true;
}

// The memory of an operand that the caller gives up, for a C-contiguous result; null if it does not serve.
Array memory_given_up(const Call& c, DimsView shape, DType t) {
    constexpr int32_t kOurs = 2;  // the caller's reference, and the call's
    for (const Array& a : c.in)
        if (may_be_traced(a)) return {};  // a tape may save what is given up
    for (int64_t i = 0; i < c.in.size(); ++i) {
        const Array& a = c.in[i];
        if (!(c.options.given_up >> i & 1) || c.weak[i] != Weak::none) continue;
        const Storage& s = a.storage();
        if (a.dtype() != t || !same(a.shape(), shape) || !a.is_contiguous() || s.borrowed || s.flags.load() ||
            s.is_saved())
            continue;
        if (a.get()->refs.load(std::memory_order_acquire) != kOurs || s.refs.load(std::memory_order_acquire) != 1)
            continue;
        return window(a, 0, a.shape(), a.strides());
    }
    return {};
}

Dims common_shape(const Call& c) {
    SmallVector<DimsView, 4> shapes;
    for (const Array& a : c.in) shapes.push_back(a.shape());
    return broadcast_shapes(std::span<const DimsView>(shapes.data(), size_t(shapes.size())));
}

}  // namespace

void run_elementwise_call(Call& c) {
    if (!c.op.mixed.empty()) free_large_integers(c);
    Resolved r = resolve_loop(c);
    for (int i = 0; i < c.op.n_in; ++i) {
        // Weak numbers become scalars of the loop's dtype: "Python integer 300 out of bounds for uint8".
        if (c.weak[i] != Weak::none && c.in[i].dtype() != r.in[i]) c.in[i] = array_of_number(c.args[i], r.in[i]);
    }
    if (c.op.check && in(r.in[0], c.op.checked)) c.op.check(c);
    Dims shape = common_shape(c);
    Device device = device_of_call(c);
    if (!device.is_cpu()) {
        gather_operands(c, device);
        c.specs.push_back({shape, r.out});
        for (int i = 0; i < c.op.n_in; ++i)
            if (c.in[i].dtype() != r.in[i]) c.in[i] = ops::astype(c.in[i], r.in[i]);
        run_on_device(c, device);
        record(c, {c.in.data(), size_t(c.in.size())}, {c.out.data(), size_t(c.out.size())});
        if (!c.options.out.empty()) deliver(c);
        return;
    }
    count_call(c.op);
    std::span<const Array> inputs(c.in.data(), size_t(c.in.size()));
    if (!c.options.out.empty() && c.options.out[0]) {
        const Array& to = c.options.out[0];
        check_output_cast(c.op, r.out, to.dtype(), c.options.casting);
        check_output_shape(view(shape), to.shape(), c.in);
        if (writes_through(c, to, view(shape)) || (!c.options.where && writes_through(c, to, to.shape()))) {
            bool large = to.size() >= deferral_threshold() && deferral_enabled();
            if (!large || !write_group(c.op, r.loop, inputs, to, c.options.last_use)) {
                for (const Array& a : inputs) a.data();
                before_write(to.storage());
                thread_state().fp_status |= run_loop(*r.loop, inputs, to);
            }
            c.out.push_back(to);
            if (Recorder* recording = recorder()) recording->called(c, r.loop);
            return;
        }
    }
    int64_t size = size_of(view(shape));
    // NumPy's order 'K': the layout of the operands, where it says more than C order.
    bool same_order = true;
    const Array* lead = nullptr;
    for (const Array& a : inputs) {
        if (a.ndim() == shape.size() && same(a.shape(), view(shape)) && !lead) lead = &a;
        same_order = same_order && a.is_contiguous();
    }
    bool fortran = c.options.order == 'F' && shape.size() > 1;
    if (c.options.order == 'A' && lead && shape.size() > 1) {
        fortran = true;
        for (const Array& a : inputs) fortran = fortran && is_f_contiguous(a.shape(), a.strides(), a.itemsize());
    }
    Dims order;
    if (fortran) order = f_strides(view(shape), 1);
    else if (c.options.order == 'K' && !same_order && lead && shape.size() > 1)
        order = Dims(lead->strides().begin(), lead->strides().end());
    Array out;
    if (size >= deferral_threshold() && deferral_enabled() && c.options.out.empty() && !recorder())
        out = defer(c.op, r.loop, inputs, view(shape), r.out, view(order));
    if (!out) {
        if (c.options.given_up && order.empty() && !recorder()) out = memory_given_up(c, view(shape), r.out);
        if (!out) out = order.empty() ? empty(view(shape), r.out) : empty_strided(view(shape), view(order), r.out);
        thread_state().fp_status |= run_loop(*r.loop, inputs, out);
    }
    c.out.push_back(std::move(out));
    if (Recorder* recording = recorder()) recording->called(c, r.loop);
    bool traced = false;
    for (const Array& a : inputs) traced = traced || may_be_traced(a);
    if (traced) record(c, inputs, {c.out.data(), 1});
    if (!c.options.out.empty()) deliver(c);
}

// ---- kernels ----

void run_kernel_call(Call& c) {
    c.op.infer(c);
    Device device = device_of_call(c);
    if (c.context.policy == Policy::only_cpu && c.in.empty()) device = kCpu;
    if (!device.is_cpu()) {
        gather_operands(c, device);
        run_on_device(c, device);
    } else {
        if (!c.op.cpu_kernel) throw unsupported("no kernel on the CPU");
        InsideKernel looking;
        for (int64_t i = c.op.takes_pending; i < c.in.size(); ++i)
            if (c.in[i]) c.in[i].data();
        for (const Call::Spec& s : c.specs) c.out.push_back(empty(view(s.shape), s.dtype));
        {
            InsideKernel inside(true);
            c.op.cpu_kernel(c);
        }
        count_call(c.op);
    }
    if (Recorder* r = recorder()) r->called(c, nullptr);
    record(c, {c.in.data(), size_t(c.in.size())}, {c.out.data(), size_t(c.out.size())});
    if (!c.options.out.empty()) deliver(c);
}

void run_compute_call(Call& c) {
    Device device = device_of_call(c);
    Arrays given = c.in;
    if (!device.is_cpu() && !c.in.empty()) {
        auto begin = std::chrono::steady_clock::now();
        uint64_t bytes = 0;
        for (Array& a : c.in)
            if (a && !a.on_cpu()) {
                bytes += uint64_t(a.nbytes());
                a = to_device(a, kCpu);
            }
        for (const Array& a : c.in)
            if (a) a.data();
        c.op.compute(c);
        for (Array& a : c.out) a = to_device(a, device);
        auto spent = std::chrono::steady_clock::now() - begin;
        count_fallback(c.op.name, device, "no_kernel", bytes, uint64_t(std::chrono::nanoseconds(spent).count()),
                       c.context.fallback);
    } else {
        InsideKernel inside(true);
        for (const Array& a : c.in)
            if (a) a.data();
        c.op.compute(c);
        count_call(c.op);
        if (!device.is_cpu())
            for (Array& a : c.out) a = to_device(a, device);
    }
    if (Recorder* r = recorder()) r->called(c, nullptr);
    record(c, {given.data(), size_t(given.size())}, {c.out.data(), size_t(c.out.size())});
    if (!c.options.out.empty()) deliver(c);
}

}  // namespace minpy
