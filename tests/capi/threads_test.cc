// Many threads at once: memory that one allocates and another frees, gradients of shared arrays, registration and reports.
#include <atomic>
#include <barrier>
#include <mutex>
#include <thread>

#include "tests/capi/support.h"

namespace {

constexpr int kThreads = 8;

// Expectations belong to the thread of the test: these count what is wrong.
struct Wrong {
    std::atomic<int> n{0};
    void expect(bool ok) { n += !ok; }
};

template <class F> void on_threads(F&& f) {
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) threads.emplace_back([&f, t] { f(t); });
    for (std::thread& t : threads) t.join();
}

// A tape that the thread's calls are recorded on while it lives.
class Recording {
public:
    Recording() {
        minpy_tape_new(0, &tape);
        minpy_context_new(&context_);
        minpy_context_set_tape(context_, tape);
        minpy_context_push(context_);
    }
    ~Recording() {
        minpy_context_pop();
        minpy_context_release(context_);
        minpy_tape_release(tape);
    }
    minpy_tape tape = nullptr;

private:
    minpy_context context_ = nullptr;
};

TEST(Threads, FreeWhatOthersAllocated) {
    Live before = live();
    std::mutex mutex;
    std::vector<minpy_array> mailbox[kThreads];
    Wrong wrong;
    on_threads([&](int t) {
        for (int round = 0; round < 60; ++round) {
            // Blocks of the threads' own lists and of the shared one.
            int64_t n = round % 10 == 0 ? 40000 : 1 + 37 * round;
            minpy_array a = nullptr;
            wrong.expect(minpy_array_zeros(&n, 1, MINPY_FLOAT64, kHost, &a) == MINPY_OK);
            std::vector<minpy_array> mine;
            {
                std::lock_guard lock(mutex);
                mailbox[(t + 1) % kThreads].push_back(a);
                mine.swap(mailbox[t]);
            }
            minpy_arrays_release(mine.data(), int32_t(mine.size()));
            if (round == 30) minpy_memory_trim(kHost, 0);
            minpy_memory_stats m = {};
            m.struct_size = sizeof m;
            wrong.expect(minpy_memory_get_stats(kHost, &m) == MINPY_OK);
        }
    });
    for (auto& rest : mailbox) minpy_arrays_release(rest.data(), int32_t(rest.size()));
    EXPECT_EQ(wrong.n, 0);
    EXPECT_EQ(live(), before);
}

TEST(Threads, DifferentiateASharedArrayEachOnItsOwnTape) {
    Live before = live();
    minpy_array x = make({1, 2, 3}, {3});
    Wrong wrong;
    on_threads([&](int) {
        for (int round = 0; round < 40; ++round) {
            Recording r;
            minpy_array watched = nullptr, square = nullptr, sum = nullptr, g = nullptr;
            wrong.expect(minpy_tape_watch(r.tape, &x, 1, &watched) == MINPY_OK);
            wrong.expect(minpy_multiply(watched, watched, &square) == MINPY_OK);
            wrong.expect(minpy_sum(square, nullptr, 0, 0, &sum) == MINPY_OK);
            wrong.expect(minpy_tape_gradient(r.tape, &sum, nullptr, 1, &watched, 1, 0, &g) == MINPY_OK);
            wrong.expect(values(g) == std::vector<double>{2, 4, 6});
            for (minpy_array a : {watched, square, sum, g}) minpy_array_release(a);
        }
    });
    EXPECT_EQ(wrong.n, 0);
    EXPECT_EQ(minpy_array_is_traced(x), 0);
    minpy_array_release(x);
    EXPECT_EQ(live(), before);
}

TEST(Threads, LetGoOfRecordingsWhileAnotherWritesTheirOperand) {
    minpy_array x = make({1, 2, 3}, {3});
    std::barrier phase(kThreads);
    Wrong wrong;
    on_threads([&](int t) {
        for (int round = 0; round < 40; ++round) {
            minpy_array recorded = nullptr;
            if (t) {
                Recording r;
                minpy_array w = make({5, 6, 7}, {3}), watched = nullptr;
                wrong.expect(minpy_tape_watch(r.tape, &w, 1, &watched) == MINPY_OK);
                wrong.expect(minpy_multiply(watched, x, &recorded) == MINPY_OK);  // keeps x for w's derivative
                minpy_array_release(watched);
                minpy_array_release(w);
            }
            phase.arrive_and_wait();
            if (t) {
                minpy_array_release(recorded);
            } else {
                minpy_value whole = {MINPY_V_ELLIPSIS, 0, {0}}, four = value(int64_t(4));
                wrong.expect(minpy_array_set(x, &whole, 1, &four) == MINPY_OK);
            }
            phase.arrive_and_wait();
        }
    });
    EXPECT_EQ(wrong.n, 0);
    EXPECT_EQ(values(x), (std::vector<double>{4, 4, 4}));
    minpy_array_release(x);
}

minpy_status first_argument(void*, const minpy_value* args, int32_t, minpy_value* results, int32_t* n_results) {
    results[0] = value(minpy_array_retain(static_cast<minpy_array>(const_cast<void*>(args[0].v.p))));
    *n_results = 1;
    return MINPY_OK;
}

