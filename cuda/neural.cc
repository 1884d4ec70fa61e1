// Convolution, batch normalisation and softmax, by cuDNN.
#include "cuda/runtime.h"

#if !defined(MINPY_HAS_CUDNN)
namespace minpy::cuda {
void register_neural() {}
}  // namespace minpy::cuda
#else
#include <cudnn.h>

#include <mutex>

#include "cuda/library.h"

namespace minpy::cuda {
namespace {

// M(name) for each function that is used.
#define MINPY_CUDNN_FUNCTIONS(M)                 \
    M(Create)                                    \
    M(SetStream)                                 \
    M(GetErrorString)                            \
    M(CreateTensorDescriptor)                    \
    M(DestroyTensorDescriptor)                   \
    M(SetTensorNdDescriptor)                     \
    M(CreateFilterDescriptor)                    \
    M(DestroyFilterDescriptor)                   \
    M(SetFilterNdDescriptor)                     \
    M(CreateConvolutionDescriptor)               \
    M(DestroyConvolutionDescriptor)              \
    M(SetConvolutionNdDescriptor)                \
    M(SetConvolutionGroupCount)                  \
    M(SetConvolutionMathType)                    \
    M(GetConvolutionForwardAlgorithm_v7)         \
    M(GetConvolutionForwardWorkspaceSize)        \
    M(ConvolutionForward)                        \
    M(GetConvolutionBackwardDataAlgorithm_v7)    \
    M(GetConvolutionBackwardDataWorkspaceSize)   \
    M(ConvolutionBackwardData)                   \
    M(GetConvolutionBackwardFilterAlgorithm_v7)  \
    M(GetConvolutionBackwardFilterWorkspaceSize) \
    M(ConvolutionBackwardFilter)                 \
    M(AddTensor) M(SoftmaxForward) M(BatchNormalizationForwardTraining) M(BatchNormalizationBackward)

struct Cudnn : Library {
#define MINPY_MEMBER(name) decltype(cudnn##name)* name;
    MINPY_CUDNN_FUNCTIONS(MINPY_MEMBER)
    Cudnn() : Library(kNames) {
#define MINPY_FIND(name)   find(name, "cudnn" #name);
        MINPY_CUDNN_FUNCTIONS(MINPY_FIND)
    }
    static constexpr const char* kNames[] = {"libcudnn.so." MINPY_TEXT(CUDNN_MAJOR), nullptr};
};
const Cudnn& cudnn() {
    static const Cudnn library;
    return library;
}

struct Handle {
    std::mutex mutex;
    cudnnHandle_t handle = nullptr;
};
Handle& handle_of(int32_t index) {
    static Handle handles[64];
    return handles[index & 63];
}

// One call's descriptors and first error; the handle is ours until it goes.
class Session {
public:
    explicit Session(const minpy_kernel_call* call)
        : call_(call), handle_(handle_of(call->device_index)), lock_(handle_.mutex) {
        if (!handle_.handle) check(cudnn().Create(&handle_.handle));
        if (ok()) check(cudnn().SetStream(handle_.handle, stream_of(call)));
    }
    ~Session() {
        for (auto d : tensors_)
            if (d) cudnn().DestroyTensorDescriptor(d);
        if (filter_) cudnn().DestroyFilterDescriptor(filter_);
        if (convolution_) cudnn().DestroyConvolutionDescriptor(convolution_);
    }
    bool ok() const { return status_ == CUDNN_STATUS_SUCCESS; }
    void check(cudnnStatus_t status) {
        if (ok()) status_ = status;
    }
    cudnnHandle_t handle() const { return handle_.handle; }
    minpy_status done() const {
        if (ok()) return MINPY_OK;
        minpy_status code = status_ == CUDNN_STATUS_ALLOC_FAILED ? MINPY_E_NOMEM : MINPY_E_DEVICE;
        return host().fail(call_, code, cudnn().GetErrorString(status_));
    }

