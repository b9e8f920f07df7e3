// SPDX-License-Identifier: Apache-2.0
// What a network's tensors hold for real pictures.
#pragma once

#include <osprey/result.hpp>

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "media/source.hpp"
#include "model/input_spec.hpp"
#include "onnx/model.hpp"
#include "quantize/statistics.hpp"

namespace osprey::engine {

struct CalibrationOptions {
  std::string data;  ///< as PictureStream::open() takes it
  int most_pictures = 0;
  int threads = 0;
  std::uint64_t memory = std::uint64_t{1200} << 20;  ///< for the tensors of pictures on their way
  /// Tensors of which not the values are gathered, but what rounding them to this scale adds: see
  /// TensorStatistics::add_rounding.
  std::map<std::string, quantize::Scale> rounding{};
  /// Tensors whose range is wanted by channel.
  std::set<std::string> with_ranges{};
  /// How far, 0..1; from one thread at a time. False stops.
  std::function<bool(double)> progress;
};

struct Calibration {
  std::map<std::string, quantize::TensorStatistics> tensors;
  std::size_t pictures = 0;
  media::SourceHealth health;
  int passes = 1;
};

/// Runs `network` of floats on all pictures, scaled as `input` says, and gathers statistics of
/// `tensors`, which it makes or takes. Errors: no picture; those of compiling and of writing a
/// temporary file; kCancelled.
Result<Calibration> calibrate(const onnx::Model& network, const model::InputSpec& input,
                              const std::vector<std::string>& tensors,
                              const CalibrationOptions& options);

}  // namespace osprey::engine
