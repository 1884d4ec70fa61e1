#define MINPY_FAMILY        selection
#define MINPY_FAMILY_HEADER "core/ops/selection.h"
#include "core/cpu/loops/family.inc"
