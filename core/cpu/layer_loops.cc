#include "core/cpu/layer_loops.h"

#include "core/cpu/levels.h"

namespace minpy {

MINPY_LEVEL_TABLE(LayerTable, layers)

template <> const LayerLoops<float>& layer_loops() { return layers_table().of_float; }
template <> const LayerLoops<double>& layer_loops() { return layers_table().of_double; }

}  // namespace minpy
