// SPDX-License-Identifier: Apache-2.0
#include "engine/quantisation.hpp"

#include <algorithm>
#include <optional>

#include "base/scratch_folder.hpp"
#include "base/temporary_file.hpp"
#include "base/try.hpp"
#include "engine/accumulated.hpp"
#include "engine/calibration.hpp"
#include "engine/float_network.hpp"
#include "engine/tensor_scales.hpp"
#include "engine/weight_rounding.hpp"
#include "quantize/equalise.hpp"
#include "quantize/plan.hpp"
#include "quantize/write.hpp"

namespace osprey::engine {

namespace {

constexpr int kAgreementPictures = 8;
constexpr int kCorrectionPictures = 16;  // of 640x640
constexpr int kRoundingPictures = 16;    // of 640x640
constexpr int kDetailPictures = 2;
constexpr int kColourPictures = 32;  // of 640x640

/// As many pixels as `count` pictures of 640x640 have, but no less than a quarter of the pictures;
/// no more than was asked for.
int as_many_as(int count, const model::InputSpec& input, const QuantisationOptions& options) {
  const double area = static_cast<double>(input.width) * static_cast<double>(input.height);
  const auto worth = static_cast<int>(count * 640.0 * 640.0 / area);
  const int pictures = std::clamp(worth, count / 4, count);
  return options.most_pictures > 0 ? std::min(pictures, options.most_pictures) : pictures;
}

Error in_file(const std::string& path, const Error& error) {
  return {error.code, path + ": " + error.message};
}

/// A network whose tensors are known, to be written with more or fewer layers in INT8.
class Quantiser {
 public:
  Quantiser(const QuantisationOptions& options, FloatNetwork floats)
      : options_(options), floats_(std::move(floats)) {}

  /// What is in INT8 if no more layers stay in float than was asked for.
  Result<quantize::Plan> plan() const { return plan_without({}); }

  Result<std::vector<quantize::Finding>> lint(const quantize::Plan& whole) const {
    return quantize::lint(floats_.network, whole, {options_.weights.per_channel, placement()});
  }

  /// Looks at the pictures.
  Status calibrate(const quantize::Plan& whole, QuantisationReport& report) {
    std::vector<std::string> tensors;
    CalibrationOptions calibrating;
    for (const auto& point : whole.points) {
      tensors.push_back(point.tensor);
      if (point.by_channel) calibrating.with_ranges.insert(point.tensor);
    }
    calibrating.data = options_.data;
    calibrating.most_pictures = options_.most_pictures;
    calibrating.progress = progress("calibrating");
    Calibrator calibrator(of_fixed_size(), floats_.spec.input, tensors, options_.threads,
                          options_.memory);
    auto calibration = OSPREY_TRY(calibrator.run(calibrating));
    seen_ = std::move(calibration.tensors);
    report.pictures = calibration.pictures;
    report.damaged = calibration.health.damaged;
    report.first_damage = calibration.health.first_damage;
    report.passed_over = calibration.health.passed_over;
    report.passes = calibration.passes;
    if (options_.bias_correction) OSPREY_TRY(correct_means(whole, calibrator, calibrating));
    return {};
  }

  /// Chooses the steps of weights.
  Status round(const quantize::Plan& whole) {
    if (options_.rounding == Rounding::kNearest) return {};
    CalibrationOptions calibrating;
    calibrating.data = options_.data;
    calibrating.most_pictures = as_many_as(kRoundingPictures, floats_.spec.input, options_);
    calibrating.progress = progress("rounding weights");
    rounded_ = OSPREY_TRY(rounded_by_error(of_fixed_size(), floats_.spec.input, whole.layers,
                                           means_, options_, calibrating));
    return {};
  }

  /// Writes the network, these layers staying in float, too; tells what became of it if asked.
  Status write(const std::set<std::string>& in_float, const std::string& path,
               QuantisationReport* report = nullptr) const {
    const auto plan = OSPREY_TRY(plan_without(in_float));
    const auto scales = scales_of(plan, floats_, seen_, options_);
    auto network = floats_.network.copy();
    const quantize::WriteOptions writing{options_.weights, &rounded_, options_.signed_tensors};
    OSPREY_TRY(quantize::write_int8(network, plan, scales, means_, writing));
    OSPREY_TRY(network.write(path));
    if (report == nullptr) return {};
    report->layers = plan.layers.size();
    report->in_float = plan.left_out;
    for (const auto& point : plan.points) {
      const auto& seen = seen_.at(point.tensor).histogram();
      report->tensors.push_back(rounded_tensor(point, seen, scales[point.group]));
      if (options_.in_detail) report->tensors.back().histogram = in_few_bins(seen);
    }
    for (const auto& layer : plan.layers) {
      if (!options_.in_detail) break;
      report->weights.push_back(OSPREY_TRY(rounded_layer(floats_.network, layer, writing)));
    }
    return {};
  }

  const FloatNetwork& floats() const { return floats_; }

