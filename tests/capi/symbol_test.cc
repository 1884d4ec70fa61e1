// Symbols and functions of graphs, as programs see them.
#include <gtest/gtest.h>
#include <minpy/minpy.h>

#include <string>
#include <vector>

namespace {

#define OK(call) ASSERT_EQ(call, MINPY_OK) << minpy_last_error_message()

const minpy_device kHost = {MINPY_CPU, 0};

uint64_t handles() {
    minpy_memory_stats stats{};
    stats.struct_size = sizeof stats;
    EXPECT_EQ(minpy_memory_get_stats(kHost, &stats), MINPY_OK);
    return stats.live_handles + stats.live_arrays;
}

std::string taken(minpy_buffer b) {
    uint64_t size = 0;
    const char* data = minpy_buffer_data(b, &size);
    std::string text(data, size);
    minpy_buffer_release(b);
    return text;
}

minpy_array array(std::vector<double> items, std::vector<int64_t> shape) {
    minpy_array a = nullptr;
    EXPECT_EQ(
        minpy_array_from_host(items.data(), shape.data(), nullptr, int32_t(shape.size()), MINPY_FLOAT64, kHost, &a),
        MINPY_OK);
    return a;
}
std::vector<double> items(minpy_array a) {
    minpy_array_info info = MINPY_ARRAY_INFO_INIT;
    EXPECT_EQ(minpy_array_get_info(a, &info), MINPY_OK);
    std::vector<double> out(static_cast<size_t>(info.size));
    EXPECT_EQ(minpy_array_to_host(a, out.data(), out.size() * 8, nullptr), MINPY_OK) << minpy_last_error_message();
    return out;
}
minpy_value value(minpy_array a) {
    minpy_value v = {a ? MINPY_V_ARRAY : MINPY_V_NONE, 0, {0}};
    v.v.p = a;
    return v;
}

// x -> FullyConnected(2)
minpy_symbol layer() {
    minpy_symbol x = nullptr, net = nullptr;
    EXPECT_EQ(minpy_symbol_variable("x", nullptr, &x), MINPY_OK);
    EXPECT_EQ(minpy_symbol_apply("FullyConnected", "fc", &x, nullptr, 1, "{\"num_hidden\": 2}", &net), MINPY_OK)
        << minpy_last_error_message();
    minpy_symbol_release(x);
    return net;
}

TEST(Symbol, NamesShapesAndFilesLeaveNothingBehind) {
    minpy_symbol_release(layer());  // what is made once, for ever
    uint64_t before = handles();
    minpy_symbol net = layer(), again = nullptr, inner = nullptr, one = nullptr, both = nullptr;
    minpy_buffer text = nullptr;
    OK(minpy_symbol_list(net, &text));
    EXPECT_EQ(taken(text),
              R"({"arguments":["x","fc_weight","fc_bias"],"auxiliary_states":[],"outputs":["fc_output"]})");
    OK(minpy_symbol_infer(net, R"({"shapes": {"x": [4, 3]}})", &text));
    EXPECT_NE(taken(text).find(R"("arguments":[[4,3],[2,3],[2]])"), std::string::npos);
    OK(minpy_symbol_save(net, &text));
    std::string json = taken(text);
    OK(minpy_symbol_load(json.data(), json.size(), &again));
    EXPECT_STREQ(minpy_symbol_name(again), "fc");
    OK(minpy_symbol_internals(net, &inner));
    OK(minpy_symbol_output(inner, 0, &one));
    EXPECT_STREQ(minpy_symbol_name(one), "x");
    minpy_symbol parts[] = {net, one};
    OK(minpy_symbol_group(parts, 2, &both));
    EXPECT_EQ(minpy_symbol_output(both, 2, &one), MINPY_E_INDEX);
    for (size_t n = 0; n + 1 < json.size(); n += 3) EXPECT_NE(minpy_symbol_load(json.data(), n, &both), MINPY_OK) << n;
    for (minpy_symbol s : {net, again, inner, one, both}) minpy_symbol_release(s);
    EXPECT_EQ(handles(), before);
}

TEST(Symbol, NullHandlesAndUnknownNamesAreErrors) {
    minpy_symbol out = nullptr, null = nullptr;
    minpy_buffer text = nullptr;
    minpy_function f = nullptr;
    EXPECT_EQ(minpy_symbol_variable(nullptr, nullptr, &out), MINPY_E_INVALID);
    EXPECT_EQ(minpy_symbol_variable("", nullptr, &out), MINPY_E_INVALID);
    EXPECT_EQ(minpy_symbol_variable("x", "[", &out), MINPY_E_INVALID);
    EXPECT_EQ(minpy_symbol_apply("FullyConnected", "fc", &null, nullptr, 1, nullptr, &out), MINPY_E_INVALID);
    EXPECT_EQ(minpy_symbol_apply("Nonsense", "fc", nullptr, nullptr, 0, nullptr, &out), MINPY_E_INVALID);
    EXPECT_EQ(minpy_symbol_apply("FullyConnected", "fc", nullptr, nullptr, -1, nullptr, &out), MINPY_E_INVALID);
    EXPECT_EQ(minpy_symbol_group(nullptr, 0, &out), MINPY_E_INVALID);
    EXPECT_EQ(minpy_symbol_list(nullptr, &text), MINPY_E_INVALID);
    EXPECT_EQ(minpy_symbol_infer(nullptr, nullptr, &text), MINPY_E_INVALID);
    EXPECT_EQ(minpy_symbol_load(nullptr, 0, &out), MINPY_E_INVALID);
    EXPECT_EQ(minpy_function_from_symbol(nullptr, nullptr, 0, &f), MINPY_E_INVALID);
    EXPECT_STREQ(minpy_symbol_name(nullptr), "");
    minpy_symbol net = layer();
    const char* names[] = {"x", "nonsense"};
    EXPECT_EQ(minpy_function_from_symbol(net, names, 2, &f), MINPY_E_INVALID);
    const char* twice[] = {"x", "x"};
    EXPECT_EQ(minpy_function_from_symbol(net, twice, 2, &f), MINPY_E_INVALID);
    EXPECT_EQ(minpy_symbol_infer(net, R"({"shapes": {"x": [-1, 3]}})", &text), MINPY_E_INVALID);
    EXPECT_EQ(minpy_symbol_infer(net, R"({"shapes": {"x": [4611686018427387904, 4611686018427387904]}})", &text),
              MINPY_E_INVALID);
    EXPECT_EQ(minpy_symbol_infer(net, R"({"dtypes": {"x": "float128"}})", &text), MINPY_E_TYPE);
    minpy_symbol_release(net);
    EXPECT_EQ(out, nullptr);
}

TEST(Symbol, FunctionTakesAnyBatchMissingArgumentsAndATape) {
    minpy_symbol net = layer();
    minpy_function f = nullptr;
    const char* names[] = {"fc_weight", "x"};
    OK(minpy_function_from_symbol(net, names, 2, &f));
    minpy_symbol_release(net);
    uint64_t before = handles();
    minpy_array w = array({1, 2, 3, 4}, {2, 2});
    for (int64_t batch : {1, 3}) {
        minpy_array x = array(std::vector<double>(static_cast<size_t>(batch) * 2, 1), {batch, 2});
        minpy_value args[] = {value(w), value(x)}, result{};
        int32_t n = 0;
        EXPECT_EQ(minpy_function_call(f, args, 2, nullptr, &result, &n), MINPY_E_INVALID);
        EXPECT_EQ(n, 1);
        OK(minpy_function_call(f, args, 2, nullptr, &result, &n));
        std::vector<double> found = items(static_cast<minpy_array>(const_cast<void*>(result.v.p)));
        EXPECT_EQ(found.size(), static_cast<size_t>(batch) * 2);
        EXPECT_EQ(found[0], 3);
        EXPECT_EQ(found[1], 7);
        minpy_values_release(&result, 1);
        minpy_array_release(x);
    }
    minpy_tape tape = nullptr;
    minpy_context context = nullptr;
    OK(minpy_tape_new(0, &tape));
    OK(minpy_context_new(&context));
    OK(minpy_context_set_tape(context, tape));
    minpy_array x = array({5, 6}, {1, 2}), watched = nullptr, gradient = nullptr;
    OK(minpy_tape_watch(tape, &w, 1, &watched));
    minpy_call_options options = MINPY_CALL_OPTIONS_INIT;
    options.context = context;
    minpy_value args[] = {value(watched), value(x)}, result{};
    int32_t n = 1;
    OK(minpy_function_call(f, args, 2, &options, &result, &n));
    auto y = static_cast<minpy_array>(const_cast<void*>(result.v.p));
    OK(minpy_tape_gradient(tape, &y, nullptr, 1, &watched, 1, 0, &gradient));
    EXPECT_EQ(items(gradient), (std::vector<double>{5, 6, 5, 6}));
    minpy_value alone[] = {value(w)};
    n = 1;
    EXPECT_EQ(minpy_function_call(f, alone, 1, nullptr, alone, &n), MINPY_E_INVALID);
    for (minpy_array a : {gradient, y, watched, x, w}) minpy_array_release(a);
    minpy_context_release(context);
    minpy_tape_release(tape);
    minpy_function_release(f);
    EXPECT_LE(handles(), before);
}

// Large enough for buffers that are counted.
TEST(Symbol, ASecondCallOfAFunctionAllocatesNothingWithOrWithoutATape) {
    minpy_symbol net = layer();
    minpy_function f = nullptr;
    OK(minpy_function_from_symbol(net, nullptr, 0, &f));
    minpy_symbol_release(net);
    minpy_array x = array(std::vector<double>(20000 * 3, 0.5), {20000, 3}), w = array({1, 2, 3, 4, 5, 6}, {2, 3}),
                b = array({1, 2}, {2});
    auto allocations = [] {
        minpy_memory_stats stats{};
        stats.struct_size = sizeof stats;
        EXPECT_EQ(minpy_memory_get_stats(kHost, &stats), MINPY_OK);
        return stats.n_allocs;
    };
    auto forward = [&] {
        minpy_value args[] = {value(x), value(w), value(b)}, result;
        int32_t n = 1;
        EXPECT_EQ(minpy_function_call(f, args, 3, nullptr, &result, &n), MINPY_OK) << minpy_last_error_message();
        return static_cast<minpy_array>(const_cast<void*>(result.v.p));
    };
    auto backward = [&] {
        minpy_tape tape = nullptr;
        minpy_array gradient = nullptr, watched = nullptr;
        EXPECT_EQ(minpy_tape_new(0, &tape), MINPY_OK);
        EXPECT_EQ(minpy_tape_watch(tape, &w, 1, &watched), MINPY_OK);
        minpy_context context = nullptr;
        EXPECT_EQ(minpy_context_new(&context), MINPY_OK);
        EXPECT_EQ(minpy_context_set_tape(context, tape), MINPY_OK);
        EXPECT_EQ(minpy_context_push(context), MINPY_OK);
        minpy_array y = forward();
        minpy_context_pop();
        minpy_context_release(context);
        EXPECT_EQ(minpy_tape_gradient(tape, &y, nullptr, 1, &w, 1, 0, &gradient), MINPY_OK);
        EXPECT_EQ(items(gradient)[0], 20000 * 0.5);
        for (minpy_array a : {y, watched, gradient}) minpy_array_release(a);
        minpy_tape_release(tape);
    };
    minpy_array_release(forward());
    uint64_t before = allocations();
    minpy_array_release(forward());
    EXPECT_EQ(allocations(), before);
    backward();
    before = allocations();
    backward();
    // The cotangent of ones is the caller's, not the function's.
    EXPECT_LE(allocations(), before + 1);
    minpy_function_release(f);
    for (minpy_array a : {x, w, b}) minpy_array_release(a);
}

}  // namespace
