// The plugin ABI, transfers, dispatch and fallback, streams and late errors, on the simulated device.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "minpy/minpy.h"

namespace {

const minpy_device kHost = {MINPY_CPU, 0}, kSim = {MINPY_EXTENSION, 0};

std::string text_of(minpy_buffer b) {
    std::string text = minpy_buffer_data(b, nullptr);
    minpy_buffer_release(b);
    return text;
}

class OnSimulatedDevice : public testing::Test {
protected:
    static void SetUpTestSuite() {
        static bool loaded = false;
        if (loaded) return;
        loaded = true;
        const char* path = std::getenv("MINPY_SIMDEV");
        ASSERT_NE(path, nullptr);
        ASSERT_EQ(minpy_backend_load(path), MINPY_OK) << minpy_last_error_message();
    }
    void SetUp() override {
        ASSERT_EQ(minpy_context_new(&context_), MINPY_OK);
        ASSERT_EQ(minpy_context_push(context_), MINPY_OK);
        minpy_dispatch_reset();
    }
    void TearDown() override {
        for (const char* what : {"allocation", "launch", "late"}) inject(what, -1);
        for (minpy_array a : arrays_) minpy_array_release(a);
        minpy_device_synchronize(kSim);
        minpy_context_pop();
        minpy_context_release(context_);
    }
    static void inject(const char* what, int64_t nth) {
        void* plugin = dlopen(std::getenv("MINPY_SIMDEV"), RTLD_NOW | RTLD_NOLOAD);
        auto* fn = reinterpret_cast<void (*)(const char*, int64_t)>(dlsym(plugin, "simdev_inject"));
        ASSERT_NE(fn, nullptr);
        fn(what, nth);
        dlclose(plugin);
    }
    minpy_array keep(minpy_array a) {
        arrays_.push_back(a);
        return a;
    }
    minpy_array array(std::vector<double> values, std::vector<int64_t> shape, minpy_device where = kSim) {
        minpy_array a = nullptr;
        EXPECT_EQ(minpy_array_from_host(values.data(), shape.data(), nullptr, int32_t(shape.size()), MINPY_FLOAT64,
                                        where, &a),
                  0)
            << minpy_last_error_message();
        return keep(a);
    }
    minpy_status try_call(const char* op, std::vector<minpy_array> operands, minpy_array* out) {
        minpy_op row;
        minpy_status status = minpy_op_find(op, &row);
        if (status) return status;
        std::vector<minpy_value> args;
        for (minpy_array a : operands) {
            minpy_value v = {MINPY_V_ARRAY, 0, {0}};
            v.v.p = a;
            args.push_back(v);
        }
        minpy_value result;
        int32_t n = 1;
        status = minpy_invoke(row, args.data(), int32_t(args.size()), nullptr, &result, &n);
        if (status == MINPY_OK) *out = keep(static_cast<minpy_array>(const_cast<void*>(result.v.p)));
        return status;
    }
    minpy_array call(const char* op, std::vector<minpy_array> operands) {
        minpy_array out = nullptr;
        EXPECT_EQ(try_call(op, operands, &out), MINPY_OK) << minpy_last_error_message();
        return out;
    }
    static std::vector<double> values(minpy_array a) {
        minpy_array_info info = MINPY_ARRAY_INFO_INIT;
        EXPECT_EQ(minpy_array_get_info(a, &info), MINPY_OK);
        std::vector<double> result(static_cast<size_t>(info.size));
        EXPECT_EQ(minpy_array_to_host(a, result.data(), uint64_t(info.nbytes), nullptr), MINPY_OK)
            << minpy_last_error_message();
        return result;
    }
    static minpy_device device(minpy_array a) {
        minpy_array_info info = MINPY_ARRAY_INFO_INIT;
        EXPECT_EQ(minpy_array_get_info(a, &info), MINPY_OK);
        return info.device;
    }
    static std::string report() {
        minpy_buffer b;
        EXPECT_EQ(minpy_dispatch_report(&b), MINPY_OK);
        return text_of(b);
    }
    minpy_context context_ = nullptr;
    std::vector<minpy_array> arrays_;
};

TEST_F(OnSimulatedDevice, IsCountedAndDescribed) {
    int32_t n = 0;
    ASSERT_EQ(minpy_device_count(MINPY_EXTENSION, &n), MINPY_OK);
    EXPECT_EQ(n, 2);
    minpy_device_info info = {};
    info.struct_size = sizeof info;
    ASSERT_EQ(minpy_device_get_info(kSim, &info), MINPY_OK);
    EXPECT_EQ(info.available, 1);
    EXPECT_STREQ(info.backend, "simulated");
    minpy_buffer b;
    ASSERT_EQ(minpy_backend_report(&b), MINPY_OK);
    EXPECT_NE(text_of(b).find("\"loaded\":true"), std::string::npos);
}

TEST_F(OnSimulatedDevice, CopiesThereAndBack) {
    minpy_array a = array({1, 2, 3, 4, 5, 6}, {2, 3});
    EXPECT_EQ(device(a).kind, MINPY_EXTENSION);
    EXPECT_EQ(values(a), (std::vector<double>{1, 2, 3, 4, 5, 6}));
    minpy_array host;
    ASSERT_EQ(minpy_array_to_device(a, kHost, &host), MINPY_OK);
    keep(host);
    EXPECT_EQ(device(host).kind, MINPY_CPU);
    minpy_array same;
    ASSERT_EQ(minpy_array_to_device(a, kSim, &same), MINPY_OK);
    EXPECT_EQ(keep(same), a);
}

TEST_F(OnSimulatedDevice, RunsItsOwnKernelsThere) {
    minpy_array a = array({1, 2, 3, 4}, {2, 2});
    minpy_array r = call("matmul", {call("add", {a, a}), a});
    EXPECT_EQ(device(r).kind, MINPY_EXTENSION);
    EXPECT_EQ(values(r), (std::vector<double>{14, 20, 30, 44}));
    EXPECT_NE(report().find("{\"op\":\"matmul\",\"device\":\"ext:0\",\"calls\":1}"), std::string::npos);
    EXPECT_NE(report().find("\"fallbacks\":[]"), std::string::npos);
}

TEST_F(OnSimulatedDevice, BroadcastsByStrides) {
    minpy_array r = call("add", {array({1, 2, 3}, {3}), array({10, 20}, {2, 1})});
    EXPECT_EQ(values(r), (std::vector<double>{11, 12, 13, 21, 22, 23}));
}

TEST_F(OnSimulatedDevice, FallsBackAndSaysWhy) {
    minpy_array r = call("log", {array({1, 1}, {2})});
    EXPECT_EQ(device(r).kind, MINPY_EXTENSION);
    EXPECT_EQ(values(r), (std::vector<double>{0, 0}));
    EXPECT_NE(report().find("{\"op\":\"log\",\"device\":\"ext:0\",\"reason\":\"no_kernel\",\"calls\":1,\"bytes\":32"),
              std::string::npos)
        << report();
}

TEST_F(OnSimulatedDevice, FallsBackByDtypeRankAndAttribute) {
    int64_t shape[] = {2};
    int32_t ints[] = {1, 2};
    minpy_array i;
    ASSERT_EQ(minpy_array_from_host(ints, shape, nullptr, 1, MINPY_INT32, kSim, &i), MINPY_OK);
    keep(i);
    call("add", {i, i});
    minpy_array deep = array({1, 2}, {1, 1, 1, 2});
    call("add", {deep, deep});
    for (const char* reason : {"\"dtype\"", "\"rank\""})
        EXPECT_NE(report().find(reason), std::string::npos) << report();
}

TEST_F(OnSimulatedDevice, FallbackCanBeAnError) {
    ASSERT_EQ(minpy_context_set_policy(context_, MINPY_POLICY_PREFER_DEVICE, MINPY_FALLBACK_ERROR), MINPY_OK);
    minpy_array out = nullptr;
    EXPECT_EQ(try_call("log", {array({1}, {1})}, &out), MINPY_E_UNSUPPORTED);
    EXPECT_NE(std::string(minpy_last_error_message()).find("no_kernel"), std::string::npos);
    ASSERT_EQ(minpy_context_set_policy(context_, MINPY_POLICY_ONLY_DEVICE, MINPY_FALLBACK_ALLOW), MINPY_OK);
    EXPECT_EQ(try_call("log", {array({1}, {1})}, &out), MINPY_E_UNSUPPORTED);
}

TEST_F(OnSimulatedDevice, PolicyOnlyCpuKeepsKernelsOff) {
    ASSERT_EQ(minpy_context_set_policy(context_, MINPY_POLICY_ONLY_CPU, MINPY_FALLBACK_ALLOW), MINPY_OK);
    minpy_array a = array({1, 2}, {2});
    EXPECT_EQ(values(call("add", {a, a})), (std::vector<double>{2, 4}));
    EXPECT_NE(report().find("\"policy\""), std::string::npos);
}

TEST_F(OnSimulatedDevice, HostArraysJoinAndAreCounted) {
    minpy_array r = call("multiply", {array({1, 2}, {2}), array({3, 4}, {2}, kHost)});
    EXPECT_EQ(values(r), (std::vector<double>{3, 8}));
    EXPECT_NE(report().find("host_array"), std::string::npos);
}

TEST_F(OnSimulatedDevice, GradientsFlowThroughKernelsFallbacksAndCopies) {
    minpy_tape tape;
    ASSERT_EQ(minpy_tape_new(0, &tape), MINPY_OK);
    ASSERT_EQ(minpy_context_set_tape(context_, tape), MINPY_OK);
    minpy_array host = array({1, 2, 3}, {3}, kHost), marked;
    ASSERT_EQ(minpy_tape_watch(tape, &host, 1, &marked), MINPY_OK);
    keep(marked);
    minpy_array there;
    ASSERT_EQ(minpy_array_to_device(marked, kSim, &there), MINPY_OK);
    keep(there);
    // sum(log(exp(x) * exp(x))) = 2 sum(x); log has no kernel there.
    minpy_array e = call("exp", {there});
    minpy_array y = call("sum", {call("log", {call("multiply", {e, e})})});
    EXPECT_EQ(device(y).kind, MINPY_EXTENSION);
    minpy_array g;
    ASSERT_EQ(minpy_tape_gradient(tape, &y, nullptr, 1, &marked, 1, 0, &g), MINPY_OK) << minpy_last_error_message();
    keep(g);
    EXPECT_EQ(device(g).kind, MINPY_CPU);
    for (double x : values(g)) EXPECT_NEAR(x, 2, 1e-12);
    minpy_tape_release(tape);
}

TEST_F(OnSimulatedDevice, RefusedMemoryIsAnErrorAndLosesNothing) {
    minpy_array a = array({1, 2}, {2}), out = nullptr;
    inject("allocation", 0);
    EXPECT_EQ(try_call("add", {a, a}, &out), MINPY_E_NOMEM);
    EXPECT_EQ(out, nullptr);
    EXPECT_EQ(values(call("add", {a, a})), (std::vector<double>{2, 4}));
}

TEST_F(OnSimulatedDevice, FailureAtLaunchNamesTheOperator) {
    minpy_array a = array({1, 2}, {2}), out = nullptr;
    inject("launch", 0);
    EXPECT_EQ(try_call("add", {a, a}, &out), MINPY_E_DEVICE);
    std::string text = minpy_last_error_message();
    EXPECT_NE(text.find("add: injected at launch"), std::string::npos) << text;
}

TEST_F(OnSimulatedDevice, LateFailurePoisonsTheResultForEveryReader) {
    minpy_array a = array({1, 2}, {2});
    inject("late", 0);
    minpy_array r = call("add", {a, a});
    double host[2];
    for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(minpy_array_to_host(r, host, sizeof host, nullptr), MINPY_E_DEVICE);
        EXPECT_NE(std::string(minpy_last_error_message()).find("add failed on ext:0: injected while running"),
                  std::string::npos)
            << minpy_last_error_message();
    }
    EXPECT_EQ(minpy_device_synchronize(kSim), MINPY_E_DEVICE);
    EXPECT_EQ(minpy_device_synchronize(kSim), MINPY_OK);
    EXPECT_EQ(values(call("add", {a, a})), (std::vector<double>{2, 4}));
}

