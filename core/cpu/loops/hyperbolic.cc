#define MINPY_FAMILY        hyperbolic
#define MINPY_FAMILY_HEADER "core/ops/hyperbolic.h"
#include "core/cpu/loops/family.inc"
