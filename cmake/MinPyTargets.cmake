# The kinds of target that several folders make.

# minpy_add_subdirectory(<folder> [IF <variable>]): a folder that has no CMakeLists.txt is not there yet.
function(minpy_add_subdirectory folder)
    cmake_parse_arguments(arg "" "IF" "" ${ARGN})
    set(wanted ON)
    if(arg_IF)
        set(wanted ${${arg_IF}})
    endif()
    if(wanted AND EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/CMakeLists.txt)
        add_subdirectory(${folder})
    endif()
endfunction()

# minpy_test(<name> SOURCES <file>... [CORE] [LINK <target>...] [ENVIRONMENT <name=value>...])
# One GoogleTest program. It sees the library as users do, or with CORE the core's own C++.
function(minpy_test name)
    cmake_parse_arguments(arg "CORE" "" "SOURCES;LINK;ENVIRONMENT" ${ARGN})
    add_executable(${name} ${arg_SOURCES})
    target_link_libraries(${name} PRIVATE minpy_flags $<IF:$<BOOL:${arg_CORE}>,minpy_core,minpy>
                          ${arg_LINK}
                          GTest::gmock GTest::gtest_main)
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES LABELS cxx ENVIRONMENT "${arg_ENVIRONMENT}")
endfunction()

# minpy_script_test(<name> <script> <argument>...): a check that is a script of this folder; passes with status 0.
function(minpy_script_test name script)
    if(script MATCHES "\\.py$")
        set(interpreter ${Python_EXECUTABLE})
    else()
        set(interpreter sh)
    endif()
    add_test(NAME ${name} COMMAND ${interpreter} ${CMAKE_CURRENT_SOURCE_DIR}/${script} ${ARGN})
    set_tests_properties(${name} PROPERTIES LABELS build)
endfunction()

# minpy_backend(<name> SOURCES <file>... [TEST]): a plugin, libminpy_<name>.so. It links nothing of libminpy.
# It lies where the library looks for plugins; one for tests lies in lib/test-backends and is loaded by path.
function(minpy_backend name)
    cmake_parse_arguments(arg "TEST" "" "SOURCES" ${ARGN})
    add_library(minpy_${name} MODULE ${arg_SOURCES})
    target_link_libraries(minpy_${name} PRIVATE minpy_flags)
    set(folder minpy/backends-${MINPY_ABI_MAJOR})
    if(arg_TEST)
        set(folder test-backends)
    endif()
    set_target_properties(minpy_${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib/${folder})
    if(NOT arg_TEST)
        install(TARGETS minpy_${name} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/${folder} COMPONENT ${name})
        install(TARGETS minpy_${name} LIBRARY DESTINATION minpy/lib/${folder} COMPONENT python EXCLUDE_FROM_ALL)
    endif()
endfunction()
