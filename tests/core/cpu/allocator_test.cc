// The caching allocator: what is let go is there for the next who asks, and goes back when memory is trimmed.
#include "core/cpu/allocator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <thread>
#include <vector>

namespace minpy {
namespace {

std::vector<void*> allocate_many(int n, int64_t bytes) {
    std::vector<void*> blocks;
    for (int i = 0; i < n; ++i) {
        blocks.push_back(allocate_small(bytes));
        std::memset(blocks.back(), i, size_t(bytes));
    }
    return blocks;
}
void deallocate_all(const std::vector<void*>& blocks, int64_t bytes) {
    for (void* p : blocks) deallocate_small(p, bytes);
}

TEST(Allocator, KeepsMoreSmallBlocksThanAThreadHasInItsLists) {
    if (!MINPY_CACHED_BLOCKS) GTEST_SKIP() << "every block is malloc's";
    trim_memory(0);
    constexpr int kMany = 20000;
    std::vector<void*> first = allocate_many(kMany, 200);
    deallocate_all(first, 200);
    std::vector<void*> second = allocate_many(kMany, 200);
    std::sort(first.begin(), first.end());
    std::sort(second.begin(), second.end());
    // What stays with the thread and what all share are the same blocks.
    std::vector<void*> common;
    std::set_intersection(first.begin(), first.end(), second.begin(), second.end(), std::back_inserter(common));
    EXPECT_EQ(common.size(), size_t(kMany));
    EXPECT_EQ(std::unique(second.begin(), second.end()), second.end());
    deallocate_all(first, 200);
    trim_memory(0);
}

TEST(Allocator, SharesBlocksAmongThreads) {
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([] {
            for (int round = 0; round < 5; ++round) {
                std::vector<void*> blocks = allocate_many(6000, 300);
                std::sort(blocks.begin(), blocks.end());
                EXPECT_EQ(std::unique(blocks.begin(), blocks.end()), blocks.end());
                deallocate_all(blocks, 300);
                if (round == 3) trim_memory(0);
            }
        });
    for (std::thread& t : threads) t.join();
}

}  // namespace
}  // namespace minpy
