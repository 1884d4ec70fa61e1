#define MINPY_FAMILY        bitwise
#define MINPY_FAMILY_HEADER "core/ops/bitwise.h"
#include "core/cpu/loops/family.inc"
