// Copies between layouts and dtypes, element by element. Equal dtypes are copied by size; the conversions between float32
// and short floats have kernels of their own; all others read any dtype into a wide number first, which loses nothing, and
// have one kernel for each dtype that is written.
#pragma once
#include "core/array/convert.h"
#include "cuda/layout.h"

namespace minpy::cuda {

struct CopyArgs {
    Layout layout;
    const char* from;
    char* to;
    DType type;  // of `from`
};

struct Wide128 {
    uint64_t bits[2];
};

// to = f(address of the element): the walk that all copies share.
template <class To, class F> MINPY_HD void copy_elements(const CopyArgs& a, Grid grid, F&& f) {
    for (uint64_t i = grid.index; i < uint64_t(a.layout.size); i += grid.threads) {
        int64_t at[2];
        a.layout.locate(i, at);
        *reinterpret_cast<To*>(a.to + at[1]) = f(a.from + at[0]);
    }
}

// One known dtype to another.
template <class From, class To> struct Copy {
    MINPY_HD static void run(const CopyArgs& a, Grid grid) {
        uint32_t flags = 0;  // a device has nowhere to report them
        copy_elements<To>(a, grid,
                          [&](const char* p) { return convert<To>(*reinterpret_cast<const From*>(p), flags); });
    }
};

// Any dtype to a known one.
template <class To> struct CopyAny {
    MINPY_HD static To read(DType type, const char* p) {
        uint32_t flags = 0;
        switch (type) {
            case DType::boolean: return convert<To>(int64_t(*reinterpret_cast<const uint8_t*>(p)), flags);
            case DType::int8: return convert<To>(int64_t(*reinterpret_cast<const int8_t*>(p)), flags);
            case DType::int16: return convert<To>(int64_t(*reinterpret_cast<const int16_t*>(p)), flags);
            case DType::int32: return convert<To>(int64_t(*reinterpret_cast<const int32_t*>(p)), flags);
            case DType::int64: return convert<To>(*reinterpret_cast<const int64_t*>(p), flags);
            case DType::uint8: return convert<To>(int64_t(*reinterpret_cast<const uint8_t*>(p)), flags);
            case DType::uint16: return convert<To>(int64_t(*reinterpret_cast<const uint16_t*>(p)), flags);
            case DType::uint32: return convert<To>(int64_t(*reinterpret_cast<const uint32_t*>(p)), flags);
            case DType::uint64: return convert<To>(*reinterpret_cast<const uint64_t*>(p), flags);
            default: break;
        }
        complex128 z = {0, 0};
        switch (type) {
            case DType::float16: z.re = double(float(*reinterpret_cast<const half*>(p))); break;
            case DType::bfloat16: z.re = double(float(*reinterpret_cast<const bhalf*>(p))); break;
            case DType::float32: z.re = double(*reinterpret_cast<const float*>(p)); break;
            case DType::float64: z.re = *reinterpret_cast<const double*>(p); break;
            case DType::complex64:
                z = {double(reinterpret_cast<const complex64*>(p)->re),
                     double(reinterpret_cast<const complex64*>(p)->im)};
                break;
            default: z = *reinterpret_cast<const complex128*>(p); break;
        }
        return convert<To>(z, flags);
    }
    MINPY_HD static void run(const CopyArgs& a, Grid grid) {
        copy_elements<To>(a, grid, [&](const char* p) { return read(a.type, p); });
    }
};

using CopyFn = void (*)(const CopyArgs& args, unsigned blocks, unsigned threads, void* stream);
CopyFn copy_kernel(DType from, DType to);

// The choice of copy_kernel; choose.operator()<Kernel>() gives the launch of a kernel.
template <class V> CopyFn choose_copy(DType from, DType to, int64_t item, V&& choose) {
    if (from == to) {
        switch (item) {
            case 1: return choose.template operator()<Copy<uint8_t, uint8_t>>();
            case 2: return choose.template operator()<Copy<uint16_t, uint16_t>>();
            case 4: return choose.template operator()<Copy<uint32_t, uint32_t>>();
            case 8: return choose.template operator()<Copy<uint64_t, uint64_t>>();
            default: return choose.template operator()<Copy<Wide128, Wide128>>();
        }
    }
    if (from == DType::float32 && to == DType::float16) return choose.template operator()<Copy<float, half>>();
    if (from == DType::float32 && to == DType::bfloat16) return choose.template operator()<Copy<float, bhalf>>();
    if (from == DType::float16 && to == DType::float32) return choose.template operator()<Copy<half, float>>();
    if (from == DType::bfloat16 && to == DType::float32) return choose.template operator()<Copy<bhalf, float>>();
    switch (to) {
        case DType::boolean: return choose.template operator()<CopyAny<bool>>();
        case DType::int8: return choose.template operator()<CopyAny<int8_t>>();
        case DType::int16: return choose.template operator()<CopyAny<int16_t>>();
        case DType::int32: return choose.template operator()<CopyAny<int32_t>>();
        case DType::int64: return choose.template operator()<CopyAny<int64_t>>();
        case DType::uint8: return choose.template operator()<CopyAny<uint8_t>>();
        case DType::uint16: return choose.template operator()<CopyAny<uint16_t>>();
        case DType::uint32: return choose.template operator()<CopyAny<uint32_t>>();
        case DType::uint64: return choose.template operator()<CopyAny<uint64_t>>();
        case DType::float16: return choose.template operator()<CopyAny<half>>();
        case DType::bfloat16: return choose.template operator()<CopyAny<bhalf>>();
        case DType::float32: return choose.template operator()<CopyAny<float>>();
        case DType::float64: return choose.template operator()<CopyAny<double>>();
        case DType::complex64: return choose.template operator()<CopyAny<complex64>>();
        default: return choose.template operator()<CopyAny<complex128>>();
    }
}

}  // namespace minpy::cuda
