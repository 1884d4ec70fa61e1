// Groups of pending operators: whatever is deferred has the bits, shape and strides of the same calls run one by one.
#include <cstring>
#include <random>

#include "core/array/casting.h"
#include "core/cpu/streaming.h"
#include "core/fusion/deferred.h"
#include "core/registry/dispatch.h"
#include "core/registry/thread_state.h"
#include "tests/core/support.h"

namespace minpy {
namespace {

bool pending(const Array& a) { return a.storage().has(Storage::kPending); }

Array random_array(DimsView shape, DType t, std::mt19937& rng, double scale = 2) {
    Array a = empty(shape, DType::float64);
    std::normal_distribution<double> normal(0, scale);
    for (int64_t i = 0; i < a.size(); ++i) a.raw_as<double>()[i] = normal(rng);
    return t == DType::float64 ? a : copy_of(a, t);
}

std::string bytes_of(const Array& a) {
    Array c = contiguous(a);
    return std::string(c.data(), size_t(c.nbytes()));
}
void expect_same(const Array& late, const Array& now) {
    ASSERT_EQ(late.dtype(), now.dtype());
    EXPECT_TRUE(same(late.shape(), now.shape()));
    EXPECT_TRUE(same(late.strides(), now.strides())) << to_string(late.strides()) << to_string(now.strides());
    std::string a = bytes_of(late), b = bytes_of(now);
    if (a == b) return;
    int64_t byte = std::mismatch(a.begin(), a.end(), b.begin()).first - a.begin(), i = byte / now.itemsize();
    ADD_FAILURE() << describe(now) << " differs at " << i << ": " << values(late)[size_t(i)] << " for "
                  << values(now)[size_t(i)];
}

// sum(a, axes, keepdims=…) and its like.
Array fold_of(const char* name, const Array& a, const Dims& axes, bool keepdims = false, bool last_use = false) {
    const Op& op = find_op(name);
    minpy_value values[8];
    for (minpy_value& v : values) v = {MINPY_V_DEFAULT, 0, {0}};
    values[0] = to_value(a);
    values[op.param("axis")] = to_value(axes);
    values[op.param("keepdims")] = to_value(keepdims);
    CallOptions options;
    options.last_use = last_use;
    return std::move(invoke(op, {values, op.params.size()}, options).front());
}

// np.add(a, b, out=to, casting='unsafe'); without b of one operand.
void write_into(const char* name, const Array& a, const Array& b, const Array& to, bool last_use = false) {
    minpy_value args[] = {to_value(a), to_value(b)};
    CallOptions options;
    Array outs[] = {to};
    options.out = outs;
    options.casting = Casting::unsafe;
    options.last_use = last_use;
    invoke(find_op(name), {args, b ? 2u : 1u}, options);
}

// Evaluates `f` deferred and at once.
template <class F> void expect_same_bits(F&& f) {
    std::vector<Array> now, late;
    {
        WithDeferral off(false);
        now = f();
    }
    WithDeferral on(true, 1000);
    late = f();
    ASSERT_EQ(late.size(), now.size());
    for (size_t i = 0; i < now.size(); ++i) expect_same(late[i], now[i]);
}

std::string last_group() {
    std::string text = explain_groups();
    text.pop_back();
    return text.substr(text.rfind('\n') + 1);
}

TEST(Group, ComputesAChainInOnePass) {
    WithDeferral on(true, 1000);
    std::mt19937 rng(1);
    int64_t shape[] = {40, 50};
    Array x = random_array(shape, DType::float32, rng), y = random_array(shape, DType::float32, rng);
    Array z = call(find_op("tanh"), call(find_op("abs"), x * y + 0.5));
    EXPECT_TRUE(pending(z));
    values(z);
    EXPECT_EQ(last_group(), "multiply add absolute tanh -> float32(40,50)");
}

TEST(Group, WritesWhatIsReferredToInTheSamePass) {
    WithDeferral on(true, 1000);
    std::mt19937 rng(2);
    int64_t shape[] = {3000};
    Array x = random_array(shape, DType::float64, rng), y = x * x, z = y + 1.0;
    values(z);
    EXPECT_FALSE(pending(y));
    EXPECT_EQ(last_group(), "multiply add -> float64(3000,), 2 results");
}

TEST(Group, ForgetsWhatNobodyRefersTo) {
    WithDeferral on(true, 1000);
    std::mt19937 rng(3);
    int64_t shape[] = {3000};
    int64_t before = live_arrays.load();
    {
        Array x = random_array(shape, DType::float64, rng), z = (x * x + 1.0) * x;
        values(z);
    }
    EXPECT_EQ(live_arrays.load(), before);
}

TEST(Group, BroadcastsCastsSelectsAndCompares) {
    std::mt19937 rng(4);
    for (int64_t columns : {7, 64, 100, 1500}) {
        int64_t shape[] = {30, columns}, row[] = {columns}, column[] = {30, 1};
        Array x = random_array(shape, DType::float32, rng), r = random_array(row, DType::float64, rng),
              c = random_array(column, DType::float32, rng), n = random_array(shape, DType::int16, rng, 100);
        expect_same_bits([&] {
            Array a = x * c, b = a + r, mask = call(find_op("less"), b, 0.25), s = call(find_op("where"), mask, a, n);
            return std::vector<Array>{s, mask, call(find_op("power"), x, c), b};
        });
    }
}

TEST(Group, KeepsTheLayoutOfTransposedOperands) {
    std::mt19937 rng(5);
    int64_t shape[] = {70, 80, 3}, axes[] = {1, 0, 2}, other[] = {80, 70, 3};
    Array x = random_array(shape, DType::float64, rng), y = random_array(other, DType::float64, rng);
    expect_same_bits([&] {
        Array t = ops::transpose(x, axes), a = t * 2.0, b = call(find_op("exp"), a) - t, c = a + y;
        return std::vector<Array>{a, b, c, ops::transpose(b, axes) * x};
    });
}

TEST(Group, ReadsSlicesAndReshapedResults) {
    std::mt19937 rng(6);
    int64_t shape[] = {60, 70}, flat[] = {4200};
    Array x = random_array(shape, DType::float64, rng);
    expect_same_bits([&] {
        Array a = x + 1.0, f = ops::reshape(a, flat) * 2.0, back = ops::reshape(f, shape) - x;
        Array odd = ops::slice(back, 0, 1, 60, 2) * 3.0, reversed = ops::slice(a, 1, -1, -71, -1) + x;
        return std::vector<Array>{f, back, odd, reversed};
    });
}

TEST(Group, RoundsShortFloatsAfterEveryOperator) {
    std::mt19937 rng(7);
    int64_t shape[] = {5000};
    for (DType t : {DType::float16, DType::bfloat16}) {
        Array x = random_array(shape, t, rng);
        expect_same_bits([&] { return std::vector<Array>{call(find_op("exp"), x * x) + x}; });
    }
}

TEST(Group, OfConversionsHasTheSameBits) {
    std::mt19937 rng(8);
    int64_t shape[] = {90, 80};
    Array x = random_array(shape, DType::float64, rng, 300);
    expect_same_bits([&] {
        Array i = ops::astype(x + 0.5, DType::int8), t = ops::astype(ops::transpose(x, Dims{1, 0}), DType::float32);
        return std::vector<Array>{i + i, t * t, ops::astype(i, DType::complex64)};
    });
}

TEST(Group, IsComputedBeforeAnOperandIsWritten) {
    WithDeferral on(true, 1000);
    std::mt19937 rng(9);
    int64_t shape[] = {4000};
    Array x = random_array(shape, DType::float64, rng), y = x * 2.0 + 1.0;
    std::vector<double> old = values(x);
    CallOptions into;
    Array outs[] = {x};
    into.out = outs;
    minpy_value args[] = {to_value(x), to_value(y)};
    invoke(find_op("add"), args, into);
    std::vector<double> now = values(x), then = values(y);
    for (size_t i = 0; i < old.size(); ++i) {
        EXPECT_EQ(then[i], old[i] * 2 + 1);
        EXPECT_EQ(now[i], old[i] + then[i]);
    }
}

TEST(Group, NamesTheOperatorThatMetACondition) {
    WithDeferral on(true, 1000);
    ThreadState& t = thread_state();
    t.fp_named = true;
    t.site = "here";
    int64_t shape[] = {4000};
    Array x = ops::zeros(shape, DType::float64, kCpu), y = call(find_op("log"), x - 1.0) * 2.0;
    t.site = "there";
    EXPECT_TRUE(t.late.empty());
    values(y);
    t.fp_named = false;
    ASSERT_EQ(t.late.size(), 1u);
    EXPECT_EQ(t.late[0].op->name, "log");
    EXPECT_EQ(t.late[0].conditions, 8u);
    EXPECT_EQ(t.late[0].site, "here");
    EXPECT_TRUE(t.fp_status & kNamedConditions);
    t.late.clear();
    t.fp_status = 0;
}

TEST(Group, OfAMillionElementsHasTheSameBitsOnAllThreads) {
    std::mt19937 rng(10);
    int64_t shape[] = {1000, 1003}, row[] = {1003};
    Array x = random_array(shape, DType::float32, rng), r = random_array(row, DType::float32, rng);
    expect_same_bits([&] {
        Array a = x * r, b = call(find_op("sin"), a) / (a * a + 1.0);
        return std::vector<Array>{b, call(find_op("maximum"), b, x)};
    });
}

const char* const kFolds[] = {"sum", "mean", "max", "min", "prod", "any", "all", "nansum", "nanmax", "var"};

TEST(Group, IsReadByAFoldWithoutBeingWritten) {
    WithDeferral on(true, 1000);
    std::mt19937 rng(11);
    int64_t shape[] = {40, 50};
    Array x = random_array(shape, DType::float64, rng), y = random_array(shape, DType::float64, rng);
    Array z = x * y + 1.0, s = fold_of("sum", z, Dims{1}, false, true);
    EXPECT_TRUE(pending(z));
    EXPECT_EQ(last_group(), "multiply add -> float64(40,50), read by sum");
    std::vector<double> rows = values(s), all = values(z);
    for (int64_t i = 0; i < 40; ++i) {
        double sum = 0;
        for (int64_t j = 0; j < 50; ++j) sum += all[size_t(i * 50 + j)];
        EXPECT_NEAR(rows[size_t(i)], sum, 1e-12);
    }
}

TEST(Group, ReadByAFoldIsWrittenInTheSamePassIfItIsNeeded) {
    WithDeferral on(true, 1000);
    std::mt19937 rng(12);
    int64_t shape[] = {3000};
    Array x = random_array(shape, DType::float64, rng), y = x * x, z = y + 1.0;
    fold_of("sum", z, Dims{0});
    EXPECT_FALSE(pending(z));
    EXPECT_FALSE(pending(y));
    Array v = x * 2.0, view = ops::reshape(v, Dims{30, 100});  // somebody may look at the view
    fold_of("sum", v, Dims{0}, false, true);
    EXPECT_FALSE(pending(v));
}

TEST(Group, ReadByAFoldReportsConditionsOnce) {
    WithDeferral on(true, 1000);
    ThreadState& t = thread_state();
    t.fp_status = 0;
    int64_t shape[] = {4000};
    Array x = ops::zeros(shape, DType::float64, kCpu), y = call(find_op("log"), x - 1.0);
    fold_of("max", y, Dims{0}, false, true);
    EXPECT_EQ(t.fp_status, 8u);
    t.fp_status = 0;
    EXPECT_TRUE(pending(y));
    values(y);
    EXPECT_EQ(t.fp_status, 0u);
}

// Every way of a fold through its operand: short and long rows, few and many columns, axes between others.
TEST(Group, ReadByAFoldHasTheSameBits) {
    std::mt19937 rng(13);
    Dims shapes[] = {{5000},       {3, 1700},   {1700, 3},   {40, 64},     {5, 1024},     {2000, 10},
                     {10, 2000},   {7, 9, 100}, {100, 9, 7}, {9, 100, 7},  {3, 700, 2},   {2, 3, 1500},
                     {1, 3000, 1}, {400, 513},  {5000, 6},   {20, 30, 40}, {4, 5, 6, 70}, {600, 1030}};
    DType types[] = {DType::float64, DType::float32, DType::int16, DType::float16, DType::boolean, DType::complex64};
    for (const Dims& shape : shapes)
        for (DType type : types) {
            Array x = random_array({shape.data(), size_t(shape.size())}, type, rng);
            expect_same_bits([&] {
                std::vector<Array> results;
                for (const char* name : kFolds)
                    for (uint32_t set = 1; set < 1u << shape.size(); ++set) {
                        Dims axes;
                        for (int64_t i = 0; i < shape.size(); ++i)
                            if (set >> i & 1) axes.push_back(i);
                        for (bool turned : {false, true}) {
                            try {
                                Array a = type == DType::boolean ? call(find_op("equal"), x, true)
                                                                 : call(find_op("multiply"), x, x);
                                if (turned) a = call(find_op("transpose"), a);
                                results.push_back(fold_of(name, a, axes, turned, true));
                            } catch (Error&) {}  // no mean of some dtypes
                        }
                    }
                return results;
            });
            if (HasFailure()) FAIL() << to_string({shape.data(), size_t(shape.size())}) << " " << name(type);
        }
}

TEST(Group, OfMillionsReadByAFoldHasTheSameBitsOnAllThreads) {
    std::mt19937 rng(14);
    for (Dims shape : {Dims{1500000}, Dims{1200, 1003}, Dims{200000, 7}, Dims{7, 200000}}) {
        Array x = random_array({shape.data(), size_t(shape.size())}, DType::float32, rng);
        expect_same_bits([&] {
            std::vector<Array> results;
            for (const char* name : {"sum", "mean", "max", "any"}) {
                for (bool last_use : {false, true}) {
                    results.push_back(
                        fold_of(name, x * x + 1.0, shape.size() == 1 ? Dims{0} : Dims{0, 1}, false, last_use));
                    for (int64_t axis = 0; axis < shape.size(); ++axis) {
                        Array a = x * x + 1.0;
                        results.push_back(fold_of(name, a, Dims{axis}, true, last_use));
                        results.push_back(a);
                    }
                }
            }
            return results;
        });
    }
}

TEST(Group, EndsWithAWriteInPlace) {
    WithDeferral on(true, 1000);
    std::mt19937 rng(15);
    int64_t shape[] = {4000};
    Array w = random_array(shape, DType::float64, rng), g = random_array(shape, DType::float64, rng);
    std::vector<double> old = values(w), by = values(g);
    char* memory = w.data();
    Array step = g * 0.5;
    write_into("subtract", w, step, w, true);
    EXPECT_EQ(last_group(), "multiply subtract -> float64(4000,)");
    EXPECT_EQ(w.data(), memory);
    EXPECT_FALSE(pending(w));
    for (size_t i = 0; i < old.size(); ++i) EXPECT_EQ(values(w)[i], old[i] - by[i] * 0.5);
}

TEST(Group, AWriteToAPendingResultIsPendingInItsPlace) {
    WithDeferral on(true, 1000);
    std::mt19937 rng(16);
    int64_t shape[] = {4000};
    Array a = random_array(shape, DType::float64, rng), x = a * 2.0, view = ops::reshape(x, Dims{40, 100}), y = x + 1.0;
    write_into("add", x, a, x);
    write_into("multiply", x, x, x);
    EXPECT_TRUE(pending(x));
    std::vector<double> before = values(a), now = values(view), then = values(y);
    for (size_t i = 0; i < before.size(); ++i) {
        EXPECT_EQ(then[i], before[i] * 2 + 1);
        EXPECT_EQ(now[i], (before[i] * 2 + before[i]) * (before[i] * 2 + before[i]));
    }
}

TEST(Group, IsWrittenWhereAnOperandEnds) {
    WithDeferral on(true, 1000);
    std::mt19937 rng(17);
    int64_t shape[] = {4000}, before = live_arrays.load();
    Array x = random_array(shape, DType::float64, rng), y = call(find_op("exp"), x) + x;
    std::vector<double> old = values(x);
    char* memory = x.raw();
    x = {};
    EXPECT_EQ(y.data(), memory);
    for (size_t i = 0; i < old.size(); ++i) EXPECT_NEAR(values(y)[i], std::exp(old[i]) + old[i], 1e-12);
    EXPECT_EQ(live_arrays.load(), before + 1);
}

TEST(Group, ThatNoCacheHoldsHasTheSameBits) {
    std::mt19937 rng(18);
    int64_t rows = streaming_threshold() / 1001 / int64_t(sizeof(float)) + 1, row[] = {1001}, column[] = {rows, 1};
    Array x = random_array(row, DType::float32, rng), y = random_array(column, DType::float32, rng);
    WithDeferral on(true, 2000);
    Array all = broadcast_window(x, Dims{rows, 1001}) * y + 1.0;
    EXPECT_TRUE(pending(all));
    for (int64_t r = 0; r < rows; r += rows / 7) {
        Array now = x * double(y.raw_as<float>()[r]) + 1.0;
        ASSERT_EQ(std::memcmp(all.data() + r * now.nbytes(), now.data(), size_t(now.nbytes())), 0) << r;
    }
}

// Random graphs: what is read, when, and what is dropped on the way.
TEST(Group, OfRandomGraphsHasTheSameBits) {
    const char* unary[] = {"exp", "tanh", "negative", "abs", "sqrt", "square", "sin", "sign"};
    const char* binary[] = {"add", "multiply", "subtract", "maximum", "less", "logaddexp", "power", "arctan2"};
    int64_t n = 40, m = 75;
    Dims shapes[] = {{n, m}, {m}, {n, 1}, {}, {m, n}};
    DType types[] = {DType::float32, DType::float64, DType::int32, DType::boolean, DType::float16};
    for (uint32_t seed = 0; seed < 300; ++seed) {
        std::mt19937 inputs(seed);
        std::vector<Array> given;
        for (int i = 0; i < 6; ++i) {
            const Dims& s = shapes[size_t(i) < 2 ? 0 : inputs() % 5];
            given.push_back(random_array({s.data(), size_t(s.size())}, types[inputs() % 5], inputs));
        }
        expect_same_bits([&] {
            std::mt19937 rng(seed + 1000);
            std::vector<Array> values;
            for (const Array& a : given) values.push_back(copy_of(a));
            auto pick = [&]() -> Array& { return values[rng() % values.size()]; };
            for (int step = 0; step < 30; ++step) {
                Array result;
                try {
                    switch (rng() % 14) {
                        case 13: {
                            Array& to = pick();
                            bool part = rng() % 4 == 0 && to.ndim();
                            assign(part ? ops::slice(to, 0, 0, to.dim(0), 2) : to, pick(), Context::current());
                            continue;
                        }
                        case 10:
                        case 11: {
                            Array &to = pick(), &a = rng() % 2 ? to : pick(), &b = pick();
                            bool part = rng() % 4 == 0 && to.ndim();
                            Array target = part ? ops::slice(to, 0, 0, to.dim(0), 2) : to;
                            write_into(binary[rng() % 8], part ? target : a, b, target, rng() % 2);
                            continue;
                        }
                        case 12: {
                            Array& to = pick();
                            write_into(unary[rng() % 8], pick(), {}, to);
                            continue;
                        }
                        case 8:
                        case 9: {
                            Array& a = pick();
                            Dims axes;
                            for (int64_t i = 0; i < a.ndim(); ++i)
                                if (rng() % 2) axes.push_back(i);
                            bool keepdims = rng() % 2, last_use = rng() % 2;
                            result = fold_of(kFolds[rng() % 10], a, axes, keepdims, last_use);
                            break;
                        }
                        case 0: result = call(find_op(unary[rng() % 8]), pick()); break;
                        case 1: result = ops::astype(pick(), types[rng() % 5]); break;
                        case 2: {
                            Array& a = pick();
                            result = a.ndim() == 2 ? ops::transpose(a, Dims{1, 0}) : a;
                            break;
                        }
                        case 3: result = call(find_op("where"), pick(), pick(), pick()); break;
                        default: {
                            Array &a = pick(), &b = pick();
                            result = call(find_op(binary[rng() % 8]), a, b);
                        }
                    }
                } catch (Error&) {
                    continue;  // shapes that do not fit, booleans that are not subtracted
                }
                if (rng() % 4 == 0) pick() = result;
                else values.push_back(result);
                if (rng() % 10 == 0) pick().data();
            }
            return values;
        });
        if (HasFailure()) FAIL() << "seed " << seed;
    }
}

}  // namespace
}  // namespace minpy
