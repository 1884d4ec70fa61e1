// Runs the case table (README.md) through the C API, one test a case, and records the bits of transcendental results
// for the other languages. It knows no operator: JSON becomes values, results become bytes.
#include <gtest/gtest.h>
#include <minpy/minpy.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <string>
#include <vector>

using nlohmann::json;

namespace {

using Bytes = std::vector<unsigned char>;

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what); }

void check(minpy_status status) {
    if (status) fail(minpy_last_error_message());
}

minpy_dtype dtype_of(const std::string& name) {
    for (minpy_dtype t = MINPY_BOOL; const char* known = minpy_dtype_name(t); ++t)
        if (name == known) return t;
    fail("no dtype " + name);
}

minpy_device current_device() {
    minpy_context_info info{};
    info.struct_size = sizeof info;
    minpy_context context = nullptr;
    check(minpy_context_new(&context));
    minpy_status status = minpy_context_get_info(context, &info);
    minpy_context_release(context);
    check(status);
    return info.device;
}

bool on_cpu() { return current_device().kind == MINPY_CPU; }

// ---- elements: JSON to bytes and back ------------------------------------------------------------------------------

double real(const json& x) {
    return x.is_string() ? std::strtod(x.get<std::string>().c_str(), nullptr) : x.get<double>();
}

// The float16 of a number that is one.
uint16_t half(double x) {
    uint16_t sign = std::signbit(x) ? 0x8000 : 0;
    if (std::isnan(x)) return 0x7e00;
    if (std::isinf(x)) return sign | 0x7c00;
    x = std::fabs(x);
    int exponent = x == 0 ? -15 : std::max(std::ilogb(x), -15);
    if (exponent == -15) return sign | uint16_t(std::ldexp(x, 24));
    return sign | uint16_t((exponent + 15) << 10) | uint16_t(std::ldexp(x, 10 - exponent) - 1024);
}

double from_half(uint16_t h) {
    int exponent = (h >> 10) & 31, fraction = h & 1023;
    double x = exponent == 31 ? (fraction ? NAN : INFINITY)
                              : std::ldexp(exponent ? 1024 + fraction : fraction, std::max(exponent, 1) - 25);
    return h & 0x8000 ? -x : x;
}

template <class T> void put(Bytes& to, T x) {
    const auto* p = reinterpret_cast<const unsigned char*>(&x);
    to.insert(to.end(), p, p + sizeof x);
}

template <class T> T take(const unsigned char* p) {
    T x;
    std::memcpy(&x, p, sizeof x);
    return x;
}

void put_element(Bytes& to, minpy_dtype t, const json& x) {
    auto integer = [&] { return x.is_number_unsigned() ? x.get<uint64_t>() : uint64_t(x.get<int64_t>()); };
    switch (t) {
        case MINPY_BOOL: return put(to, uint8_t(x.is_boolean() ? x.get<bool>() : integer() != 0));
        case MINPY_INT8:
        case MINPY_UINT8: return put(to, uint8_t(integer()));
        case MINPY_INT16:
        case MINPY_UINT16: return put(to, uint16_t(integer()));
        case MINPY_INT32:
        case MINPY_UINT32: return put(to, uint32_t(integer()));
        case MINPY_INT64:
        case MINPY_UINT64: return put(to, integer());
        case MINPY_FLOAT16: return put(to, half(real(x)));
        case MINPY_BFLOAT16: return put(to, uint16_t(std::bit_cast<uint32_t>(float(real(x))) >> 16));
        case MINPY_FLOAT32: return put(to, float(real(x)));
        case MINPY_FLOAT64: return put(to, real(x));
        case MINPY_COMPLEX64: put(to, float(real(x[0]))); return put(to, float(real(x[1])));
        case MINPY_COMPLEX128: put(to, real(x[0])); return put(to, real(x[1]));
        default: fail("no such dtype");
    }
}

