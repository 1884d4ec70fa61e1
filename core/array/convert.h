// The conversion of one element, the same on the CPU and on a device: casting.h says what is defined where C++ is not.
#pragma once
#include <cmath>
#include <limits>

#include "core/array/number.h"

namespace minpy {

inline constexpr uint32_t kConvertInvalid = 8, kConvertOverflow = 2;  // MINPY_FP_*

template <class To, class From> MINPY_INLINE inline To float_to_int(From x, uint32_t& flags) {
    if constexpr (sizeof(To) <= 4 && !std::is_same_v<To, uint32_t>) {
        bool fits = x > From(-2147483649.0) && x < From(2147483648.0);
        if constexpr (std::is_same_v<From, float>) fits = x >= -2147483648.0f && x < 2147483648.0f;
        int32_t wide = fits ? int32_t(x) : std::numeric_limits<int32_t>::min();
        flags |= !fits | (int64_t(To(wide)) != wide) ? kConvertInvalid : 0u;
        return To(wide);
    } else {
        bool fits = x >= From(-9223372036854775808.0) && x < From(9223372036854775808.0);
        if constexpr (std::is_same_v<To, uint64_t>) {
            if (!fits && x >= From(9223372036854775808.0) && x < From(18446744073709551616.0)) return uint64_t(x);
            if (!fits || x <= From(-1)) flags |= kConvertInvalid;
            return fits ? uint64_t(int64_t(x)) : uint64_t(1) << 63;
        } else {
            int64_t wide = fits ? int64_t(x) : std::numeric_limits<int64_t>::min();
            flags |= !fits | (int64_t(To(wide)) != wide) ? kConvertInvalid : 0u;
            return To(wide);
        }
    }
}

template <class To, class From> MINPY_INLINE inline To convert(From x, uint32_t& flags) {
    if constexpr (std::is_same_v<To, From>) {
        return x;
    } else if constexpr (is_short_float<From>) {
        return convert<To>(float(x), flags);
    } else if constexpr (std::is_same_v<To, bool>) {
        if constexpr (is_complex<From>) return x.re != 0 || x.im != 0;
        else return x != 0;
    } else if constexpr (is_complex<From>) {
        if constexpr (is_complex<To>)
            return To{convert<typename To::real_type>(x.re, flags), convert<typename To::real_type>(x.im, flags)};
        else return convert<To>(x.re, flags);
    } else if constexpr (is_complex<To>) {
        return To{convert<typename To::real_type>(x, flags), 0};
    } else if constexpr (is_short_float<To>) {
        // double -> half through float would round twice; round to odd first.
        float f = float(x);
        if constexpr (std::is_same_v<From, double>) {
            uint32_t u = std::bit_cast<uint32_t>(f);
            uint32_t odd = (u - (std::fabs(double(f)) > std::fabs(x))) | 1u;  // towards zero
            bool inexact = (double(f) != x) & (std::fabs(f) < std::numeric_limits<float>::infinity());
            f = std::bit_cast<float>(inexact ? odd : u);
        }
        To result(f);
        constexpr uint16_t infinite = std::is_same_v<To, half> ? 0x7c00 : 0x7f80;
        bool overflow =
            ((result.bits & 0x7fff) == infinite) & (std::fabs(double(x)) < std::numeric_limits<double>::infinity());
        flags |= overflow ? kConvertOverflow : 0u;
        return result;
    } else if constexpr (std::is_integral_v<To> && std::is_floating_point_v<From>) {
        return float_to_int<To>(x, flags);
    } else if constexpr (std::is_same_v<To, float> && std::is_same_v<From, double>) {
        float f = float(x);
        bool overflow = (std::fabs(f) == std::numeric_limits<float>::infinity()) &
                        (std::fabs(x) < std::numeric_limits<double>::infinity());
        flags |= overflow ? kConvertOverflow : 0u;
        return f;
    } else {
        return To(x);
    }
}

}  // namespace minpy
