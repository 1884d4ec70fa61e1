#include "core/io/npy.h"

#include <bit>
#include <cstring>

namespace minpy {
namespace {

static_assert(std::endian::native == std::endian::little);
constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kMaxHeader = 10000;  // as NumPy: a longer one may be an attack on its parser

Error broken(std::string_view why) { return value_error("cannot read this npy data: ", why); }

std::string descr_of(DType t) {
    if (t == DType::bfloat16) throw type_error("npy files cannot hold bfloat16; convert with astype('float32')");
    char kind = t == DType::boolean ? 'b'
                : in(t, kSigned)    ? 'i'
                : in(t, kUnsigned)  ? 'u'
                : in(t, kFloating)  ? 'f'
                                    : 'c';
    return cat(itemsize(t) == 1 ? '|' : '<', kind, itemsize(t));
}

DType dtype_of_descr(std::string_view descr, bool& swap) {
    if (descr.size() < 3) throw broken(cat("its dtype is '", descr, "'"));
    swap = descr[0] == '>';
    std::string text(descr.substr(1));
    for (int i = 1; i < kNumDTypes; ++i) {
        DType t = DType(i);
        if (t != DType::bfloat16 && descr_of(t).substr(1) == text) return t;
    }
    throw type_error("npy data of dtype '", descr, "' has no counterpart here",
                     text[0] == 'O' ? ": arrays of objects are never loaded" : "");
}

// Reads the Python literal {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }.
class Header {
public:
    explicit Header(std::string_view text) : rest_(text) {
        expect('{');
        bool seen[3] = {};
        while (!accept('}')) {
            std::string key = string();
            expect(':');
            if (key == "descr") {
                if (peek() == '[') throw type_error("npy data with structured dtypes is not supported");
                descr = string();
                seen[0] = true;
            } else if (key == "fortran_order") {
                fortran = boolean();
                seen[1] = true;
            } else if (key == "shape") {
                shape = tuple();
                seen[2] = true;
            } else {
                throw broken(cat("its header has the unknown key '", key, "'"));
            }
            if (!accept(',')) {
                expect('}');
                break;
            }
        }
        if (!seen[0] || !seen[1] || !seen[2]) throw broken("its header lacks a key");
        space();
        if (!rest_.empty()) throw broken("there is text after its header");
    }
    std::string descr;
    bool fortran = false;
    Dims shape;

private:
    void space() {
        while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\n' || rest_[0] == '\t')) rest_.remove_prefix(1);
    }
    char peek() {
        space();
        return rest_.empty() ? 0 : rest_[0];
    }
    bool accept(char c) {
        if (peek() != c) return false;
        rest_.remove_prefix(1);
        return true;
    }
    void expect(char c) {
        if (!accept(c)) throw broken(cat("'", c, "' is missing in its header"));
    }
    std::string string() {
        char quote = peek();
        if (quote != '\'' && quote != '"') throw broken("a string is missing in its header");
        size_t end = rest_.find(quote, 1);
        if (end == std::string_view::npos) throw broken("a string in its header does not end");
        std::string result(rest_.substr(1, end - 1));
        rest_.remove_prefix(end + 1);
        return result;
    }
    bool boolean() {
        peek();
        for (bool value : {true, false}) {
            std::string_view word = value ? "True" : "False";
            if (rest_.substr(0, word.size()) == word) {
                rest_.remove_prefix(word.size());
                return value;
            }
        }
        throw broken("fortran_order is neither True nor False");
    }
    Dims tuple() {
        expect('(');
        Dims result;
        while (!accept(')')) {
            peek();
            int64_t n = 0;
            size_t digits = 0;
            while (digits < rest_.size() && rest_[digits] >= '0' && rest_[digits] <= '9')
                n = checked_add(checked_mul(n, 10), rest_[digits++] - '0');
            if (!digits) throw broken("its shape is no tuple of sizes");
            rest_.remove_prefix(digits);
            accept('L');  // Python 2 wrote long sizes so
            result.push_back(n);
            if (!accept(',')) {
                expect(')');
                break;
            }
        }
        return result;
    }
    std::string_view rest_;
};

}  // namespace

std::string encode_npy(const Array& given) {
    bool fortran = !given.is_contiguous() && is_f_contiguous(given.shape(), given.strides(), given.itemsize());
    std::string sizes;
    for (int64_t s : given.shape()) sizes += cat(s, given.ndim() == 1 ? "," : ", ");
    if (given.ndim() > 1) sizes.resize(sizes.size() - 2);
    std::string header = cat("{'descr': '", descr_of(given.dtype()), "', 'fortran_order': ", fortran ? "True" : "False",
                             ", 'shape': (", sizes, "), }");
    size_t start = kMagic.size() + 4;
    header += std::string(63 - (start + header.size()) % 64, ' ') + "\n";
    std::string bytes(kMagic);
    bytes += {1, 0, char(header.size() & 0xff), char(header.size() >> 8)};
    bytes += header;
    given.data();
    Array a = given;
    if (fortran) {  // its memory order is the C order of its transpose
        Dims shape(a.ndim()), strides(a.ndim());
        for (int i = 0; i < a.ndim(); ++i)
            shape[i] = a.dim(a.ndim() - 1 - i), strides[i] = a.strides()[size_t(a.ndim() - 1 - i)];
        a = window(a, 0, {shape.data(), size_t(shape.size())}, {strides.data(), size_t(strides.size())});
    }
    a = contiguous(a);
    bytes.append(a.raw(), size_t(a.nbytes()));
    return bytes;
}

Array decode_npy(std::string_view bytes) {
    if (bytes.size() < 10 || bytes.substr(0, 6) != kMagic) throw broken("it does not begin with the magic string");
    auto byte = [&](size_t i) { return size_t(static_cast<unsigned char>(bytes[i])); };
    size_t version = byte(6), length = byte(8) | byte(9) << 8, start = 10;
    if (version == 2 || version == 3) {
        if (bytes.size() < 12) throw broken("it ends within its header");
        length |= byte(10) << 16 | byte(11) << 24;
        start = 12;
    } else if (version != 1) {
        throw broken(cat("its version is ", version, ".", byte(7)));
    }
    if (length > kMaxHeader) throw broken(cat("its header has ", length, " bytes"));
    if (bytes.size() < start + length) throw broken("it ends within its header");
    Header header(bytes.substr(start, length));
    bool swap = false;
    DType t = dtype_of_descr(header.descr, swap);
    DimsView shape{header.shape.data(), size_t(header.shape.size())};
    int64_t item = itemsize(t), need = checked_size(shape, item) * item;
    std::string_view data = bytes.substr(start + length);
    if (int64_t(data.size()) < need)
        throw broken(cat("the shape ", to_string(shape), " needs ", need, " bytes, there are ", data.size()));
    Dims strides = header.fortran ? f_strides(shape, item) : c_strides(shape, item);
    Array a = Array::on(Storage::create(need, kCpu), 0, shape, {strides.data(), size_t(strides.size())}, t);
    if (need) std::memcpy(a.raw(), data.data(), size_t(need));
    if (swap) {
        int64_t part = in(t, kComplex) ? item / 2 : item;
        for (char* p = a.raw(); p < a.raw() + need; p += part) std::reverse(p, p + part);
    }
    if (t == DType::boolean)
        for (char* p = a.raw(); p < a.raw() + need; ++p) *p = *p != 0;
    return a;
}

}  // namespace minpy
