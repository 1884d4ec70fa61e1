// Products of matrices: every way the work is cut gives the sums of the definition, and the same bits.
#include "core/cpu/products.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <complex>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "core/cpu/blas.h"
#include "core/cpu/pool.h"

namespace minpy {
namespace {

enum class Layout { rows, columns, apart, backwards, one };
constexpr Layout kLayouts[] = {Layout::rows, Layout::columns, Layout::apart, Layout::backwards, Layout::one};

template <class T> struct Matrix {
    int64_t rows, columns;
    std::vector<T> data;
    MatrixView view;
    Matrix(int64_t rows, int64_t columns, Layout layout, unsigned seed)
        : rows(rows), columns(columns), data(size_t(6 * rows * columns + 8)) {
        std::mt19937 random(seed);
        for (T& x : data) x = T(int64_t(random() % 2001) - 1000);
        if (std::is_floating_point_v<T>)
            for (T& x : data) x = T(double(x) / 997);
        int64_t item = sizeof(T);
        const char* p = reinterpret_cast<const char*>(data.data());
        switch (layout) {
            case Layout::rows: view = {p, columns * item, item}; break;
            case Layout::columns: view = {p, item, rows * item}; break;
            case Layout::apart: view = {p, 6 * columns * item, 3 * item}; break;
            case Layout::one: view = {p, 0, 0}; break;  // the same number everywhere
            case Layout::backwards: view = {p + (rows * columns - 1) * item, -columns * item, -item}; break;
        }
    }
    T at(int64_t i, int64_t j) const {
        T x;
        std::memcpy(&x, view.data + i * view.row_step + j * view.column_step, sizeof x);
        return x;
    }
};

template <class T> std::vector<T> product_of(const Matrix<T>& a, const Matrix<T>& b, DType t) {
    std::vector<T> c(size_t(a.rows * b.columns), T(77));
    product(t, a.view, b.view, reinterpret_cast<char*>(c.data()), a.rows, b.columns, a.columns);
    return c;
}

template <class T> void expect_definition(DType t, int64_t m, int64_t n, int64_t k, Layout la, Layout lb) {
    Matrix<T> a(m, k, la, 1), b(k, n, lb, 2);
    std::vector<T> c = product_of(a, b, t);
    // Sums of k rounded products: k ulps of the sum of their sizes.
    double tolerance = std::is_floating_point_v<T> ? 1.1 * double(std::max<int64_t>(k, 4)) * 1.1 *
                                                         double(std::numeric_limits<T>::epsilon()) * double(k)
                                                   : 0;
    for (int64_t i = 0; i < m; ++i)
        for (int64_t j = 0; j < n; ++j) {
            if constexpr (std::is_floating_point_v<T>) {
                double sum = 0;
                for (int64_t l = 0; l < k; ++l) sum += double(a.at(i, l)) * double(b.at(l, j));
                ASSERT_NEAR(double(c[size_t(i * n + j)]), sum, tolerance) << m << " " << n << " " << k << " at " << i;
            } else {
                uint64_t sum = 0;
                for (int64_t l = 0; l < k; ++l) sum += uint64_t(a.at(i, l)) * uint64_t(b.at(l, j));
                ASSERT_EQ(c[size_t(i * n + j)], T(sum)) << m << " " << n << " " << k << " at " << i << ", " << j;
            }
        }
}

TEST(Products, AreThoseOfTheDefinitionForAllEdgesOfTiles) {
    for (int64_t m : {1, 2, 3, 7, 8, 9, 15})
        for (int64_t n : {1, 2, 5, 8, 15, 16, 17, 31, 47, 48, 49, 65})
            for (int64_t k : {1, 4, 17}) {
                expect_definition<float>(DType::float32, m, n, k, Layout::rows, Layout::rows);
                expect_definition<double>(DType::float64, m, n, k, Layout::columns, Layout::columns);
                expect_definition<int32_t>(DType::int32, m, n, k, Layout::rows, Layout::columns);
                expect_definition<int16_t>(DType::int16, m, n, k, Layout::apart, Layout::rows);
            }
}

TEST(Products, ReadMatricesInEveryLayout) {
    for (Layout a : kLayouts)
        for (Layout b : kLayouts) {
            expect_definition<float>(DType::float32, 37, 29, 300, a, b);
            expect_definition<double>(DType::float64, 130, 51, 19, a, b);
            expect_definition<int64_t>(DType::int64, 21, 40, 33, a, b);
            expect_definition<int8_t>(DType::int8, 9, 11, 13, a, b);
        }
}

TEST(Products, OfMatricesAndVectorsAreThoseOfTheDefinition) {
    for (Layout a : kLayouts)
        for (Layout b : kLayouts)
            for (int64_t k : {1, 3, 19, 70, 300}) {
                expect_definition<float>(DType::float32, 5, 1, k, a, b);
                expect_definition<double>(DType::float64, 1, 37, k, a, b);
                expect_definition<double>(DType::float64, 1, 1, k, a, b);
            }
    expect_definition<float>(DType::float32, 700, 1, 900, Layout::rows, Layout::rows);      // tasks of rows
    expect_definition<float>(DType::float32, 1, 1200, 500, Layout::columns, Layout::rows);  // of columns
    expect_definition<double>(DType::float64, 1, 1, 300000, Layout::rows, Layout::rows);    // of sums
    expect_definition<float>(DType::float32, 2, 1, 300000, Layout::rows, Layout::backwards);
}

TEST(Products, OfManyRowsColumnsAndSumsAreCutIntoTasks) {
    expect_definition<float>(DType::float32, 530, 70, 300, Layout::columns, Layout::columns);     // blocks of rows
    expect_definition<double>(DType::float64, 40, 900, 270, Layout::rows, Layout::columns);       // columns
    expect_definition<double>(DType::float64, 20, 24, 9000, Layout::columns, Layout::rows);       // parts of the sums
    expect_definition<float>(DType::float32, 260, 1300, 1100, Layout::apart, Layout::backwards);  // b in pieces
}

TEST(Products, OfFewRowsOrColumnsReadTheOtherSideWhereItLies) {
    for (int64_t few : {2, 3, 5, 8, 10, 12})
        for (Layout a : {Layout::rows, Layout::columns})
            for (Layout b : {Layout::rows, Layout::columns}) {
                expect_definition<float>(DType::float32, 301, few, 133, a, b);
                expect_definition<double>(DType::float64, few, 75, 70, a, b);
            }
    expect_definition<float>(DType::float32, 700, 5, 1900, Layout::columns, Layout::rows);   // pieces of k
    expect_definition<float>(DType::float32, 2500, 10, 300, Layout::columns, Layout::rows);  // and of columns
    expect_definition<float>(DType::float32, 6000, 7, 200, Layout::rows, Layout::columns);
    for (int64_t m : {14, 32, 64}) {
        expect_definition<float>(DType::float32, m, 1030, 512, Layout::rows, Layout::columns);  // turned around
        expect_definition<double>(DType::float64, m, 1030, 300, Layout::columns, Layout::columns);
        expect_definition<float>(DType::float32, m, 1030, 512, Layout::rows, Layout::rows);
    }
}

TEST(Products, AreAddedInTheBitsOfProductAndSum) {
    int added = 0;
    for (auto [m, n, k] : {std::array<int64_t, 3>{32, 512, 32},
                           {256, 100, 32},
                           {100, 10, 40},
                           {40, 130, 200},
                           {300, 70, 256},
                           {9, 17, 5},
                           {3, 3, 3},
                           {32, 32, 300}}) {
        for (Layout la : kLayouts)
            for (Layout lb : kLayouts) {
                Matrix<float> a(m, k, la, 11), b(k, n, lb, 12);
                std::vector<float> c = product_of(a, b, DType::float32), sum(c.size());
                for (size_t i = 0; i < sum.size(); ++i) sum[i] = float(i % 89) / 7;
                std::vector<float> expected = sum, untouched = sum;
                for (size_t i = 0; i < sum.size(); ++i) expected[i] += c[i];
                bool done =
                    add_tiled_product(DType::float32, a.view, b.view, reinterpret_cast<char*>(sum.data()), m, n, k);
                added += done;
                EXPECT_EQ(sum, done ? expected : untouched) << m << " " << n << " " << k;
            }
    }
    if (has_product_loops(DType::float32)) { EXPECT_GT(added, 100); }
}

TEST(Products, OfComplexNumbersAreThoseOfTheirParts) {
    for (auto [m, n, k] : {std::array<int64_t, 3>{40, 50, 60}, {600, 20, 30}, {9, 200, 100}}) {
        Matrix<double> a(m, 2 * k, Layout::rows, 7), b(k, 2 * n, Layout::rows, 8);  // re, im, re, im, ...
        std::vector<double> c(size_t(2 * m * n));
        MatrixView left = a.view, right = b.view;
        left.column_step *= 2, right.column_step *= 2;
        product(DType::complex128, left, right, reinterpret_cast<char*>(c.data()), m, n, k);
        for (int64_t i = 0; i < m; ++i)
            for (int64_t j = 0; j < n; ++j) {
                std::complex<double> sum = 0;
                for (int64_t l = 0; l < k; ++l)
                    sum += std::complex(a.at(i, 2 * l), a.at(i, 2 * l + 1)) *
                           std::complex(b.at(l, 2 * j), b.at(l, 2 * j + 1));
                // Sums of 2k products of numbers around one, each part for itself.
                ASSERT_NEAR(c[size_t(2 * (i * n + j))], sum.real(), 4e-16 * double(k * k));
                ASSERT_NEAR(c[size_t(2 * (i * n + j) + 1)], sum.imag(), 4e-16 * double(k * k));
            }
    }
}

TEST(Products, AreTheSameBitsForAnyNumberOfThreads) {
    int before = num_threads();
    for (auto [m, n, k] : {std::array<int64_t, 3>{300, 200, 700},
                           {64, 500, 500},
                           {30, 30, 20000},
                           {4000, 5, 500},
                           {10, 3000, 700},
                           {50, 700, 700},
                           {700, 40, 90},
                           {900, 1, 700},
                           {1, 900, 700},
                           {1, 1, 400000}}) {
        Matrix<float> a(m, k, Layout::rows, 3), b(k, n, Layout::columns, 4);
        set_num_threads(1);
        std::vector<float> one = product_of(a, b, DType::float32);
        set_num_threads(5);
        std::vector<float> five = product_of(a, b, DType::float32);
        EXPECT_EQ(std::memcmp(one.data(), five.data(), one.size() * sizeof(float)), 0) << m << " " << n << " " << k;
    }
    set_num_threads(before);
}

TEST(Products, KeepInfinitiesAndNaNInTheirRowsAndColumns) {
    Matrix<double> a(33, 20, Layout::rows, 5), b(20, 49, Layout::columns, 6);
    a.data[5 * 20 + 3] = INFINITY;
    b.data[7 * 20 + 2] = NAN;  // column 7
    std::vector<double> c = product_of(a, b, DType::float64);
    for (int64_t i = 0; i < 33; ++i)
        for (int64_t j = 0; j < 49; ++j) {
            double x = c[size_t(i * 49 + j)];
            EXPECT_EQ(std::isnan(x), j == 7) << i << ", " << j;
            EXPECT_EQ(std::isinf(x), i == 5 && j != 7) << i << ", " << j;
        }
}

}  // namespace
}  // namespace minpy
