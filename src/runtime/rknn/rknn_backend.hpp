// SPDX-License-Identifier: Apache-2.0
// Rockchip's NPUs (RK3588: three cores) as a runtime.
#pragma once

#include <osprey/result.hpp>

#include <memory>
#include <string>

#include "runtime/backend.hpp"

namespace osprey::runtime {

/// Models are .rknn files. They hold their own normalisation: pictures go in as bytes, and
/// InputSpec's mean and std are not used. A lane is two contexts, one a slot, on the cores of
/// its mask (SessionOptions::core_masks), each with a thread, since the runtime's calls block. All
/// contexts share the weights. `library`: see RknnLibrary::open().
Result<std::unique_ptr<Backend>> create_rknn_backend(const std::string& library);

}  // namespace osprey::runtime
