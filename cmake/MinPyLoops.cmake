# CPU loops once per instruction set (DESIGN 6.2): `minpy_loops(<family>...)`, called in core/cpu/loops, compiles
# <family>.cc for every level into the object library `minpy_loops_<level>`. The file sees its level as the macro
# MINPY_LEVEL (a name: v2, v3, v4, generic), which it uses as namespace and as suffix of the table it exports; core
# is told which levels there are by MINPY_LEVEL_V2=1 and so on.

if(NOT MINPY_LEVELS)
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
        set(MINPY_LEVELS v2 v3 v4)
    else()
        set(MINPY_LEVELS generic)
    endif()
endif()

set(MINPY_LEVEL_FLAGS_v2 -march=x86-64-v2)
set(MINPY_LEVEL_FLAGS_v3 -march=x86-64-v3)
set(MINPY_LEVEL_FLAGS_v4 -march=x86-64-v4 -mprefer-vector-width=512)
set(MINPY_LEVEL_FLAGS_generic)

foreach(level IN LISTS MINPY_LEVELS)
    if(NOT DEFINED MINPY_LEVEL_FLAGS_${level})
        message(FATAL_ERROR "MINPY_LEVELS: '${level}' is none of v2, v3, v4, generic")
    endif()
    string(TOUPPER MINPY_LEVEL_${level}=1 definition)
    target_compile_definitions(minpy_flags INTERFACE ${definition})
endforeach()

function(minpy_loops)
    foreach(level IN LISTS MINPY_LEVELS)
        set(loops minpy_loops_${level})
        if(NOT TARGET ${loops})
            add_library(${loops} OBJECT)
            target_link_libraries(${loops} PRIVATE minpy_flags)
            target_compile_definitions(${loops} PRIVATE MINPY_BUILDING=1 MINPY_LEVEL=${level})
            target_compile_options(${loops} PRIVATE ${MINPY_LEVEL_FLAGS_${level}})
            target_sources(minpy_core PRIVATE $<TARGET_OBJECTS:${loops}>)
        endif()
        list(TRANSFORM ARGN PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/ OUTPUT_VARIABLE sources)
        list(TRANSFORM sources APPEND .cc)
        target_sources(${loops} PRIVATE ${sources})
    endforeach()
endfunction()
