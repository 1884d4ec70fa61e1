#define MINPY_FAMILY        arithmetic
#define MINPY_FAMILY_HEADER "core/ops/arithmetic.h"
#include "core/cpu/loops/family.inc"
