// a[index] and a[index] = value.
#include "core/registry/registry.h"

namespace minpy {

void register_indexing(Registry&) {}

}  // namespace minpy
