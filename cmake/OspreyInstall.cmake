# The shared library, and what `cmake --install` puts where:
#
#   bin/osprey                the command
#   lib/libosprey.so          the library, include/osprey/ its headers, lib/cmake/osprey/ for find_package
#   lib/osprey/               the OpenVINO runtime and the picture module both use, found relative to them
#   share/doc/osprey/         documentation and licences
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

get_property(modules GLOBAL PROPERTY OSPREY_MODULES)
file(GLOB public_headers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/include/osprey/*)
add_library(osprey_library SHARED ${public_headers})
add_library(osprey::osprey ALIAS osprey_library)
# The modules' objects go in whole, since nothing but the public functions refers to them; the modules
# themselves are linked for the sake of the libraries they need.
foreach(module ${modules})
  target_sources(osprey_library PRIVATE $<TARGET_OBJECTS:${module}>)
endforeach()
target_link_libraries(osprey_library PRIVATE ${modules})
set_target_properties(osprey_library PROPERTIES
  OUTPUT_NAME osprey
  EXPORT_NAME osprey
  VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}  # before 1.0 a minor version may break
  LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib
  INSTALL_RPATH "$ORIGIN/osprey")
if(NOT OSPREY_SANITIZE)  # sanitizers leave their own functions to the program
  target_link_options(osprey_library PRIVATE -Wl,--no-undefined)
endif()
target_include_directories(osprey_library INTERFACE
  $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_compile_features(osprey_library INTERFACE cxx_std_20)

file(RELATIVE_PATH runtime_from_bin
     ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR}/osprey)
set_target_properties(osprey_app PROPERTIES INSTALL_RPATH "$ORIGIN/${runtime_from_bin}")

install(TARGETS osprey_app RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS osprey_pictures LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/osprey)
install(TARGETS osprey_library EXPORT osprey LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${public_headers} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/osprey)

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/osprey)
install(EXPORT osprey NAMESPACE osprey:: FILE ospreyConfig.cmake DESTINATION ${package_folder})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/ospreyConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/ospreyConfigVersion.cmake DESTINATION ${package_folder})

# OpenVINO finds its plugins and readers beside libopenvino.so.
install(DIRECTORY ${OSPREY_OPENVINO_ROOT}/libs/ DESTINATION ${CMAKE_INSTALL_LIBDIR}/osprey
        FILES_MATCHING REGEX
        "/lib(openvino|openvino_(intel|arm)_cpu_plugin|openvino_(ir|onnx|tensorflow_lite)_frontend|tbb[^/]*|hwloc)\\.so[^/]*$")

install(FILES README.md ARCHITECTURE.md CHANGELOG.md CONTRIBUTING.md THIRD_PARTY.md LICENSE
        DESTINATION ${CMAKE_INSTALL_DOCDIR} OPTIONAL)
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR})
# The service. The prefix is known when it is installed, not before.
install(CODE "set(PREFIX \"\${CMAKE_INSTALL_PREFIX}\")
  configure_file(${CMAKE_SOURCE_DIR}/packaging/osprey.service.in ${CMAKE_BINARY_DIR}/osprey.service @ONLY)")
install(FILES ${CMAKE_BINARY_DIR}/osprey.service DESTINATION lib/systemd/system)
install(FILES packaging/sysusers.conf DESTINATION lib/sysusers.d RENAME osprey.conf)
install(FILES packaging/osprey.yaml DESTINATION ${CMAKE_INSTALL_DOCDIR})
file(GLOB openvino_licenses ${OSPREY_OPENVINO_ROOT}/../openvino-*.dist-info/licenses)
if(openvino_licenses)
  install(DIRECTORY ${openvino_licenses}/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/openvino)
endif()
