// SPDX-License-Identifier: Apache-2.0
#include "engine/quantisation.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>

#include "base/scratch_folder.hpp"
#include "base/temporary_file.hpp"
#include "base/try.hpp"
#include "engine/calibration.hpp"
#include "engine/prepared_model.hpp"
#include "onnx/model.hpp"
#include "quantize/plan.hpp"
#include "quantize/write.hpp"

namespace osprey::engine {

namespace {

constexpr int kAgreementPictures = 8;
constexpr int kCorrectionPictures = 16;

Error in_file(const std::string& path, const Error& error) {
  return {error.code, path + ": " + error.message};
}

/// The network of floats that becomes INT8.
struct Floats {
  std::string path;
  onnx::Model network;
  model::ModelSpec spec;
};

/// Scores before sigmoid that are lower all mean "nothing": 0.0003.
constexpr double kLeastLogit = -8;

/// What is known of a group of tensors beyond the values seen.
struct Role {
  bool pixels = false, output = false, score = false;
};

std::vector<Role> roles_of(const quantize::Plan& plan, const Floats& floats) {
  const auto outputs = floats.network.outputs();
  const auto input = floats.network.inputs().front().name;
  std::vector<Role> roles(plan.groups);
  for (const auto& point : plan.points) {
    auto& role = roles[point.group];
    role.pixels = role.pixels || point.tensor == input;
    for (const auto& output : outputs) role.output = role.output || output.name == point.tensor;
    for (const auto& split : floats.spec.head.splits) {
      const auto& score = outputs[static_cast<std::size_t>(split.score_output)].name;
      if (floats.spec.head.scores_are_logits && score == point.tensor) role.score = true;
    }
  }
  return roles;
}

/// Scales of the groups, from what their tensors held together.
std::vector<quantize::Scale> scales_of(
    const quantize::Plan& plan, const Floats& floats,
    const std::map<std::string, quantize::TensorStatistics>& seen,
    const QuantisationOptions& options) {
  std::vector<quantize::Histogram> together(plan.groups);
  for (const auto& point : plan.points) {
    together[point.group].merge(seen.at(point.tensor).histogram());
  }
  const auto roles = roles_of(plan, floats);
  std::vector<quantize::Scale> scales;
  for (std::size_t i = 0; i < plan.groups; ++i) {
    // Pixels have their range by definition; of outputs the rare high values are what is looked
    // for.
    const bool whole = roles[i].pixels || roles[i].output;
    const auto algorithm = whole ? quantize::Algorithm::kNormal : options.algorithm;
    auto range = quantize::choose_range(together[i], algorithm, options.percentile);
    if (roles[i].score) range.low = std::max(range.low, kLeastLogit);
    if (roles[i].pixels && options.overflow_fix) range.high += range.high - range.low;
    scales.push_back(quantize::scale_of(range));
  }
  return scales;
}

using Statistics = std::map<std::string, quantize::TensorStatistics>;

std::map<std::string, std::vector<float>> means_of(const onnx::Model& network,
                                                   const Statistics& seen) {
  std::map<std::string, std::vector<float>> means;
  for (const auto& [name, statistics] : seen) {
    if (auto of_channels = statistics.channel_means(); !of_channels.empty()) {
      means[name] = std::move(of_channels);
    }
  }
  quantize::follow_means(network, means);
  return means;
}

std::map<std::string, quantize::InputMeans> input_means(const onnx::Model& network,
                                                        const Statistics& values,
                                                        const Statistics& rounding) {
  std::map<std::string, quantize::InputMeans> means;
  for (auto& [name, of_values] : means_of(network, values)) {
    means[name].values = std::move(of_values);
  }
  for (auto& [name, of_rounding] : means_of(network, rounding)) {
    means[name].rounding = std::move(of_rounding);
  }
  return means;
}

RoundedTensor rounded_tensor(const quantize::Point& point, const quantize::Histogram& seen,
                             const quantize::Scale& scale) {
  const auto error = quantize::error_of(seen, scale);
  RoundedTensor tensor;
  tensor.name = point.tensor;
  tensor.group = point.group;
  tensor.lowest = seen.lowest();
  tensor.highest = seen.highest();
  tensor.scale = scale;
  tensor.clipped = error.clipped;
  tensor.snr_db = error.mean_square > 0 ? 10 * std::log10(error.signal / error.mean_square) : 0;
  return tensor;
}

Result<Floats> read_floats(const std::string& path, const std::vector<int>& imgsz) {
  Options understanding;
  understanding.model = path;
  understanding.imgsz = imgsz;
  const auto file = OSPREY_TRY(read_model(understanding));
  if (file.description.format != "ONNX") {
    return Error{ErrorCode::kUnsupported, path + ": expected an ONNX file"};
  }
  auto spec = OSPREY_TRY(understand(file, understanding));
  auto network = OSPREY_TRY(onnx::Model::read(path));
  if (network.opset() < quantize::kLeastOpset) {
    OSPREY_TRY(network.convert(quantize::kLeastOpset));
  }
  return Floats{path, std::move(network), std::move(spec)};
}

/// The network up to its head, as `path`; nothing where it ends there, or where nobody could read
/// such outputs.
Result<std::optional<Floats>> without_head(const Floats& whole, const std::vector<int>& imgsz,
                                           const std::string& path) {
  // Its parts look like distances and sums of scores, which they are not.
  if (whole.spec.head.kind == model::HeadKind::kYoloxGrid) return std::optional<Floats>();
  const auto tensors = quantize::head_of(whole.network).tensors;
  std::vector<std::string> outputs;
  for (const auto& output : whole.network.outputs()) outputs.push_back(output.name);
  if (tensors.empty() ||
      std::is_permutation(tensors.begin(), tensors.end(), outputs.begin(), outputs.end())) {
    return std::optional<Floats>();
  }
  auto cut = whole.network.copy();
  cut.end_at(tensors);
  OSPREY_TRY(cut.write(path));
  auto read = read_floats(path, imgsz);
  return read ? std::optional<Floats>(std::move(*read)) : std::nullopt;
}

}  // namespace

Result<QuantisationReport> quantise(const QuantisationOptions& options) {
  const bool for_npu = options.target == QuantisationTarget::kRk3588;
  QuantisationReport report;
  auto floats = OSPREY_TRY(read_floats(options.model, options.imgsz));
  const auto scratch = OSPREY_TRY(base::ScratchFolder::create());
  if (for_npu) {
    auto cut = OSPREY_TRY(without_head(floats, options.imgsz, scratch / "without_head.onnx"));
    if (cut) {
      floats = std::move(*cut);
      for (const auto& output : floats.network.outputs()) report.outputs.push_back(output.name);
    }
  }
  auto& network = floats.network;
  const auto& spec = floats.spec;
  const auto plan = quantize::plan_of(
      network, options.in_float,
      for_npu ? quantize::Placement::kEverywhere : quantize::Placement::kLayerInputs);
  if (!plan) return in_file(options.model, plan.error());

  // Whether the file can be written is told before the work begins.
  OSPREY_TRY(base::TemporaryFile::create(options.output, options.output));

  std::vector<std::string> tensors;
  for (const auto& point : plan->points) tensors.push_back(point.tensor);
  CalibrationOptions calibrating;
  calibrating.data = options.data;
  calibrating.most_pictures = options.most_pictures;
  calibrating.threads = options.threads;
  calibrating.memory = options.memory;
  if (options.progress) {
    calibrating.progress = [&](double share) { return options.progress(share, "calibrating"); };
  }
  auto fixed = network.copy();
  const auto input = network.inputs().front();
  if (input.shape.size() == 4) {
    const bool planes = input.shape[1] == 3;
    fixed.set_input_shape(input.name, planes ? Shape{1, 3, spec.input.height, spec.input.width}
                                             : Shape{1, spec.input.height, spec.input.width, 3});
  }
  const auto calibration = OSPREY_TRY(calibrate(fixed, spec.input, tensors, calibrating));

  const auto scales = scales_of(*plan, floats, calibration.tensors, options);
  std::map<std::string, quantize::InputMeans> means;
  if (options.bias_correction) {
    calibrating.most_pictures = kCorrectionPictures;
    if (options.most_pictures > 0) {
      calibrating.most_pictures = std::min(kCorrectionPictures, options.most_pictures);
    }
    for (const auto& point : plan->points) {
      calibrating.rounding[point.tensor] = scales[point.group];
    }
    if (options.progress) {
      calibrating.progress = [&](double share) {
        return options.progress(share, "correcting means");
      };
    }
    const auto rounding = OSPREY_TRY(calibrate(fixed, spec.input, tensors, calibrating));
    means = input_means(fixed, calibration.tensors, rounding.tensors);
  }
  OSPREY_TRY(quantize::write_int8(network, *plan, scales, means, {options.per_channel}));
  OSPREY_TRY(network.write(options.output));

  report.layers = plan->layers.size();
  report.in_float = plan->left_out;
  report.pictures = calibration.pictures;
  report.damaged = calibration.health.damaged;
  report.first_damage = calibration.health.first_damage;
  report.passed_over = calibration.health.passed_over;
  report.passes = calibration.passes;
  for (const auto& point : plan->points) {
    report.tensors.push_back(rounded_tensor(point, calibration.tensors.at(point.tensor).histogram(),
                                            scales[point.group]));
  }
  if (options.progress && !options.progress(1, "comparing with the floats")) return report;
  const auto pictures = OSPREY_TRY(pictures_of(options.data, kAgreementPictures));
  report.agreement = OSPREY_TRY(agreement(floats.path, options.output, spec, pictures));
  return report;
}

}  // namespace osprey::engine
