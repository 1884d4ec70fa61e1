// matmul, by cuBLAS. Row-major products are column-major ones of the transposes: C' = B' A'.
#include <cublas_v2.h>

#include <mutex>

#include "cuda/library.h"
#include "cuda/matrices.h"
#include "cuda/runtime.h"

namespace minpy::cuda {
namespace {

// The header overloads it in C++; this is the exported one.
using Gemm = cublasStatus_t(cublasHandle_t, cublasOperation_t, cublasOperation_t, int, int, int, const void*,
                            const void*, cudaDataType, int, long long, const void*, cudaDataType, int, long long,
                            const void*, void*, cudaDataType, int, long long, int, cublasComputeType_t,
                            cublasGemmAlgo_t);

struct Cublas : Library {
    decltype(cublasCreate_v2)* create;
    decltype(cublasSetStream_v2)* set_stream;
    Gemm* gemm;
    Cublas() : Library(kNames) {
        find(create, "cublasCreate_v2");
        find(set_stream, "cublasSetStream_v2");
        find(gemm, "cublasGemmStridedBatchedEx");
    }
    static constexpr const char* kNames[] = {"libcublas.so." MINPY_TEXT(CUBLAS_VER_MAJOR), "libcublas.so", nullptr};
};
const Cublas& cublas() {
    static const Cublas library;
    return library;
}

// One handle for each device; a handle serves one thread at a time.
struct Handle {
    std::mutex mutex;
    cublasHandle_t handle = nullptr;
};
Handle& handle_of(int32_t index) {
    static Handle handles[64];
    return handles[index & 63];
}

struct Types {
    cudaDataType_t data;
    cublasComputeType_t compute;
};
bool types_of(minpy_dtype t, Types& out) {
    switch (t) {
        case MINPY_FLOAT16: return out = {CUDA_R_16F, CUBLAS_COMPUTE_32F}, true;
        case MINPY_BFLOAT16: return out = {CUDA_R_16BF, CUBLAS_COMPUTE_32F}, true;
        case MINPY_FLOAT32: return out = {CUDA_R_32F, CUBLAS_COMPUTE_32F}, true;  // not TF32: it has 10 bits
        case MINPY_FLOAT64: return out = {CUDA_R_64F, CUBLAS_COMPUTE_64F}, true;
        case MINPY_COMPLEX64: return out = {CUDA_C_32F, CUBLAS_COMPUTE_32F}, true;
        case MINPY_COMPLEX128: return out = {CUDA_C_64F, CUBLAS_COMPUTE_64F}, true;
        default: return false;
    }
}

int32_t supports(void*, const minpy_kernel_call* call, const char** reason) {
    Types types;
    const minpy_tensor &x = call->inputs[0], &y = call->inputs[1];
    if (!types_of(call->outputs[0].dtype, types) || x.dtype != y.dtype || x.dtype != call->outputs[0].dtype)
        return refused(reason, "dtype");
    Product p;
    p.from(x, y, call->outputs[0], itemsize_of(x.dtype));
    if (p.m > INT32_MAX || p.k > INT32_MAX || p.n > INT32_MAX) return refused(reason, "attribute");
    return cublas() ? 1 : refused(reason, "no_kernel");
}

minpy_status fail(const minpy_kernel_call* call, cublasStatus_t status) {
    if (status == CUBLAS_STATUS_ALLOC_FAILED) return host().fail(call, MINPY_E_NOMEM, "cuBLAS found no memory");
    char text[] = "cuBLAS failed with status 000";
    for (int i = int(sizeof text) - 2, rest = int(status); i > int(sizeof text) - 5; --i, rest /= 10)
        text[i] = char('0' + rest % 10);
    return host().fail(call, MINPY_E_DEVICE, text);
}

minpy_status run(void*, const minpy_kernel_call* call) {
    minpy_tensor x = call->inputs[0], y = call->inputs[1];
    const minpy_tensor& out = call->outputs[0];
    if (size_of(out) == 0) return MINPY_OK;
    int64_t item = itemsize_of(out.dtype);
    Product p;
    p.from(x, y, out, item);
    if (p.k == 0) return finish(call, cudaMemsetAsync(out.data, 0, size_t(size_of(out) * item), stream_of(call)));
    // What BLAS cannot read in place is copied, once for all batches.
    Matrix a, b;
    int64_t strides[2][64];
    auto readable = [&](minpy_tensor& t, int64_t* to) {
        Contiguous copy;
        if (minpy_status status = copy.make(call, t)) return status;
        if (copy.data == t.data) return minpy_status(MINPY_OK);
        t.data = copy.data;
        for (int64_t axis = t.ndim - 1, step = item; axis >= 0; step *= t.shape[axis--]) to[axis] = step;
        t.strides = to;
        return minpy_status(MINPY_OK);
    };
    if (!a.from(p.m, p.k, p.a.row, p.a.column))
        if (minpy_status status = readable(x, strides[0])) return status;
    if (!b.from(p.k, p.n, p.b.row, p.b.column))
        if (minpy_status status = readable(y, strides[1])) return status;
    p.from(x, y, out, item);
    a.from(p.m, p.k, p.a.row, p.a.column);
    b.from(p.k, p.n, p.b.row, p.b.column);

    Types types = {};
    types_of(out.dtype, types);
    float one_f[] = {1, 0}, zero_f[] = {0, 0};
    double one_d[] = {1, 0}, zero_d[] = {0, 0};
    bool wide = types.compute == CUBLAS_COMPUTE_64F;
    const void *one = wide ? static_cast<void*>(one_d) : one_f, *zero = wide ? static_cast<void*>(zero_d) : zero_f;

    int first = p.strided_from();
    int64_t inner = 1, outer = 1, stride_a = 0, stride_b = 0;
    for (int i = 0; i < first; ++i) outer *= p.batch[i];
    for (int i = p.batch_axes - 1; i >= first; --i) {
        if (inner == 1) stride_a = p.a.batch[i], stride_b = p.b.batch[i];
        inner *= p.batch[i];
    }
    Handle& h = handle_of(call->device_index);
    std::lock_guard lock(h.mutex);
    if (!h.handle)
        if (cublasStatus_t status = cublas().create(&h.handle)) return h.handle = nullptr, fail(call, status);
    if (cublasStatus_t status = cublas().set_stream(h.handle, stream_of(call))) return fail(call, status);
    for (int64_t i = 0; i < outer; ++i) {
        int64_t at_a = 0, at_b = 0, rest = i;
        for (int axis = first - 1; axis >= 0; --axis) {
            at_a += rest % p.batch[axis] * p.a.batch[axis];
            at_b += rest % p.batch[axis] * p.b.batch[axis];
            rest /= p.batch[axis];
        }
        constexpr int64_t kMost = INT32_MAX;
        for (int64_t from = 0; from < inner; from += kMost) {
            int64_t count = inner - from < kMost ? inner - from : kMost;
            const char* pa = static_cast<const char*>(x.data) + (at_a + from * stride_a) * item;
            const char* pb = static_cast<const char*>(y.data) + (at_b + from * stride_b) * item;
            char* pc = static_cast<char*>(out.data) + (i * inner + from) * p.m * p.n * item;
            cublasStatus_t status = cublas().gemm(
                h.handle, b.transposed ? CUBLAS_OP_T : CUBLAS_OP_N, a.transposed ? CUBLAS_OP_T : CUBLAS_OP_N, int(p.n),
                int(p.m), int(p.k), one, pb, types.data, int(b.ld), stride_b, pa, types.data, int(a.ld), stride_a, zero,
                pc, types.data, int(p.n), p.m * p.n, int(count), types.compute, CUBLAS_GEMM_DEFAULT);
            if (status) return fail(call, status);
        }
    }
    return MINPY_OK;
}

}  // namespace

void register_products() { add_kernel("matmul", supports, run); }

}  // namespace minpy::cuda
