#define MINPY_FAMILY        statistics
#define MINPY_FAMILY_HEADER "core/ops/statistics.h"
#include "core/cpu/loops/family.inc"
