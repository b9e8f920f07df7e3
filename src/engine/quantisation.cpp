// SPDX-License-Identifier: Apache-2.0
#include "engine/quantisation.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <optional>

#include "base/scratch_folder.hpp"
#include "base/temporary_file.hpp"
#include "base/try.hpp"
#include "engine/accumulated.hpp"
#include "engine/calibration.hpp"
#include "engine/prepared_model.hpp"
#include "onnx/model.hpp"
#include "onnx/rewrite.hpp"
#include "quantize/equalise.hpp"
#include "quantize/plan.hpp"
#include "quantize/write.hpp"

namespace osprey::engine {

namespace {

constexpr int kAgreementPictures = 8;
constexpr int kCorrectionPictures = 16;
constexpr int kDetailPictures = 2;
constexpr int kColourPictures = 32;

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
  std::map<std::size_t, const quantize::TensorStatistics*> by_channel;  // of a group
  for (const auto& point : plan.points) {
    const auto& statistics = seen.at(point.tensor);
    if (point.by_channel && !statistics.channel_lows().empty()) {
      by_channel[point.group] = &statistics;
    }
  }
  std::vector<quantize::Scale> scales;
  for (std::size_t i = 0; i < plan.groups; ++i) {
    if (const auto found = by_channel.find(i); found != by_channel.end() && !roles[i].pixels) {
      const auto& [lows, highs] =
          std::tie(found->second->channel_lows(), found->second->channel_highs());
      scales.push_back(quantize::scale_by_channel(lows, highs));
      continue;
    }
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
  tensor.cosine = error.cosine;
  return tensor;
}

/// In so few bins that a page can draw them.
std::vector<std::uint64_t> in_few_bins(const quantize::Histogram& seen) {
  constexpr std::size_t kMost = 96;
  const auto bins = seen.bins();
  std::vector<std::uint64_t> few(std::min(bins.size(), kMost), 0);
  for (std::size_t i = 0; i < bins.size(); ++i) few[i * few.size() / bins.size()] += bins[i];
  return few;
}

Result<RoundedLayer> rounded_layer(const onnx::Model& network, const quantize::WeightedLayer& layer,
                                   const quantize::WeightOptions& options) {
  const auto weights = OSPREY_TRY(network.floats(layer.weights));
  const auto rounded = quantize::round_weights(weights, layer.shape, layer.channel_axis, options);
  const auto channels = static_cast<std::size_t>(layer.shape[layer.channel_axis]);
  std::size_t inner = 1;
  for (std::size_t d = layer.channel_axis + 1; d < layer.shape.size(); ++d) {
    inner *= static_cast<std::size_t>(layer.shape[d]);
  }
  RoundedLayer told{layer.name, layer.op, layer.input};
  double signal = 0, noise = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const auto value = static_cast<double>(weights[i]);
    const double off = value - static_cast<double>(rounded.value(i, i / inner % channels));
    signal += value * value;
    noise += off * off;
    told.largest = std::max(told.largest, std::abs(weights[i]));
  }
  told.snr_db =
      noise > 0 ? 10 * std::log10(signal / noise) : std::numeric_limits<double>::infinity();
  return told;
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
  // Normalisation belongs to the weights before these are rounded.
  onnx::rewrite(network);
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

/// A network whose tensors are known, to be written with more or fewer layers in INT8.
class Quantiser {
 public:
  Quantiser(const QuantisationOptions& options, Floats floats)
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
    calibrating.threads = options_.threads;
    calibrating.memory = options_.memory;
    calibrating.progress = progress("calibrating");
    const auto fixed = of_fixed_size();
    const auto& input = floats_.spec.input;
    auto calibration = OSPREY_TRY(engine::calibrate(fixed, input, tensors, calibrating));
    seen_ = std::move(calibration.tensors);
    report.pictures = calibration.pictures;
    report.damaged = calibration.health.damaged;
    report.first_damage = calibration.health.first_damage;
    report.passed_over = calibration.health.passed_over;
    report.passes = calibration.passes;
    if (!options_.bias_correction) return {};
    calibrating.most_pictures = kCorrectionPictures;
    if (options_.most_pictures > 0) {
      calibrating.most_pictures = std::min(kCorrectionPictures, options_.most_pictures);
    }
    calibrating.progress = progress("correcting means");
    const auto scales = scales_of(whole, floats_, seen_, options_);
    for (const auto& point : whole.points) calibrating.rounding[point.tensor] = scales[point.group];
    const auto rounding = OSPREY_TRY(engine::calibrate(fixed, input, tensors, calibrating));
    means_ = input_means(fixed, seen_, rounding.tensors);
    return {};
  }

  /// Writes the network, these layers staying in float, too; tells what became of it if asked.
  Status write(const std::set<std::string>& in_float, const std::string& path,
               QuantisationReport* report = nullptr) const {
    const auto plan = OSPREY_TRY(plan_without(in_float));
    const auto scales = scales_of(plan, floats_, seen_, options_);
    auto network = floats_.network.copy();
    OSPREY_TRY(quantize::write_int8(network, plan, scales, means_,
                                    {options_.weights, options_.signed_tensors}));
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
      report->weights.push_back(
          OSPREY_TRY(rounded_layer(floats_.network, layer, options_.weights)));
    }
    return {};
  }

  const Floats& floats() const { return floats_; }

 private:
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
  const Floats floats_;
  Statistics seen_;
  std::map<std::string, quantize::InputMeans> means_;
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
  OSPREY_TRY(base::TemporaryFile::create(options.output, options.output));
  if (options.progress && !options.progress(0, "looking at colours")) {
    return Error{ErrorCode::kCancelled, "interrupted"};
  }
  const auto coloured = OSPREY_TRY(pictures_of(
      options.data, options.most_pictures > 0 ? std::min(options.most_pictures, kColourPictures)
                                              : kColourPictures));
  const auto& [path, network, spec] = quantiser.floats();
  report.colours = OSPREY_TRY(colour_evidence(path, spec, coloured, kAgreementPictures));
  OSPREY_TRY(quantiser.calibrate(plan, report));
  if (options.max_drop) report.mixed = OSPREY_TRY(choose(quantiser, plan, options));
  OSPREY_TRY(quantiser.write(report.mixed ? report.mixed->in_float : std::set<std::string>(),
                             options.output, &report));
  if (options.progress && !options.progress(1, "comparing with the floats")) return report;
  if (options.in_detail) {
    const auto few = OSPREY_TRY(pictures_of(options.data, kDetailPictures));
    for (auto& one : OSPREY_TRY(accumulated_errors(network, options.output, spec, few))) {
      for (auto& tensor : report.tensors) {
        if (tensor.name == one.output) tensor.accumulated = one;
      }
    }
  }
  report.agreement = OSPREY_TRY(agreement(report.colours.answers, options.output, spec));
  return report;
}

}  // namespace osprey::engine
