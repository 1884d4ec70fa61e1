// Shapes: lists of sizes, their checked arithmetic, broadcasting, and how NumPy prints them.
#pragma once
#include <ostream>
#include <span>

#include "core/array/error.h"
#include "core/array/small_vector.h"

namespace minpy {

inline constexpr int kMaxDims = 64;
using Dims = SmallVector<int64_t, 6>;
using DimsView = std::span<const int64_t>;

// "(2,3)", and "(2,)" for one dimension, as NumPy's messages have it.
std::string to_string(DimsView shape);
inline std::ostream& operator<<(std::ostream& out, const Dims& shape) { return out << to_string(shape); }

// a * b and a + b, or an error instead of a wrapped result.
int64_t checked_mul(int64_t a, int64_t b);
int64_t checked_add(int64_t a, int64_t b);

// Number of elements; throws for negative sizes, too many dimensions, and products that overflow with `itemsize`.
[[noreturn, gnu::cold]] void bad_size(DimsView shape);
inline int64_t checked_size(DimsView shape, int64_t itemsize = 1) {
    // Zero sizes do not hide an overflow of the others, as in NumPy.
    int64_t positive = itemsize;
    uint64_t total = 1;  // may wrap where all is refused
    bool bad = shape.size() > kMaxDims;
    for (int64_t s : shape) {
        bad |= s < 0 || __builtin_mul_overflow(positive, s > 0 ? s : 1, &positive);
        total *= uint64_t(std::max<int64_t>(s, 0));
    }
    if (bad) bad_size(shape);
    return int64_t(total);
}
inline int64_t size_of(DimsView shape) {
    int64_t n = 1;
    for (int64_t s : shape) n *= s;
    return n;
}

// Byte strides of a C- (or F-) contiguous array.
Dims c_strides(DimsView shape, int64_t itemsize);
Dims f_strides(DimsView shape, int64_t itemsize);
bool is_c_contiguous(DimsView shape, DimsView strides, int64_t itemsize);
bool is_f_contiguous(DimsView shape, DimsView strides, int64_t itemsize);

// The common shape, or NumPy's "operands could not be broadcast together with shapes …".
Dims broadcast_shapes(std::span<const DimsView> shapes);
Dims broadcast_shapes(DimsView a, DimsView b);

// -ndim <= axis < ndim, as 0 <= axis < ndim.
int64_t normalize_axis(int64_t axis, int64_t ndim);
// Each axis normalised; "duplicate value in 'axis'" if one comes twice.
Dims normalize_axes(DimsView axes, int64_t ndim);

inline bool same(DimsView a, DimsView b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

}  // namespace minpy
