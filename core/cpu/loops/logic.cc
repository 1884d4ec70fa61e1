#define MINPY_FAMILY        logic
#define MINPY_FAMILY_HEADER "core/ops/logic.h"
#include "core/cpu/loops/family.inc"
