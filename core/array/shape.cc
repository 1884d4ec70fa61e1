#include "core/array/shape.h"

namespace minpy {

static const char* const kTooBig =
    "array is too big; `arr.size * arr.dtype.itemsize` is larger than the maximum possible size.";

std::string to_string(DimsView shape) {
    std::string text = "(";
    for (size_t i = 0; i < shape.size(); ++i) text += (i ? "," : "") + std::to_string(shape[i]);
    return text + (shape.size() == 1 ? ",)" : ")");
}

int64_t checked_mul(int64_t a, int64_t b) {
    int64_t result;
    if (__builtin_mul_overflow(a, b, &result)) throw value_error(kTooBig);
    return result;
}

int64_t checked_add(int64_t a, int64_t b) {
    int64_t result;
    if (__builtin_add_overflow(a, b, &result)) throw value_error(kTooBig);
    return result;
}

void bad_size(DimsView shape) {
    if (shape.size() > kMaxDims)
        throw value_error("maximum supported dimension for an ndarray is currently ", kMaxDims, ", found ",
                          shape.size());
    for (int64_t s : shape)
        if (s < 0) throw value_error("negative dimensions are not allowed");
    throw value_error(kTooBig);
}

Dims c_strides(DimsView shape, int64_t itemsize) {
    Dims strides(shape.size());
    int64_t step = itemsize;
    for (int64_t i = int64_t(shape.size()) - 1; i >= 0; --i) {
        strides[i] = step;
        step *= std::max<int64_t>(shape[i], 1);
    }
    return strides;
}

Dims f_strides(DimsView shape, int64_t itemsize) {
    Dims strides(shape.size());
    int64_t step = itemsize;
    for (size_t i = 0; i < shape.size(); ++i) {
        strides[i] = step;
        step *= std::max<int64_t>(shape[i], 1);
    }
    return strides;
}

bool is_c_contiguous(DimsView shape, DimsView strides, int64_t itemsize) {
    int64_t step = itemsize;
    for (int64_t i = int64_t(shape.size()) - 1; i >= 0; --i) {
        if (shape[i] == 0) return true;
        if (shape[i] != 1 && strides[i] != step) return size_of(shape) == 0;
        step *= shape[i];
    }
    return true;
}

bool is_f_contiguous(DimsView shape, DimsView strides, int64_t itemsize) {
    int64_t step = itemsize;
    for (size_t i = 0; i < shape.size(); ++i) {
        if (shape[i] == 0) return true;
        if (shape[i] != 1 && strides[i] != step) return size_of(shape) == 0;
        step *= shape[i];
    }
    return true;
}

Dims broadcast_shapes(std::span<const DimsView> shapes) {
    size_t ndim = 0;
    for (DimsView s : shapes) ndim = std::max(ndim, s.size());
    Dims result(ndim, 1);
    for (DimsView s : shapes) {
        for (size_t i = 0; i < s.size(); ++i) {
            int64_t& r = result[ndim - s.size() + i];
            if (s[i] == 1 || s[i] == r) continue;
            if (r != 1) {
                std::string list;
                for (DimsView each : shapes) list += to_string(each) + " ";
                throw shape_error("operands could not be broadcast together with shapes ", list);
            }
            r = s[i];
        }
    }
    return result;
}

Dims broadcast_shapes(DimsView a, DimsView b) {
    DimsView both[] = {a, b};
    return broadcast_shapes(both);
}

int64_t normalize_axis(int64_t axis, int64_t ndim) {
    if (axis < -ndim || axis >= ndim) throw axis_error(axis, ndim);
    return axis < 0 ? axis + ndim : axis;
}

Dims normalize_axes(DimsView axes, int64_t ndim) {
    Dims result;
    for (int64_t axis : axes) {
        int64_t normal = normalize_axis(axis, ndim);
        if (std::find(result.begin(), result.end(), normal) != result.end())
            throw value_error("duplicate value in 'axis'");
        result.push_back(normal);
    }
    return result;
}

}  // namespace minpy
