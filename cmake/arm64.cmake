# Cross-building for 64-bit ARM boards on another machine: Debian's compiler, and the libraries that
# `tools/bootstrap --arm64` unpacked. What was built runs here under qemu.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)

get_filename_component(deps ${CMAKE_CURRENT_LIST_DIR}/../build/deps ABSOLUTE)
set(CMAKE_SYSROOT ${deps}/arm64)
set(CMAKE_FIND_ROOT_PATH ${deps})  # OpenVINO is beside the root
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${CMAKE_SYSROOT})
set(ENV{PKG_CONFIG_LIBDIR}
    ${CMAKE_SYSROOT}/usr/lib/aarch64-linux-gnu/pkgconfig:${CMAKE_SYSROOT}/usr/share/pkgconfig)

# What libraries need in turn: the linker looks for it below the root only.
set(CMAKE_EXE_LINKER_FLAGS_INIT "-Wl,-rpath-link,${deps}/openvino-arm64/openvino/libs")

set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64-static -L ${CMAKE_SYSROOT})
