// SPDX-License-Identifier: Apache-2.0
// From a network's output tensors to candidate boxes in input pixels.
#pragma once

#include <osprey/detection.hpp>
#include <osprey/result.hpp>

#include <memory>
#include <span>
#include <vector>

#include "core/tensor.hpp"
#include "model/head.hpp"

namespace osprey::model {

struct DecodeOptions {
  float conf = 0.25f;              ///< 0..1; candidates score strictly above it
  std::vector<int> classes;        ///< label ids kept; empty: all
  bool multi_label = false;        ///< every class above `conf` makes a candidate, not only the best
};

/// Threads: `decode` is const and may be called from many at once.
class Decoder {
 public:
  virtual ~Decoder() = default;

  /// Errors: the outputs' shapes contradict the layout.
  static Result<std::unique_ptr<Decoder>> create(const ModelSpec& spec, const DecodeOptions& options);

  /// Appends candidates to `out`, in no promised order, in input pixels. `outputs` as the model
  /// lists them, float32. Values that are not finite give no candidate. Cost: one pass over scores.
  virtual Status decode(std::span<const TensorView> outputs, std::vector<Detection>& out) const = 0;
};

}  // namespace osprey::model
