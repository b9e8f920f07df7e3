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
  float conf = 0.25f;        ///< 0..1; candidates score strictly above it
  std::vector<int> classes;  ///< label ids kept; empty: all
  /// Every class above `conf` makes a candidate. If not: only a location's best class (ties: the
  /// lowest), and if `classes` leaves that one out, none. Without meaning for kEndToEnd.
  bool multi_label = false;
};

/// Threads: `decode` is const and may be called from many at once.
class Decoder {
 public:
  virtual ~Decoder() = default;

  /// Errors: `options` out of range; `spec` contradicts itself.
  static Result<std::unique_ptr<Decoder>> create(const ModelSpec& spec,
                                                 const DecodeOptions& options);

  /// Appends candidates to `out` in input pixels: by output, location (anchors outermost), class.
  /// `outputs` as the model lists them, float32, or steps if reads_steps(), holding size() values.
  /// A score that is not finite counts as absent, a box that is not finite gives no candidate;
  /// scores above 1 count as 1. Errors: the outputs' shapes contradict the layout; `out` is then
  /// unchanged. Cost: one pass over the scores; sigmoid, exp and DFL only for candidates; no
  /// allocation but `out`'s, and a location's of scores where they are steps.
  virtual Status decode(std::span<const TensorView> outputs, std::vector<Detection>& out) const = 0;

  /// Whether outputs may be INT8 maps (TensorView::steps).
  virtual bool reads_steps() const { return false; }
};

}  // namespace osprey::model
