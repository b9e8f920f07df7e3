// SPDX-License-Identifier: Apache-2.0
#include "engine/accumulated.hpp"

#include "base/scratch_folder.hpp"
#include "base/try.hpp"
#include "onnx/wiring.hpp"

namespace osprey::engine {

Result<std::vector<Agreement>> accumulated_errors(const onnx::Model& floats,
                                                  const std::string& int8,
                                                  const model::ModelSpec& spec,
                                                  const Pictures& pictures) {
  auto rounding = OSPREY_TRY(onnx::Model::read(int8));
  const onnx::Wiring wiring(rounding), plain(floats);
  std::vector<std::string> ours, theirs;
  for (const auto& node : wiring.nodes()) {
    if (node.op != "QuantizeLinear" || wiring.input(node.inputs.front()) != nullptr) continue;
    const auto& readers = wiring.readers(node.outputs.front());
    if (readers.empty()) continue;
    const auto& rounded = wiring.nodes()[readers.front().first].outputs.front();
    // An output keeps its name for the rounded values.
    const auto& name = plain.maker(node.inputs.front()) ? node.inputs.front() : rounded;
    if (!plain.maker(name)) continue;
    ours.push_back(name);
    theirs.push_back(rounded);
  }
  if (ours.empty()) return std::vector<Agreement>();
  auto shown = floats.copy();
  shown.end_at(ours);
  rounding.end_at(theirs);
  const auto scratch = OSPREY_TRY(base::ScratchFolder::create());
  OSPREY_TRY(shown.write(scratch / "floats.onnx"));
  OSPREY_TRY(rounding.write(scratch / "int8.onnx"));
  // As values and nothing else: no boxes, no scores.
  model::ModelSpec values;
  values.input = spec.input;
  values.head.kind = model::HeadKind::kAnchorGrid;
  const auto answers = OSPREY_TRY(answers_of(scratch / "floats.onnx", values, pictures));
  return agreement(answers, scratch / "int8.onnx", values);
}

}  // namespace osprey::engine
