// copy and astype.
#include "cuda/copies.h"

#include "cuda/plugin.h"

namespace minpy::cuda {
namespace {

bool args_of(const minpy_tensor& from, const minpy_tensor& to, CopyArgs& args) {
    const minpy_tensor* both[] = {&from, &to};
    args.from = static_cast<const char*>(from.data);
    args.to = static_cast<char*>(to.data);
    args.type = DType(from.dtype);
    return make_layout(args.layout, both, 2);
}

int32_t supports(void*, const minpy_kernel_call* call, const char** reason) {
    CopyArgs args;
    return args_of(call->inputs[0], call->outputs[0], args) ? 1 : refused(reason, "rank");
}

minpy_status run(void*, const minpy_kernel_call* call) {
    copy_tensor(call->inputs[0], call->outputs[0], call->stream);
    return MINPY_OK;
}

}  // namespace

bool copy_tensor(const minpy_tensor& from, const minpy_tensor& to, void* stream) {
    CopyArgs args;
    if (!args_of(from, to, args)) return false;
    if (args.layout.size == 0) return true;
    CopyFn launch = copy_kernel(DType(from.dtype), DType(to.dtype));
    in_parts(args.layout, [&](const Layout& part, const int64_t* at) {
        CopyArgs piece = {part, args.from + at[0], args.to + at[1], args.type};
        launch(piece, blocks_for(part.size), kThreads, stream);
    });
    return true;
}

bool is_contiguous(const minpy_tensor& t) {
    int64_t step = itemsize_of(t.dtype);
    for (int axis = t.ndim - 1; axis >= 0; --axis) {
        if (t.shape[axis] != 1 && t.strides[axis] != step) return false;
        step *= t.shape[axis];
    }
    return true;
}

int64_t size_of(const minpy_tensor& t) {
    int64_t n = 1;
    for (int axis = 0; axis < t.ndim; ++axis) n *= t.shape[axis];
    return n;
}

int64_t itemsize_of(minpy_dtype t) {
    static constexpr int8_t sizes[] = {0, 1, 1, 2, 4, 8, 1, 2, 4, 8, 2, 4, 8, 8, 16, 2};
    return sizes[t];
}

minpy_status Contiguous::make(const minpy_kernel_call* call, const minpy_tensor& t, minpy_dtype as) {
    data = t.data;
    if (t.dtype == as && is_contiguous(t)) return MINPY_OK;
    int64_t n = size_of(t), step = itemsize_of(as), strides[64];
    if (minpy_status status = host().workspace(call, uint64_t(n * step), &data)) return status;
    for (int axis = t.ndim - 1; axis >= 0; --axis) {
        strides[axis] = step;
        step *= t.shape[axis];
    }
    minpy_tensor to = {data, t.shape, strides, t.ndim, as, 0};
    if (!copy_tensor(t, to, call->stream)) return host().fail(call, MINPY_E_UNSUPPORTED, "too many axes");
    return MINPY_OK;
}

void register_copies() {
    add_kernel("copy", supports, run);
    add_kernel("astype", supports, run);
}

}  // namespace minpy::cuda
