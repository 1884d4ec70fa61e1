#include "core/cpu/layer_loops.h"

#include <string_view>

#include "core/cpu/loops.h"

namespace minpy {

#if MINPY_LEVEL_V4
const LayerTable& layers_v4();
#endif
#if MINPY_LEVEL_V3
const LayerTable& layers_v3();
#endif
#if MINPY_LEVEL_V2
const LayerTable& layers_v2();
#endif
#if MINPY_LEVEL_GENERIC
const LayerTable& layers_generic();
#endif

namespace {

const LayerTable& table() {
    static const LayerTable& chosen = []() -> const LayerTable& {
        [[maybe_unused]] std::string_view level = loop_level().name;
#if MINPY_LEVEL_V4
        if (level == "v4") return layers_v4();
#endif
#if MINPY_LEVEL_V3
        if (level == "v3") return layers_v3();
#endif
#if MINPY_LEVEL_V2
        return layers_v2();
#elif MINPY_LEVEL_GENERIC
        return layers_generic();
#elif MINPY_LEVEL_V3
        return layers_v3();
#else
        return layers_v4();
#endif
    }();
    return chosen;
}

}  // namespace

template <> const LayerLoops<float>& layer_loops() { return table().of_float; }
template <> const LayerLoops<double>& layer_loops() { return table().of_double; }

}  // namespace minpy
