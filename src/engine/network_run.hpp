// SPDX-License-Identifier: Apache-2.0
// A network outside of a pipeline: a picture in, all that it says out.
#pragma once

#include <osprey/image.hpp>
#include <osprey/result.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/tensor.hpp"
#include "model/input_spec.hpp"
#include "runtime/backend.hpp"

namespace osprey::engine {

/// A tensor of its own.
struct Answer {
  std::vector<float> values;
  Shape shape;
  TensorView view() const { return {values.data(), shape}; }
};

/// OpenVINO on all cores. Threads: one.
class NetworkRun {
 public:
  /// Errors: those of loading and compiling.
  static Result<NetworkRun> open(const std::string& path, const model::InputSpec& input);

  const std::vector<TensorInfo>& outputs() const { return outputs_; }
  /// `seen`: what as_seen() gives. Errors: it is of another size; those of running.
  Result<std::vector<Answer>> run(std::span<const std::uint8_t> seen);

 private:
  std::vector<TensorInfo> outputs_;
  std::unique_ptr<runtime::Session> session_;
  std::unique_ptr<runtime::Lane> lane_;
};

/// The picture as the network sees it: letterboxed, width * height * 3 bytes.
std::vector<std::uint8_t> as_seen(const Image& image, const model::InputSpec& input);

}  // namespace osprey::engine
