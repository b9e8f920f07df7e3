// SPDX-License-Identifier: Apache-2.0
// A model file's metadata is anyone's text: whatever it says, describe() must answer or refuse, and
// what it answers must make a decoder.
#include <fuzzer/FuzzedDataProvider.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "model/decoder.hpp"
#include "model/head.hpp"

namespace {

using namespace osprey;

// Shapes of every layout, so that metadata meets a model it could belong to.
std::vector<Shape> some_outputs(FuzzedDataProvider& bytes) {
  switch (bytes.ConsumeIntegralInRange<int>(0, 7)) {
    case 0:
      return {{1, 84, 8400}};
    case 1:
      return {{1, 25200, 85}};
    case 2:
      return {{1, 8400, 85}};
    case 3:
      return {{1, 300, 6}};
    case 4:
      return {{1, 255, 80, 80}, {1, 255, 40, 40}, {1, 255, 20, 20}};
    case 5:
      return {{1, 64, 80, 80}, {1, 80, 80, 80}, {1, 1, 80, 80}};
    case 6:
      return {{-1, -1, 85}};
    default: {
      std::vector<Shape> shapes;
      for (int outputs = bytes.ConsumeIntegralInRange(0, 6); outputs > 0; --outputs) {
        Shape shape;
        for (int rank = bytes.ConsumeIntegralInRange(0, 5); rank > 0; --rank) {
          shape.push_back(bytes.ConsumeBool() ? bytes.ConsumeIntegral<std::int64_t>()
                                              : bytes.ConsumeIntegralInRange(-1, 100));
        }
        shapes.push_back(std::move(shape));
      }
      return shapes;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider bytes(data, size);
  model::ModelDescription description;
  description.path = "fuzz.onnx";
  description.inputs = {
      {"images", bytes.ConsumeBool() ? Shape{1, 3, 640, 640} : Shape{1, 3, -1, -1}}};
  for (auto& shape : some_outputs(bytes)) {
    description.outputs.push_back(
        {"o" + std::to_string(description.outputs.size()), std::move(shape)});
  }
  model::ModelOverrides overrides;
  if (bytes.ConsumeBool()) {
    const auto heads = model::head_names();
    overrides.head = heads[bytes.ConsumeIntegralInRange<std::size_t>(0, heads.size() - 1)];
  }
  for (const char* key : {"osprey.head", "osprey.input", "imgsz", "stride", "end2end"}) {
    if (bytes.ConsumeBool()) description.metadata[key] = bytes.ConsumeRandomLengthString();
  }
  if (bytes.ConsumeBool()) description.metadata["names"] = bytes.ConsumeRemainingBytesAsString();

  const auto spec = model::describe(description, overrides);
  if (!spec.ok()) return 0;
  const bool sound = spec->names.size() == static_cast<std::size_t>(spec->head.classes) &&
                     model::Decoder::create(*spec, {}).ok();
  if (!sound) std::abort();
  return 0;
}
