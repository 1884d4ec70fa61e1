// How a product's operands are handed to BLAS, and how index spaces are merged and cut.
#include "cuda/matrices.h"

#include <gtest/gtest.h>

#include "cuda/layout.h"
#include "cuda/reductions.h"

namespace minpy::cuda {
namespace {

TEST(Matrix, IsReadInPlaceWhereOneAxisIsContiguous) {
    Matrix m;
    EXPECT_TRUE(m.from(3, 4, 4, 1));
    EXPECT_TRUE(!m.transposed && m.ld == 4);
    EXPECT_TRUE(m.from(3, 4, 1, 3));
    EXPECT_TRUE(m.transposed && m.ld == 3);
    EXPECT_TRUE(m.from(3, 4, 10, 1));  // rows of a wider matrix
    EXPECT_EQ(m.ld, 10);
    EXPECT_FALSE(m.from(3, 4, 8, 2));
    EXPECT_FALSE(m.from(3, 4, -4, 1));
    EXPECT_FALSE(m.from(3, 4, 0, 1));  // broadcast rows
    EXPECT_TRUE(m.from(1, 4, 0, 1));
    EXPECT_EQ(m.ld, 4);
}

TEST(Product, WalksStacksByOneStrideWhereItCan) {
    int64_t x_shape[] = {2, 3, 4, 5}, x_steps[] = {480, 160, 40, 8}, y_shape[] = {5, 6}, y_steps[] = {48, 8};
    int64_t out_shape[] = {2, 3, 4, 6}, out_steps[] = {576, 192, 48, 8};
    minpy_tensor x = {nullptr, x_shape, x_steps, 4, MINPY_FLOAT64, 0},
                 y = {nullptr, y_shape, y_steps, 2, MINPY_FLOAT64, 0};
    minpy_tensor out = {nullptr, out_shape, out_steps, 4, MINPY_FLOAT64, 0};
    Product p;
    p.from(x, y, out, 8);
    EXPECT_TRUE(p.m == 4 && p.k == 5 && p.n == 6 && p.batches() == 6);
    EXPECT_EQ(p.strided_from(), 0);
    EXPECT_TRUE(p.a.batch[1] == 20 && p.b.batch[1] == 0);
    x_steps[0] = 960;  // a stack of every second
    p.from(x, y, out, 8);
    EXPECT_EQ(p.strided_from(), 1);
}

TEST(Layout, MergesNeighboursAndCutsWhatIsTooLarge) {
    Layout layout;
    layout.operands = 2;
    int64_t steps[3][2] = {{48, 0}, {16, 16}, {4, 4}};
    ASSERT_TRUE(layout.push(2, steps[0]) && layout.push(3, steps[1]) && layout.push(4, steps[2]));
    EXPECT_EQ(layout.ndim, 2);
    int64_t at[2];
    layout.locate(17, at);
    EXPECT_TRUE(at[0] == 17 * 4 && at[1] == 5 * 4);

    Layout large;
    large.operands = 1;
    int64_t apart[] = {int64_t(1) << 40}, close[] = {1};
    ASSERT_TRUE(large.push(int64_t(1) << 17, apart) && large.push(int64_t(1) << 17, close));
    int64_t size = 0, end = 0;
    in_parts(large, [&](const Layout& part, const int64_t* offset) {
        EXPECT_LT(part.size, int64_t(1) << 32);
        EXPECT_EQ(offset[0], end);
        size += part.size;
        end += part.shape[0] << 40;
    });
    EXPECT_EQ(size, int64_t(1) << 34);
}

TEST(ReducePlan, CoversEveryElementOnce) {
    for (int64_t rows : {0, 1, 31, 1000, 1 << 20})
        for (int64_t n : {0, 1, 255, 4096, 1 << 22})
            for (bool neighbours : {false, true}) {
                ReducePlan plan(rows, n, neighbours);
                EXPECT_GE(plan.chunks * plan.chunk, n);
                EXPECT_TRUE(plan.chunks == 1 || (plan.chunks - 1) * plan.chunk < n);
            }
}

}  // namespace
}  // namespace minpy::cuda
