// NumPy's str() of arrays (numpy/_core/arrayprint.py with its default options): digits that tell a number from its
// neighbours, at most 8 after the point; one width for all; large arrays by their corners; lines of 75 columns.
#include "core/array/format.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <functional>

namespace minpy {
namespace {

constexpr int kPrecision = 8, kEdge = 3, kLineWidth = 75;
constexpr int64_t kThreshold = 1000;

template <class T> double wide(T x) {
    if constexpr (is_short_float<T>) return double(float(x));
    else return double(x);
}

template <class T> double rounded(double x) { return wide(T(std::conditional_t<is_short_float<T>, float, double>(x))); }

std::string printed(const char* format, int precision, double x) {
    char text[512];
    return {text, size_t(std::snprintf(text, sizeof text, format, precision, x))};
}

// The shortest digits that give back a T, as "1.5e+00"; float16 and bfloat16 by trying.
template <class T> std::string shortest(T x) {
    char text[64];
    if constexpr (std::is_same_v<T, double> || std::is_same_v<T, float>) {
        return {text, std::to_chars(text, text + sizeof text, x, std::chars_format::scientific).ptr};
    } else {
        for (int digits = 0;; ++digits) {
            std::string s = printed("%.*e", digits, wide(x));
            if (digits == 8 || float(T(std::strtof(s.c_str(), nullptr))) == float(x)) return s;
        }
    }
}

size_t fraction(const std::string& s) {  // digits after the point
    size_t point = s.find('.'), end = s.find('e');
    return point == std::string::npos ? 0 : (end == std::string::npos ? s.size() : end) - point - 1;
}

int exponent(const std::string& scientific) { return std::atoi(scientific.c_str() + scientific.find('e') + 1); }

// "1.25e+01" as "12.5"; nothing after the point where there is nothing.
std::string positional(const std::string& scientific) {
    bool negative = scientific[0] == '-';
    int e = exponent(scientific);
    std::string digits;
    for (char c : scientific.substr(negative, scientific.find('e') - negative))
        if (c != '.') digits += c;
    if (e < 0) digits.insert(0, size_t(-e), '0'), e = 0;
    if (digits.size() < size_t(e) + 1) digits.append(size_t(e) + 1 - digits.size(), '0');
    digits.insert(size_t(e) + 1, ".");
    return (negative ? "-" : "") + digits;
}

std::string trimmed(std::string s) {  // of zeros after the point
    return s.substr(0, s.find_last_not_of('0') + 1);
}

template <class T> std::string with_sign(std::string s, T x, bool plus) {
    return plus && !std::signbit(wide(x)) ? "+" + s : s;
}

// From here on a number alone is written with an exponent.
template <class T>
constexpr double kLarge = std::is_same_v<T, double>  ? 1e16
                          : std::is_same_v<T, float> ? 1e6
                          : std::is_same_v<T, half>  ? 1e3
                                                     : 1e2;

// One width and way of writing for the numbers of an array.
template <class T> class Floats {
public:
    explicit Floats(const std::vector<T>& values, bool plus = false) : plus_(plus) {
        double most = 0, least = 0;
        bool odd = false, minus_inf = plus;
        std::vector<T> finite;
        for (T x : values) {
            double v = wide(x), size = std::fabs(v);
            if (!std::isfinite(v)) {
                odd = true;
                minus_inf = minus_inf || (std::isinf(v) && v < 0);
                continue;
            }
            finite.push_back(x);
            if (size == 0) continue;
            most = std::max(most, size);
            least = least == 0 ? size : std::min(least, size);
        }
        constexpr double large = std::min(1e8, kLarge<T>);
        scientific_ = most > 0 && (most >= large || least < rounded<T>(0.0001) || rounded<T>(most / least) > 1000);
        for (T x : finite) {
            std::string s = with_sign(scientific_ ? scientific(x) : fixed(x), x, plus_);
            left_ = std::max(left_, s.find_first_of(".e"));
            right_ = std::max(right_, fraction(s));
            if (scientific_) exponent_ = std::max(exponent_, s.size() - s.find('e') - 2);
        }
        digits_ = right_;
        if (scientific_) right_ = exponent_ + 2 + digits_;
        if (odd) {
            size_t offset = right_ + 1, widest = minus_inf ? 4 : 3;
            left_ = std::max(left_, widest > offset ? widest - offset : 0);
        }
    }

    std::string operator()(T x) const {
        double v = wide(x);
        size_t width = left_ + right_ + 1;
        if (!std::isfinite(v)) {
            std::string s = std::isnan(v) ? plus_ ? "+nan" : "nan" : v < 0 ? "-inf" : plus_ ? "+inf" : "inf";
            return std::string(width > s.size() ? width - s.size() : 0, ' ') + s;
        }
        std::string s;
        if (scientific_) {
            s = printed("%.*e", int(digits_), v);
            size_t e = s.find('e');
            if (digits_ == 0) s.insert(e++, ".");
            s.insert(e + 2, exponent_ - std::min(exponent_, s.size() - e - 2), '0');
        } else {
            s = fixed(x);
        }
        s = with_sign(s, x, plus_);
        size_t whole = s.find('.');
        s.insert(0, left_ > whole ? left_ - whole : 0, ' ');
        return s + std::string(width > s.size() ? width - s.size() : 0, ' ');
    }

private:
    static std::string fixed(T x) {
        std::string s = positional(shortest(x));
        return trimmed(fraction(s) > kPrecision ? printed("%.*f", kPrecision, wide(x)) : s);
    }
    static std::string scientific(T x) {
        std::string s = shortest(x);
        if (fraction(s) > kPrecision) s = printed("%.*e", kPrecision, wide(x));
        size_t e = s.find('e');
        if (s.find('.') == std::string::npos) s.insert(e, "."), ++e;
        return trimmed(s.substr(0, e)) + s.substr(e);
    }

    bool plus_, scientific_ = false;
    size_t left_ = 0, right_ = 0, digits_ = 0, exponent_ = 0;
};

// A number alone, as NumPy's scalars print: "5.0", "1e-05", "(1+2j)".
template <class T> std::string alone(T x, const char* whole = ".0") {
    double v = wide(x), size = std::fabs(v);
    if (!std::isfinite(v)) return std::isnan(v) ? "nan" : v < 0 ? "-inf" : "inf";
    std::string s = shortest(x);
    if (size != 0 && (size < 1e-4 || size >= kLarge<T>)) return s;
    s = trimmed(positional(s));
    return s.back() == '.' ? s.substr(0, s.size() - 1) + whole : s;
}

template <class T> std::string complex_scalar(T re, T im) {
    std::string imaginary = alone(im, "") + "j";
    if (re == 0 && !std::signbit(re)) return imaginary;
    return "(" + alone(re, "") + (std::signbit(im) && !std::isnan(im) ? "" : "+") + imaginary + ")";
}

using Writer = std::function<std::string(const char*)>;

// The writer for the elements of `a`, which looks at those of `shown`.
Writer writer_for(const Array& a, const std::vector<const char*>& shown) {
    return for_dtype<kAll>(a.dtype(), [&]<class T>() -> Writer {
        auto at = [](const char* p) { return *reinterpret_cast<const T*>(p); };
        auto all = [&](auto part) {
            std::vector<decltype(part(T()))> values;
            for (const char* p : shown) values.push_back(part(at(p)));
            return values;
        };
        if constexpr (std::is_same_v<T, bool>) {
            return [=](const char* p) { return at(p) ? " True" : "False"; };
        } else if constexpr (std::is_integral_v<T>) {
            size_t width = 0;
            for (const char* p : shown) width = std::max(width, std::to_string(+at(p)).size());
            return [=](const char* p) {
                std::string s = std::to_string(+at(p));
                return std::string(width - s.size(), ' ') + s;
            };
        } else if constexpr (is_complex<T>) {
            Floats re(all([](T x) { return x.re; })), im(all([](T x) { return x.im; }), true);
            return [=](const char* p) {
                std::string i = im(at(p).im);
                i.insert(i.find_last_not_of(' ') + 1, "j");
                return re(at(p).re) + i;
            };
        } else {
            return [at, floats = Floats(all([](T x) { return x; }))](const char* p) { return floats(at(p)); };
        }
    });
}

std::string scalar_text(const Array& a) {
    return for_dtype<kAll>(a.dtype(), [&]<class T>() -> std::string {
        const T& x = *reinterpret_cast<const T*>(a.data());
        if constexpr (std::is_same_v<T, bool>) return x ? "True" : "False";
        else if constexpr (std::is_integral_v<T>) return std::to_string(+x);
        else if constexpr (is_complex<T>) return complex_scalar(x.re, x.im);
        else return alone(x);
    });
}

class Text {
public:
    explicit Text(const Array& a) : a_(a), cut_(a.size() > kThreshold) {
        std::vector<const char*> shown;
        collect(a.data(), 0, shown);
        write_ = writer_for(a, shown);
    }
    std::string text() const { return nested(a_.data(), 0, " ", kLineWidth); }

private:
    // The positions along an axis that are shown; -1 stands for those left out.
    std::vector<int64_t> along(int axis) const {
        std::vector<int64_t> to;
        int64_t n = a_.dim(axis);
        bool cut = cut_ && n > 2 * kEdge;
        for (int64_t i = 0; i < n; ++i) {
            if (cut && i == kEdge) to.push_back(-1), i = n - kEdge;
            to.push_back(i);
        }
        return to;
    }

