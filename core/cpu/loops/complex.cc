#define MINPY_FAMILY        complex
#define MINPY_FAMILY_HEADER "core/ops/complex.h"
#include "core/cpu/loops/family.inc"
