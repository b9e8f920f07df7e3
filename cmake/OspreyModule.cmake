# osprey_module(<folder> [PUBLIC lib...] [PRIVATE lib...] [TEST lib...])
#
# Makes the static library osprey_<folder> (slashes become underscores) of the folder's *.cpp, the
# program <name>_tests of its *_test.cpp (each test known to ctest) and <name>_bench of its
# *_bench.cpp. PUBLIC names modules whose headers ours include; PRIVATE what only our .cpp use; TEST
# what only the tests use.
include(GoogleTest)

function(osprey_module folder)
  cmake_parse_arguments(ARG "" "" "PUBLIC;PRIVATE;TEST" ${ARGN})
  string(REPLACE "/" "_" name ${folder})
  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  file(GLOB tests CONFIGURE_DEPENDS *_test.cpp)
  file(GLOB benches CONFIGURE_DEPENDS *_bench.cpp)
  if(tests OR benches)
    list(REMOVE_ITEM sources ${tests} ${benches})
  endif()

  if(sources)
    add_library(osprey_${name} STATIC ${sources})
    set(scope PUBLIC)
    target_link_libraries(osprey_${name} PRIVATE osprey_flags ${ARG_PRIVATE})
    if(OSPREY_BUILD_FUZZ)
      target_compile_options(osprey_${name} PRIVATE -fsanitize=fuzzer-no-link)
    endif()
    set_property(GLOBAL APPEND PROPERTY OSPREY_MODULES osprey_${name})
  else()
    add_library(osprey_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(osprey_${name} ${scope} ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/include)
  target_link_libraries(osprey_${name} ${scope} ${ARG_PUBLIC} Threads::Threads)

  if(tests AND OSPREY_BUILD_TESTS)
    osprey_test(${name}_tests SOURCES ${tests} LIBS osprey_${name} ${ARG_TEST})
  endif()
  if(benches AND OSPREY_BUILD_BENCH)
    add_executable(${name}_bench ${benches})
    target_link_libraries(${name}_bench PRIVATE osprey_flags osprey_${name} ${ARG_TEST} ${ARG_PRIVATE}
                          benchmark::benchmark)
  endif()
endfunction()

# osprey_test(<name> SOURCES file... LIBS lib... [LABEL label])
#
# The target <label>_tests (unit_tests, ...) builds every test program of that label.
function(osprey_test name)
  cmake_parse_arguments(ARG "" "LABEL" "SOURCES;LIBS" ${ARGN})
  if(NOT ARG_LABEL)
    set(ARG_LABEL unit)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  # Tests are compiled more often than they run: this takes half the time of what the rest has.
  if(NOT OSPREY_SANITIZE)
    target_compile_options(${name} PRIVATE -O1)
  endif()
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE osprey_flags ${ARG_LIBS} GTest::gtest GTest::gmock GTest::gtest_main)
  if(NOT TARGET ${ARG_LABEL}_tests)
    add_custom_target(${ARG_LABEL}_tests)
  endif()
  add_dependencies(${ARG_LABEL}_tests ${name})
  if(OSPREY_SANITIZE)
    # Each start of a program costs half a second there: all of its tests run in one. Those of many
    # files take the longest, and begin first.
    add_test(NAME ${name} COMMAND ${name} --gtest_brief=1)
    list(LENGTH ARG_SOURCES files)
    set_tests_properties(${name} PROPERTIES TIMEOUT 1200 LABELS ${ARG_LABEL} COST ${files})
  else()
    gtest_discover_tests(${name} PROPERTIES TIMEOUT 600 LABELS ${ARG_LABEL} DISCOVERY_TIMEOUT 60)
  endif()
endfunction()
