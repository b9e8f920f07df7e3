# Third-party packages. Each target below is used by the one adapter that owns it.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(FFMPEG REQUIRED IMPORTED_TARGET libavformat libavcodec libavutil libswscale)
find_package(OpenCV REQUIRED COMPONENTS core imgproc imgcodecs)
find_package(nlohmann_json REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(Protobuf REQUIRED)

# OpenVINO comes as a PyPI wheel that tools/bootstrap unpacks into a private environment; its cmake
# folder serves OpenVINO and the TBB it was built with.
set(OSPREY_OPENVINO_ROOT "${CMAKE_SOURCE_DIR}/build/deps/openvino/openvino" CACHE PATH
    "Folder of the openvino package of the wheel (has cmake/, include/ and libs/)")
set(OpenVINO_DIR ${OSPREY_OPENVINO_ROOT}/cmake)
set(TBB_DIR ${OSPREY_OPENVINO_ROOT}/cmake)
find_package(OpenVINO REQUIRED COMPONENTS Runtime)

find_library(YUV_LIBRARY yuv REQUIRED)
find_path(YUV_INCLUDE_DIR libyuv.h REQUIRED)
add_library(osprey_libyuv INTERFACE)
target_include_directories(osprey_libyuv SYSTEM INTERFACE ${YUV_INCLUDE_DIR})
target_link_libraries(osprey_libyuv INTERFACE ${YUV_LIBRARY})

find_library(ONNX_PROTO_LIBRARY onnx_proto REQUIRED)
find_path(ONNX_INCLUDE_DIR onnx/onnx_pb.h REQUIRED)
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

if(OSPREY_BUILD_TESTS)
  find_package(GTest REQUIRED)
endif()
if(OSPREY_BUILD_BENCH)
  find_package(benchmark REQUIRED)
endif()