TEST(Threads, RegisterOperatorsWhileOthersCallAndReport) {
    minpy_function_desc desc{};
    desc.struct_size = sizeof desc;
    desc.name = "same";
    desc.forward = first_argument;
    minpy_function f = nullptr;
    ASSERT_EQ(minpy_function_new(&desc, &f), MINPY_OK) << last_error();
    Wrong wrong;
    std::atomic<int> taken{0};
    on_threads([&](int t) {
        minpy_array x = make({1, 2}, {2});
        for (int round = 0; round < 4; ++round) {
            // One name of each round is everybody's: one registration of it succeeds.
            std::string shared = "threads_same_" + std::to_string(round), own = shared + "_" + std::to_string(t);
            minpy_op op = nullptr;
            taken += minpy_register_op((shared + "(x)").c_str(), "x", f, &op) == MINPY_OK;
            wrong.expect(minpy_register_op((own + "(x)").c_str(), "x", f, &op) == MINPY_OK);
            for (const char* name : {shared.c_str(), own.c_str(), "exp"}) {
                minpy_array y = nullptr;
                wrong.expect(call(name, {value(x)}, &y) == MINPY_OK);
                minpy_array_release(y);
            }
            wrong.expect(call("no_such_operator", {value(x)}, &x) == MINPY_E_NOTFOUND);
            minpy_buffer list = nullptr, report = nullptr;
            wrong.expect(minpy_op_list(&list) == MINPY_OK && take(list).find(own) != std::string::npos);
            wrong.expect(minpy_dispatch_report(&report) == MINPY_OK && !take(report).empty());
            if (t == 0) minpy_dispatch_reset();
            minpy_dispatch_site(own.c_str());
            wrong.expect(minpy_dispatch_count("exp", "threads", 8, 1, "here") == MINPY_OK);
        }
        minpy_array_release(x);
    });
    EXPECT_EQ(wrong.n, 0);
    EXPECT_EQ(taken, 4);
    minpy_dispatch_reset();
    minpy_function_release(f);
}

// sum(exp(x) * w) of its two arguments.
minpy_status weighted(void*, const minpy_value* args, int32_t, minpy_value* results, int32_t* n_results) {
    minpy_array e = nullptr, p = nullptr, total = nullptr;
    minpy_status status = call("exp", {args[0]}, &e);
    if (!status) status = call("multiply", {value(e), args[1]}, &p);
    if (!status) status = call("sum", {value(p)}, &total);
    for (minpy_array a : {e, p}) minpy_array_release(a);
    if (status) return status;
    results[0] = value(total);
    *n_results = 1;
    return MINPY_OK;
}

TEST(Threads, CallFunctionsThatRecordAndRunPlansOfSharedArrays) {
    minpy_symbol x = nullptr, net = nullptr;
    minpy_function graph = nullptr, plain = nullptr, compiled = nullptr;
    ASSERT_EQ(minpy_symbol_variable("x", nullptr, &x), MINPY_OK);
    ASSERT_EQ(minpy_symbol_apply("FullyConnected", "fc", &x, nullptr, 1, "{\"num_hidden\": 2}", &net), MINPY_OK);
    ASSERT_EQ(minpy_function_from_symbol(net, nullptr, 0, &graph), MINPY_OK);
    minpy_function_desc desc{};
    desc.struct_size = sizeof desc;
    desc.name = "weighted";
    desc.forward = weighted;
    ASSERT_EQ(minpy_function_new(&desc, &plain), MINPY_OK);
    ASSERT_EQ(minpy_function_compile(plain, &compiled), MINPY_OK);
    minpy_array w = make({1, 2, 3, 4}, {2, 2});
    Wrong wrong;
    on_threads([&](int t) {
        for (int round = 0; round < 20; ++round) {
            // Shapes that are new now and then: some threads record while others run.
            int64_t rows = 1 + round / 4;
            minpy_array in = make(std::vector<double>(size_t(2 * rows), double(t)), {rows, 2});
            minpy_value args[] = {value(in), value(w)}, result = {};
            int32_t n = 1;
            {
                Recording recording;
                minpy_array watched = nullptr, gradient = nullptr;
                wrong.expect(minpy_tape_watch(recording.tape, &w, 1, &watched) == MINPY_OK);
                wrong.expect(minpy_function_call(graph, args, 2, nullptr, &result, &n) == MINPY_OK);
                auto y = static_cast<minpy_array>(const_cast<void*>(result.v.p));
                wrong.expect(minpy_tape_gradient(recording.tape, &y, nullptr, 1, &w, 1, 0, &gradient) == MINPY_OK);
                wrong.expect(gradient && values(gradient)[0] == double(t) * double(rows));
                for (minpy_array a : {watched, gradient, y}) minpy_array_release(a);
            }
            minpy_array row = make({0, 0}, {2});
            minpy_value pair[] = {value(row), value(w)};
            wrong.expect(minpy_function_call(compiled, pair, 2, nullptr, &result, &n) == MINPY_OK);
            auto y = static_cast<minpy_array>(const_cast<void*>(result.v.p));
            wrong.expect(values(y)[0] == 10);
            for (minpy_array a : {in, row, y}) minpy_array_release(a);
        }
    });
    EXPECT_EQ(wrong.n, 0);
    minpy_array_release(w);
    for (minpy_function f : {graph, plain, compiled}) minpy_function_release(f);
    minpy_symbol_release(x);
    minpy_symbol_release(net);
}

}  // namespace
