// Element-wise operators on the device: the host names every row and its functor, the kernels are picked by dtypes.
#include <cstring>
#include <map>
#include <string_view>

#include "cuda/elementwise_table.h"
#include "cuda/plugin.h"

namespace minpy::cuda {
namespace {

// A functor's kernels are neighbours in the table.
const ElementwiseKernel* find_kernel(void* payload, const minpy_kernel_call* call) {
    const auto* first = static_cast<const ElementwiseKernel*>(payload);
    const auto* end = elementwise_kernels().data() + elementwise_kernels().size();
    for (const auto* k = first; k != end && std::strcmp(k->functor, first->functor) == 0; ++k) {
        if (k->n_in != call->n_inputs || k->types[k->n_in] != DType(call->outputs[0].dtype)) continue;
        bool same = true;
        for (int i = 0; i < k->n_in; ++i) same = same && k->types[i] == DType(call->inputs[i].dtype);
        if (same) return k;
    }
    return nullptr;
}

bool layout_of(const minpy_kernel_call* call, Layout& layout) {
    const minpy_tensor* all[kMaxOperands];
    int n = 0;
    for (; n < call->n_inputs; ++n) all[n] = &call->inputs[n];
    all[n++] = &call->outputs[0];
    return make_layout(layout, all, n);
}

int32_t supports(void* payload, const minpy_kernel_call* call, const char** reason) {
    if (!find_kernel(payload, call)) return refused(reason, "dtype");
    Layout layout;
    return layout_of(call, layout) ? 1 : refused(reason, "rank");
}

minpy_status run(void* payload, const minpy_kernel_call* call) {
    const ElementwiseKernel* kernel = find_kernel(payload, call);
    ElementwiseArgs args;
    layout_of(call, args.layout);
    if (args.layout.size == 0) return MINPY_OK;
    in_parts(args.layout, [&](const Layout& part, const int64_t* at) {
        args.layout = part;
        for (int i = 0; i <= call->n_inputs; ++i) {
            const minpy_tensor& t = i < call->n_inputs ? call->inputs[i] : call->outputs[0];
            args.data[i] = static_cast<char*>(t.data) + at[i];
        }
        kernel->launch(args, blocks_for(part.size), kThreads, call->stream);
    });
    return MINPY_OK;
}

}  // namespace

void register_elementwise() {
    std::map<std::string_view, const ElementwiseKernel*> first;
    for (const ElementwiseKernel& k : elementwise_kernels()) first.emplace(k.functor, &k);
    host().visit_elementwise(
        [](void* payload, const char* op, const char* functor) {
            auto& table = *static_cast<decltype(first)*>(payload);
            auto it = table.find(functor);
            if (it != table.end()) add_kernel(op, supports, run, const_cast<ElementwiseKernel*>(it->second));
        },
        &first);
}

}  // namespace minpy::cuda
