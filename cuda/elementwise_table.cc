#include "cuda/elementwise_table.h"

#include "core/ops/families.h"

namespace minpy::cuda {

#define MINPY_DECLARE(family, _) void family##_kernels(std::vector<ElementwiseKernel>& out);
MINPY_LOOP_FAMILIES(MINPY_DECLARE, _)

const std::vector<ElementwiseKernel>& elementwise_kernels() {
    static const std::vector<ElementwiseKernel> all = [] {
        std::vector<ElementwiseKernel> out;
#define MINPY_COLLECT(family, _) family##_kernels(out);
        MINPY_LOOP_FAMILIES(MINPY_COLLECT, _)
        return out;
    }();
    return all;
}

}  // namespace minpy::cuda