 private:
  Status correct_means(const quantize::Plan& whole, Calibrator& calibrator,
                       CalibrationOptions calibrating) {
    calibrating.most_pictures = as_many_as(kCorrectionPictures, floats_.spec.input, options_);
    calibrating.progress = progress("correcting means");
    const auto scales = scales_of(whole, floats_, seen_, options_);
    for (const auto& point : whole.points) calibrating.rounding[point.tensor] = scales[point.group];
    const auto rounding = OSPREY_TRY(calibrator.run(calibrating));
    means_ = input_means(of_fixed_size(), seen_, rounding.tensors);
    return {};
  }

  Result<quantize::Plan> plan_without(const std::set<std::string>& layers) const {
    auto in_float = options_.in_float;
    in_float.insert(layers.begin(), layers.end());
    auto plan = quantize::plan_of(floats_.network, in_float, placement());
    return plan ? std::move(plan) : in_file(options_.model, plan.error());
  }

  quantize::Placement placement() const {
    return options_.target == QuantisationTarget::kRk3588 ? quantize::Placement::kEverywhere
                                                          : quantize::Placement::kLayerInputs;
  }

  onnx::Model of_fixed_size() const {
    auto fixed = floats_.network.copy();
    const auto input = fixed.inputs().front();
    const auto& [width, height] = std::pair(floats_.spec.input.width, floats_.spec.input.height);
    if (input.shape.size() == 4) {
      const bool planes = input.shape[1] == 3;
      fixed.set_input_shape(input.name,
                            planes ? Shape{1, 3, height, width} : Shape{1, height, width, 3});
    }
    return fixed;
  }

  std::function<bool(double)> progress(const std::string& what) const {
    if (!options_.progress) return nullptr;
    return [this, what](double share) { return options_.progress(share, what); };
  }

  const QuantisationOptions& options_;
  const FloatNetwork floats_;
  Statistics seen_;
  std::map<std::string, quantize::InputMeans> means_;
  std::map<std::string, quantize::WeightSteps> rounded_;  // by names of weights: those chosen
};

Result<MixedPrecision> choose(const Quantiser& quantiser, const quantize::Plan& whole,
                              const QuantisationOptions& options) {
  MixedPrecisionOptions choosing;
  choosing.floats = quantiser.floats().path;
  choosing.spec = quantiser.floats().spec;
  for (const auto& layer : whole.layers) choosing.layers.push_back(layer.name);
  choosing.data = options.data;
  choosing.labelled = {options.labels, options.images, options.imgsz, nullptr};
  choosing.max_drop = *options.max_drop;
  choosing.write = [&](const std::set<std::string>& in_float, const std::string& path) {
    return quantiser.write(in_float, path);
  };
  choosing.progress = options.progress;
  return choose_float_layers(choosing);
}

}  // namespace

Result<QuantisationReport> quantise(const QuantisationOptions& options) {
  QuantisationReport report;
  auto floats = OSPREY_TRY(read_floats(options.model, options.imgsz));
  const auto scratch = OSPREY_TRY(base::ScratchFolder::create());
  if (options.target == QuantisationTarget::kRk3588) {
    auto cut = OSPREY_TRY(without_head(floats, options.imgsz, scratch / "without_head.onnx"));
    if (cut) {
      floats = std::move(*cut);
      for (const auto& output : floats.network.outputs()) report.outputs.push_back(output.name);
    }
  }
  if (options.equalise) OSPREY_TRY(quantize::equalise(floats.network));
  Quantiser quantiser(options, std::move(floats));
  const auto plan = OSPREY_TRY(quantiser.plan());
  report.findings = OSPREY_TRY(quantiser.lint(plan));
  if (options.only_lint) return report;
  // Whether the file can be written is told before the work begins.
  auto target = OSPREY_TRY(base::TemporaryFile::create(options.output, options.output));
  if (options.progress && !options.progress(0, "looking at colours")) {
    return Error{ErrorCode::kCancelled, "interrupted"};
  }
  const auto& [path, network, spec] = quantiser.floats();
  const auto coloured =
      OSPREY_TRY(pictures_of(options.data, as_many_as(kColourPictures, spec.input, options)));
  report.colours = OSPREY_TRY(colour_evidence(path, spec, coloured, kAgreementPictures));
  OSPREY_TRY(quantiser.calibrate(plan, report));
  OSPREY_TRY(quantiser.round(plan));
  if (options.max_drop) report.mixed = OSPREY_TRY(choose(quantiser, plan, options));
  const auto made = scratch / "int8.onnx";
  OSPREY_TRY(quantiser.write(report.mixed ? report.mixed->in_float : std::set<std::string>(), made,
                             &report));
  if (options.progress && !options.progress(1, "comparing with the floats")) {
    return Error{ErrorCode::kCancelled, "interrupted"};
  }
  if (options.in_detail) {
    const auto few = OSPREY_TRY(pictures_of(options.data, kDetailPictures));
    for (auto& one : OSPREY_TRY(accumulated_errors(network, made, spec, few))) {
      for (auto& tensor : report.tensors) {
        if (tensor.name == one.output) tensor.accumulated = one;
      }
    }
  }
  report.agreement = OSPREY_TRY(agreement(report.colours.answers, made, spec));
  OSPREY_TRY(target.copy_from(made));
  OSPREY_TRY(target.commit());
  return report;
}

}  // namespace osprey::engine
