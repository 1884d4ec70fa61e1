# What every file is compiled with, and where results go.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O3 -DNDEBUG")
set(CMAKE_C_FLAGS_RELEASE "-O2 -DNDEBUG")
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g")
if(MINPY_SANITIZE)   # -O1: at -O0 the loops are too slow to test, above it the stacks lie
    set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1 -fno-omit-frame-pointer")
    set(CMAKE_C_FLAGS_DEBUG "-O1 -g1 -fno-omit-frame-pointer")
endif()

# One folder holds the library, as it does in an installed prefix: plugins are found beside it.
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)

# What our own targets add to that; see DESIGN 6.2 for the arithmetic flags. Never -ffast-math.
add_library(minpy_flags INTERFACE)
target_compile_options(minpy_flags INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-fno-math-errno -fno-trapping-math -ffp-contract=off>
    $<$<COMPILE_LANGUAGE:CXX,C>:-Wall -Wextra -ftls-model=initial-exec>
    $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-restrict>   # g++ 12 sees overlaps in std::string that are none
    $<$<COMPILE_LANGUAGE:CXX,C>:-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=>
    $<$<AND:$<BOOL:${MINPY_WERROR}>,$<COMPILE_LANGUAGE:CXX,C>>:-Werror>)
target_compile_definitions(minpy_flags INTERFACE
    $<$<CONFIG:Debug>:MINPY_DEBUG=1 _GLIBCXX_ASSERTIONS>)
target_include_directories(minpy_flags INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/include)

if(MINPY_SANITIZE STREQUAL "address")
    set(undefined undefined,float-cast-overflow)
    target_compile_options(minpy_flags INTERFACE -fsanitize=address,${undefined} -fno-sanitize-recover=${undefined})
    target_link_options(minpy_flags INTERFACE -fsanitize=address,undefined)
elseif(MINPY_SANITIZE STREQUAL "thread")
    target_compile_options(minpy_flags INTERFACE -fsanitize=thread)
    target_link_options(minpy_flags INTERFACE -fsanitize=thread)
elseif(MINPY_SANITIZE)
    message(FATAL_ERROR "MINPY_SANITIZE is '${MINPY_SANITIZE}': address or thread")
endif()

# Paths are taken relative to the source tree, so that its copies and the Python package share one cache. A program's
# locale is no part of the key: Python gives its children one where there was none, and changes messages at most.
find_program(CCACHE ccache)
mark_as_advanced(CCACHE)
if(MINPY_CCACHE AND CCACHE)
    foreach(language C CXX CUDA)
        set(CMAKE_${language}_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
            CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=locale ${CCACHE})
    endforeach()
endif()