// The parts of an element as doubles, for messages and for telling NaN: integers are never NaN.
std::vector<double> parts(minpy_dtype t, const unsigned char* p) {
    switch (t) {
        case MINPY_FLOAT16: return {from_half(take<uint16_t>(p))};
        case MINPY_BFLOAT16: return {std::bit_cast<float>(uint32_t(take<uint16_t>(p)) << 16)};
        case MINPY_FLOAT32: return {take<float>(p)};
        case MINPY_FLOAT64: return {take<double>(p)};
        case MINPY_COMPLEX64: return {take<float>(p), take<float>(p + 4)};
        case MINPY_COMPLEX128: return {take<double>(p), take<double>(p + 8)};
        case MINPY_BOOL:
        case MINPY_UINT8: return {double(*p)};
        case MINPY_INT8: return {double(take<int8_t>(p))};
        case MINPY_INT16: return {double(take<int16_t>(p))};
        case MINPY_INT32: return {double(take<int32_t>(p))};
        case MINPY_INT64: return {double(take<int64_t>(p))};
        case MINPY_UINT16: return {double(take<uint16_t>(p))};
        case MINPY_UINT32: return {double(take<uint32_t>(p))};
        default: return {double(take<uint64_t>(p))};
    }
}

// Units in the last place between two numbers of dtype t.
uint64_t ulps_between(minpy_dtype t, double x, double y) {
    auto distance = []<class I>(I a, I b) {
        // Sign and magnitude as one order; unsigned, because the distance may need all bits.
        auto ordered = [](I i) { return i < 0 ? -uint64_t(i - std::numeric_limits<I>::min()) : uint64_t(i); };
        uint64_t d = ordered(a) - ordered(b);
        return std::min(d, -d);
    };
    if (t == MINPY_FLOAT64 || t == MINPY_COMPLEX128)
        return distance(std::bit_cast<int64_t>(x), std::bit_cast<int64_t>(y));
    if (t == MINPY_FLOAT16) return distance(int16_t(half(x)), int16_t(half(y)));
    return distance(std::bit_cast<int32_t>(float(x)), std::bit_cast<int32_t>(float(y)));
}

bool same(minpy_dtype t, const unsigned char* a, const unsigned char* b, uint64_t ulps) {
    if (!std::memcmp(a, b, size_t(minpy_dtype_size(t)))) return true;
    if (t < MINPY_FLOAT16) return false;
    auto x = parts(t, a), y = parts(t, b);
    for (size_t i = 0; i < x.size(); ++i) {
        if (std::isnan(x[i]) && std::isnan(y[i])) continue;
        bool equal = x[i] == y[i] && std::signbit(x[i]) == std::signbit(y[i]);
        bool near = std::isfinite(x[i]) && std::isfinite(y[i]) && ulps && ulps_between(t, x[i], y[i]) <= ulps;
        if (!equal && !near) return false;
    }
    return true;
}

// ---- arrays and values -----------------------------------------------------------------------------------------------

struct Info : minpy_array_info {
    explicit Info(minpy_array a) : minpy_array_info(MINPY_ARRAY_INFO_INIT) { check(minpy_array_get_info(a, this)); }
    std::vector<int64_t> dims() const { return {shape, shape + ndim}; }
};

Bytes elements_of(const json& a) {
    minpy_dtype t = dtype_of(a["dtype"]);
    Bytes bytes;
    if (!a.contains("range")) {
        for (const json& x : a["data"]) put_element(bytes, t, x);
        return bytes;
    }
    int64_t n = 1;
    for (int64_t size : a["shape"].get<std::vector<int64_t>>()) n *= size;
    const json &start = a["range"][0], &step = a["range"][1];
    for (int64_t i = 0; i < n; ++i) {
        if (t < MINPY_FLOAT16) put_element(bytes, t, start.get<int64_t>() + i * step.get<int64_t>());
        else put_element(bytes, t, real(start) + double(i) * real(step));
    }
    return bytes;
}

// The arguments of one call and the memory behind them.
class Arena {
public:
    Arena() = default;
    Arena(const Arena&) = delete;
    ~Arena() {
        for (minpy_array a : arrays_) minpy_array_release(a);
    }

