#define MINPY_FAMILY        exponential
#define MINPY_FAMILY_HEADER "core/ops/exponential.h"
#include "core/cpu/loops/family.inc"
