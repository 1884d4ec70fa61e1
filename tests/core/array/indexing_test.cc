// Windows, positions and what a tape sees of indexed reads and writes. Agreement with NumPy is in tests/python.
#include "core/array/indexing.h"

#include <cstring>
#include <functional>

#include "core/cpu/sort.h"
#include "tests/core/support.h"

namespace minpy {
namespace {

using testing::ElementsAre;

Array get(const Array& a, std::vector<minpy_value> index) { return ops::get_item(a, index); }
void set(const Array& a, std::vector<minpy_value> index, const Array& value) {
    call(MINPY_OP("set_item"), a, pointer_value(MINPY_V_VALUES, index.data(), int64_t(index.size())), value);
}
Array ints(std::vector<int64_t> v) { return make<int64_t>(v, {int64_t(v.size())}); }
Array total(const Array& a) {
    Dims all;
    for (int i = 0; i < a.ndim(); ++i) all.push_back(i);
    return ops::sum(a, all);
}
std::string error_of(const std::function<void()>& f) {
    try {
        f();
    } catch (Error& e) { return e.text; }
    return "no error";
}

TEST(BasicIndex, IsAWindowOnTheSameStorage) {
    Array a = make<double>({0, 1, 2, 3, 4, 5}, {2, 3});
    Array row = get(a, {to_value(-1)});
    EXPECT_EQ(&row.storage(), &a.storage());
    EXPECT_THAT(values(row), ElementsAre(3, 4, 5));
    set(row, {to_value(0)}, scalar(9.0));
    EXPECT_THAT(values(a), ElementsAre(0, 1, 2, 9, 4, 5));
}

TEST(BasicIndex, OfExtremeSlicesStaysInside) {
    Array a = vec({0, 1, 2, 3});
    for (minpy_slice s :
         {minpy_slice{INT64_MIN + 1, INT64_MAX, INT64_MAX}, minpy_slice{INT64_MAX, INT64_MIN + 1, INT64_MIN + 1}}) {
        Array part = get(a, {pointer_value(MINPY_V_SLICE, &s, 0)});
        EXPECT_EQ(part.size(), 1);
        EXPECT_EQ(values(part)[0], s.step > 0 ? 0 : 3);
    }
}

TEST(AdvancedIndex, IsCheckedBeforeAnythingIsWritten) {
    Array a = vec({0, 1, 2}), index = ints({0, 1, 5});
    EXPECT_EQ(error_of([&] { set(a, {to_value(index)}, scalar(7.0)); }),
              "index 5 is out of bounds for axis 0 with size 3");
    Array three = vec({1, 2, 3}), two = ints({0, 1});
    EXPECT_EQ(error_of([&] { set(a, {to_value(two)}, three); }),
              "shape mismatch: value array of shape (3,) could not be broadcast to indexing result of shape (2,)");
    EXPECT_THAT(values(a), ElementsAre(0, 1, 2));
}

TEST(AdvancedIndex, MayBeTheArrayItself) {
    Array a = ints({2, 0, 1});
    set(a, {to_value(a)}, a);
    EXPECT_THAT(values(a), ElementsAre(0, 1, 2));
}

TEST(AdvancedIndex, OfAnEmptyListGivesNothing) {
    Array a = make<double>({0, 1, 2, 3}, {2, 2});
    minpy_value empty_list = pointer_value(MINPY_V_FLOATS, nullptr, 0);
    EXPECT_EQ(to_string(get(a, {empty_list}).shape()), "(0,2)");
}

TEST(Positions, OfMinusOneAreNowhere) {
    Array a = make<double>({1, 2, 3, 4, 5, 6}, {3, 2}), at = ints({2, -1});
    EXPECT_THAT(values(ops::gather(a, at, 0)), ElementsAre(5, 6, 0, 0));
    Array b = copy_of(a), value = make<double>({7, 7, 8, 8}, {2, 2});
    scatter(b, value, at, Dims{0}, 0);
    EXPECT_THAT(values(b), ElementsAre(1, 2, 3, 4, 7, 7));
    scatter_add(b, value, at, Dims{0}, 0);
    EXPECT_THAT(values(b), ElementsAre(1, 2, 3, 4, 14, 14));
    EXPECT_THAT(values(last_of_each(ints({0, 1, 0, 1, 2}), 3)), ElementsAre(-1, -1, 0, 1, 2));
}

TEST(Positions, OverSeveralAxesFollowAnyStrides) {
    Array a = make<double>({0, 1, 2, 3, 4, 5}, {2, 3});
    int64_t shape[] = {3, 2}, strides[] = {-8, 24};  // columns backwards
    Array turned = window(a, 16, shape, strides);
    Array out = empty(Dims{3}, DType::float64);
    gather(out, turned, ints({0, 3, 5}), Dims{0, 1}, 0);
    EXPECT_THAT(values(out), ElementsAre(2, 4, 3));
}

TEST(Gradient, OfAnIndexedReadAddsUpRepeatedElements) {
    Recording tape;
    Array x = tape.watch(vec({1, 2, 3})), at = ints({0, 0, 2});
    Array y = get(x, {to_value(at)});
    EXPECT_THAT(values(tape.gradient(total(y * y), x)), ElementsAre(4, 0, 6));
    EXPECT_THAT(values(tape.jvp(y, x, vec({1, 10, 100}))), ElementsAre(1, 1, 100));
}

TEST(Gradient, OfAnOverwrittenElementIsZero) {
    Recording tape;
    Array x = tape.watch(vec({1, 2, 3}));
    Array a = x * 1.0, at = ints({0, 0});
    Array two = get(x, {to_value(ints({1, 2}))});
    set(a, {to_value(at)}, two);  // a = [x2, x1, x2]: the last value stays
    EXPECT_THAT(values(a), ElementsAre(3, 2, 3));
    EXPECT_THAT(values(tape.gradient(total(a), x)), ElementsAre(0, 1, 2));
}

TEST(Gradient, SurvivesAWriteThroughAViewOfAComputedArray) {
    Recording tape;
    Array x = tape.watch(vec({1, 2, 3}));
    Array a = x * 2.0;
    minpy_slice tail{1, MINPY_SLICE_NONE, 1};
    Array view = get(a, {pointer_value(MINPY_V_SLICE, &tail, 0)});
    set(view, {to_value(0)}, scalar(5.0));
    EXPECT_THAT(values(tape.gradient(total(a), x)), ElementsAre(2, 0, 2));
    EXPECT_THAT(values(tape.gradient(total(view), x)), ElementsAre(0, 0, 2));
}

TEST(Gradient, OfAMaskedWriteKeepsTheOthers) {
    Recording tape;
    Array x = tape.watch(vec({1, 2, 3}));
    Array a = x * x;
    Array mask = make<bool>({true, false, true}, {3});
    set(a, {to_value(mask)}, scalar(0.0));
    EXPECT_THAT(values(tape.gradient(total(a), x)), ElementsAre(0, 4, 0));
}

TEST(Gradient, OfSortFollowsTheElements) {
    Recording tape;
    Array x = tape.watch(vec({3, 1, 2}));
    Array sorted = call(MINPY_OP("sort"), x);
    EXPECT_THAT(values(tape.gradient(total(sorted * vec({1, 10, 100})), x)), ElementsAre(100, 1, 10));
}

TEST(Sort, GivesTheSameBitsWhateverTheLength) {
    for (int64_t n : {5, 47, 48, 1000}) {
        std::vector<double> zeros;
        for (int64_t i = 0; i < n; ++i) zeros.push_back(i % 3 ? -0.0 : 0.0);
        Array a = vec(zeros);
        sort_rows(a.raw(), a.dtype(), 1, n);  // equal elements keep their order
        EXPECT_EQ(std::memcmp(a.raw(), zeros.data(), size_t(n) * 8), 0);
    }
}

TEST(Concatenate, NeverWrapsASize) {
    Array one = make<int8_t>({1}, {1});
    int64_t shape[] = {INT64_MAX / 2 + 1}, strides[] = {0};
    Array huge = window(one, 0, shape, strides);
    Array parts[] = {huge, huge};
    EXPECT_NE(error_of([&] { ops::concatenate(parts, 0); }), "no error");
}

}  // namespace
}  // namespace minpy
