// The generator's bits, which every device, language and release must give again. Distributions are in tests/python.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "tests/core/support.h"

namespace minpy {
namespace elements {
#include "core/ops/math.h"
// The vocabulary first.
#include "core/ops/random.h"
}  // namespace elements

namespace {

using testing::ElementsAre;

// The known answers of Random123 (Salmon and others, 2011), file kat_vectors.
TEST(Philox, GivesTheKnownAnswers) {
    EXPECT_THAT(elements::philox(0, {{0, 0, 0, 0}}).w, ElementsAre(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8));
    EXPECT_THAT(elements::philox(~0ull, {{~0u, ~0u, ~0u, ~0u}}).w,
                ElementsAre(0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd));
}

TEST(Words, DifferByDrawIndexAndAttempt) {
    auto first = [](uint64_t draw, uint64_t index, unsigned attempt) {
        elements::Words x = elements::random_words(7, draw, index, attempt);
        return uint64_t(x.w[0]) << 32 | x.w[1];
    };
    std::vector<uint64_t> all{first(0, 0, 0), first(1, 0, 0), first(0, 1, 0), first(0, 0, 1), first(0, 1ull << 32, 0)};
    std::sort(all.begin(), all.end());
    EXPECT_EQ(std::unique(all.begin(), all.end()), all.end());
}

TEST(Streams, ShareNoKey) {
    EXPECT_EQ(elements::stream_key(5, 0), 5u);
    EXPECT_NE(elements::stream_key(5, 1), elements::stream_key(5, 2));
}

TEST(Units, ReachZeroButNotOne) {
    EXPECT_EQ(elements::to_unit(0u, 0u), 0);
    EXPECT_LT(elements::to_unit(~0u, ~0u), 1);
    EXPECT_LT(elements::to_unit(~0u), 1.0f);
}

// Made of + - * / and sqrt alone, so that libraries cannot differ; near the library's all the same.
TEST(Functions, AreNearTheLibrarys) {
    for (int i = 1; i < 1000; ++i) {
        double u = i / 1000.0;
        EXPECT_DOUBLE_EQ(elements::exact_log(u), std::log(u));
        EXPECT_NEAR(elements::cos_turn(u), std::cos(2 * std::numbers::pi * u), 1e-14);
    }
}

TEST(Below, StaysBelowAndReachesAll) {
    for (uint64_t n : {1ull, 2ull, 3ull, 1000ull, 1ull << 32, (1ull << 63) + 1}) {
        uint64_t seen = 0;
        for (uint64_t i = 0; i < 100; ++i) {
            uint64_t x = elements::random_below(3, 1, i, n);
            ASSERT_LT(x, n);
            if (x < 64) seen |= uint64_t(1) << x;
        }
        if (n <= 3) { EXPECT_EQ(seen, (uint64_t(1) << n) - 1); }
    }
}

}  // namespace
}  // namespace minpy
