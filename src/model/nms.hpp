// SPDX-License-Identifier: Apache-2.0
// Non-maximum suppression.
#pragma once

#include <osprey/detection.hpp>

#include <vector>

namespace osprey::model {

struct NmsOptions {
  /// 0..1; a box overlapping a better one by more than this is dropped. 1 drops none: what a head
  /// that needs no NMS wants.
  float iou = 0.45f;
  bool agnostic = false;       ///< boxes of different classes suppress each other too
  int max_det = 300;           ///< at most this many survive, best first
  int max_candidates = 30000;  ///< only the best so many enter
};

/// Sorts by falling confidence (ties: lower label, then the earlier candidate) and keeps the
/// survivors in `boxes`. Deterministic. Values are finite. Overlap is intersection over union as
/// torchvision computes it, in float. Cost: a sort, then for each candidate a look at the survivors
/// of its class, until max_det are found.
void nms(std::vector<Detection>& boxes, const NmsOptions& options);

}  // namespace osprey::model
