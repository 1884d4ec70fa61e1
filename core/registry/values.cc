#include "core/registry/values.h"

#include <cmath>
#include <cstring>

#include "core/array/casting.h"
#include "core/io/json.h"
#include "core/registry/function.h"
#include "core/registry/thread_state.h"

namespace minpy {
namespace {

complex128 scalar_value(const minpy_value& v) {
    DType t = DType(v.len);
    const void* from = t == DType::complex128 ? v.v.p : &v.v.bits;
    complex128 z{0, 0};
    cast_elements(static_cast<const char*>(from), 0, t, reinterpret_cast<char*>(&z), 0, DType::complex128, 1);
    return z;
}

[[noreturn]] void out_of_bounds(const std::string& number, DType t) {
    throw overflow_error("Python integer ", number, " out of bounds for ", name(t));
}

}  // namespace

Weak weak_of(const minpy_value& v) {
    switch (v.tag) {
        case MINPY_V_BOOL: return Weak::boolean;
        case MINPY_V_INT:
        case MINPY_V_UINT:
        case MINPY_V_BIGINT: return Weak::integer;
        case MINPY_V_FLOAT: return Weak::floating;
        case MINPY_V_COMPLEX: return Weak::complex;
        default: return Weak::none;
    }
}

DType dtype_of_number(const minpy_value& v) {
    if (v.tag == MINPY_V_SCALAR) return checked_dtype(v.len);
    if (v.tag == MINPY_V_UINT) return DType::uint64;
    return default_dtype(weak_of(v));
}

std::complex<double> complex_of(const minpy_value& v) {
    if (v.tag == MINPY_V_COMPLEX) {
        const double* parts = static_cast<const double*>(v.v.p);
        return {parts[0], parts[1]};
    }
    if (v.tag == MINPY_V_SCALAR) {
        complex128 z = scalar_value(v);
        return {z.re, z.im};
    }
    return double_of(v);
}

double double_of(const minpy_value& v) {
    switch (v.tag) {
        case MINPY_V_BOOL:
        case MINPY_V_INT: return double(v.v.i);
        case MINPY_V_UINT: return double(v.v.bits);
        case MINPY_V_BIGINT: return std::strtod(std::string(string_of(v)).c_str(), nullptr);
        case MINPY_V_FLOAT: return v.v.f;
        case MINPY_V_SCALAR: {
            if (in(DType(v.len), kComplex)) throw type_error("a real number is needed, not a complex one");
            return scalar_value(v).re;
        }
        case MINPY_V_ARRAY: {
            Array a = Array::share(array_of(v));
            if (a.size() != 1) throw type_error("only length-1 arrays can be converted to Python scalars");
            double x = 0;
            a.data();
            cast_elements(a.raw(), 0, a.dtype(), reinterpret_cast<char*>(&x), 0, DType::float64, 1);
            return x;
        }
        default: throw type_error("a number is needed, got ", describe(v));
    }
}

int64_t int_of(const minpy_value& v) {
    switch (v.tag) {
        case MINPY_V_BOOL:
        case MINPY_V_INT: return v.v.i;
        case MINPY_V_UINT:
        case MINPY_V_BIGINT: throw overflow_error("Python int too large to convert to C long");
        case MINPY_V_SCALAR:
            if (in(DType(v.len), kInteger | kBool)) {
                int64_t i = 0;
                cast_elements(reinterpret_cast<const char*>(&v.v.bits), 0, DType(v.len), reinterpret_cast<char*>(&i), 0,
                              DType::int64, 1);
                return i;
            }
            break;
        case MINPY_V_INTS:
            if (v.len == 1) return ints_of(v)[0];
            break;
        case MINPY_V_ARRAY: {
            Array a = Array::share(array_of(v));
            if (a.size() == 1 && in(a.dtype(), kInteger | kBool)) {
                int64_t i = 0;
                cast_elements(a.data(), 0, a.dtype(), reinterpret_cast<char*>(&i), 0, DType::int64, 1);
                return i;
            }
            break;
        }
        default: break;
    }
    throw type_error("an integer is required, got ", describe(v));
}

Dims ints_from(const minpy_value& v) {
    if (v.tag == MINPY_V_INTS) return Dims(ints_of(v).begin(), ints_of(v).end());
    if (v.tag == MINPY_V_VALUES) {
        Dims result;
        for (const minpy_value& each : ValuesView(static_cast<const minpy_value*>(v.v.p), size_t(v.len)))
            result.push_back(int_of(each));
        return result;
    }
    if (v.tag == MINPY_V_FLOATS && v.len == 0) return {};
    if (v.tag == MINPY_V_ARRAY) {
        Array a = Array::share(array_of(v));
        if (!in(a.dtype(), kInteger | kBool) || a.ndim() > 1)
            throw type_error("integers are required, got ", describe(a));
        a.data();
        Array wide = copy_of(a, DType::int64);
        return Dims(wide.raw_as<int64_t>(), wide.raw_as<int64_t>() + wide.size());
    }
    return {int_of(v)};
}

Dims axes_from(const minpy_value& v, int64_t ndim) {
    if (v.tag == MINPY_V_NONE) {
        Dims all;
        for (int64_t i = 0; i < ndim; ++i) all.push_back(i);
        return all;
    }
    Dims given = ints_from(v);
    return normalize_axes({given.data(), size_t(given.size())}, ndim);
}

bool fits(const minpy_value& v, DType t) {
    if (v.tag == MINPY_V_BIGINT) return false;
    int bits = int(8 * itemsize(t));
    if (in(t, kUnsigned)) {
        bool negative = v.tag == MINPY_V_INT && v.v.i < 0;
        return !negative && (bits == 64 || v.v.bits < (uint64_t(1) << bits));
    }
    if (v.tag == MINPY_V_UINT) return false;
    return bits == 64 || (v.v.i >= -(int64_t(1) << (bits - 1)) && v.v.i < (int64_t(1) << (bits - 1)));
}

void store_number(const minpy_value& v, DType t, char* to) {
    auto cast = [&](const void* p, DType from) {
        if (uint32_t met = cast_elements(static_cast<const char*>(p), 0, from, to, 0, t, 1))
            thread_state().fp_status |= met;
    };
    if (v.tag == MINPY_V_SCALAR) {
        DType from = checked_dtype(v.len);
        return cast(from == DType::complex128 ? v.v.p : &v.v.bits, from);
    }
    if (weak_of(v) == Weak::integer && in(t, kInteger)) {
        // Weak integers must fit (NEP 50).
        if (v.tag == MINPY_V_BIGINT) out_of_bounds(std::string(string_of(v)), t);
        if (!fits(v, t)) out_of_bounds(v.tag == MINPY_V_INT ? std::to_string(v.v.i) : std::to_string(v.v.bits), t);
        std::memcpy(to, &v.v.bits, size_t(itemsize(t)));  // little-endian
        return;
    }
    if (v.tag == MINPY_V_INT || v.tag == MINPY_V_BOOL) {
        cast(&v.v.i, DType::int64);
    } else if (v.tag == MINPY_V_UINT) {
        cast(&v.v.bits, DType::uint64);
    } else if (v.tag == MINPY_V_COMPLEX) {
        if (!in(t, kComplex)) throw type_error("float() argument must be a string or a real number, not 'complex'");
        cast(v.v.p, DType::complex128);
    } else {
        double x = double_of(v);
        if (v.tag == MINPY_V_BIGINT && std::isinf(x)) throw overflow_error("int too large to convert to float");
        cast(&x, DType::float64);
    }
}

Array array_of_number(const minpy_value& v, DType t) {
    Array a = empty(DimsView{}, t == DType::none ? dtype_of_number(v) : t);
    store_number(v, a.dtype(), a.raw());
    return a;
}

bool equal(const minpy_value& a, const minpy_value& b) {
    if (a.tag != b.tag || a.len != b.len) return false;
    switch (a.tag) {
        case MINPY_V_STRING:
        case MINPY_V_BIGINT: return string_of(a) == string_of(b);
        case MINPY_V_INTS:
        case MINPY_V_FLOATS: return std::memcmp(a.v.p, b.v.p, size_t(a.len) * 8) == 0;
        case MINPY_V_COMPLEX: return std::memcmp(a.v.p, b.v.p, 16) == 0;
        case MINPY_V_SLICE: return std::memcmp(a.v.p, b.v.p, sizeof(minpy_slice)) == 0;
        case MINPY_V_VALUES: {
            auto* x = static_cast<const minpy_value*>(a.v.p);
            auto* y = static_cast<const minpy_value*>(b.v.p);
            for (int32_t i = 0; i < a.len; ++i)
                if (!equal(x[i], y[i])) return false;
            return true;
        }
        default: return a.v.bits == b.v.bits;
    }
}

namespace {

Json as_json(const minpy_value& v) {
    switch (v.tag) {
        case MINPY_V_BOOL: return bool(v.v.i);
        case MINPY_V_INT: return v.v.i;
        case MINPY_V_UINT: return v.v.bits;
        case MINPY_V_FLOAT: return v.v.f;
        case MINPY_V_BIGINT:
        case MINPY_V_STRING: return std::string(string_of(v));
        case MINPY_V_SCALAR:
        case MINPY_V_COMPLEX: {
            auto z = complex_of(v);
            return v.tag == MINPY_V_SCALAR && z.imag() == 0 ? Json(z.real())
                                                            : Json::object({{"real", z.real()}, {"imag", z.imag()}});
        }
        case MINPY_V_DTYPE: return name(DType(v.v.i));
        case MINPY_V_INTS: return Json::array_of(ints_of(v));
        case MINPY_V_FLOATS: {
            return Json::array_of(std::span<const double>(static_cast<const double*>(v.v.p), size_t(v.len)));
        }
        case MINPY_V_VALUES: {
            Json list = Json::array();
            for (int32_t i = 0; i < v.len; ++i) list.push_back(as_json(static_cast<const minpy_value*>(v.v.p)[i]));
            return list;
        }
        case MINPY_V_SLICE: {
            auto* s = static_cast<const minpy_slice*>(v.v.p);
            auto part = [](int64_t i) { return i == MINPY_SLICE_NONE ? Json() : Json(i); };
            return Json::object({{"slice", Json::array({part(s->start), part(s->stop), part(s->step)})}});
        }
        case MINPY_V_ARRAY: return describe(Array::share(array_of(v)));
        case MINPY_V_ELLIPSIS: return "...";
        default: return nullptr;
    }
}

}  // namespace

std::string to_json(const minpy_value& v) { return as_json(v).dump(); }

std::string describe(const minpy_value& v) {
    switch (v.tag) {
        case MINPY_V_NONE: return "None";
        case MINPY_V_ARRAY: return cat("an array ", describe(Array::share(array_of(v))));
        case MINPY_V_ARRAYS: return cat("a list of ", v.len, " arrays");
        case MINPY_V_STRING: return cat("'", string_of(v), "'");
        default: return to_json(v);
    }
}

// ---- owned copies ----

void Values::copy(const minpy_value* from, minpy_value* to, int64_t n, Data& data, bool keep_arrays) {
    auto block = [&](const void* p, size_t bytes) {
        data.blocks.emplace_back(new char[bytes + 1]);
        char* fresh = data.blocks.back().get();
        if (bytes) std::memcpy(fresh, p, bytes);
        fresh[bytes] = 0;
        return fresh;
    };
    for (int64_t i = 0; i < n; ++i) {
        to[i] = from[i];
        switch (from[i].tag) {
            case MINPY_V_STRING:
            case MINPY_V_BIGINT: to[i].v.p = block(from[i].v.p, size_t(from[i].len)); break;
            case MINPY_V_INTS:
            case MINPY_V_FLOATS: to[i].v.p = block(from[i].v.p, size_t(from[i].len) * 8); break;
            case MINPY_V_COMPLEX: to[i].v.p = block(from[i].v.p, 16); break;
            case MINPY_V_SCALAR:
                if (from[i].len == int32_t(DType::complex128)) to[i].v.p = block(from[i].v.p, 16);
                break;
            case MINPY_V_SLICE: to[i].v.p = block(from[i].v.p, sizeof(minpy_slice)); break;
            case MINPY_V_FUNCTION: {
                Function& f = function_of(from[i]);
                f.retain();
                data.owned.emplace_back(&f, [](Function* kept) { kept->release(); });
                break;
            }
            case MINPY_V_ARRAY:
                if (keep_arrays) data.arrays.push_back(Array::share(array_of(from[i])));
                else to[i] = none_value();
                break;
            case MINPY_V_ARRAYS: {
                if (!keep_arrays) {
                    to[i].v.p = nullptr;  // the length stays: rules ask how many there were
                    break;
                }
                auto* handles = static_cast<ArrayBody* const*>(from[i].v.p);
                for (int32_t k = 0; k < from[i].len; ++k) data.arrays.push_back(Array::share(handles[k]));
                to[i].v.p = block(from[i].v.p, size_t(from[i].len) * sizeof(void*));
                break;
            }
            case MINPY_V_VALUES: {
                auto* list =
                    reinterpret_cast<minpy_value*>(block(from[i].v.p, size_t(from[i].len) * sizeof(minpy_value)));
                copy(static_cast<const minpy_value*>(from[i].v.p), list, from[i].len, data, keep_arrays);
                to[i].v.p = list;
                break;
            }
            default: break;
        }
    }
}

Values::Values(ValuesView values, bool keep_arrays) {
    if (values.empty()) return;
    auto data = std::make_shared<Data>();
    data->n = int64_t(values.size());
    data->blocks.emplace_back(new char[values.size() * sizeof(minpy_value)]);
    data->values = reinterpret_cast<minpy_value*>(data->blocks.front().get());
    copy(values.data(), data->values, data->n, *data, keep_arrays);
    data_ = std::move(data);
}

namespace {

// Builds values whose pointers lead into `keep`.
minpy_value from_parsed(const Json& j, std::vector<std::shared_ptr<void>>& keep) {
    switch (j.type()) {
        case Json::Type::boolean: return to_value(j.boolean());
        case Json::Type::integer: return to_value(j.integer());
        case Json::Type::number: return to_value(j.number());
        case Json::Type::unsigned_integer: {
            minpy_value v{MINPY_V_UINT, 0, {0}};
            v.v.bits = j.unsigned_integer();
            return v;
        }
        case Json::Type::string: {
            auto s = std::make_shared<std::string>(j.string());
            keep.push_back(s);
            return to_value(*s);
        }
        case Json::Type::array: break;
        default: return none_value();
    }
    bool ints = true, numbers = true;
    for (const Json& e : j.items()) {
        ints = ints && e.is(Json::Type::integer);
        numbers = numbers && e.is_number();
    }
    auto kept = [&]<class T>(int32_t tag, std::vector<T> items) {
        auto list = std::make_shared<std::vector<T>>(std::move(items));
        keep.push_back(list);
        return pointer_value(tag, list->data(), int64_t(list->size()));
    };
    if (ints) {
        std::vector<int64_t> list;
        for (const Json& e : j.items()) list.push_back(e.integer());
        return kept(MINPY_V_INTS, std::move(list));
    }
    if (numbers) {
        std::vector<double> list;
        for (const Json& e : j.items()) list.push_back(e.number());
        return kept(MINPY_V_FLOATS, std::move(list));
    }
    std::vector<minpy_value> list;
    for (const Json& e : j.items()) list.push_back(from_parsed(e, keep));
    return kept(MINPY_V_VALUES, std::move(list));
}

}  // namespace

Values Values::from_json(std::string_view text) {
    std::vector<std::shared_ptr<void>> keep;
    minpy_value v = from_parsed(Json::parse(text), keep);
    return Values({&v, 1});
}

}  // namespace minpy
