// pooling, _pool_backward and _pool_gather.
#include <cmath>
#include <cstring>

#include "cuda/plugin.h"
#include "cuda/pooling.h"

namespace minpy::cuda {
namespace {

struct Row {
    const char* op;
    PoolStep step;
    int data, attributes;  // which operand has the data's shape; where the attributes begin
};
constexpr Row kRows[] = {{"pooling", PoolStep::forward, 0, 1},
                         {"_pool_backward", PoolStep::backward, 1, 3},
                         {"_pool_gather", PoolStep::gather, 1, 3}};

int64_t item(const minpy_value& v, int i, int64_t otherwise) {
    if (v.tag == MINPY_V_INT) return v.v.i;
    if (v.tag != MINPY_V_INTS || v.len == 0) return otherwise;
    return static_cast<const int64_t*>(v.v.p)[v.len == 1 ? 0 : i];
}
bool is(const minpy_value& v, const char* text) {
    return v.tag == MINPY_V_STRING && size_t(v.len) == std::strlen(text) &&
           std::memcmp(v.v.p, text, size_t(v.len)) == 0;
}

// The host has checked shapes and attributes; what is refused here does not fit this kernel's numbers.
bool args_of(const Row& row, const minpy_kernel_call* call, PoolArgs& a) {
    const minpy_tensor& x = call->inputs[row.data];
    const minpy_tensor& y = row.step == PoolStep::backward ? call->inputs[2] : call->outputs[0];
    const minpy_value* v =
        call->attributes + row.attributes;  // kernel, pool_type, stride, pad, global_pool, convention
    a.type = is(v[1], "max") ? Pool::max : is(v[1], "avg") ? Pool::avg : Pool::sum;
    bool global = v[4].v.i != 0;
    int n = x.ndim - 2;
    for (int i = 0; i < n; ++i) {
        int k = 3 - n + i;
        int64_t numbers[] = {x.shape[i + 2], y.shape[i + 2], global ? x.shape[i + 2] : item(v[0], i, 0),
                             global ? 1 : item(v[2], i, 1), global ? 0 : item(v[3], i, 0)};
        for (int64_t number : numbers)
            if (number < 0 || number > 1 << 28) return false;
        a.in[k] = int32_t(numbers[0]), a.out[k] = int32_t(numbers[1]), a.kernel[k] = int32_t(numbers[2]);
        a.stride[k] = int32_t(numbers[3]), a.pad[k] = int32_t(numbers[4]);
        a.in_size *= a.in[k], a.out_size *= a.out[k];
    }
    a.size = size_of(call->outputs[0]);
    return a.in_size <= INT32_MAX && a.out_size <= INT32_MAX;
}

int32_t supports(void* payload, const minpy_kernel_call* call, const char** reason) {
    const Row& row = *static_cast<const Row*>(payload);
    PoolArgs args;
    if (!pool_kernel(row.step, DType(call->outputs[0].dtype))) return refused(reason, "dtype");
    return args_of(row, call, args) ? 1 : refused(reason, "attribute");
}

minpy_status run(void* payload, const minpy_kernel_call* call) {
    const Row& row = *static_cast<const Row*>(payload);
    PoolArgs args;
    args_of(row, call, args);
    if (args.size == 0) return MINPY_OK;
    Contiguous operands[3];
    for (int i = 0; i < call->n_inputs; ++i)
        if (minpy_status status = operands[i].make(call, call->inputs[i], call->outputs[0].dtype)) return status;
    args.moved = operands[0].data;
    args.x = operands[1].data;
    args.y = operands[2].data;
    args.to = call->outputs[0].data;
    pool_kernel(row.step, DType(call->outputs[0].dtype))(args, blocks_for(args.size), kThreads, call->stream);
    return MINPY_OK;
}

}  // namespace

void register_pooling() {
    for (const Row& row : kRows) add_kernel(row.op, supports, run, const_cast<Row*>(&row));
}

}  // namespace minpy::cuda
