// Scratch memory: tasks that run at the same time never share a slot, however many there are for what was set aside.
#include "core/cpu/scratch.h"

#include <gtest/gtest.h>

namespace minpy {
namespace {

class ScratchOfThreads : public testing::TestWithParam<int> {
protected:
    ScratchOfThreads() : before_(num_threads()) {}
    ~ScratchOfThreads() override { set_num_threads(before_); }
    int before_;
};

Array bytes(int64_t n) {
    int64_t shape[] = {n};
    return empty(shape, DType::uint8);
}

void expect_apart(const Array& set_aside, ScratchSizes sizes) {
    Scratch scratch(set_aside, sizes, 64);
    std::atomic<int> wrong{0};
    parallel_for(64, [&](int64_t task) {
        Scratch::Slot slot(scratch);
        wrong += reinterpret_cast<uintptr_t>(slot.get()) % 64 != 0;
        std::fill_n(slot.get(), sizes.slot, char(task));
        for (int64_t i = 0; i < sizes.slot; ++i) wrong += slot.get()[i] != char(task);
    });
    EXPECT_EQ(wrong, 0);
}

TEST_P(ScratchOfThreads, SlotsAreApart) {
    ScratchSizes sizes{100, 5000};
    set_num_threads(GetParam());
    expect_apart(Array(), sizes);
    expect_apart(bytes(sizes.bytes(64)), sizes);
    expect_apart(bytes(128 + 5056), sizes);  // planned with one thread
}

INSTANTIATE_TEST_SUITE_P(Threads, ScratchOfThreads, testing::Values(1, 2, 8));

TEST(Scratch, IsWhatWasSetAside) {
    Array given = bytes(ScratchSizes{100, 5000}.bytes(4));
    Scratch scratch(given, {100, 5000}, 4);
    EXPECT_EQ(scratch.shared(), given.raw());
    Scratch::Slot first(scratch);
    EXPECT_EQ(first.get(), given.raw() + 128);
}

TEST(Scratch, NothingIsAllocatedForNothing) {
    uint64_t before = memory_stats().n_allocs;
    Scratch scratch(Array(), {}, 10);
    Scratch::Slot slot(scratch);
    EXPECT_EQ(memory_stats().n_allocs, before);
}

}  // namespace
}  // namespace minpy
