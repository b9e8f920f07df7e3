// SPDX-License-Identifier: Apache-2.0
// Rockchip's runtime, opened while the program runs: nothing of it is needed to build.
#pragma once

#include <osprey/result.hpp>

#include <memory>
#include <string>

#include "runtime/rknn/rknn_abi.h"

namespace osprey::runtime {

/// The library's functions. Immutable; threads may share it.
struct RknnLibrary {
  decltype(&rknn_init) init = nullptr;
  decltype(&rknn_dup_context) dup_context = nullptr;
  decltype(&rknn_destroy) destroy = nullptr;
  decltype(&rknn_query) query = nullptr;
  decltype(&rknn_inputs_set) inputs_set = nullptr;
  decltype(&rknn_run) run = nullptr;
  decltype(&rknn_outputs_get) outputs_get = nullptr;
  decltype(&rknn_outputs_release) outputs_release = nullptr;
  // Null in runtimes that are too old, or for a chip of one core.
  decltype(&rknn_set_core_mask) set_core_mask = nullptr;
  decltype(&rknn_create_mem) create_mem = nullptr;
  decltype(&rknn_destroy_mem) destroy_mem = nullptr;
  decltype(&rknn_set_io_mem) set_io_mem = nullptr;
  std::shared_ptr<void> handle;  ///< closes it

  /// `path`: a file, or a name that the system's loader finds. Errors: there is none; a function is
  /// missing, which is named.
  static Result<RknnLibrary> open(const std::string& path);
};

/// What a function's negative answer means, and what to do about it.
std::string rknn_error_text(int code);

}  // namespace osprey::runtime
