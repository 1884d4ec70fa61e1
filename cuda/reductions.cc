// sum, prod, max, min, any, all (mean, var and std are made of these).
#include "cuda/reductions.h"

#include <cstring>
#include <vector>

#include "cuda/plugin.h"

namespace minpy::cuda {

const std::vector<ReduceKernel>& reduce_kernels();  // reductions_kernels.cu

const ReduceKernel* reduce_kernel(const char* functor, DType in, DType out) {
    for (const ReduceKernel& k : reduce_kernels())
        if (k.in == in && k.out == out && std::strcmp(k.functor, functor) == 0) return &k;
    return nullptr;
}

namespace {

// A row's functor, and where its attributes are.
struct Fold {
    const char* op;
    const char* functor;
    int axis, keepdims, initial, where;  // positions in the schema; -1: none
    bool to_bool;                        // of truth values
    const char* parameters;              // the schema that these positions are of; a test compares
};
constexpr Fold kFolds[] = {
    {"sum", "Sum", 1, 3, 4, 5, false, "a axis dtype keepdims initial where"},
    {"prod", "Prod", 1, 3, 4, 5, false, "a axis dtype keepdims initial where"},
    {"max", "Max", 1, 2, 3, 4, false, "a axis keepdims initial where"},
    {"min", "Min", 1, 2, 3, 4, false, "a axis keepdims initial where"},
    {"any", "Max", 1, 2, -1, 3, true, "a axis keepdims where"},
    {"all", "Min", 1, 2, -1, 3, true, "a axis keepdims where"},
};

// What the fold reads: the operand itself, or a copy in another dtype; then the float of short floats.
minpy_dtype operand_dtype(const Fold& fold, const minpy_kernel_call* call) {
    minpy_dtype in = call->inputs[0].dtype, out = call->outputs[0].dtype;
    if (fold.to_bool) return MINPY_BOOL;
    bool short_in = in == MINPY_FLOAT16 || in == MINPY_BFLOAT16,
         short_out = out == MINPY_FLOAT16 || out == MINPY_BFLOAT16;
    if (in == out || (short_in && out == MINPY_FLOAT32) || (short_out && in == MINPY_FLOAT32)) return in;
    return short_out ? MINPY_FLOAT32 : out;
}
minpy_dtype partial_dtype(minpy_dtype in) { return in == MINPY_FLOAT16 || in == MINPY_BFLOAT16 ? MINPY_FLOAT32 : in; }

bool reduced(const minpy_value& axes, int axis, int ndim) {
    auto is = [&](int64_t v) { return (v < 0 ? v + ndim : v) == axis; };
    if (axes.tag == MINPY_V_NONE) return true;
    if (axes.tag == MINPY_V_INT) return is(axes.v.i);
    const auto* list = static_cast<const int64_t*>(axes.v.p);
    for (int32_t i = 0; i < axes.len; ++i)
        if (is(list[i])) return true;
    return false;
}

bool layouts(const Fold& fold, const minpy_tensor& a, const minpy_kernel_call* call, ReduceArgs& args) {
    args.rows = args.along = Layout();
    args.rows.operands = args.along.operands = 1;
    for (int axis = 0; axis < a.ndim; ++axis) {
        Layout& to = reduced(call->attributes[fold.axis], axis, a.ndim) ? args.along : args.rows;
        if (!to.push(a.shape[axis], &a.strides[axis])) return false;
    }
    return true;
}

int32_t supports(void* payload, const minpy_kernel_call* call, const char** reason) {
    const Fold& fold = *static_cast<const Fold*>(payload);
    const minpy_tensor& a = call->inputs[0];
    if (fold.initial >= 0 && call->attributes[fold.initial].tag != MINPY_V_NONE) return refused(reason, "attribute");
    for (int i = 1; i < call->n_inputs; ++i)
        if (call->inputs[i].dtype) return refused(reason, "attribute");  // a mask
    const minpy_value& axes = call->attributes[fold.axis];
    if (axes.tag != MINPY_V_NONE && axes.tag != MINPY_V_INT && axes.tag != MINPY_V_INTS)
        return refused(reason, "attribute");
    DType in = DType(operand_dtype(fold, call)), out = DType(call->outputs[0].dtype),
          partial = DType(partial_dtype(int32_t(in)));
    if (!reduce_kernel(fold.functor, in, partial) || !reduce_kernel(fold.functor, partial, out))
        return refused(reason, "dtype");
    ReduceArgs args;
    if (!layouts(fold, a, call, args)) return refused(reason, "rank");
    constexpr int64_t kMost = int64_t(1) << 32;  // what Layout::locate can index
    if ((args.rows.ndim > 1 && args.rows.size >= kMost) || (args.along.ndim > 1 && args.along.size >= kMost))
        return refused(reason, "rank");
    bool extreme = !fold.to_bool && std::strcmp(fold.functor, "Max") * std::strcmp(fold.functor, "Min") == 0;
    if (extreme && args.along.size == 0) return refused(reason, "attribute");  // the CPU says why this is an error
    return 1;
}

minpy_status run(void* payload, const minpy_kernel_call* call) {
    const Fold& fold = *static_cast<const Fold*>(payload);
    minpy_tensor a = call->inputs[0];
    const minpy_tensor& out = call->outputs[0];
    if (size_of(out) == 0) return MINPY_OK;
    minpy_dtype in = operand_dtype(fold, call), partial = partial_dtype(in);
    int64_t steps[64];
    if (in != a.dtype) {
        Contiguous copy;
        if (minpy_status status = copy.make(call, a, in)) return status;
        a.data = copy.data;
        for (int64_t axis = a.ndim - 1, step = itemsize_of(in); axis >= 0; step *= a.shape[axis--]) steps[axis] = step;
        a.strides = steps;
    }
    ReduceArgs args;
    layouts(fold, a, call, args);
    args.from = static_cast<const char*>(a.data);
    args.empty = args.along.size == 0;
    bool neighbours = args.rows.ndim > 0 && args.rows.strides[args.rows.ndim - 1][0] == itemsize_of(in);
    ReducePlan plan(args.rows.size, args.along.size, neighbours);
    args.by_thread = plan.by_thread;
    args.chunks = plan.chunks;
    args.chunk = plan.chunk;
    auto launch = [&](minpy_dtype from, minpy_dtype to) {
        int64_t work = args.rows.size * args.chunks;
        unsigned blocks = args.by_thread ? blocks_for(work) : unsigned(work < 1 << 16 ? work : 1 << 16);
        reduce_kernel(fold.functor, DType(from), DType(to))->launch(args, blocks, kThreads, call->stream);
    };
    if (args.chunks == 1 && reduce_kernel(fold.functor, DType(in), DType(out.dtype))) {
        args.to = static_cast<char*>(out.data);
        return launch(in, out.dtype), MINPY_OK;
    }
    void* partials;
    int64_t item = itemsize_of(partial);
    if (minpy_status status = host().workspace(call, uint64_t(args.rows.size * args.chunks * item), &partials))
        return status;
    args.to = static_cast<char*>(partials);
    launch(in, partial);
    int64_t rows = args.rows.size, step = args.chunks * item;
    args.rows = args.along = Layout();
    args.rows.operands = args.along.operands = 1;
    args.rows.push(rows, &step);
    args.along.push(args.chunks, &item);
    args.from = static_cast<const char*>(partials);
    args.to = static_cast<char*>(out.data);
    args.chunk = args.chunks;
    args.chunks = 1;
    args.by_thread = false;
    launch(partial, out.dtype);
    return MINPY_OK;
}

}  // namespace

void register_reductions() {
    for (const Fold& fold : kFolds) add_kernel(fold.op, supports, run, const_cast<Fold*>(&fold));
}

}  // namespace minpy::cuda
