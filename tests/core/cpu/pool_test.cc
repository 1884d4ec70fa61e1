// The thread pool under several callers: every task runs once, whoever runs it, and failures come back to their caller.
#include "core/cpu/pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

#include "core/registry/settings.h"
#include "core/registry/statistics.h"

namespace minpy {
namespace {

constexpr int kCallers = 8;

class Pool : public testing::Test {
protected:
    Pool() : before_(num_threads()) { set_num_threads(4); }
    ~Pool() override { set_num_threads(before_); }

    template <class F> static void on_threads(F&& f) {
        std::vector<std::thread> threads;
        for (int t = 0; t < kCallers; ++t) threads.emplace_back([&f, t] { f(t); });
        for (std::thread& t : threads) t.join();
    }

private:
    int before_;
};

TEST_F(Pool, RunsEveryTaskOnceForManyCallersAtOnce) {
    std::atomic<int> wrong{0};
    on_threads([&](int) {
        for (int round = 0; round < 50; ++round) {
            std::vector<int> runs(37);  // not atomic: a task is one thread's, and the caller sees it afterwards
            parallel_for(37, [&](int64_t task) { ++runs[size_t(task)]; });
            for (int n : runs) wrong += n != 1;
        }
    });
    EXPECT_EQ(wrong, 0);
}

TEST_F(Pool, RunsCallsFromInsideATaskInPlace) {
    std::atomic<int> runs{0}, elsewhere{0};
    parallel_for(8, [&](int64_t) {
        auto here = std::this_thread::get_id();
        parallel_for(5, [&](int64_t) {
            ++runs;
            elsewhere += std::this_thread::get_id() != here;
        });
    });
    EXPECT_EQ(runs, 40);
    EXPECT_EQ(elsewhere, 0);
}

TEST_F(Pool, GivesAFailureToItsOwnCallerAndGoesOn) {
    std::atomic<int> caught{0}, wrong{0};
    on_threads([&](int caller) {
        for (int round = 0; round < 20; ++round) {
            try {
                parallel_for(16, [&](int64_t task) {
                    if (task == 5 && caller % 2) throw std::runtime_error(std::to_string(caller));
                });
                wrong += caller % 2;
            } catch (const std::runtime_error& e) {
                ++caught;
                wrong += e.what() != std::to_string(caller);
            }
        }
    });
    EXPECT_EQ(caught, kCallers / 2 * 20);
    EXPECT_EQ(wrong, 0);
}

TEST_F(Pool, MayChangeItsSizeWhileItWorks) {
    std::atomic<int64_t> sum{0};
    on_threads([&](int caller) {
        for (int round = 0; round < 20; ++round) {
            set_num_threads(1 + (caller + round) % 6);
            parallel_for(10, [&](int64_t task) { sum += task; });
        }
    });
    EXPECT_EQ(sum, kCallers * 20 * 45);
}

TEST(NumberSetting, ThatMakesNoSenseIsLoggedAndLeftOut) {
    set_log(2, nullptr, nullptr);
    take_log();
    for (const char* text : {"many", "0", "-1", "3 threads", "99999999999999999999", "257"}) {
        setenv("MINPY_TEST_SETTING", text, 1);
        EXPECT_EQ(number_setting("MINPY_TEST_SETTING", 1, 256, 7), 7) << text;
        EXPECT_NE(take_log().find(text), std::string::npos);
    }
    setenv("MINPY_TEST_SETTING", "256", 1);
    EXPECT_EQ(number_setting("MINPY_TEST_SETTING", 1, 256, 7), 256);
    unsetenv("MINPY_TEST_SETTING");
    EXPECT_EQ(number_setting("MINPY_TEST_SETTING", 1, 256, 7), 7);
    EXPECT_EQ(take_log(), "");
}

}  // namespace
}  // namespace minpy
