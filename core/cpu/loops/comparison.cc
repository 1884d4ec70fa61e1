#define MINPY_FAMILY        comparison
#define MINPY_FAMILY_HEADER "core/ops/comparison.h"
#include "core/cpu/loops/family.inc"
