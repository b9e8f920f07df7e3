// SPDX-License-Identifier: Apache-2.0
// What a network's outputs mean, found from their shapes and metadata; described by layout, not brand.
#pragma once

#include <osprey/result.hpp>

#include <optional>
#include <string>
#include <vector>

#include "model/description.hpp"
#include "model/input_spec.hpp"

namespace osprey::model {

enum class HeadKind : std::uint8_t {
  kChannelsFirst,  ///< [1, 4+C, N]: cx, cy, w, h, class scores (YOLOv8, v9, 11, 12)
  kRows,           ///< [1, N, 5+C]: cx, cy, w, h, objectness, class scores, decoded (v5, v7)
  kAnchorGrid,     ///< per stride [1, A*(5+C), H, W] (or its transposed forms), raw (v3, v4, v5)
  kYoloxGrid,      ///< [1, N, 5+C], one cell a row, boxes undecoded, scores after sigmoid (YOLOX)
  kEndToEnd,       ///< [1, N, 6]: x1, y1, x2, y2, score, class; no NMS wanted (v10, 26)
  kSplitDfl,       ///< per stride DFL boxes, class scores, optional score sum (rknn_model_zoo)
};

/// How raw anchor outputs become boxes.
enum class AnchorRule : std::uint8_t {
  kExp,     ///< Darknet (v3, v4): w = anchor * exp(t)
  kSquare,  ///< v5, v7: w = anchor * (2 sigmoid(t))^2, xy = 2 sigmoid(t) - 0.5
};

struct AnchorScale {
  int output = 0;                               ///< index of the model's output tensor
  int stride = 0;                               ///< input pixels a cell
  std::vector<std::array<float, 2>> anchors{};  ///< width, height in input pixels
  float scale_xy = 1;                           ///< Darknet's scale_x_y
};

struct SplitScale {
  int box_output = 0, score_output = 0;
  int sum_output = -1;  ///< -1: none
  int stride = 0;
};

struct HeadLayout {
  HeadKind kind = HeadKind::kChannelsFirst;
  int classes = 0;
  std::vector<int> strides;           ///< kYoloxGrid, kSplitDfl, kAnchorGrid: finest first
  AnchorRule rule = AnchorRule::kExp;  ///< kAnchorGrid
  std::vector<AnchorScale> scales;     ///< kAnchorGrid
  std::vector<SplitScale> splits;      ///< kSplitDfl
  bool scores_are_logits = false;      ///< sigmoid not yet applied to scores
  std::string reason;                  ///< one sentence: what in the model says so
};

/// What the user may force. Empty fields are found from the model.
struct ModelOverrides {
  std::string head;                     ///< "", or a name that `head_names()` lists
  std::optional<int> imgsz_width, imgsz_height;  ///< only for models with dynamic size
  std::vector<std::string> names;       ///< class names, from a names file; empty: the model's own
};

/// Everything Osprey needs to know to feed a model and to read it.
struct ModelSpec {
  InputSpec input;
  HeadLayout head;
  std::vector<std::string> names;  ///< size() == head.classes
  std::string names_source;        ///< "metadata", "names file", "COCO-80", "numbered"
};

/// Names for `ModelOverrides::head`, as users type them.
std::vector<std::string> head_names();

/// Finds input, head and names. Errors: not a detector (a classifier, say): lists the shapes seen
/// and the layouts known; wrong count of names; a forced head that does not fit.
Result<ModelSpec> describe(const ModelDescription& model, const ModelOverrides& overrides);

}  // namespace osprey::model
