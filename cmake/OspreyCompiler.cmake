# Language level, warnings, sanitizers and ccache for everything that is built here.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_BUILD_RPATH ${CMAKE_BINARY_DIR}/lib)  # where modules loaded at run time are

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Build type" FORCE)
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

add_library(osprey_flags INTERFACE)
target_compile_options(osprey_flags INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor
                       -Woverloaded-virtual -Wno-missing-field-initializers -Werror)
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "aarch64" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(osprey_flags INTERFACE -Wno-restrict)  # sees overlaps in std::string that are not there (GCC bug 105651)
endif()
if(OSPREY_SANITIZE)
  add_compile_options(-fsanitize=${OSPREY_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${OSPREY_SANITIZE})
endif()
if(CMAKE_UNITY_BUILD)
  target_compile_options(osprey_flags INTERFACE -Wno-shadow)  # names of one source seen from another
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(osprey_flags INTERFACE -Wno-subobject-linkage)  # a unit's sources look like headers to it
  endif()
endif()

# Installed files name no folder of the machine that built them; debug information still does.
add_compile_options(-fmacro-prefix-map=${CMAKE_SOURCE_DIR}/=)