    // A C-ordered tensor; at least four axes, as cuDNN wants, the added ones last.
    cudnnTensorDescriptor_t tensor(minpy_dtype t, const int64_t* shape, int n) {
        int sizes[8], steps[8], step = 1, axes = n < 4 ? 4 : n;
        for (int i = 0; i < axes; ++i) sizes[i] = i < n ? int(shape[i]) : 1;
        for (int i = axes - 1; i >= 0; step *= sizes[i--]) steps[i] = step;
        cudnnTensorDescriptor_t& d = tensors_[n_tensors_++];
        check(cudnn().CreateTensorDescriptor(&d));
        if (ok()) check(cudnn().SetTensorNdDescriptor(d, data_type(t), axes, sizes, steps));
        return d;
    }
    cudnnFilterDescriptor_t filter(minpy_dtype t, const int64_t* shape, int n) {
        int sizes[8], axes = n < 4 ? 4 : n;
        for (int i = 0; i < axes; ++i) sizes[i] = i < n ? int(shape[i]) : 1;
        check(cudnn().CreateFilterDescriptor(&filter_));
        if (ok()) check(cudnn().SetFilterNdDescriptor(filter_, data_type(t), CUDNN_TENSOR_NCHW, axes, sizes));
        return filter_;
    }
    // Attributes stride, pad, dilate, groups.
    cudnnConvolutionDescriptor_t convolution(const minpy_value* v, int spatial, minpy_dtype t) {
        int numbers[3][3], axes = spatial < 2 ? 2 : spatial;
        for (int k = 0; k < 3; ++k)
            for (int i = 0; i < axes; ++i) {
                int otherwise = k == 1 ? 0 : 1;
                numbers[k][i] = i >= spatial              ? otherwise
                                : v[k].tag == MINPY_V_INT ? int(v[k].v.i)
                                : v[k].tag != MINPY_V_INTS || v[k].len == 0
                                    ? otherwise
                                    : int(static_cast<const int64_t*>(v[k].v.p)[v[k].len == 1 ? 0 : i]);
            }
        check(cudnn().CreateConvolutionDescriptor(&convolution_));
        cudnnDataType_t compute = t == MINPY_FLOAT64 ? CUDNN_DATA_DOUBLE : CUDNN_DATA_FLOAT;
        if (ok())
            check(cudnn().SetConvolutionNdDescriptor(convolution_, axes, numbers[1], numbers[0], numbers[2],
                                                     CUDNN_CROSS_CORRELATION, compute));
        if (ok()) check(cudnn().SetConvolutionGroupCount(convolution_, int(v[3].v.i)));
        // Not TF32: it has 10 bits.
        bool wide = t == MINPY_FLOAT32 || t == MINPY_FLOAT64;
        if (ok()) check(cudnn().SetConvolutionMathType(convolution_, wide ? CUDNN_FMA_MATH : CUDNN_DEFAULT_MATH));
        return convolution_;
    }
    static cudnnDataType_t data_type(minpy_dtype t) {
        return t == MINPY_FLOAT64    ? CUDNN_DATA_DOUBLE
               : t == MINPY_FLOAT16  ? CUDNN_DATA_HALF
               : t == MINPY_BFLOAT16 ? CUDNN_DATA_BFLOAT16
                                     : CUDNN_DATA_FLOAT;
    }

private:
    const minpy_kernel_call* call_;
    Handle& handle_;
    std::lock_guard<std::mutex> lock_;
    cudnnStatus_t status_ = CUDNN_STATUS_SUCCESS;
    cudnnTensorDescriptor_t tensors_[8] = {};
    int n_tensors_ = 0;
    cudnnFilterDescriptor_t filter_ = nullptr;
    cudnnConvolutionDescriptor_t convolution_ = nullptr;
};

// The factors of out = one * result + zero * out, in the type that is computed in.
struct Factors {
    float f[2] = {1, 0};
    double d[2] = {1, 0};
    bool wide;
    explicit Factors(minpy_dtype t) : wide(t == MINPY_FLOAT64) {}
    const void* one() const { return wide ? static_cast<const void*>(&d[0]) : &f[0]; }
    const void* zero() const { return wide ? static_cast<const void*>(&d[1]) : &f[1]; }
};

bool floating(minpy_dtype t) {
    return t == MINPY_FLOAT16 || t == MINPY_BFLOAT16 || t == MINPY_FLOAT32 || t == MINPY_FLOAT64;
}
bool small(const minpy_tensor& t) {  // cuDNN counts in int
    return size_of(t) > 0 && size_of(t) <= INT32_MAX;
}
int32_t takes(const minpy_kernel_call* call, const char** reason, int operands) {
    minpy_dtype t = call->outputs[0].dtype;
    if (!floating(t)) return refused(reason, "dtype");
    for (int i = 0; i < operands; ++i) {
        if (call->inputs[i].dtype && call->inputs[i].dtype != t) return refused(reason, "dtype");
        if (call->inputs[i].dtype && !small(call->inputs[i])) return refused(reason, "attribute");
    }
    if (!small(call->outputs[0])) return refused(reason, "attribute");
    return cudnn() ? 1 : refused(reason, "no_kernel");
}

// ---- convolution: attributes of all three begin at 3 ----

int32_t supports_convolution(void*, const minpy_kernel_call* call, const char** reason) {
    return takes(call, reason, call->n_inputs);
}

// The fastest algorithm that gives the same bits every time; else `out` stays, with which all shapes work.
template <class Perf, class Algorithm>
void choose(Session& s, const Perf* found, int n, minpy_dtype t, cudnnConvolutionDescriptor_t d, Algorithm& out) {
    bool wide = t == MINPY_FLOAT32 || t == MINPY_FLOAT64;
    for (int i = 0; i < n; ++i) {
        if (found[i].status != CUDNN_STATUS_SUCCESS || found[i].determinism != CUDNN_DETERMINISTIC) continue;
        if (!wide) s.check(cudnn().SetConvolutionMathType(d, found[i].mathType));
        out = found[i].algo;
        return;
    }
}
constexpr int kAlgorithms = 8;

enum class Direction { forward, data, weight };

template <Direction direction> minpy_status run_convolution(void*, const minpy_kernel_call* call) {
    const minpy_tensor& out = call->outputs[0];
    minpy_dtype t = out.dtype;
    Contiguous first, second, bias;
    if (minpy_status status = first.make(call, call->inputs[0])) return status;
    if (minpy_status status = second.make(call, call->inputs[1])) return status;
    bool has_bias = direction == Direction::forward && call->n_inputs > 2 && call->inputs[2].dtype;
    if (has_bias)
        if (minpy_status status = bias.make(call, call->inputs[2])) return status;
    constexpr bool forward = direction == Direction::forward, to_data = direction == Direction::data;
    const minpy_tensor& x = forward ? call->inputs[0] : to_data ? out : call->inputs[1];
    const minpy_tensor& w = forward || to_data ? call->inputs[1] : out;
    const minpy_tensor& y = forward ? out : call->inputs[0];
    Session s(call);
    auto xd = s.tensor(t, x.shape, x.ndim);
    auto yd = s.tensor(t, y.shape, y.ndim);
    auto wd = s.filter(t, w.shape, w.ndim);
    auto cd = s.convolution(call->attributes + 3, x.ndim - 2, t);
    if (!s.ok()) return s.done();
    Factors c(t);
    int n = 0;
    size_t bytes = 0;
    void* workspace = nullptr;
    auto reserve = [&] { return bytes ? host().workspace(call, bytes, &workspace) : MINPY_OK; };
    if constexpr (forward) {
        cudnnConvolutionFwdAlgoPerf_t found[kAlgorithms];
        cudnnConvolutionFwdAlgo_t algorithm = CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM;
        s.check(cudnn().GetConvolutionForwardAlgorithm_v7(s.handle(), xd, wd, cd, yd, kAlgorithms, &n, found));
        if (s.ok()) choose(s, found, n, t, cd, algorithm);
        if (s.ok()) s.check(cudnn().GetConvolutionForwardWorkspaceSize(s.handle(), xd, wd, cd, yd, algorithm, &bytes));
        if (!s.ok()) return s.done();
        if (minpy_status status = reserve()) return status;
        s.check(cudnn().ConvolutionForward(s.handle(), c.one(), xd, first.data, wd, second.data, cd, algorithm,
                                           workspace, bytes, c.zero(), yd, out.data));
        if (has_bias && s.ok()) {
            int64_t shape[] = {1, w.shape[0], 1, 1, 1};
            auto bd = s.tensor(t, shape, y.ndim);
            if (s.ok()) s.check(cudnn().AddTensor(s.handle(), c.one(), bd, bias.data, c.one(), yd, out.data));
        }
    } else if constexpr (to_data) {
        cudnnConvolutionBwdDataAlgoPerf_t found[kAlgorithms];
        cudnnConvolutionBwdDataAlgo_t algorithm = CUDNN_CONVOLUTION_BWD_DATA_ALGO_1;
        s.check(cudnn().GetConvolutionBackwardDataAlgorithm_v7(s.handle(), wd, yd, cd, xd, kAlgorithms, &n, found));
        if (s.ok()) choose(s, found, n, t, cd, algorithm);
        if (s.ok())
            s.check(cudnn().GetConvolutionBackwardDataWorkspaceSize(s.handle(), wd, yd, cd, xd, algorithm, &bytes));
        if (!s.ok()) return s.done();
        if (minpy_status status = reserve()) return status;
        s.check(cudnn().ConvolutionBackwardData(s.handle(), c.one(), wd, second.data, yd, first.data, cd, algorithm,
                                                workspace, bytes, c.zero(), xd, out.data));
    } else {
        cudnnConvolutionBwdFilterAlgoPerf_t found[kAlgorithms];
        cudnnConvolutionBwdFilterAlgo_t algorithm = CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1;
        s.check(cudnn().GetConvolutionBackwardFilterAlgorithm_v7(s.handle(), xd, yd, cd, wd, kAlgorithms, &n, found));
        if (s.ok()) choose(s, found, n, t, cd, algorithm);
        if (s.ok())
            s.check(cudnn().GetConvolutionBackwardFilterWorkspaceSize(s.handle(), xd, yd, cd, wd, algorithm, &bytes));
        if (!s.ok()) return s.done();
        if (minpy_status status = reserve()) return status;
        s.check(cudnn().ConvolutionBackwardFilter(s.handle(), c.one(), xd, second.data, yd, first.data, cd, algorithm,
                                                  workspace, bytes, c.zero(), wd, out.data));
    }
    return s.done();
}

// ---- softmax(x, axis) ----

int32_t supports_softmax(void*, const minpy_kernel_call* call, const char** reason) { return takes(call, reason, 1); }

// payload: whether it is the logarithm.
minpy_status run_softmax(void* payload, const minpy_kernel_call* call) {
    const minpy_tensor &x = call->inputs[0], &out = call->outputs[0];
    Contiguous data;
    if (minpy_status status = data.make(call, x)) return status;
    int64_t axis = call->attributes[1].v.i, shape[] = {1, 1, 1, 1};
    if (axis < 0) axis += x.ndim;
    for (int i = 0; i < x.ndim; ++i) shape[i < axis ? 0 : i == axis ? 1 : 2] *= x.shape[i];
    Session s(call);
    auto d = s.tensor(out.dtype, shape, 4);
    Factors c(out.dtype);
    if (s.ok())
        s.check(cudnn().SoftmaxForward(s.handle(), payload ? CUDNN_SOFTMAX_LOG : CUDNN_SOFTMAX_ACCURATE,
                                       CUDNN_SOFTMAX_MODE_CHANNEL, c.one(), d, data.data, c.zero(), d, out.data));
    return s.done();
}

// ---- _batch_norm_backward(g, x, gamma, mean, var, eps, axis) ----

int32_t supports_norm(void*, const minpy_kernel_call* call, const char** reason) {
    const minpy_tensor& x = call->inputs[1];
    minpy_dtype t = call->outputs[0].dtype;
    if (t != MINPY_FLOAT32 && t != MINPY_FLOAT64) return refused(reason, "dtype");
    if (x.ndim < 2 || x.ndim > 5) return refused(reason, "rank");
    int64_t axis = call->attributes[6].v.i;
    if ((axis < 0 ? axis + x.ndim : axis) != 1 || !(call->attributes[5].v.f >= CUDNN_BN_MIN_EPSILON))
        return refused(reason, "attribute");
    return takes(call, reason, 3);
}

minpy_status run_norm_backward(void*, const minpy_kernel_call* call) {
    const minpy_tensor& x = call->inputs[1];
    minpy_dtype t = call->outputs[0].dtype;
    Contiguous g, data, gamma;
    if (minpy_status status = g.make(call, call->inputs[0])) return status;
    if (minpy_status status = data.make(call, x)) return status;
    if (minpy_status status = gamma.make(call, call->inputs[2])) return status;
    int64_t channels[] = {1, x.shape[1], 1, 1, 1};
    Session s(call);
    auto xd = s.tensor(t, x.shape, x.ndim), cd = s.tensor(t, channels, x.ndim < 4 ? 4 : x.ndim);
    Factors c(t);
    // Mean and variance are the data's own, so cuDNN computes them again.
    if (s.ok())
        s.check(cudnn().BatchNormalizationBackward(s.handle(), CUDNN_BATCHNORM_SPATIAL, c.one(), c.zero(), c.one(),
                                                   c.zero(), xd, data.data, xd, g.data, xd, call->outputs[0].data, cd,
                                                   gamma.data, call->outputs[1].data, call->outputs[2].data,
                                                   call->attributes[5].v.f, nullptr, nullptr));
    return s.done();
}

// ---- _batch_norm(x, gamma, beta, eps, axis) -> y, mean, variance ----

int32_t supports_norm_forward(void*, const minpy_kernel_call* call, const char** reason) {
    const minpy_tensor& x = call->inputs[0];
    minpy_dtype t = call->outputs[0].dtype;
    if (t != MINPY_FLOAT32 && t != MINPY_FLOAT64) return refused(reason, "dtype");
    if (x.ndim < 2 || x.ndim > 5) return refused(reason, "rank");
    int64_t axis = call->attributes[4].v.i;
    if ((axis < 0 ? axis + x.ndim : axis) != 1 || !(call->attributes[3].v.f >= CUDNN_BN_MIN_EPSILON))
        return refused(reason, "attribute");
    if (size_of(x) <= x.shape[1]) return refused(reason, "attribute");  // the unbiased variance of one is none
    return takes(call, reason, 3);
}

minpy_status run_norm_forward(void*, const minpy_kernel_call* call) {
    const minpy_tensor& x = call->inputs[0];
    minpy_dtype t = call->outputs[0].dtype;
    Contiguous data, gamma, beta;
    if (minpy_status status = data.make(call, x)) return status;
    if (minpy_status status = gamma.make(call, call->inputs[1])) return status;
    if (minpy_status status = beta.make(call, call->inputs[2])) return status;
    int64_t channels[] = {1, x.shape[1], 1, 1, 1};
    void *mean = call->outputs[1].data, *variance = call->outputs[2].data;
    Session s(call);
    auto xd = s.tensor(t, x.shape, x.ndim), cd = s.tensor(t, channels, x.ndim < 4 ? 4 : x.ndim);
    Factors c(t);
    // With a factor of 1 the "running" values are this batch's; their variance is the unbiased one, made plain below.
    int64_t n = size_of(x) / x.shape[1];
    double plain = double(n - 1) / double(n);
    float plain_f = float(plain);
    const void* scale = c.wide ? static_cast<const void*>(&plain) : &plain_f;
    void* unbiased;
    if (minpy_status status = host().workspace(call, uint64_t(x.shape[1] * itemsize_of(t)), &unbiased)) return status;
    if (s.ok())
        s.check(cudnn().BatchNormalizationForwardTraining(
            s.handle(), CUDNN_BATCHNORM_SPATIAL, c.one(), c.zero(), xd, data.data, xd, call->outputs[0].data, cd,
            gamma.data, beta.data, 1.0, mean, unbiased, call->attributes[3].v.f, nullptr, nullptr));
    if (s.ok()) s.check(cudnn().AddTensor(s.handle(), scale, cd, unbiased, c.zero(), cd, variance));
    return s.done();
}

}  // namespace

void register_neural() {
    static char logarithm;
    add_kernel("convolution", supports_convolution, run_convolution<Direction::forward>);
    add_kernel("_conv_backward_data", supports_convolution, run_convolution<Direction::data>);
    add_kernel("_conv_backward_weight", supports_convolution, run_convolution<Direction::weight>);
    add_kernel("softmax", supports_softmax, run_softmax);
    add_kernel("log_softmax", supports_softmax, run_softmax, &logarithm);
    add_kernel("_batch_norm", supports_norm_forward, run_norm_forward);
    add_kernel("_batch_norm_backward", supports_norm, run_norm_backward);
}

}  // namespace minpy::cuda
#endif
