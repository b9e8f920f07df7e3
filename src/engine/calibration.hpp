// SPDX-License-Identifier: Apache-2.0
// What a network's tensors hold for real pictures.
#pragma once

#include <osprey/result.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "media/source.hpp"
#include "model/input_spec.hpp"
#include "onnx/model.hpp"
#include "quantize/rounding.hpp"
#include "quantize/statistics.hpp"

namespace osprey::engine {

/// Of a tensor: for each layer that reads it.
using InputSpreads = std::map<std::string, std::vector<quantize::InputSpread>>;

struct CalibrationOptions {
  std::string data;  ///< as PictureStream::open() takes it
  int most_pictures = 0;
  /// Tensors of which not the values are gathered, but what rounding them to this scale adds: see
  /// TensorStatistics::add_rounding.
  std::map<std::string, quantize::Scale> rounding{};
  /// Tensors whose range is wanted by channel.
  std::set<std::string> with_ranges{};
  /// If any, these are what is gathered, and nothing else.
  InputSpreads spreads{};
  /// How far, 0..1; from one thread at a time. False stops.
  std::function<bool(double)> progress;
};

struct Calibration {
  std::map<std::string, quantize::TensorStatistics> tensors;
  InputSpreads spreads;
  std::size_t pictures = 0;
  media::SourceHealth health;
  int passes = 1;
};

/// Threads: one owner.
class Calibrator {
 public:
  static constexpr std::uint64_t kMemory = std::uint64_t{1200} << 20;

  /// Of `network`, whose input has a size, `tensors` are gathered, which it makes or takes.
  /// `threads`: 0: all cores. `memory`: for these tensors of pictures on their way, bytes.
  Calibrator(onnx::Model network, model::InputSpec input, const std::vector<std::string>& tensors,
             int threads = 0, std::uint64_t memory = kMemory);
  ~Calibrator();

  /// Runs the network on all pictures, scaled as its input wants them. Errors: no picture; those
  /// of compiling and of writing a temporary file; kCancelled. Cost: the first time, a compilation;
  /// each time, if memory is short.
  Result<Calibration> run(const CalibrationOptions& options);

 private:
  struct Shown;
  class Pass;

  Result<std::unique_ptr<Shown>> show(const std::vector<std::string>& tensors) const;

  const onnx::Model network_;
  const model::InputSpec input_;
  int threads_ = 1, lanes_ = 1;
  std::vector<std::vector<std::string>> groups_;  // of tensors: one a pass
  std::unique_ptr<Shown> shown_;
};

}  // namespace osprey::engine
