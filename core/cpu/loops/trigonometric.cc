#define MINPY_FAMILY        trigonometric
#define MINPY_FAMILY_HEADER "core/ops/trigonometric.h"
#include "core/cpu/loops/family.inc"
