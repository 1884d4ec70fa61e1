// What a call through the C ABI costs over its arithmetic.
#include <benchmark/benchmark.h>
#include <minpy/minpy.h>

namespace {

void invoke(benchmark::State& state, const char* name) {
    minpy_op op = nullptr;
    minpy_array x = nullptr;
    const int64_t n = state.range(0);
    if (minpy_op_find(name, &op) || minpy_array_zeros(&n, 1, MINPY_FLOAT64, {MINPY_CPU, 0}, &x))
        return state.SkipWithError(minpy_last_error_message());
    minpy_value args[2] = {{MINPY_V_ARRAY, 0, {}}, {MINPY_V_ARRAY, 0, {}}};
    args[0].v.p = args[1].v.p = x;
    for (auto _ : state) {
        minpy_value result;
        int32_t n_results = 1;
        if (minpy_invoke(op, args, 2, nullptr, &result, &n_results)) {
            state.SkipWithError(minpy_last_error_message());
            break;
        }
        minpy_values_release(&result, 1);
    }
    minpy_array_release(x);
}

// The same additions as a plain loop: what is left of a call's time is the call's.
void loop(benchmark::State& state) {
    double x[4096] = {}, y[4096];
    const int64_t n = state.range(0);
    for (auto _ : state) {
        for (int64_t i = 0; i < n; ++i) y[i] = x[i] + x[i];
        benchmark::DoNotOptimize(y);
        benchmark::ClobberMemory();
    }
}

}  // namespace

BENCHMARK_CAPTURE(invoke, add, "add")->Arg(4)->Arg(4096);
BENCHMARK(loop)->Arg(4)->Arg(4096);
