// The limit of memory, and operands whose memory the caller gives up.
#include "tests/capi/support.h"

namespace {

minpy_memory_stats memory() {
    minpy_memory_stats m = {};
    m.struct_size = sizeof m;
    EXPECT_EQ(minpy_memory_get_stats(kHost, &m), MINPY_OK);
    return m;
}

minpy_array full(int64_t n, double value_of_all) {
    minpy_array a = nullptr;
    minpy_value v = {MINPY_V_FLOAT, 0, {0}};
    v.v.f = value_of_all;
    EXPECT_EQ(call("full", {value(n), v}, &a), MINPY_OK) << last_error();
    return a;
}

struct WithLimit {
    explicit WithLimit(uint64_t bytes) { EXPECT_EQ(minpy_memory_set_limit(kHost, bytes), MINPY_OK); }
    ~WithLimit() { minpy_memory_set_limit(kHost, 0); }
};

constexpr int64_t kLarge = 1 << 20;  // elements: 8 MiB

TEST(MemoryLimit, RefusesWhatGoesBeyondAndLeavesTheRest) {
    minpy_array a = full(kLarge, 3);
    {
        WithLimit limit(memory().in_use + (1 << 20));
        EXPECT_EQ(memory().limit, memory().in_use + (1 << 20));
        minpy_array b = nullptr;
        EXPECT_EQ(call("copy", {value(a)}, &b), MINPY_E_NOMEM);
        EXPECT_NE(last_error().find("the limit is"), std::string::npos) << last_error();
        EXPECT_EQ(b, nullptr);
        EXPECT_EQ(values(a)[kLarge - 1], 3);
    }
    minpy_array b = nullptr;
    EXPECT_EQ(call("copy", {value(a)}, &b), MINPY_OK);
    minpy_array_release(a);
    minpy_array_release(b);
}

TEST(MemoryLimit, GivesKeptMemoryBackFirst) {
    minpy_array a = full(kLarge, 1);
    minpy_array_release(full(3 * kLarge, 1));
    uint64_t room = memory().in_use + 2 * sizeof(double) * kLarge;
    WithLimit limit(room);
    minpy_array b = nullptr;
    EXPECT_EQ(call("copy", {value(a)}, &b), MINPY_OK) << last_error();
    EXPECT_LE(memory().in_use + memory().cached, room);
    minpy_array_release(a);
    minpy_array_release(b);
}

TEST(MemoryLimit, AsksTheCallerBeforeItRefuses) {
    static minpy_array garbage;
    garbage = full(kLarge, 1);
    minpy_array a = full(kLarge, 2), b = nullptr;
    ASSERT_EQ(minpy_memory_set_reclaim(
                  [](void*, minpy_device, uint64_t wanted) -> int32_t {
                      EXPECT_GE(wanted, sizeof(double) * kLarge);
                      minpy_array_release(garbage);
                      garbage = nullptr;
                      return 1;
                  },
                  nullptr),
              MINPY_OK);
    {
        WithLimit limit(memory().in_use);
        EXPECT_EQ(call("copy", {value(a)}, &b), MINPY_OK) << last_error();
    }
    minpy_memory_set_reclaim(nullptr, nullptr);
    EXPECT_EQ(garbage, nullptr);
    minpy_array_release(a);
    minpy_array_release(b);
}

// Gives up the first operand.
minpy_status call_giving(const char* name, std::vector<minpy_value> args, minpy_array* out) {
    minpy_op op;
    if (minpy_status s = minpy_op_find(name, &op)) return s;
    minpy_call_options options = MINPY_CALL_OPTIONS_INIT;
    options.flags = MINPY_CALL_GIVES(0);
    minpy_value result;
    int32_t n = 1;
    if (minpy_status s = minpy_invoke(op, args.data(), int32_t(args.size()), &options, &result, &n)) return s;
    *out = static_cast<minpy_array>(const_cast<void*>(result.v.p));
    return MINPY_OK;
}

void* address(minpy_array a) {
    minpy_array_info info = MINPY_ARRAY_INFO_INIT;
    EXPECT_EQ(minpy_array_get_info(a, &info), MINPY_OK);
    return reinterpret_cast<void*>(info.storage);
}

TEST(GivenUpOperand, IsReleasedByACallThatSucceeds) {
    Live before = live();
    for (int64_t n : {int64_t(4), int64_t(30000), kLarge}) {
        minpy_array a = full(n, 2), b = full(n, 5), c = nullptr;
        ASSERT_EQ(call_giving("multiply", {value(a), value(b)}, &c), MINPY_OK) << last_error();
        EXPECT_EQ(values(c)[size_t(n) - 1], 10);
        minpy_array_release(b);
        minpy_array_release(c);
    }
    EXPECT_EQ(live(), before);
}

TEST(GivenUpOperand, LendsItsMemoryToTheResult) {
    minpy_array a = full(30000, 2), b = full(30000, 5), c = nullptr;
    void* memory_of_a = address(a);
    ASSERT_EQ(call_giving("multiply", {value(a), value(b)}, &c), MINPY_OK);
    EXPECT_EQ(address(c), memory_of_a);
    EXPECT_EQ(values(c)[17], 10);
    EXPECT_EQ(values(b)[17], 5);
    minpy_array_release(b);
    minpy_array_release(c);
}

TEST(GivenUpOperand, LendsItsMemoryToAResultThatIsComputedLater) {
    minpy_array a = full(kLarge, 2), b = full(kLarge, 5), c = nullptr;
    ASSERT_EQ(minpy_array_wait(a), MINPY_OK);
    uint64_t n_allocs = memory().n_allocs;
    ASSERT_EQ(call_giving("multiply", {value(a), value(b)}, &c), MINPY_OK);
    EXPECT_EQ(values(c)[17], 10);
    EXPECT_EQ(values(b)[17], 5);
    EXPECT_EQ(memory().n_allocs, n_allocs);
    minpy_array_release(b);
    minpy_array_release(c);
}

TEST(GivenUpOperand, KeepsItsContentWhileOthersReferToIt) {
    minpy_array a = full(30000, 2), c = nullptr, view = nullptr, same = minpy_array_retain(a);
    ASSERT_EQ(call_giving("add", {value(a), value(a)}, &c), MINPY_OK);
    EXPECT_EQ(values(same)[1], 2);
    EXPECT_EQ(values(c)[1], 4);
    minpy_array_release(c);
    ASSERT_EQ(call("reshape", {value(same), ints({300, 100})}, &view), MINPY_OK);
    ASSERT_EQ(call_giving("negative", {value(same)}, &c), MINPY_OK);
    EXPECT_EQ(values(view)[1], 2);
    EXPECT_EQ(values(c)[1], -2);
    minpy_array_release(view);
    minpy_array_release(c);
}

TEST(GivenUpOperand, IsTheCallersAfterAnError) {
    minpy_array a = full(3, 2), b = full(4, 5), c = nullptr;
    EXPECT_NE(call_giving("add", {value(a), value(b)}, &c), MINPY_OK);
    EXPECT_EQ(values(a)[2], 2);
    EXPECT_NE(call_giving("add", {value(int64_t(1)), value(b)}, &c), MINPY_OK);
    EXPECT_EQ(last_error(), "options: argument 0 is given up, and no array");
    minpy_array_release(a);
    minpy_array_release(b);
}

}  // namespace
