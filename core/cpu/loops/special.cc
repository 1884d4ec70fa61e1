#define MINPY_FAMILY        special
#define MINPY_FAMILY_HEADER "core/ops/special.h"
#include "core/cpu/loops/family.inc"