    void collect(const char* p, int axis, std::vector<const char*>& to) const {
        if (axis == a_.ndim()) return to.push_back(p);
        for (int64_t i : along(axis))
            if (i >= 0) collect(p + i * a_.strides()[size_t(axis)], axis + 1, to);
    }

    std::string nested(const char* p, int axis, const std::string& indent, int width) const {
        if (axis == a_.ndim()) return write_(p);
        bool last = axis + 1 == a_.ndim();
        std::string done, line = indent;
        bool first = true;
        for (int64_t i : along(axis)) {
            std::string word =
                i < 0 ? "..." : nested(p + i * a_.strides()[size_t(axis)], axis + 1, indent + " ", width - 1);
            if (!last) {
                done += (first ? "" : std::string(size_t(a_.ndim() - axis - 1), '\n')) + indent + word;
            } else {
                if (!first) line += " ";
                if (line.size() + word.size() > size_t(width - 1) && line.size() > indent.size()) {
                    done += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
                    line = indent;
                }
                line += word;
            }
            first = false;
        }
        if (last) done += line;
        return "[" + done.substr(indent.size()) + "]";
    }

    const Array& a_;
    bool cut_;
    Writer write_;
};

}  // namespace

std::string format_array(const Array& a) {
    if (a.ndim() == 0) return scalar_text(a);
    if (a.size() == 0) return "[]";
    return Text(a).text();
}

}  // namespace minpy