TEST_F(OnSimulatedDevice, StreamsWaitForOneAnother) {
    minpy_stream first, second;
    ASSERT_EQ(minpy_stream_new(kSim, 0, &first), MINPY_OK);
    ASSERT_EQ(minpy_stream_new(kSim, 0, &second), MINPY_OK);
    ASSERT_EQ(minpy_context_set_stream(context_, first), MINPY_OK);
    minpy_array a = array({1, 2}, {2}), r = a;
    for (int i = 0; i < 20; ++i) r = call("add", {r, a});
    ASSERT_EQ(minpy_stream_wait(second, first), MINPY_OK);
    ASSERT_EQ(minpy_context_set_stream(context_, second), MINPY_OK);
    EXPECT_EQ(values(call("multiply", {r, a})), (std::vector<double>{21, 84}));
    EXPECT_EQ(minpy_stream_synchronize(second), MINPY_OK);
    ASSERT_EQ(minpy_context_set_stream(context_, nullptr), MINPY_OK);
    minpy_stream_release(first);
    minpy_stream_release(second);
}

TEST(Backends, RefusesWhatItCannotTrustAndSaysWhy) {
    EXPECT_EQ(minpy_backend_load("relative.so"), MINPY_E_IO);
    EXPECT_NE(std::string(minpy_last_error_message()).find("not absolute"), std::string::npos);
    EXPECT_EQ(minpy_backend_load("/nowhere/libminpy_x.so"), MINPY_E_IO);
    minpy_buffer b;
    ASSERT_EQ(minpy_backend_report(&b), MINPY_OK);
    EXPECT_NE(text_of(b).find("cannot be read"), std::string::npos);
    minpy_device nowhere = {99, 0};
    minpy_context c;
    ASSERT_EQ(minpy_context_new(&c), MINPY_OK);
    EXPECT_EQ(minpy_context_set_device(c, nowhere), MINPY_E_UNSUPPORTED);
    minpy_context_release(c);
}

}  // namespace
