// SPDX-License-Identifier: Apache-2.0
#include "engine/optimisation.hpp"

#include <algorithm>

#include "base/scratch_folder.hpp"
#include "base/try.hpp"
#include "engine/prepared_model.hpp"
#include "onnx/fusion.hpp"
#include "onnx/rewrite.hpp"
#include "runtime/openvino/executed_steps.hpp"

namespace osprey::engine {

namespace {

constexpr int kProofPictures = 3;
/// Of the largest value. Rounding in another order gives 1e-6 and, deep in a network, 1e-5.
constexpr double kLargestDifference = 1e-3;

}  // namespace

Result<Optimisation> optimise(const std::string& model, const std::vector<int>& imgsz,
                              const std::string& output) {
  const auto spec = OSPREY_TRY(read_onnx_detector(model, imgsz)).spec;
  auto network = OSPREY_TRY(onnx::Model::read(model));
  Optimisation done;
  done.changes = onnx::rewrite(network);
  if (done.changes.empty()) return done;
  const auto scratch = OSPREY_TRY(base::ScratchFolder::create());
  OSPREY_TRY(network.write(scratch / "rewritten.onnx"));
  const auto answers =
      OSPREY_TRY(answers_of(model, spec, made_up_pictures(spec.input, kProofPictures)));
  done.agreement = OSPREY_TRY(agreement(answers, scratch / "rewritten.onnx", spec));
  for (const auto& one : done.agreement) {
    if (one.largest <= kLargestDifference) continue;
    return Error{ErrorCode::kInternal, model + ": rewritten, output " + one.output +
                                           " differs by " + std::to_string(one.largest) +
                                           " of its largest value; nothing is written"};
  }
  OSPREY_TRY(network.write(output));
  return done;
}

Result<std::vector<FusionHere>> fusions(const std::string& model) {
  const auto network = OSPREY_TRY(onnx::Model::read(model));
  const auto steps = OSPREY_TRY(runtime::executed_steps(model));
  std::vector<FusionHere> found;
  for (auto& fusion : onnx::find_fusions(network)) {
    FusionHere here{onnx::name_of(fusion.kind), fusion.layer, fusion.nodes, fusion.blocked, false};
    for (const auto& step : steps) {
      const auto holds = [&](const std::string& name) {
        return std::find(step.nodes.begin(), step.nodes.end(), name) != step.nodes.end();
      };
      // OpenVINO calls a layer so once it has taken its bias apart.
      const bool layer = holds(here.layer) || holds(here.layer + "/WithoutBiases");
      here.joined = here.joined || (layer && holds(here.nodes.back()));
    }
    found.push_back(std::move(here));
  }
  return found;
}

}  // namespace osprey::engine
