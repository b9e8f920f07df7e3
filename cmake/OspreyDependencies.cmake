# Third-party packages. Each target below is used by the one adapter that owns it.
#
# All are looked for before any is missed, so that one message names everything that is not there.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
set(missing "")

macro(osprey_find package)
  find_package(${package} QUIET ${ARGN})
  if(NOT ${package}_FOUND)
    list(APPEND missing ${package})
  endif()
endmacro()

macro(osprey_find_library variable library include_variable header)
  find_library(${variable} ${library})
  find_path(${include_variable} ${header})
  if(NOT ${variable} OR NOT ${include_variable})
    list(APPEND missing "${library} (${header})")
  endif()
endmacro()

pkg_check_modules(FFMPEG QUIET IMPORTED_TARGET libavformat libavcodec libavutil libswscale)
if(NOT FFMPEG_FOUND)
  list(APPEND missing FFmpeg)
endif()
osprey_find(OpenCV COMPONENTS core imgproc imgcodecs)
osprey_find(nlohmann_json)
osprey_find(simdjson)
osprey_find(pugixml)
osprey_find(yaml-cpp)
osprey_find(CLI11)
osprey_find(Protobuf)
osprey_find_library(YUV_LIBRARY yuv YUV_INCLUDE_DIR libyuv.h)
osprey_find_library(ONNX_PROTO_LIBRARY onnx_proto ONNX_INCLUDE_DIR onnx/onnx_pb.h)
if(OSPREY_BUILD_TESTS)
  osprey_find(GTest)
  find_path(FLATBUFFERS_INCLUDE_DIR flatbuffers/flatbuffers.h)
  if(NOT FLATBUFFERS_INCLUDE_DIR)
    list(APPEND missing "FlatBuffers (flatbuffers/flatbuffers.h)")
  endif()
endif()
if(OSPREY_BUILD_BENCH)
  osprey_find(benchmark)
endif()

# OpenVINO comes as a PyPI wheel that tools/bootstrap unpacks; its cmake folder serves OpenVINO and
# the TBB it was built with.
set(OSPREY_OPENVINO_ROOT "${CMAKE_SOURCE_DIR}/build/deps/openvino/openvino" CACHE PATH
    "Folder of the openvino package of the wheel (has cmake/, include/ and libs/)")
set(OpenVINO_DIR ${OSPREY_OPENVINO_ROOT}/cmake)
set(TBB_DIR ${OSPREY_OPENVINO_ROOT}/cmake)
osprey_find(OpenVINO COMPONENTS Runtime)

if(missing)
  list(JOIN missing ", " missing)
  message(FATAL_ERROR "Not found: ${missing}.\n`make deps` (tools/bootstrap) installs what building needs.")
endif()

add_library(osprey_libyuv INTERFACE)
target_include_directories(osprey_libyuv SYSTEM INTERFACE ${YUV_INCLUDE_DIR})
target_link_libraries(osprey_libyuv INTERFACE ${YUV_LIBRARY})

add_library(osprey_onnx_proto INTERFACE)
target_include_directories(osprey_onnx_proto SYSTEM INTERFACE ${ONNX_INCLUDE_DIR})
target_compile_definitions(osprey_onnx_proto INTERFACE ONNX_ML=1 ONNX_NAMESPACE=onnx)
target_link_libraries(osprey_onnx_proto INTERFACE ${ONNX_PROTO_LIBRARY} protobuf::libprotobuf)

# Imported targets' headers are not ours to warn about.
foreach(target PkgConfig::FFMPEG openvino::runtime)
  get_target_property(includes ${target} INTERFACE_INCLUDE_DIRECTORIES)
  if(includes)
    set_target_properties(${target} PROPERTIES INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${includes}")
  endif()
endforeach()
set(OSPREY_OPENCV_LIBRARIES opencv_core opencv_imgproc opencv_imgcodecs)
