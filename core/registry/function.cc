#include "core/registry/function.h"

#include "core/autograd/tape.h"
#include "core/ops/calls.h"
#include "core/registry/device.h"
#include "core/registry/dispatch.h"
#include "core/registry/pattern.h"
#include "core/registry/registry.h"
#include "core/registry/statistics.h"
#include "core/registry/thread_state.h"

namespace minpy {
namespace {

ValuesView view(const SmallVector<minpy_value, 8>& v) { return {v.data(), size_t(v.size())}; }

// The thread's error record aside, so that a callback's own can be told from an older one.
class ErrorAside {
public:
    ErrorAside() : state_(thread_state()), error_(std::move(state_.error)), out_of_memory_(state_.out_of_memory) {
        state_.error.reset();
        state_.out_of_memory = false;
    }
    ~ErrorAside() {
        if (state_.error || state_.out_of_memory) return;
        state_.error = std::move(error_);
        state_.out_of_memory = out_of_memory_;
    }

private:
    ThreadState& state_;
    std::unique_ptr<Error> error_;
    bool out_of_memory_;
};

class OwnedResults {  // what a callback gives, until it is taken over
public:
    explicit OwnedResults(int32_t n) : values(n, none_value()) {}
    ~OwnedResults() { drop(); }
    void drop() {
        for (minpy_value& v : values) {
            if (v.tag == MINPY_V_ARRAY) Array::drop(array_of(v));
            if (v.tag == MINPY_V_SCALAR && v.len == MINPY_COMPLEX128) delete[] static_cast<const char*>(v.v.p);
            v = none_value();
        }
    }
    SmallVector<minpy_value, 8> values;
};

}  // namespace

ForeignFunction::~ForeignFunction() {
    if (destroy_) destroy_(payload_);
}

Arrays ForeignFunction::run(ForeignCall callback, ValuesView args) const {
    constexpr int32_t kRoom = 64;
    OwnedResults results(kRoom);
    int32_t n = kRoom;
    {
        ErrorAside aside;
        minpy_status status = callback(payload_, args.data(), int32_t(args.size()), results.values.data(), &n);
        if (status == MINPY_E_INVALID && n > kRoom && n <= 1 << 20) {
            results.drop();
            results.values.resize(n, none_value());
            int32_t room = n;
            status = callback(payload_, args.data(), int32_t(args.size()), results.values.data(), &n);
            if (!status && n > room) status = MINPY_E_CALLBACK;
        } else if (!status && (n < 0 || n > kRoom)) {
            status = MINPY_E_CALLBACK;
        }
        if (status != MINPY_OK) {
            ThreadState& t = thread_state();
            if (t.out_of_memory) throw std::bad_alloc();
            if (!t.error)
                throw Error(status, "RuntimeError", cat("the callback of '", name, "' gave the status ", status));
            Error e = *t.error;  // what the callback said, with its own operator and argument
            e.code = status;
            throw e;
        }
    }
    Arrays out;
    for (int32_t i = 0; i < n; ++i) {
        minpy_value& v = results.values[i];
        if (v.tag == MINPY_V_NONE) {
            out.push_back({});
        } else if (v.tag == MINPY_V_ARRAY && v.v.p) {
            out.push_back(Array::adopt(array_of(v)));
            v = none_value();
        } else if (is_number(v)) {
            out.push_back(array_of_number(v));
        } else {
            throw Error(MINPY_E_CALLBACK, "TypeError",
                        cat("result ", i, " of '", name, "' is no array: ", describe(v)));
        }
    }
    return out;
}

namespace {

void check_results(const Function& f, const Arrays& results) {
    for (int64_t i = 0; i < results.size(); ++i)
        if (!results[i]) throw Error(MINPY_E_CALLBACK, "TypeError", cat("result ", i, " of '", f.name, "' is None"));
}

}  // namespace

void pull_back_function(Reverse& c) { function_of(c.arg(0)).pull_back(c); }

void Function::pull_back(Reverse&) { throw unsupported("the function '", name, "' has no derivative of its own"); }

void ForeignFunction::pull_back(Reverse& c) {
    const minpy_value& pattern = c.arg(1);
    Arrays operands;
    for (int64_t i = 0; i < c.n_in(); ++i) operands.push_back(c.in(i));
    Filled args({static_cast<const minpy_value*>(pattern.v.p), size_t(pattern.len)}, std::move(operands));
    for (int i = 0; i < c.node.n_out; ++i) args.add(c.out(i));
    for (int i = 0; i < c.node.n_out; ++i) args.add(c.g(i));
    Arrays found = run_backward(view(args.values()));
    if (found.size() != c.n_in())
        throw Error(
            MINPY_E_CALLBACK, "ValueError",
            cat("the backward of '", name, "' gave ", found.size(), " cotangents for ", c.n_in(), " array arguments"));
    for (int64_t i = 0; i < c.n_in(); ++i) {
        if (!found[i] || !c.needs(i)) continue;
        Dims shape = c.in_shape(i);
        if (!same(found[i].shape(), shape))
            throw Error(MINPY_E_CALLBACK, "ValueError",
                        cat("the backward of '", name, "' gave a cotangent of shape ", to_string(found[i].shape()),
                            " for argument ", i, " of shape ", shape));
        c.set(i, std::move(found[i]));
    }
}

Arrays ForeignFunction::call(ValuesView given, const CallOptions& options) {
    Context& context = options.context ? *options.context : Context::current();
    Ref<Function> alive = Ref<Function>::share(this);
    static const Op& row = find_op("_call");
    Call c(row, context, options);
    WithContext current(context);
    if (!backward_) {
        c.out = run_forward(given);
        check_results(*this, c.out);
    } else {
        Pattern pattern(given);
        c.args = {to_value(*this), pointer_value(MINPY_V_VALUES, pattern.values.data(), pattern.values.size()),
                  pointer_value(MINPY_V_ARRAYS, nullptr, pattern.operands.size())};
        c.first = {0, 0, 0};
        c.in = pattern.operands;
        {
            // What forward computes is not recorded: the node below stands for it.
            Context unrecorded(context);
            unrecorded.tape = {};
            WithContext now(unrecorded);
            Arrays operands;
            for (const Array& a : pattern.operands) operands.push_back(may_be_traced(a) ? without_node(a) : a);
            Filled args(view(pattern.values), std::move(operands));
            c.out = run_forward(view(args.values()));
        }
        check_results(*this, c.out);
        // Handles of their own: a callback may return what others hold.
        for (Array& a : c.out) a = without_node(a);
        if (!c.out.empty()) record(c, {c.in.data(), size_t(c.in.size())}, {c.out.data(), size_t(c.out.size())});
    }
    if (!options.out.empty()) deliver(c);
    return std::move(c.out);
}

void call_function(Call& c) {
    const minpy_value& pattern = c.args[1];
    if (pattern.tag != MINPY_V_VALUES) throw type_error("arguments must be a list").in_argument("arguments");
    CallOptions with;
    with.context = &c.context;
    c.out = function_of(c.args[0]).call({static_cast<const minpy_value*>(pattern.v.p), size_t(pattern.len)}, with);
}

// ---- operators and kernels made of functions ----

namespace {

// The row's arguments as its function gets them: operands are arrays always, numbers in the dtype that they take among
// the other operands.
SmallVector<minpy_value, 8> foreign_arguments(Call& c) {
    SmallVector<minpy_value, 8> args = c.args;
    for (int64_t i = 0; i < c.in.size(); ++i)
        if (c.in[i] && c.weak[i] != Weak::none && c.in[i].dtype() != c.promoted())
            c.in[i] = ops::astype(c.in[i], c.promoted());
    for (size_t i = 0; i < c.op.params.size(); ++i) {
        if (c.op.params[i].kind == ParamKind::array) args[int64_t(i)] = to_value(c.array(int(i)));
        if (c.op.params[i].kind == ParamKind::arrays) args[int64_t(i)] = to_value(c.arrays(int(i)));
    }
    return args;
}

void foreign_row(Call& c) {
    auto& f = *static_cast<Function*>(const_cast<void*>(c.op.data));
    SmallVector<minpy_value, 8> args = foreign_arguments(c);
    CallOptions with;
    with.context = &c.context;
    c.out = f.call(view(args), with);
    Device device = device_of_call(c);
    if (device.is_cpu()) count_call(c.op);
    else count_device_call(c.op, device);
}

}  // namespace

const Op& register_foreign_op(const char* signature, const char* doc, Ref<Function> f) {
    const Op& added = Registry::get().add(signature, [&](RowBuilder row) {
        Op& op = row.doc(doc ? doc : "").composite(foreign_row).op();
        op.family = "foreign";
        op.n_outputs = f->n_results();
        op.data = f.get();
    });
    f.detach();  // a row stays for the life of the process
    return added;
}

void register_foreign_kernel(const char* op, int32_t device_kind, Ref<Function> f) {
    if (device_kind == MINPY_CPU)
        throw value_error("the CPU's kernels are a part of their operator; register a new operator instead")
            .in_argument("device_kind");
    register_host_kernel(op, device_kind, [f = std::move(f)](Call& c) {
        SmallVector<minpy_value, 8> args = c.args;
        Arrays inputs = c.in;
        if (c.op.elementwise)
            for (Array& a : inputs) a = broadcast_window(a, c.out[0].shape());
        for (size_t i = 0; i < c.op.params.size(); ++i) {
            ParamKind kind = c.op.params[i].kind;
            if (kind == ParamKind::array) args[int64_t(i)] = to_value(inputs[c.first[int64_t(i)]]);
            if (kind == ParamKind::arrays)
                args[int64_t(i)] =
                    to_value(std::span<const Array>(inputs.data() + c.first[int64_t(i)], size_t(c.count(int(i)))));
        }
        for (const Array& a : c.out) args.push_back(to_value(a));
        Context unrecorded(c.context);
        unrecorded.tape = {};
        WithContext now(unrecorded);
        if (auto* foreign = dynamic_cast<ForeignFunction*>(f.get())) {
            foreign->run_forward(view(args));
        } else {
            throw type_error("a kernel is made of callbacks");
        }
    });
}

}  // namespace minpy
