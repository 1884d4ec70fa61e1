// The one exception type inside libminpy. A thrower gives NumPy's sentence and, if it knows it, the argument; the
// dispatcher adds the operator and the operands' shapes and dtypes, so that texts carry no prefix of their own.
#pragma once
#include <exception>
#include <new>
#include <sstream>
#include <string>
#include <utility>

#include "core/registry/abi_types.h"

namespace minpy {

class Error : public std::exception {
public:
    // `kind` is the class of NumPy's exception; the ones below name the common cases.
    Error(minpy_status code, const char* kind, std::string text) : code(code), kind(kind), text(std::move(text)) {}
    const char* what() const noexcept override { return text.c_str(); }
    Error& in_argument(std::string name) {
        if (argument.empty()) argument = std::move(name);
        return *this;
    }

    minpy_status code;
    std::string kind;
    std::string text;
    std::string op;        // filled in by the dispatcher
    std::string argument;  // name in the schema
    std::string operands;  // "float64(2,3), int64(4)"
};

// Host memory was refused. No Error: whoever turns one error into another must let this one through, and its text needs
// no memory.
class OutOfMemory : public std::bad_alloc {
public:
    explicit OutOfMemory(unsigned long long bytes) : bytes(bytes) {}
    const char* what() const noexcept override { return "out of memory"; }
    unsigned long long bytes;
};

// The pieces, written one after the other.
template <class... Parts> std::string cat(const Parts&... parts) {
    std::ostringstream out;
    out.exceptions(std::ios::badbit);  // a refused allocation must not leave half a text
    (out << ... << parts);
    return out.str();
}

template <class... Parts> Error value_error(const Parts&... parts) {
    return {MINPY_E_INVALID, "ValueError", cat(parts...)};
}
template <class... Parts> Error shape_error(const Parts&... parts) {
    return {MINPY_E_SHAPE, "ValueError", cat(parts...)};
}
template <class... Parts> Error type_error(const Parts&... parts) { return {MINPY_E_TYPE, "TypeError", cat(parts...)}; }
template <class... Parts> Error index_error(const Parts&... parts) {
    return {MINPY_E_INDEX, "IndexError", cat(parts...)};
}
template <class... Parts> Error overflow_error(const Parts&... parts) {
    return {MINPY_E_INVALID, "OverflowError", cat(parts...)};
}
template <class... Parts> Error state_error(const Parts&... parts) {
    return {MINPY_E_STATE, "RuntimeError", cat(parts...)};
}
template <class... Parts> Error unsupported(const Parts&... parts) {
    return {MINPY_E_UNSUPPORTED, "NotImplementedError", cat(parts...)};
}
template <class... Parts> Error linalg_error(const Parts&... parts) {
    return {MINPY_E_LINALG, "LinAlgError", cat(parts...)};
}
template <class... Parts> Error io_error(const Parts&... parts) { return {MINPY_E_IO, "OSError", cat(parts...)}; }
inline Error axis_error(long long axis, long long ndim) {
    return {MINPY_E_INDEX, "AxisError", cat("axis ", axis, " is out of bounds for array of dimension ", ndim)};
}

}  // namespace minpy