    minpy_array own(minpy_array a) { return arrays_.emplace_back(a); }

    minpy_array array(const json& j) {
        auto shape = j["shape"].get<std::vector<int64_t>>();
        int32_t ndim = int32_t(shape.size());
        minpy_dtype t = dtype_of(j["dtype"]);
        Bytes bytes = elements_of(j);
        minpy_device cpu{MINPY_CPU, 0};
        minpy_array a = nullptr;
        if (j.value("order", "C") == "F") {  // a column-major window on elements that are laid out for it
            int64_t item = minpy_dtype_size(t), n = 1;
            std::vector<int64_t> strides;
            for (int64_t size : shape) strides.push_back(item * n), n *= size;
            Bytes moved(bytes.size());
            std::vector<int64_t> index(shape.size());
            for (int64_t i = 0; i < n; ++i) {
                int64_t rest = i, to = 0;
                for (int32_t d = ndim; d-- > 0; rest /= shape[size_t(d)])
                    to += rest % shape[size_t(d)] * strides[size_t(d)];
                std::copy_n(&bytes[size_t(i * item)], item, &moved[size_t(to)]);
            }
            check(minpy_array_from_host(moved.data(), &n, nullptr, 1, t, cpu, &a));
            minpy_array flat = own(a);
            check(minpy_array_as_strided(flat, t, shape.data(), strides.data(), ndim, 0, &a));
        } else {
            check(minpy_array_from_host(bytes.data(), shape.data(), nullptr, ndim, t, cpu, &a));
        }
        own(a);
        if (j.contains("view")) {
            auto index = items(j["view"]);
            minpy_array base = a;
            check(minpy_array_get(base, index.data(), int32_t(index.size()), &a));
            own(a);
        }
        return to_device(a);
    }

    minpy_value value(const json& j) {
        minpy_value v{};
        auto tagged = [&](int32_t tag, int64_t i = 0) {
            v.tag = tag, v.v.i = i;
            return v;
        };
        auto list = [&](int32_t tag, const auto& items) {
            v.tag = tag, v.len = int32_t(items.size()), v.v.p = items.data();
            return v;
        };
        auto text = [&](int32_t tag, const std::string& s) { return list(tag, strings_.emplace_back(s)); };
        if (j.is_null()) return tagged(MINPY_V_NONE);
        if (j.is_boolean()) return tagged(MINPY_V_BOOL, j.get<bool>());
        if (j.is_number_unsigned() && j.get<uint64_t>() > INT64_MAX)
            return tagged(MINPY_V_UINT, int64_t(j.get<uint64_t>()));
        if (j.is_number_integer()) return tagged(MINPY_V_INT, j.get<int64_t>());
        if (j.is_number_float()) {
            v.tag = MINPY_V_FLOAT, v.v.f = j.get<double>();
            return v;
        }
        if (j.is_string()) return text(MINPY_V_STRING, j.get<std::string>());
        if (j.is_array()) {
            if (!j.empty() && j[0].is_object()) {
                auto& to = lists_.emplace_back();
                for (const json& x : j) to.push_back(array(x));
                return list(MINPY_V_ARRAYS, to);
            }
            if (std::ranges::any_of(j, [](const json& x) { return x.is_number_float(); }))
                return list(MINPY_V_FLOATS, floats_.emplace_back(j.get<std::vector<double>>()));
            return list(MINPY_V_INTS, ints_.emplace_back(j.get<std::vector<int64_t>>()));
        }
        if (j.contains("default")) return tagged(MINPY_V_DEFAULT);
        if (j.contains("shape")) {
            v.tag = MINPY_V_ARRAY, v.v.p = array(j);
            return v;
        }
        if (j.contains("dtype")) return tagged(MINPY_V_DTYPE, dtype_of(j["dtype"]));
        if (j.contains("float")) {
            v.tag = MINPY_V_FLOAT, v.v.f = real(j["float"]);
            return v;
        }
        if (j.contains("index")) return list(MINPY_V_VALUES, values_.emplace_back(items(j["index"])));
        if (j.contains("complex")) {
            list(MINPY_V_COMPLEX, floats_.emplace_back(std::vector{real(j["complex"][0]), real(j["complex"][1])}));
            v.len = 0;
            return v;
        }
        if (j.contains("scalar")) {
            Bytes bytes;
            v.tag = MINPY_V_SCALAR, v.len = dtype_of(j["scalar"]);
            put_element(bytes, v.len, j["value"]);
            if (bytes.size() > 8) v.v.p = bytes_.emplace_back(bytes).data();
            else std::memcpy(&v.v.bits, bytes.data(), bytes.size());
            return v;
        }
        fail("what is " + j.dump());
    }

