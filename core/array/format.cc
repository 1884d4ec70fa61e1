#include "core/array/format.h"

#include <charconv>
#include <cmath>
#include <cstdlib>

namespace minpy {
namespace {

std::string number(double x) {
    if (std::isnan(x)) return "nan";
    if (std::isinf(x)) return x > 0 ? "inf" : "-inf";
    char text[64];
    auto end = std::to_chars(text, text + sizeof text, x).ptr;
    std::string s(text, end);
    return s.find_first_of(".e") == std::string::npos ? s + "." : s;
}

// The double that prints as the float does: 0.1f is 0.1.
double shortest(float x) {
    if (!std::isfinite(x)) return x;
    char text[64];
    *std::to_chars(text, text + 63, x).ptr = 0;
    return std::strtod(text, nullptr);
}

std::string element(const Array& a, const char* p) {
    return for_dtype<kAll>(a.dtype(), [&]<class T>() -> std::string {
        const T& x = *reinterpret_cast<const T*>(p);
        if constexpr (std::is_same_v<T, bool>)
            return x ? " True" : "False";
        else if constexpr (std::is_integral_v<T>)
            return std::to_string(+x);
        else if constexpr (std::is_same_v<T, double>)
            return number(x);
        else if constexpr (is_complex<T>)
            return number(double(x.re)) + (std::signbit(x.im) ? "-" : "+") + number(std::fabs(double(x.im))) + "j";
        else
            return number(shortest(float(x)));
    });
}

void write(const Array& a, const char* p, int axis, size_t width, std::string& out) {
    if (axis == a.ndim()) {
        std::string text = element(a, p);
        out += std::string(width > text.size() ? width - text.size() : 0, ' ') + text;
        return;
    }
    out += "[";
    int64_t n = a.dim(axis), step = a.strides()[size_t(axis)];
    bool cut = a.size() > 1000 && n > 6;
    for (int64_t i = 0; i < n; ++i) {
        if (i) out += axis + 1 == a.ndim() ? " " : std::string(size_t(a.ndim() - axis - 1), '\n') + std::string(size_t(axis + 1), ' ');
        if (cut && i == 3) {
            out += "...";
            i = n - 4;
            continue;
        }
        write(a, p + i * step, axis + 1, width, out);
    }
    out += "]";
}

}  // namespace

std::string format_array(const Array& a) {
    const char* p = a.data();
    std::string out;
    if (a.ndim() == 0) {
        out = element(a, p);
        return out.substr(out.find_first_not_of(' '));
    }
    size_t width = 0;
    if (a.size() <= 1000) {
        Array flat = contiguous(a);
        for (int64_t i = 0; i < flat.size(); ++i) width = std::max(width, element(flat, flat.raw() + i * flat.itemsize()).size());
    }
    write(a, p, 0, width, out);
    return out;
}

}  // namespace minpy
