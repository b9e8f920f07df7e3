// SPDX-License-Identifier: Apache-2.0
#include "runtime/rknn/rknn_library.hpp"

#include <dlfcn.h>

#include "base/try.hpp"

namespace osprey::runtime {

namespace {

template <typename Function>
void find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
}

template <typename Function>
Status need(void* library, const std::string& path, const char* name, Function& function) {
  find(library, name, function);
  if (function != nullptr) return {};
  return Error{ErrorCode::kUnsupported, path + ": has no function " + name +
                                            "; expected Rockchip's librknnrt.so, 1.4 or newer"};
}

}  // namespace

Result<RknnLibrary> RknnLibrary::open(const std::string& path) {
  RknnLibrary library;
  // Its code stays for as long as the process does: a run that hangs may be within.
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (handle == nullptr) {
    const char* reason = dlerror();
    return Error{ErrorCode::kNotFound,
                 path + ": the NPU's runtime cannot be opened (" +
                     (reason == nullptr ? "no reason given" : reason) +
                     "); expected Rockchip's librknnrt.so, or --rknn-library FILE"};
  }
  library.handle = {handle, [](void* opened) { dlclose(opened); }};
  OSPREY_TRY(need(handle, path, "rknn_init", library.init));
  OSPREY_TRY(need(handle, path, "rknn_dup_context", library.dup_context));
  OSPREY_TRY(need(handle, path, "rknn_destroy", library.destroy));
  OSPREY_TRY(need(handle, path, "rknn_query", library.query));
  OSPREY_TRY(need(handle, path, "rknn_inputs_set", library.inputs_set));
  OSPREY_TRY(need(handle, path, "rknn_run", library.run));
  OSPREY_TRY(need(handle, path, "rknn_outputs_get", library.outputs_get));
  OSPREY_TRY(need(handle, path, "rknn_outputs_release", library.outputs_release));
  find(handle, "rknn_set_core_mask", library.set_core_mask);
  find(handle, "rknn_create_mem", library.create_mem);
  find(handle, "rknn_destroy_mem", library.destroy_mem);
  find(handle, "rknn_set_io_mem", library.set_io_mem);
  return library;
}

std::string rknn_error_text(int code) {
  switch (code) {
    case RKNN_ERR_FAIL:
      return "failed";
    case RKNN_ERR_TIMEOUT:
      return "timed out: the NPU does not answer";
    case RKNN_ERR_DEVICE_UNAVAILABLE:
      return "no NPU is there";
    case RKNN_ERR_MALLOC_FAIL:
      return "out of memory";
    case RKNN_ERR_PARAM_INVALID:
      return "refuses a parameter";
    case RKNN_ERR_MODEL_INVALID:
      return "does not take the model: expected a .rknn file for this chip";
    case RKNN_ERR_CTX_INVALID:
      return "refuses the context";
    case RKNN_ERR_INPUT_INVALID:
      return "refuses the input";
    case RKNN_ERR_OUTPUT_INVALID:
      return "refuses the outputs";
    case RKNN_ERR_DEVICE_UNMATCH:
      return "does not fit the NPU's driver: update one of them";
    case RKNN_ERR_INCOMPATIBLE_PRE_COMPILE_MODEL:
    case RKNN_ERR_INCOMPATIBLE_OPTIMIZATION_LEVEL_VERSION:
      return "is older or newer than the toolkit that made the model: convert it again";
    case RKNN_ERR_TARGET_PLATFORM_UNMATCH:
      return "the model is for another chip: convert it for rk3588";
    default:
      return "answers " + std::to_string(code);
  }
}

}  // namespace osprey::runtime
