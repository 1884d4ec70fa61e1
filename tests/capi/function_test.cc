// Functions of callbacks, and operators made of them.
#include <gtest/gtest.h>
#include <minpy/minpy.h>

#include <string>
#include <vector>

namespace {

#define OK(call) ASSERT_EQ(call, MINPY_OK) << minpy_last_error_message()

const minpy_device kHost = {MINPY_CPU, 0};

minpy_value value(minpy_array a) {
    minpy_value v = {MINPY_V_ARRAY, 0, {0}};
    v.v.p = a;
    return v;
}
minpy_value value(double x) {
    minpy_value v = {MINPY_V_FLOAT, 0, {0}};
    v.v.f = x;
    return v;
}

minpy_array array(std::vector<double> items) {
    int64_t n = int64_t(items.size());
    minpy_array a = nullptr;
    EXPECT_EQ(minpy_array_from_host(items.data(), &n, nullptr, 1, MINPY_FLOAT64, kHost, &a), MINPY_OK);
    return a;
}
std::vector<double> items(minpy_array a) {
    minpy_array_info info = MINPY_ARRAY_INFO_INIT;
    EXPECT_EQ(minpy_array_get_info(a, &info), MINPY_OK);
    std::vector<double> out(static_cast<size_t>(info.size));
    EXPECT_EQ(minpy_array_to_host(a, out.data(), out.size() * 8, nullptr), MINPY_OK) << minpy_last_error_message();
    return out;
}

minpy_array apply(const char* name, std::vector<minpy_value> args) {
    minpy_op op = nullptr;
    EXPECT_EQ(minpy_op_find(name, &op), MINPY_OK);
    minpy_value result{};
    int32_t n = 1;
    EXPECT_EQ(minpy_invoke(op, args.data(), int32_t(args.size()), nullptr, &result, &n), MINPY_OK)
        << minpy_last_error_message();
    return static_cast<minpy_array>(const_cast<void*>(result.v.p));
}

struct Calls {
    int forward = 0, backward = 0, destroyed = 0;
    minpy_status answer = MINPY_OK;
};

// x -> factor * x, whose backward says ten times the true derivative: the two can be told apart.
minpy_status forward(void* payload, const minpy_value* args, int32_t n, minpy_value* results, int32_t* n_results) {
    auto* calls = static_cast<Calls*>(payload);
    calls->forward++;
    if (calls->answer) return minpy_error_set(calls->answer, "KeyError", "out of paint");
    results[0] = value(apply("multiply", {args[0], n > 1 ? args[1] : value(2)}));
    *n_results = 1;
    return MINPY_OK;
}
minpy_status backward(void* payload, const minpy_value* args, int32_t n, minpy_value* results, int32_t* n_results) {
    static_cast<Calls*>(payload)->backward++;
    minpy_array ten = apply("multiply", {args[n - 1], value(10)});
    results[0] = value(apply("multiply", {value(ten), n > 3 ? args[1] : value(2)}));
    minpy_array_release(ten);
    *n_results = 1;
    return MINPY_OK;
}
minpy_status nothing(void*, const minpy_value*, int32_t, minpy_value*, int32_t* n_results) {
    *n_results = 0;
    return MINPY_OK;
}

minpy_function make(Calls* calls, minpy_call_fn back, minpy_call_fn fore = forward) {
    minpy_function_desc desc{};
    desc.struct_size = sizeof desc;
    desc.name = "paint";
    desc.payload = calls;
    desc.destroy = [](void* p) { static_cast<Calls*>(p)->destroyed++; };
    desc.forward = fore;
    desc.backward = back;
    minpy_function f = nullptr;
    EXPECT_EQ(minpy_function_new(&desc, &f), MINPY_OK) << minpy_last_error_message();
    return f;
}

// The sum of f(x)'s elements and its gradient.
template <class Call>
std::vector<double> gradient(std::vector<double> at, Call&& call, minpy_status* status = nullptr) {
    minpy_tape tape = nullptr;
    minpy_context context = nullptr;
    EXPECT_EQ(minpy_tape_new(0, &tape), MINPY_OK);
    EXPECT_EQ(minpy_context_new(&context), MINPY_OK);
    EXPECT_EQ(minpy_context_set_tape(context, tape), MINPY_OK);
    EXPECT_EQ(minpy_context_push(context), MINPY_OK);
    minpy_array x = array(at), watched = nullptr, out = nullptr;
    EXPECT_EQ(minpy_tape_watch(tape, &x, 1, &watched), MINPY_OK);
    minpy_array y = call(watched);
    EXPECT_EQ(minpy_context_pop(), MINPY_OK);
    minpy_status found = minpy_tape_gradient(tape, &y, nullptr, 1, &watched, 1, 0, &out);
    if (status) *status = found;
    std::vector<double> result = found ? std::vector<double>() : items(out);
    minpy_array_release(out);
    minpy_array_release(y);
    minpy_array_release(watched);
    minpy_array_release(x);
    minpy_context_release(context);
    minpy_tape_release(tape);
    return result;
}

minpy_array call_one(minpy_function f, std::vector<minpy_value> args) {
    minpy_value result{};
    int32_t n = 1;
    EXPECT_EQ(minpy_function_call(f, args.data(), int32_t(args.size()), nullptr, &result, &n), MINPY_OK)
        << minpy_last_error_message();
    return static_cast<minpy_array>(const_cast<void*>(result.v.p));
}

using Items = std::vector<double>;

TEST(Tape, FreesWhatItsGradientUsedUnlessToldToRetainIt) {
    minpy_tape tape = nullptr;
    minpy_array x = array({1, 2}), y = nullptr, g = nullptr;
    ASSERT_EQ(minpy_tape_new(0, &tape), MINPY_OK);
    minpy_context context = nullptr;
    ASSERT_EQ(minpy_context_new(&context), MINPY_OK);
    ASSERT_EQ(minpy_context_set_tape(context, tape), MINPY_OK);
    ASSERT_EQ(minpy_context_push(context), MINPY_OK);
    ASSERT_EQ(minpy_tape_watch(tape, &x, 1, &x), MINPY_OK);
    ASSERT_EQ(minpy_multiply(x, x, &y), MINPY_OK);
    for (uint32_t flags : {uint32_t(MINPY_GRADIENT_RETAIN), 0u}) {
        ASSERT_EQ(minpy_tape_gradient(tape, &y, nullptr, 1, &x, 1, flags, &g), MINPY_OK);
        EXPECT_EQ(items(g), (Items{2, 4}));
        minpy_array_release(g);
    }
    EXPECT_EQ(minpy_tape_gradient(tape, &y, nullptr, 1, &x, 1, 0, &g), MINPY_E_STATE);
    EXPECT_EQ(std::string(minpy_last_error_message()).find("what multiply recorded was freed"), 0u);
    ASSERT_EQ(minpy_context_pop(), MINPY_OK);
    minpy_array_release(y);
    minpy_array_release(x);
    minpy_array_release(x);  // watching gave it a reference
    minpy_context_release(context);
    minpy_tape_release(tape);
}

TEST(Function, CallsForwardAndDestroysThePayloadOnce) {
    Calls calls;
    minpy_function f = make(&calls, nullptr);
    minpy_array x = array({1, 2}), y = call_one(f, {value(x)});
    EXPECT_EQ(items(y), (Items{2, 4}));
    minpy_array_release(x);
    minpy_array_release(y);
    minpy_function_release(minpy_function_retain(f));
    EXPECT_EQ(calls.destroyed, 0);
    minpy_function_release(f);
    EXPECT_EQ(calls.destroyed, 1);
    EXPECT_EQ(calls.forward, 1);
}

TEST(Function, WithoutBackwardDifferentiatesWhatForwardComputes) {
    Calls calls;
    minpy_function f = make(&calls, nullptr);
    EXPECT_EQ(gradient({1, 2}, [&](minpy_array x) { return call_one(f, {value(x)}); }), (Items{2, 2}));
    minpy_function_release(f);
}

TEST(Function, WithBackwardIsOneNodeWithThatDerivative) {
    Calls calls;
    minpy_function f = make(&calls, backward);
    EXPECT_EQ(gradient({1, 2}, [&](minpy_array x) { return call_one(f, {value(x)}); }), (Items{20, 20}));
    EXPECT_EQ(calls.backward, 1);
    // The node keeps the function.
    EXPECT_EQ(gradient({1, 2},
                       [&](minpy_array x) {
                           minpy_array y = call_one(f, {value(x), value(3)});
                           minpy_function_release(f);
                           EXPECT_EQ(calls.destroyed, 0);
                           return y;
                       }),
              (Items{30, 30}));
    EXPECT_EQ(calls.destroyed, 1);
}

TEST(Function, ErrorsOfCallbacksAreTheCallersErrors) {
    Calls calls;
    calls.answer = MINPY_E_LINALG;
    minpy_function f = make(&calls, backward);
    minpy_array x = array({1, 2});
    minpy_value arg = value(x), result{};
    int32_t n = 1;
    EXPECT_EQ(minpy_function_call(f, &arg, 1, nullptr, &result, &n), MINPY_E_LINALG);
    minpy_error e = nullptr;
    OK(minpy_error_take(&e));
    EXPECT_STREQ(minpy_error_text(e, MINPY_ERROR_MESSAGE), "out of paint");
    EXPECT_STREQ(minpy_error_text(e, MINPY_ERROR_KIND), "KeyError");
    EXPECT_EQ(minpy_error_code(e), MINPY_E_LINALG);
    minpy_error_release(e);
    minpy_array_release(x);
    minpy_function_release(f);
    EXPECT_EQ(calls.destroyed, 1);
}

TEST(Function, BackwardMustGiveACotangentForEachArray) {
    Calls calls;
    minpy_function f = make(&calls, nothing);
    minpy_status status = MINPY_OK;
    gradient(
        {1, 2}, [&](minpy_array x) { return call_one(f, {value(x)}); }, &status);
    EXPECT_EQ(status, MINPY_E_CALLBACK);
    EXPECT_NE(std::string(minpy_last_error_message()).find("gave 0 cotangents for 1 array arguments"),
              std::string::npos);
    minpy_function_release(f);
}

TEST(Function, RefusesABadDescription) {
    Calls calls;
    minpy_function_desc desc{};
    desc.struct_size = sizeof desc;
    desc.payload = &calls;
    desc.destroy = [](void* p) { static_cast<Calls*>(p)->destroyed++; };
    minpy_function f = nullptr;
    EXPECT_EQ(minpy_function_new(&desc, &f), MINPY_E_INVALID);
    EXPECT_EQ(calls.destroyed, 1) << "the payload is taken on failure too";
    EXPECT_EQ(minpy_function_new(nullptr, &f), MINPY_E_INVALID);
    int32_t n = 0;
    EXPECT_EQ(minpy_function_call(nullptr, nullptr, 0, nullptr, nullptr, &n), MINPY_E_INVALID);
    minpy_function_release(nullptr);
}

TEST(Function, RegisteredOperatorIsFoundCalledAndDifferentiated) {
    static Calls calls;
    minpy_function f = make(&calls, backward);
    minpy_op op = nullptr;
    OK(minpy_register_op("paint(x, factor: float = 3.0)", "factor * x.", f, &op));
    minpy_function_release(f);
    EXPECT_EQ(calls.destroyed, 0) << "an operator stays";
    minpy_array x = array({1, 2}), y = apply("paint", {value(x)});
    EXPECT_EQ(items(y), (Items{3, 6}));
    minpy_array_release(y);
    minpy_array_release(x);
    EXPECT_EQ(gradient({1, 2}, [&](minpy_array x) { return apply("paint", {value(x), value(5)}); }), (Items{50, 50}));
    minpy_op_info info{};
    info.struct_size = sizeof info;
    OK(minpy_op_get_info(op, &info));
    EXPECT_STREQ(info.signature, "paint(x, factor=3.0)");
    EXPECT_TRUE(info.flags & MINPY_OP_DIFFERENTIABLE);

    f = make(&calls, nullptr);
    EXPECT_EQ(minpy_register_op("paint(x)", "", f, &op), MINPY_E_INVALID);
    for (const char* wrong :
         {"", "paint", "(x)", "2d(x)", "p(x: color)", "p(x, x)", "p(x = )", "p(: int)", "p(x: int = [)"})
        EXPECT_EQ(minpy_register_op(wrong, "", f, &op), MINPY_E_INVALID) << wrong;
    EXPECT_EQ(minpy_register_kernel("nonsense", MINPY_EXTENSION, f), MINPY_E_NOTFOUND);
    EXPECT_EQ(minpy_register_kernel("add", MINPY_CPU, f), MINPY_E_INVALID);
    minpy_function_release(f);
}

}  // namespace