    // The items of an index.
    std::vector<minpy_value> items(const json& list) {
        std::vector<minpy_value> to;
        for (const json& x : list) {
            minpy_value v{};
            if (x.is_null()) {
                v.tag = MINPY_V_NEWAXIS;
            } else if (x.is_string()) {
                v.tag = MINPY_V_ELLIPSIS;
            } else if (x.is_object() && x.contains("slice")) {
                auto part = [&](int i) {
                    return x["slice"][i].is_null() ? MINPY_SLICE_NONE : x["slice"][i].get<int64_t>();
                };
                v.tag = MINPY_V_SLICE, v.v.p = &slices_.emplace_back(minpy_slice{part(0), part(1), part(2)});
            } else {
                v = value(x);
            }
            to.push_back(v);
        }
        return to;
    }

private:
    minpy_array to_device(minpy_array a) {
        if (on_cpu()) return a;
        minpy_array moved = nullptr;
        check(minpy_array_to_device(a, current_device(), &moved));
        return own(moved);
    }

    std::vector<minpy_array> arrays_;
    std::deque<std::string> strings_;
    std::deque<Bytes> bytes_;
    std::deque<std::vector<int64_t>> ints_;
    std::deque<std::vector<double>> floats_;
    std::deque<std::vector<minpy_array>> lists_;
    std::deque<std::vector<minpy_value>> values_;
    std::deque<minpy_slice> slices_;
};

Bytes host_bytes(minpy_array a) {
    Info info(a);
    Bytes bytes(size_t(info.nbytes));
    check(minpy_array_to_host(a, bytes.data(), bytes.size(), nullptr));
    return bytes;
}

void expect_equal(minpy_array got, const json& want, uint64_t ulps, const std::string& what) {
    Info info(got);
    ASSERT_STREQ(minpy_dtype_name(info.dtype), want["dtype"].get<std::string>().c_str()) << what;
    ASSERT_EQ(info.dims(), want["shape"].get<std::vector<int64_t>>()) << what;
    Bytes a = host_bytes(got), b = elements_of(want);
    ASSERT_EQ(a.size(), b.size()) << what;
    size_t item = size_t(minpy_dtype_size(info.dtype));
    for (size_t i = 0; i < a.size(); i += item) {
        if (same(info.dtype, &a[i], &b[i], ulps)) continue;
        std::ostringstream text;
        text.precision(17);
        for (double x : parts(info.dtype, &a[i])) text << x << ' ';
        text << "instead of ";
        for (double x : parts(info.dtype, &b[i])) text << x << ' ';
        FAIL() << what << ", element " << i / item << ": " << text.str();
    }
}

// ---- one case --------------------------------------------------------------------------------------------------------

json recorded = json::object();

class CaseTest : public testing::Test {
public:
    CaseTest(std::string path, const json& c) : path_(std::move(path)), case_(c) {}

