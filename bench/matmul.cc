// Matrix products through the C ABI, and by OpenBLAS and oneDNN called directly. One library a run: --benchmark_filter.
#include <benchmark/benchmark.h>
#include <cblas.h>
#include <dnnl.h>
#include <minpy/minpy.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

namespace {

template <class T> std::vector<T> matrix(int64_t n) {
    std::vector<T> x(static_cast<size_t>(n * n));
    for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<T>(i * 2654435761u % 1000) / T(1000) - T(0.5);
    return x;
}

template <class T> void ours(benchmark::State& state, int64_t n) {
    const std::vector<T> data = matrix<T>(n);
    const int64_t shape[2] = {n, n};
    const int32_t dtype = std::is_same_v<T, float> ? MINPY_FLOAT32 : MINPY_FLOAT64;
    minpy_array x = nullptr, y = nullptr;
    if (minpy_array_zeros(shape, 2, dtype, {MINPY_CPU, 0}, &x) ||
        minpy_array_zeros(shape, 2, dtype, {MINPY_CPU, 0}, &y))
        return state.SkipWithError(minpy_last_error_message());
    for (minpy_array to : {x, y}) {
        void* p = nullptr;
        if (minpy_array_data(to, &p)) return state.SkipWithError(minpy_last_error_message());
        std::copy(data.begin(), data.end(), static_cast<T*>(p));
    }
    for (auto _ : state) {
        minpy_array out = nullptr;
        if (minpy_matmul(x, y, &out) || minpy_array_wait(out)) {
            state.SkipWithError(minpy_last_error_message());
            break;
        }
        minpy_array_release(out);
    }
    minpy_array_release(x);
    minpy_array_release(y);
}

template <class T> void openblas(benchmark::State& state, int64_t n) {
    const std::vector<T> x = matrix<T>(n), y = x;
    std::vector<T> out(x.size());
    if (const char* threads = std::getenv("OPENBLAS_NUM_THREADS")) openblas_set_num_threads(std::atoi(threads));
    const blasint m = static_cast<blasint>(n);
    for (auto _ : state) {
        if constexpr (std::is_same_v<T, float>)
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, m, m, 1, x.data(), m, y.data(), m, 0, out.data(),
                        m);
        else
            cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, m, m, 1, x.data(), m, y.data(), m, 0, out.data(),
                        m);
        benchmark::ClobberMemory();
    }
}

void onednn(benchmark::State& state, int64_t n) {
    const std::vector<float> x = matrix<float>(n), y = x;
    std::vector<float> out(x.size());
    for (auto _ : state) {
        if (dnnl_sgemm('N', 'N', n, n, n, 1, x.data(), n, y.data(), n, 0, out.data(), n) != dnnl_success) {
            state.SkipWithError("dnnl_sgemm");
            break;
        }
        benchmark::ClobberMemory();
    }
}

void add(const char* library, const char* dtype, void (*run)(benchmark::State&, int64_t)) {
    for (const int64_t n : {16, 128, 1024, 2048}) {
        const std::string name = std::string(library) + "/" + dtype + "/" + std::to_string(n);
        benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) { run(state, n); })->UseRealTime();
    }
}

}  // namespace

int main(int argc, char** argv) {
    add("minpy", "float32", ours<float>);
    add("minpy", "float64", ours<double>);
    add("openblas", "float32", openblas<float>);
    add("openblas", "float64", openblas<double>);
    add("onednn", "float32", onednn);
    benchmark::Initialize(&argc, argv);
    // OpenBLAS starts its threads when it is loaded, whoever is measured; they spin a while before they sleep.
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    benchmark::RunSpecifiedBenchmarks();
}
