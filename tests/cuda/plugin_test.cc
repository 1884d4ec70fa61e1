// The real plugin: it loads on any machine. Without a GPU it has no devices and says why; with one it adds.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "core/ops/calls.h"
#include "core/registry/device.h"

namespace minpy {
namespace {

TEST(CudaPlugin, LoadsAndSaysWhyItHasNoDevices) {
    std::string refused;
    try {
        load_backend(std::getenv("MINPY_CUDA_PLUGIN"));
    } catch (const Error& e) { refused = e.what(); }
    if (refused.empty()) {
        ASSERT_GT(device_count(MINPY_CUDA), 0);
        Array a = to_device(full_scalar(2, DType::float32), {MINPY_CUDA, 0});
        EXPECT_EQ(*to_device(a + a, kCpu).raw_as<float>(), 4);
        return;
    }
    EXPECT_EQ(device_count(MINPY_CUDA), 0);
    EXPECT_NE(refused.find("status 8: cuda: "), std::string::npos) << refused;  // MINPY_E_UNSUPPORTED, CUDA's words
    EXPECT_NE(backend_report().find("\"refused\""), std::string::npos);
}

}  // namespace
}  // namespace minpy