    void TestBody() override {
        if (case_.contains("except") && case_["except"].contains("c")) GTEST_SKIP() << case_["except"]["c"];
        try {
            run();
        } catch (const std::exception& e) { FAIL() << e.what(); }
    }

private:
    void run() {
        Arena arena;
        std::vector<minpy_value> args;
        for (const json& x : case_["args"]) args.push_back(arena.value(x));
        if (case_.contains("text")) return expect_text(array_of(args[0]));
        std::vector<minpy_array> results;
        minpy_status status = call(arena, args, results);
        if (case_.contains("error")) return expect_error(status);
        check(status);
        uint64_t ulps = case_.value("ulps", uint64_t(0));
        if (case_.contains("expect")) {
            const json& want = case_["expect"];
            ASSERT_EQ(results.size(), want.size());
            for (size_t i = 0; i < want.size(); ++i)
                expect_equal(results[i], want[i], ulps, "result " + std::to_string(i));
        }
        if (ulps && on_cpu()) record(results);
        const json after = case_.value("after", json::object());  // named: items() refers to it
        for (const auto& [i, want] : after.items())
            expect_equal(array_of(args[size_t(std::stoi(i))]), want, 0, "argument " + i);
        if (case_.contains("grad")) gradient(arena, args);
    }

    static minpy_array array_of(const minpy_value& v) { return static_cast<minpy_array>(const_cast<void*>(v.v.p)); }

    minpy_status call(Arena& arena, std::vector<minpy_value> args, std::vector<minpy_array>& results,
                      minpy_context context = nullptr) {
        std::string name = case_["op"];
        if (name == "[]" || name == "[]=") {
            auto index = arena.items(case_["args"][1]["index"]);
            if (name == "[]=") return minpy_array_set(array_of(args[0]), index.data(), int32_t(index.size()), &args[2]);
            minpy_array out = nullptr;
            minpy_status status = minpy_array_get(array_of(args[0]), index.data(), int32_t(index.size()), &out);
            if (!status) results.push_back(arena.own(out));
            return status;
        }
        minpy_op op = nullptr;
        check(minpy_op_find(name.c_str(), &op));
        add_named(op, arena, args);
        minpy_call_options options = MINPY_CALL_OPTIONS_INIT;
        options.context = context;
        minpy_array out = nullptr;
        if (case_.contains("options")) set_options(arena, options, out);
        std::vector<minpy_value> values(8);
        int32_t n = int32_t(values.size());
        minpy_status status = minpy_invoke(op, args.data(), int32_t(args.size()), &options, values.data(), &n);
        if (status) return status;
        for (int32_t i = 0; i < n; ++i) {
            if (values[size_t(i)].tag != MINPY_V_ARRAY) fail("a result is no array");
            results.push_back(arena.own(array_of(values[size_t(i)])));
        }
        return status;
    }

    void add_named(minpy_op op, Arena& arena, std::vector<minpy_value>& args) {
        if (!case_.contains("kwargs")) return;
        json named = case_["kwargs"];
        minpy_op_info info{};
        info.struct_size = sizeof info;
        check(minpy_op_get_info(op, &info));
        for (int32_t i = 0; i < info.n_params; ++i) {
            minpy_param_info param{};
            param.struct_size = sizeof param;
            check(minpy_op_param(op, i, &param));
            if (size_t(i) < args.size()) continue;
            args.push_back(minpy_value{MINPY_V_DEFAULT, 0, {0}});
            if (!named.contains(param.name)) continue;
            args.back() = arena.value(named[param.name]);
            named.erase(param.name);
        }
        if (!named.empty()) fail("no parameter " + named.begin().key() + " in " + info.signature);
    }

    void set_options(Arena& arena, minpy_call_options& options, minpy_array& out) {
        const json& j = case_["options"];
        if (j.contains("out")) {
            out = arena.array(j["out"]);
            options.out = &out, options.n_out = 1;
        }
        if (j.contains("where")) options.where = arena.array(j["where"]);
        if (j.contains("dtype")) options.dtype = dtype_of(j["dtype"]);
        if (j.contains("order")) options.order = j["order"].get<std::string>()[0];
        const char* castings[] = {"", "no", "equiv", "safe", "same_kind", "unsafe"};
        if (j.contains("casting"))
            options.casting = int32_t(std::find(castings, castings + 6, j["casting"].get<std::string>()) - castings);
    }

