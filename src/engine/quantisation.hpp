// SPDX-License-Identifier: Apache-2.0
// From a network of floats and pictures to the same network in INT8.
#pragma once

#include <osprey/result.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/agreement.hpp"
#include "engine/colour_order.hpp"
#include "engine/mixed_precision.hpp"
#include "quantize/lint.hpp"
#include "quantize/scale.hpp"
#include "quantize/weights.hpp"

namespace osprey::engine {

enum class QuantisationTarget : std::uint8_t {
  kProcessor,  ///< what OpenVINO and ONNX Runtime are fastest with
  kRk3588,     ///< every tensor in INT8; the network ends where its head begins to decode
};

/// Of weights.
enum class Rounding : std::uint8_t {
  kNearest,
  kError,  ///< so that each layer's outputs are near: see quantize::round_by_error
};

struct QuantisationOptions {
  std::string model;       ///< ONNX, of floats
  std::vector<int> imgsz;  ///< of a network of open size; as in Options
  std::string data;        ///< a folder, a video, or a list of pictures: *.txt
  std::string output;      ///< the file to write
  QuantisationTarget target = QuantisationTarget::kProcessor;
  quantize::Algorithm algorithm = quantize::Algorithm::kPercentile;
  double percentile = 99.99;  ///< of kPercentile
  quantize::WeightOptions weights{};
  Rounding rounding = Rounding::kNearest;
  bool signed_tensors = false;  ///< see quantize::WriteOptions
  int most_pictures = 0;        ///< 0: all
  bool overflow_fix = true;     ///< see docs/quantize.md
  bool bias_correction = true;
  bool equalise = false;           ///< see quantize::equalise
  std::set<std::string> in_float;  ///< names of layers
  /// The most AP that may be lost on `labels` (see EvaluationOptions::data) with the pictures of
  /// the folder `images`: as few layers as that takes stay in float.
  std::optional<double> max_drop;
  std::string labels, images;
  /// Tells how errors add up from tensor to tensor, and keeps histograms for a report.
  bool in_detail = false;
  bool only_lint = false;  ///< look at the network, and do nothing
  int threads = 0;         ///< 0: all cores
  /// Memory that values of pictures on their way may take, bytes; where all tensors together need
  /// more, the pictures are gone through several times.
  std::uint64_t memory = std::uint64_t{1200} << 20;
  /// Called now and then, from one thread at a time: how far, 0..1, and with what. False stops.
  std::function<bool(double, const std::string&)> progress;
};

/// What became of a layer's weights.
struct RoundedLayer {
  std::string name, op, input;
  float largest = 0;  ///< weight, without its sign
  double snr_db = 0;  ///< signal to noise of rounding them; infinite if they are steps already
};

/// What became of a tensor.
struct RoundedTensor {
  std::string name;
  std::size_t group = 0;          ///< those of a group share the scale
  float lowest = 0, highest = 0;  ///< seen
  quantize::Scale scale;
  double clipped = 0;                    ///< share of values
  double snr_db = 0;                     ///< signal to noise of this rounding alone
  double cosine = 1;                     ///< likewise
  std::uint64_t not_numbers = 0;         ///< values that were none, or infinite
  std::optional<Agreement> accumulated;  ///< with all roundings before it
  std::vector<std::uint64_t> histogram;  ///< of what was seen, from lowest to highest
};

struct QuantisationReport {
  std::size_t layers = 0;                                     ///< in INT8
  std::vector<std::pair<std::string, std::string>> in_float;  ///< layer, why
  std::vector<RoundedTensor> tensors;
  std::vector<RoundedLayer> weights;  ///< of layers in INT8; with in_detail
  std::vector<quantize::Finding> findings;
  std::vector<Agreement> agreement;
  ColourEvidence colours;
  std::optional<MixedPrecision> mixed;  ///< with max_drop
  std::vector<std::string> outputs;     ///< of a network that was cut at its head
  std::size_t pictures = 0;
  std::uint64_t damaged = 0, passed_over = 0;
  std::string first_damage;
  int passes = 1;  ///< how often the pictures were gone through
};

/// Writes options.output, whole or not at all. Errors: those of reading the model and the pictures;
/// no picture; what quantize::plan_of() refuses; kCancelled if progress() said so. Cost: an
/// inference a picture and pass. Memory does not grow with the number of pictures.
Result<QuantisationReport> quantise(const QuantisationOptions& options);

}  // namespace osprey::engine
