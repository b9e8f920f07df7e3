// SPDX-License-Identifier: Apache-2.0
#include "engine/quantisation.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>

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

/// Scales of the groups, from what their tensors held together.
std::vector<quantize::Scale> scales_of(
    const quantize::Plan& plan, const std::map<std::string, quantize::TensorStatistics>& seen,
    const std::string& input, const QuantisationOptions& options) {
  std::vector<quantize::Histogram> together(plan.groups);
  std::vector<bool> holds_input(plan.groups, false);
  for (const auto& point : plan.points) {
    together[point.group].merge(seen.at(point.tensor).histogram());
    if (point.tensor == input) holds_input[point.group] = true;
  }
  std::vector<quantize::Scale> scales;
  for (std::size_t i = 0; i < plan.groups; ++i) {
    // Pixels have their range by definition.
    const auto algorithm = holds_input[i] ? quantize::Algorithm::kNormal : options.algorithm;
    auto range = quantize::choose_range(together[i], algorithm, options.percentile);
    if (holds_input[i] && options.overflow_fix) range.high += range.high - range.low;
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

}  // namespace

Result<QuantisationReport> quantise(const QuantisationOptions& options) {
  Options understanding;
  understanding.model = options.model;
  understanding.imgsz = options.imgsz;
  auto file = OSPREY_TRY(read_model(understanding));
  if (file.description.format != "ONNX") {
    return Error{ErrorCode::kUnsupported, options.model + ": expected an ONNX file"};
  }
  const auto spec = OSPREY_TRY(understand(file, understanding));
  file.loaded.reset();
  auto network = OSPREY_TRY(onnx::Model::read(options.model));
  if (network.opset() < quantize::kLeastOpset) {
    OSPREY_TRY(network.convert(quantize::kLeastOpset));
  }
  const auto plan = quantize::plan_of(network, options.in_float);
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

  const auto scales = scales_of(*plan, calibration.tensors, input.name, options);
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

  QuantisationReport report;
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
  report.agreement =
      OSPREY_TRY(agreement(options.model, options.output, spec, options.data, kAgreementPictures));
  return report;
}

}  // namespace osprey::engine