    void expect_text(minpy_array a) {
        minpy_buffer buffer = nullptr;
        check(minpy_array_to_string(a, &buffer));
        std::string text = minpy_buffer_data(buffer, nullptr);
        minpy_buffer_release(buffer);
        EXPECT_EQ(text, case_["text"]);
    }

    void expect_error(minpy_status status) {
        ASSERT_NE(status, MINPY_OK) << "an error was expected: " << case_["error"];
        minpy_error error = nullptr;
        check(minpy_error_take(&error));
        std::string text = minpy_error_text(error, MINPY_ERROR_FULL), kind = minpy_error_text(error, MINPY_ERROR_KIND);
        minpy_error_release(error);
        EXPECT_TRUE(std::regex_search(text, std::regex(case_["error"].get<std::string>())))
            << text << "\ninstead of " << case_["error"];
        EXPECT_EQ(kind, case_.value("kind", kind));
    }

    void gradient(Arena& arena, std::vector<minpy_value> args) {
        std::vector<minpy_array> wrt, watched, results;
        for (size_t i : case_["grad"]["args"].get<std::vector<size_t>>()) wrt.push_back(array_of(args[i]));
        minpy_tape tape = nullptr;
        check(minpy_tape_new(0, &tape));
        watched.resize(wrt.size());
        check(minpy_tape_watch(tape, wrt.data(), int32_t(wrt.size()), watched.data()));
        size_t k = 0;
        for (size_t i : case_["grad"]["args"].get<std::vector<size_t>>()) args[i].v.p = arena.own(watched[k++]);
        minpy_context context = nullptr;
        check(minpy_context_new(&context));
        check(minpy_context_set_tape(context, tape));
        minpy_status status = call(arena, args, results, context);
        minpy_context_release(context);
        check(status);
        std::vector<minpy_array> grads(wrt.size());
        check(minpy_tape_gradient(tape, results.data(), nullptr, 1, watched.data(), int32_t(watched.size()), 0,
                                  grads.data()));
        minpy_tape_release(tape);
        for (size_t i = 0; i < grads.size(); ++i)
            expect_equal(arena.own(grads[i]), case_["grad"]["expect"][i], case_["grad"].value("ulps", uint64_t(0)),
                         "gradient " + std::to_string(i));
    }

    void record(const std::vector<minpy_array>& results) {
        json list = json::array();
        for (minpy_array a : results) {
            std::string hex;
            for (unsigned char byte : host_bytes(a))
                hex += "0123456789abcdef"[byte >> 4], hex += "0123456789abcdef"[byte & 15];
            list.push_back(hex);
        }
        recorded[path_] = list;
    }

    std::string path_;
    json case_;
};

void register_file(const std::filesystem::path& file) {
    json table = json::parse(std::ifstream(file));
    for (const json& c : table["cases"]) {
        std::string family = file.stem(), name = c["name"];
        testing::RegisterTest(("Case_" + family).c_str(), name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                              [=]() -> testing::Test* { return new CaseTest(family + "/" + name, c); });
    }
}

}  // namespace

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    const char *folder = std::getenv("MINPY_CASES"), *build = std::getenv("MINPY_BUILD");
    std::filesystem::path here = folder ? folder : "tests/cases";
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(here))
        if (entry.path().extension() == ".json") files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    for (const auto& file : files) register_file(file);
    if (const char* backend = std::getenv("MINPY_SIMDEV")) {  // for every call: the few kernels it has, and fallback
        minpy_context context = nullptr;
        check(minpy_backend_load(backend));
        check(minpy_context_new(&context));
        check(minpy_context_set_device(context, minpy_device{MINPY_EXTENSION, 0}));
        check(minpy_context_push(context));
        minpy_context_release(context);
    }
    int status = RUN_ALL_TESTS();
    if (build && on_cpu() && testing::GTEST_FLAG(filter) == "*")
        std::ofstream(std::filesystem::path(build) / "cases.bits.json") << recorded.dump(1) << '\n';
    return status;
}
