#include "cuda/generate.h"

namespace minpy::cuda {
namespace {

// What the headers use of the standard library, and no more: NVRTC has none.
constexpr const char* kPrelude = R"(
typedef signed char int8_t; typedef short int16_t; typedef int int32_t; typedef long long int64_t;
typedef unsigned char uint8_t; typedef unsigned short uint16_t; typedef unsigned int uint32_t;
typedef unsigned long long uint64_t;
#define __builtin_popcountll(x) __popcll(x)
#define INFINITY __int_as_float(0x7f800000)
#define HUGE_VAL __longlong_as_double(0x7ff0000000000000ll)
#define NAN __int_as_float(0x7fc00000)
namespace std {
using ::int8_t; using ::int16_t; using ::int32_t; using ::int64_t;
using ::uint8_t; using ::uint16_t; using ::uint32_t; using ::uint64_t;
template <class A, class B> inline constexpr bool is_same_v = false;
template <class A> inline constexpr bool is_same_v<A, A> = true;
template <class T> inline constexpr bool is_floating_point_v = is_same_v<T, float> || is_same_v<T, double>;
template <class T> struct signedness { using u = T; using s = T; static constexpr bool integral = false; };
#define MINPY_INTEGER(S, U) \
    template <> struct signedness<S> { using u = U; using s = S; static constexpr bool integral = true; }; \
    template <> struct signedness<U> { using u = U; using s = S; static constexpr bool integral = true; };
MINPY_INTEGER(int8_t, uint8_t) MINPY_INTEGER(int16_t, uint16_t) MINPY_INTEGER(int32_t, uint32_t)
MINPY_INTEGER(int64_t, uint64_t)
template <class T> inline constexpr bool is_integral_v = is_same_v<T, bool> || signedness<T>::integral;
template <class T> inline constexpr bool is_signed_v =
    is_floating_point_v<T> || (signedness<T>::integral && is_same_v<T, typename signedness<T>::s>);
template <class T> inline constexpr bool is_unsigned_v = is_integral_v<T> && !is_signed_v<T>;
template <class T> using make_unsigned_t = typename signedness<T>::u;
template <class T> using make_signed_t = typename signedness<T>::s;
template <bool C, class A, class B> struct conditional { using type = A; };
template <class A, class B> struct conditional<false, A, B> { using type = B; };
template <bool C, class A, class B> using conditional_t = typename conditional<C, A, B>::type;
template <class To, class From> __device__ constexpr To bit_cast(const From& x) { return __builtin_bit_cast(To, x); }
template <class T> struct numeric_limits {
    static constexpr bool is_signed = is_signed_v<T>;
    static constexpr int digits = sizeof(T) * 8 - is_signed;
    static constexpr __device__ T max() { return is_signed ? T((make_unsigned_t<T>(-1)) >> 1) : T(-1); }
    static constexpr __device__ T min() { return is_signed ? T(-max() - 1) : T(0); }
};
template <> struct numeric_limits<float> {
    static constexpr int digits = 24;
    static constexpr __device__ float infinity() { return __builtin_bit_cast(float, 0x7f800000); }
    static constexpr __device__ float quiet_NaN() { return __builtin_bit_cast(float, 0x7fc00000); }
    static constexpr __device__ float max() { return 3.40282347e38f; }
    static constexpr __device__ float min() { return 1.17549435e-38f; }
    static constexpr __device__ float epsilon() { return 1.1920929e-7f; }
};
template <> struct numeric_limits<double> {
    static constexpr int digits = 53;
    static constexpr __device__ double infinity() { return __builtin_bit_cast(double, 0x7ff0000000000000ll); }
    static constexpr __device__ double quiet_NaN() { return __builtin_bit_cast(double, 0x7ff8000000000000ll); }
    static constexpr __device__ double max() { return 1.7976931348623157e308; }
    static constexpr __device__ double min() { return 2.2250738585072014e-308; }
    static constexpr __device__ double epsilon() { return 2.220446049250313e-16; }
};
}  // namespace std
)";

// The sets that functors name their dtypes by; nothing looks at them here.
constexpr const char* kSets = R"(
constexpr unsigned bit(int) { return 0; }
constexpr unsigned kBool = 0, kInteger = 0, kSigned = 0, kUnsigned = 0, kFloat = 0, kFloating = 0, kComplex = 0, kReal = 0,
                   kNumeric = 0, kAll = 0, kShortFloat = 0;
struct DType {
    static constexpr int boolean = 1, int8 = 2, int16 = 3, int32 = 4, int64 = 5, uint8 = 6, uint16 = 7, uint32 = 8,
                         uint64 = 9, float16 = 10, float32 = 11, float64 = 12, complex64 = 13, complex128 = 14, bfloat16 = 15;
};
#define MINPY_FUNCTORS(...)
)";

const char* type_name(DType t) {
    static constexpr const char* kNames[] = {"",        "bool",      "int8_t",     "int16_t",  "int32_t", "int64_t",
                                             "uint8_t", "uint16_t",  "uint32_t",   "uint64_t", "half",    "float",
                                             "double",  "complex64", "complex128", "bhalf"};
    return kNames[int(t)];
}

// Without the includes: what they would give is in the prelude.
std::string body(std::string_view path) {
    std::string out;
    std::string_view text = header_text(path);
    while (!text.empty()) {
        size_t end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text = end == std::string_view::npos ? "" : text.substr(end + 1);
        if (line.substr(0, 8) != "#include" && line.substr(0, 12) != "#pragma once") out.append(line).push_back('\n');
    }
    return out;
}

}  // namespace

std::string elementwise_source(const std::string& name, const std::string& family, const std::string& functor,
                               const std::vector<DType>& in, DType out) {
    std::string source = kPrelude, parameters, arguments;
    source += body("core/array/number.h");
    source += "namespace minpy {\n";
    source += kSets;
    source += "namespace " + family + " {\n" + body("core/ops/math.h") + body("core/ops/" + family + ".h") + "}\n";
    source +=
        "template <class T> struct computed { using type = T; };\n"
        "template <> struct computed<half> { using type = float; };\n"
        "template <> struct computed<bhalf> { using type = float; };\n";
    for (size_t i = 0; i < in.size(); ++i) {
        std::string t = type_name(in[i]), p = "a" + std::to_string(i);
        parameters += "const minpy::" + t + "* " + p + ", ";
        if (t == "bool" || t == "float" || t == "double" || t.find("int") != std::string::npos)
            parameters.replace(parameters.rfind("minpy::"), 7, "");
        arguments += (i ? ", " : "") + ("computed<" + t + ">::type(" + p + "[i])");
    }
    std::string r = type_name(out), plain = r;
    bool ours = r == "half" || r == "bhalf" || r.find("complex") == 0;
    if (ours) r = "minpy::" + r;
    source += "}\nextern \"C\" __global__ void " + name + "(" + r + "* out, " + parameters + "int64_t n) {\n" +
              "    using namespace minpy;\n"
              "    for (int64_t i = blockIdx.x * int64_t(blockDim.x) + threadIdx.x; i < n; i += gridDim.x * "
              "int64_t(blockDim.x))\n"
              "        out[i] = " +
              r + "(minpy::" + family + "::" + functor + "{}(" + arguments + "));\n}\n";
    return source;
}

}  // namespace minpy::cuda
