// SPDX-License-Identifier: Apache-2.0
// Any bytes as an ONNX file: reading, asking, shape inference and the checker must fail politely.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "onnx/model.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto model = osprey::onnx::Model::parse(bytes, "fuzz");
  if (!model.ok()) return 0;
  (void)model->inputs();
  (void)model->outputs();
  (void)model->metadata();
  (void)model->infer_shapes(1);
  (void)model->check();
  return 0;
}
