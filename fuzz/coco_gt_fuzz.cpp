// SPDX-License-Identifier: Apache-2.0
// Any bytes as a COCO ground truth: an answer or an error, never a crash.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sinks/coco_ground_truth.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view json(reinterpret_cast<const char*>(data), size);
  const auto truth = osprey::sinks::parse_coco_ground_truth(json, "fuzz");
  if (!truth.ok()) {
    // Every error says where, and what was wrong there.
    if (!truth.error().message.starts_with("fuzz: ") || truth.error().message.size() < 10) abort();
    return 0;
  }
  for (const auto& [name, id] : truth->images) {
    if (truth->image_id(name) != id) abort();
  }
  return 0;
}
