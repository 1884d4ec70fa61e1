// Wrong, hostile and absurd arguments: each a status with a text that names what is wrong, and nothing left behind.
#include <cstring>
#include <limits>

#include "tests/capi/support.h"

namespace {

class BadInput : public testing::Test {
protected:
    void SetUp() override {
        a_ = make({1, 2, 3, 4, 5, 6}, {2, 3});
        minpy_array warm = nullptr;
        call("add", {value(a_), value(a_)}, &warm);
        minpy_array_release(warm);
        before_ = live();
    }
    void TearDown() override {
        EXPECT_EQ(live(), before_);
        minpy_array_release(a_);
    }
    // The call fails with this status, and its text has these words.
    void refuses(const char* op, std::vector<minpy_value> args, minpy_status status, std::vector<std::string> words) {
        minpy_array out = nullptr;
        EXPECT_EQ(call(op, args, &out), status) << op << ": " << last_error();
        EXPECT_EQ(out, nullptr);
        for (const std::string& w : words)
            EXPECT_NE(last_error().find(w), std::string::npos) << op << ": " << last_error();
        minpy_array_release(out);
    }
    minpy_array a_ = nullptr;
    Live before_{};
};

TEST_F(BadInput, ShapesThatDoNotFitNameOperatorShapesAndDtypes) {
    minpy_array b = make({1, 2, 3, 4}, {4});
    refuses("add", {value(a_), value(b)}, MINPY_E_SHAPE,
            {"add: operands could not be broadcast together with shapes (2,3) (4,)", "float64(2,3), float64(4,)"});
    refuses("matmul", {value(a_), value(a_)}, MINPY_E_SHAPE,
            {"matmul", "mismatch in its core dimension 0", "float64(2,3)"});
    refuses("reshape", {value(a_), ints({4})}, MINPY_E_SHAPE,
            {"reshape", "cannot reshape array of size 6 into shape (4,)"});
    minpy_array_release(b);
}

TEST_F(BadInput, AxesOutOfBoundsAreNamed) {
    refuses("sum", {value(a_), value(2)}, MINPY_E_INDEX, {"sum", "axis 2 is out of bounds for array of dimension 2"});
    refuses("sum", {value(a_), ints({0, 0})}, MINPY_E_INVALID, {"duplicate value in 'axis'"});
    refuses("transpose", {value(a_), ints({0, 5})}, MINPY_E_INDEX, {"axis 5 is out of bounds"});
}

TEST_F(BadInput, WrongKindsNameTheArgument) {
    refuses("sum", {value(a_), text_value("x")}, MINPY_E_TYPE, {"sum", "axis must be", "(argument axis)"});
    refuses("sum", {text_value("x")}, MINPY_E_TYPE, {"sum", "(argument a)"});
    refuses("reshape", {value(a_), text_value("x")}, MINPY_E_TYPE, {"(argument shape)"});
    refuses("sum", {}, MINPY_E_TYPE, {"missing required argument 'a'"});
    refuses("add", {value(a_), value(a_), value(a_)}, MINPY_E_TYPE, {"at most 2 arguments (3 given)"});
    minpy_value unknown = {77, 0, {0}};
    refuses("add", {value(a_), unknown}, MINPY_E_INVALID, {"unknown tag 77"});
}

TEST_F(BadInput, UnknownOperatorsSuggestAName) {
    refuses("matmull", {}, MINPY_E_NOTFOUND, {"no operator 'matmull'", "did you mean 'matmul'?"});
}

TEST_F(BadInput, NullHandlesAreErrors) {
    minpy_array out = nullptr;
    minpy_op op = nullptr;
    int32_t n = 1;
    minpy_value r;
    minpy_array_info info = MINPY_ARRAY_INFO_INIT;
    EXPECT_EQ(minpy_array_get_info(nullptr, &info), MINPY_E_INVALID);
    EXPECT_NE(last_error().find("null handle"), std::string::npos);
    EXPECT_EQ(minpy_array_get_info(a_, nullptr), MINPY_E_INVALID);
    EXPECT_EQ(minpy_invoke(nullptr, nullptr, 0, nullptr, &r, &n), MINPY_E_INVALID);
    EXPECT_EQ(minpy_op_find(nullptr, &op), MINPY_E_INVALID);
    EXPECT_EQ(minpy_op_find("add", nullptr), MINPY_E_INVALID);
    EXPECT_EQ(minpy_array_to_host(nullptr, nullptr, 0, nullptr), MINPY_E_INVALID);
    EXPECT_EQ(minpy_add(nullptr, a_, &out), MINPY_E_TYPE);
    EXPECT_EQ(minpy_add(a_, a_, nullptr), MINPY_E_INVALID);
    EXPECT_EQ(minpy_tape_gradient(nullptr, nullptr, nullptr, 0, nullptr, 0, 0, nullptr), MINPY_E_INVALID);
    EXPECT_EQ(minpy_context_set_rng(nullptr, nullptr), MINPY_E_INVALID);
    minpy_array_release(nullptr);
    minpy_tape_release(nullptr);
    minpy_context_release(nullptr);
    minpy_buffer_release(nullptr);
    minpy_error_release(nullptr);
    minpy_scope_end(nullptr);
    EXPECT_STREQ(minpy_buffer_data(nullptr, nullptr), "");
}

TEST_F(BadInput, SizesWhoseProductOverflowsAreRefused) {
    const int64_t big = std::numeric_limits<int64_t>::max();
    for (std::vector<int64_t> shape : {std::vector<int64_t>{big},
                                       {big, big},
                                       {int64_t(1) << 32, int64_t(1) << 32},
                                       {-1},
                                       {0, big, big},
                                       {int64_t(1) << 60, 8}}) {
        minpy_array out = nullptr;
        EXPECT_NE(minpy_array_zeros(shape.data(), int32_t(shape.size()), MINPY_FLOAT64, kHost, &out), MINPY_OK);
        EXPECT_EQ(out, nullptr);
        EXPECT_FALSE(last_error().empty());
        refuses("broadcast_to", {value(a_), ints(shape)}, MINPY_E_INVALID, {"broadcast_to"});
    }
    int64_t huge[] = {int64_t(1) << 44};  // 128 TiB: a fair question with the answer no
    minpy_array out = nullptr;
    EXPECT_EQ(minpy_array_zeros(huge, 1, MINPY_FLOAT64, kHost, &out), MINPY_E_NOMEM);
    EXPECT_NE(last_error().find("Unable to allocate"), std::string::npos);
}

TEST_F(BadInput, TooManyDimensionsAreRefused) {
    std::vector<int64_t> ones(65, 1);
    minpy_array out = nullptr;
    EXPECT_EQ(minpy_array_zeros(ones.data(), 65, MINPY_FLOAT64, kHost, &out), MINPY_E_INVALID);
    EXPECT_EQ(minpy_array_zeros(ones.data(), 64, MINPY_FLOAT64, kHost, &out), MINPY_OK);
    minpy_array_release(out);
    EXPECT_EQ(minpy_array_zeros(nullptr, -1, MINPY_FLOAT64, kHost, &out), MINPY_E_INVALID);
}

TEST_F(BadInput, UnknownDtypesAndDevicesAreRefused) {
    int64_t shape[] = {1};
    minpy_array out = nullptr;
    for (minpy_dtype t : {0, -1, 16, 1000}) EXPECT_EQ(minpy_array_zeros(shape, 1, t, kHost, &out), MINPY_E_TYPE);
    minpy_device odd = {99, 0}, second = {MINPY_CPU, 1};
    EXPECT_EQ(minpy_array_zeros(shape, 1, MINPY_FLOAT64, odd, &out), MINPY_E_UNSUPPORTED);
    EXPECT_EQ(minpy_array_zeros(shape, 1, MINPY_FLOAT64, second, &out), MINPY_E_INVALID);
    EXPECT_EQ(minpy_dtype_name(99), nullptr);
    EXPECT_EQ(minpy_dtype_size(-5), 0);
}

TEST_F(BadInput, StructSizesAreChecked) {
    minpy_array_info info = MINPY_ARRAY_INFO_INIT;
    info.struct_size = 0;
    EXPECT_EQ(minpy_array_get_info(a_, &info), MINPY_E_ABI);
    // An older caller's shorter struct is filled as far as it goes.
    struct {
        minpy_array_info info;
        char guard[8];
    } older;
    std::memset(&older, 0x5a, sizeof older);
    older.info.struct_size = offsetof(minpy_array_info, device);
    ASSERT_EQ(minpy_array_get_info(a_, &older.info), MINPY_OK);
    EXPECT_EQ(older.info.ndim, 2);
    EXPECT_EQ(reinterpret_cast<const unsigned char*>(&older.info)[offsetof(minpy_array_info, device)], 0x5a);
    // A newer caller's longer options are taken only while what we do not know is zero.
    struct Newer {
        minpy_call_options options;
        int64_t unknown;
    } newer = {MINPY_CALL_OPTIONS_INIT, 0};
    newer.options.struct_size = sizeof newer;
    minpy_op op;
    ASSERT_EQ(minpy_op_find("add", &op), MINPY_OK);
    minpy_value args[] = {value(a_), value(a_)}, r;
    int32_t n = 1;
    EXPECT_EQ(minpy_invoke(op, args, 2, &newer.options, &r, &n), MINPY_OK) << last_error();
    minpy_values_release(&r, 1);
    newer.unknown = 1;
    EXPECT_EQ(minpy_invoke(op, args, 2, &newer.options, &r, &n), MINPY_E_ABI);
    newer.options.struct_size = 4;
    EXPECT_EQ(minpy_invoke(op, args, 2, &newer.options, &r, &n), MINPY_E_ABI);
}

TEST_F(BadInput, AnotherHeaderVersionIsRefused) {
    EXPECT_EQ(minpy_initialize(MINPY_ABI_VERSION), MINPY_OK);
    EXPECT_EQ(minpy_initialize(MINPY_ABI_VERSION + 1), MINPY_E_ABI);
    EXPECT_NE(last_error().find("ABI 1"), std::string::npos);
}

TEST_F(BadInput, RoomForTooFewResultsLosesNothing) {
    minpy_op op;
    ASSERT_EQ(minpy_op_find("add", &op), MINPY_OK);
    minpy_value args[] = {value(a_), value(a_)};
    int32_t n = 0;
    EXPECT_EQ(minpy_invoke(op, args, 2, nullptr, nullptr, &n), MINPY_E_INVALID);
    EXPECT_EQ(n, 1);
}

TEST_F(BadInput, OptionsAreChecked) {
    minpy_op op;
    ASSERT_EQ(minpy_op_find("add", &op), MINPY_OK);
    minpy_value args[] = {value(a_), value(a_)}, r;
    int32_t n = 1;
    minpy_call_options o = MINPY_CALL_OPTIONS_INIT;
    o.casting = 9;
    EXPECT_EQ(minpy_invoke(op, args, 2, &o, &r, &n), MINPY_E_INVALID);
    o = MINPY_CALL_OPTIONS_INIT;
    o.order = 'Q';
    EXPECT_EQ(minpy_invoke(op, args, 2, &o, &r, &n), MINPY_E_INVALID);
    o = MINPY_CALL_OPTIONS_INIT;
    o.where = a_;  // not bool
    EXPECT_EQ(minpy_invoke(op, args, 2, &o, &r, &n), MINPY_E_TYPE);
    o = MINPY_CALL_OPTIONS_INIT;
    minpy_array small = make({0}, {1});
    o.out = &small;
    o.n_out = 1;
    EXPECT_EQ(minpy_invoke(op, args, 2, &o, &r, &n), MINPY_E_SHAPE);
    EXPECT_NE(last_error().find("non-broadcastable output operand"), std::string::npos) << last_error();
    EXPECT_EQ(values(small), std::vector<double>{0});
    minpy_array_release(small);
}

TEST_F(BadInput, WindowsStayInTheirStorage) {
    minpy_array out = nullptr;
    int64_t shape[] = {7}, strides[] = {8}, far[] = {std::numeric_limits<int64_t>::max()};
    EXPECT_EQ(minpy_array_as_strided(a_, 0, shape, strides, 1, 0, &out), MINPY_E_INVALID);
    EXPECT_EQ(minpy_array_as_strided(a_, 0, shape, far, 1, 0, &out), MINPY_E_INVALID);
    EXPECT_EQ(minpy_array_as_strided(a_, 0, nullptr, nullptr, 0, 48, &out), MINPY_E_INVALID);
    EXPECT_EQ(minpy_array_as_strided(a_, 0, nullptr, nullptr, 0, -8, &out), MINPY_E_INVALID);
    EXPECT_EQ(out, nullptr);
}

TEST_F(BadInput, HostBuffersThatAreTooSmallAreNotTouched) {
    double buffer[6] = {9, 9, 9, 9, 9, 9};
    EXPECT_EQ(minpy_array_to_host(a_, buffer, 40, nullptr), MINPY_E_INVALID);
    int64_t strides[] = {48, 8};
    EXPECT_EQ(minpy_array_to_host(a_, buffer, 48, strides), MINPY_E_INVALID);
    for (double x : buffer) EXPECT_EQ(x, 9);
}

TEST_F(BadInput, HostileNpyAndDlpackAreRefused) {
    minpy_buffer b;
    ASSERT_EQ(minpy_npy_encode(a_, &b), MINPY_OK);
    std::string good = take(b);
    minpy_array out = nullptr;
    for (size_t n = 0; n < good.size(); ++n) EXPECT_NE(minpy_npy_decode(good.data(), n, &out), MINPY_OK) << n;
    auto with = [&](const char* from, const char* to) {
        std::string bad = good;
        bad.replace(bad.find(from), std::strlen(from), to);
        minpy_status s = minpy_npy_decode(bad.data(), bad.size(), &out);
        EXPECT_NE(s, MINPY_OK) << to;
    };
    with("(2, 3)", "(-2,3)");
    with("(2, 3)", "(9, 9)");
    with("'<f8'", "'|O8'");
    with("'<f8'", "[('a'");
    with("False", "Maybe");
    with("descr", "dexcr");
    EXPECT_EQ(minpy_npy_load("/nowhere/x.npy", &out), MINPY_E_IO);
    EXPECT_NE(last_error().find("No such file or directory: '/nowhere/x.npy'"), std::string::npos) << last_error();
    EXPECT_EQ(minpy_array_from_dlpack(nullptr, &out), MINPY_E_INVALID);
    EXPECT_EQ(out, nullptr);
}

TEST_F(BadInput, BorrowedMemoryIsGivenBackOnceAlsoOnFailure) {
    static int destroyed;
    destroyed = 0;
    auto destroy = [](void*) { ++destroyed; };
    double data[2] = {1, 2};
    int64_t shape[] = {2}, bad[] = {-2};
    minpy_array out = nullptr;
    EXPECT_NE(minpy_array_borrow(data, bad, nullptr, 1, MINPY_FLOAT64, kHost, 0, nullptr, destroy, &out), MINPY_OK);
    EXPECT_EQ(destroyed, 1);
    EXPECT_NE(minpy_array_borrow(data, shape, nullptr, 1, 99, kHost, 0, nullptr, destroy, &out), MINPY_OK);
    EXPECT_EQ(destroyed, 2);
    ASSERT_EQ(minpy_array_borrow(data, shape, nullptr, 1, MINPY_FLOAT64, kHost, MINPY_BORROW_READONLY, nullptr, destroy,
                                 &out),
              MINPY_OK);
    minpy_value v = value(5);
    EXPECT_EQ(minpy_array_set(out, nullptr, 0, &v), MINPY_E_INVALID);
    EXPECT_NE(last_error().find("read-only"), std::string::npos);
    EXPECT_EQ(data[0], 1);
    minpy_array_release(out);
    EXPECT_EQ(destroyed, 3);
}

TEST(BorrowedBuffer, IsSeenFromBothSides) {
    double data[2] = {1, 2};
    int64_t shape[] = {2};
    minpy_array a = nullptr, sum = nullptr;
    ASSERT_EQ(minpy_array_borrow(data, shape, nullptr, 1, MINPY_FLOAT64, kHost, 0, nullptr, nullptr, &a), MINPY_OK);
    data[0] = 10;
    ASSERT_EQ(call("sum", {value(a)}, &sum), MINPY_OK);
    EXPECT_EQ(values(sum), std::vector<double>{12});
    minpy_value index = value(1), seven = value(7);
    ASSERT_EQ(minpy_array_set(a, &index, 1, &seven), MINPY_OK) << last_error();
    EXPECT_EQ(data[1], 7);
    minpy_array_release(sum);
    minpy_array_release(a);
}

#if !defined(NDEBUG) && !defined(__SANITIZE_ADDRESS__)  // it reads memory that was given back, which ends the program
TEST(ReleasedHandle, IsRecognisedInDebugBuilds) {
    minpy_array a = make({1}, {1}), keep_memory = make({2}, {1});
    if (!minpy_has_feature("debug")) GTEST_SKIP() << "the library is a release build";
    minpy_array_release(a);
    minpy_array_info info = MINPY_ARRAY_INFO_INIT;
    EXPECT_EQ(minpy_array_get_info(a, &info), MINPY_E_STATE);
    EXPECT_NE(last_error().find("released"), std::string::npos);
    minpy_array_release(keep_memory);
}
#endif

TEST(Errors, AreTakenAwayAsObjects) {
    minpy_error e = nullptr;
    while (minpy_error_take(&e) == MINPY_OK) minpy_error_release(e);
    EXPECT_EQ(minpy_error_take(&e), MINPY_E_NOTFOUND);
    minpy_array a = make({1, 2}, {2}), out = nullptr;
    EXPECT_EQ(call("sum", {value(a), value(7)}, &out), MINPY_E_INDEX);
    ASSERT_EQ(minpy_error_take(&e), MINPY_OK);
    EXPECT_EQ(minpy_error_code(e), MINPY_E_INDEX);
    EXPECT_STREQ(minpy_error_text(e, MINPY_ERROR_MESSAGE), "axis 7 is out of bounds for array of dimension 1");
    EXPECT_STREQ(minpy_error_text(e, MINPY_ERROR_OP), "sum");
    EXPECT_STREQ(minpy_error_text(e, MINPY_ERROR_KIND), "AxisError");
    EXPECT_STREQ(minpy_error_text(e, 99), "");
    minpy_error_release(e);
    minpy_array_release(a);
}

}  // namespace
