#include "core/ops/families.h"

#include "core/registry/registry.h"

namespace minpy {

#define MINPY_DECLARE(family) void register_##family(Registry& r);
MINPY_FAMILIES(MINPY_DECLARE)

void register_families(Registry& r) {
#define MINPY_REGISTER(f) \
    r.family(#f);         \
    register_##f(r);
    MINPY_FAMILIES(MINPY_REGISTER)
}

}  // namespace minpy
