// Elements by their size alone, for what moves them and does not care what they hold.
#pragma once
#include <cstdint>

namespace minpy {

struct Sixteen {
    uint64_t parts[2];
};

inline bool is_element_size(int64_t bytes) {
    return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8 || bytes == 16;
}
// Calls f.operator()<T>() for a plain type of that size, which is an element's.
template <class F> void for_size(int64_t bytes, F&& f) {
    switch (bytes) {
        case 1: return f.template operator()<uint8_t>();
        case 2: return f.template operator()<uint16_t>();
        case 4: return f.template operator()<uint32_t>();
        case 8: return f.template operator()<uint64_t>();
        default: return f.template operator()<Sixteen>();
    }
}

}  // namespace minpy
