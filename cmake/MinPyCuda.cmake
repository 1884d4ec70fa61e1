# How the CUDA plugin is compiled, and what its tests share with it.

# CMake 3.25 does not know yet that nvcc has C++20.
if(NOT DEFINED CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
    set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
    set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
endif()

# What the plugin holds, all made from one compilation (a second one would cost half as much again): code for 8.x and
# 9.0, and PTX that the driver translates for what comes later.
set(MINPY_CUDA_VIRTUAL compute_80 CACHE STRING "the CUDA plugin is compiled for this architecture")
set(MINPY_CUDA_CODE compute_80,sm_80,sm_90 CACHE STRING "and holds code for these")

# The families with element-wise arithmetic, as core/ops/families.h lists them.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/core/ops/families.h)
file(READ ${PROJECT_SOURCE_DIR}/core/ops/families.h text)
string(REGEX MATCHALL "\n +M\\([a-z_]+, x\\)" MINPY_CUDA_FAMILIES "${text}")
list(TRANSFORM MINPY_CUDA_FAMILIES REPLACE "\n +M\\(([a-z_]+), x\\)" "\\1")

# minpy_cuda_families(<out> <extension>): one source for each family, made in the build folder, that includes
# cuda/family.inc.
function(minpy_cuda_families out extension)
    set(sources)
    foreach(family IN LISTS MINPY_CUDA_FAMILIES)
        set(file ${CMAKE_CURRENT_BINARY_DIR}/families/${family}.${extension})
        file(CONFIGURE OUTPUT ${file} CONTENT [[
#define MINPY_FAMILY @family@
#define MINPY_FAMILY_HEADER "core/ops/@family@.h"
#include "cuda/family.inc"
]] @ONLY)
        list(APPEND sources ${file})
    endforeach()
    set(${out} ${sources} PARENT_SCOPE)
endfunction()

# minpy_cuda_header_texts(<out>): a source, made in the build folder, that defines header_text() of cuda/generate.h with
# the text of the family headers and what they build on.
function(minpy_cuda_header_texts out)
    set(headers core/array/number.h core/ops/math.h)
    foreach(family IN LISTS MINPY_CUDA_FAMILIES)
        list(APPEND headers core/ops/${family}.h)
    endforeach()
    set(file ${CMAKE_CURRENT_BINARY_DIR}/header_texts.cc)
    list(JOIN headers "|" packed)
    list(TRANSFORM headers PREPEND ${PROJECT_SOURCE_DIR}/ OUTPUT_VARIABLE inputs)
    set(script ${PROJECT_SOURCE_DIR}/cmake/MinPyHeaderTexts.cmake)
    add_custom_command(OUTPUT ${file} DEPENDS ${inputs} ${script}
                       COMMAND ${CMAKE_COMMAND} -DROOT=${PROJECT_SOURCE_DIR} "-DHEADERS=${packed}" -DOUT=${file} -P ${script}
                       VERBATIM)
    set(${out} ${file} PARENT_SCOPE)
endfunction()
