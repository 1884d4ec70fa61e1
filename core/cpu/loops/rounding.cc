#define MINPY_FAMILY        rounding
#define MINPY_FAMILY_HEADER "core/ops/rounding.h"
#include "core/cpu/loops/family.inc"
