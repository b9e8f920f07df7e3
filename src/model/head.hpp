// SPDX-License-Identifier: Apache-2.0
// What a network's outputs mean, found from their shapes and metadata; described by layout, not
// brand.
#pragma once

#include <osprey/result.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/description.hpp"
#include "model/input_spec.hpp"

namespace osprey::model {

// C: classes; N: locations; A: anchors a cell; H x W: cells at one stride. Boxes are input pixels
// unless said otherwise.
enum class HeadKind : std::uint8_t {
  kChannelsFirst,  ///< [1, 4+C, N]: cx, cy, w, h, class scores (YOLOv8, v9, 11, 12); or [1, N, 4+C]
  kRows,           ///< [1, N, 5+C]: cx, cy, w, h, objectness, class scores (v5, v6, v7)
  kAnchorGrid,     ///< per stride [1, A*(5+C), H, W], [1, A, H, W, 5+C] or [1, H, W, A*(5+C)],
                   ///< boxes undecoded (v3, v4, v5, v7)
  kYoloxGrid,      ///< [1, N, 5+C], one cell a row, boxes undecoded, scores after sigmoid (YOLOX)
  kEndToEnd,       ///< [1, N, 6]: x1, y1, x2, y2, score, class; no NMS wanted (v10, 26)
  kSplitDfl,       ///< per stride box distances [1, 4*R, H, W], class scores [1, C, H, W] and maybe
                   ///< the scores' sum [1, 1, H, W], or all NHWC (rknn_model_zoo). R = 1: distances
                   ///< in cells (v6, ppyoloe-like); else a distribution over 0..R-1 cells (v8)
};

/// How raw anchor outputs become boxes; s is the sigmoid, scale_xy Darknet's scale_x_y:
/// x = (scale_xy * s(t) - (scale_xy - 1) / 2 + column) * stride.
enum class AnchorRule : std::uint8_t {
  kExp,     ///< Darknet (v3, v4): w = anchor * exp(t)
  kSquare,  ///< v5, v7, scaled v4: w = anchor * (2 s(t))^2; scale_xy is 2
};

struct AnchorScale {
  int output = 0;                               ///< index of the model's output tensor
  int stride = 0;                               ///< input pixels a cell
  std::vector<std::array<float, 2>> anchors{};  ///< width, height in input pixels
  float scale_xy = 1;
};

struct SplitScale {
  int box_output = 0, score_output = 0;
  /// -1: none. Only known, not read: the scores say the same, and a widely used exporter sums the
  /// wrong tensor here.
  int sum_output = -1;
  int stride = 0;
};

struct HeadLayout {
  HeadKind kind = HeadKind::kChannelsFirst;
  int classes = 0;
  int output = 0;                      ///< the tensor read by kinds that read only one
  bool transposed = false;             ///< kChannelsFirst: [1, N, 4+C]
  std::vector<int> strides;            ///< kYoloxGrid, kSplitDfl, kAnchorGrid: finest first
  AnchorRule rule = AnchorRule::kExp;  ///< kAnchorGrid
  std::vector<AnchorScale> scales;     ///< kAnchorGrid, finest first
  std::vector<SplitScale> splits;      ///< kSplitDfl, finest first
  /// Sigmoid not yet applied to scores; of a kAnchorGrid, to any channel.
  bool scores_are_logits = false;
  /// kChannelsFirst: boxes may be shares of the input, 0..1, instead of its pixels, as Ultralytics'
  /// TFLite exports give them. Each box tells: none is 2 pixels wide and high or less.
  bool may_be_relative = false;
  std::string reason;  ///< one sentence: what in the model says so

  /// False: the network already removed its duplicates; only the limit on detections applies.
  bool needs_nms() const { return kind != HeadKind::kEndToEnd; }
};

/// What the user may force. Empty fields are found from the model.
struct ModelOverrides {
  std::string head;                              ///< "", or a name that `head_names()` lists
  std::optional<int> imgsz_width, imgsz_height;  ///< only for models with dynamic size
  std::vector<std::string> names;  ///< class names, from a names file; empty: the model's own
};

/// Everything Osprey needs to know to feed a model and to read it.
struct ModelSpec {
  InputSpec input;
  HeadLayout head;
  std::vector<std::string> names;  ///< size() == head.classes
  std::string names_source;        ///< "metadata", "names file", "COCO-80", "numbered"
};

/// Names for `ModelOverrides::head`, as users type them: the layouts, with the anchors of a well
/// known network or with what its export did to the scores where shapes cannot tell:
///   channels-first, rows, yolox-grid, end-to-end,
///   split-sigmoid (scores are 0..1), split-logits (they are not),
///   anchors-v3, anchors-v3-tiny, anchors-v4, anchors-v4-tiny, anchors-v5, anchors-v7,
///   anchors-v5-sigmoid, anchors-v7-sigmoid (all channels after sigmoid, as rknn_model_zoo exports)
std::vector<std::string> head_names();

/// Finds input, head and names.
///
/// Input: the only input, [1, 3, H, W] or [1, H, W, 3]. A dynamic size is what `overrides` says,
/// else metadata "imgsz", else 640. Colours, scaling and padding: those of the kind of head (BGR,
/// 0..255, picture at the top left for kYoloxGrid; RGB, 0..1, centred for the others), then
/// metadata "osprey.input".
///
/// Head: the forced one, else metadata "osprey.head", else by shape. Where one shape has several
/// meanings:
///   [1, N, K], one row a cell: 4+C if the count of names says so or K is 84 (COCO); else
///     kYoloxGrid, unless the output's name is "outputs" (YOLOv6's exporter): then kRows.
///   [1, N, 6]: kEndToEnd, unless N is 1 or 3 rows a cell.
///   Three raw anchor outputs at strides 8, 16, 32 without metadata: v5's anchors, before sigmoid.
///   Split outputs: probabilities if there are sums or the scores' name has "sigmoid" in it, else
///     logits.
///
/// Names: a names file, else metadata "names", else COCO's if C is 80, else class0, class1...
/// A kEndToEnd head does not tell C: it is the count of names, else 80.
///
/// Metadata "osprey.head" is a JSON object; unknown keys are errors:
///   "kind"    "channels_first", "rows", "anchor_grid", "yolox_grid", "end_to_end", "split_dfl"
///   "scores"  "logits" or "probabilities"; default: logits for anchor_grid, by the rule above for
///             split_dfl, else probabilities. Of an anchor_grid it tells about all channels.
///   "rule"    anchor_grid: "exp" or "square", default "exp"
///   "scales"  anchor_grid, needed: a list of
///               {"output": name or index, "stride": 32, "anchors": [[w, h], ...],
///                "scale_xy": 1.0 (the default; square: 2)}
///
/// Errors: not a detector (a classifier, say): lists the shapes seen and the layouts known; a wrong
/// count of names; a forced head that does not fit; a forced size for a model of fixed size.
Result<ModelSpec> describe(const ModelDescription& model, const ModelOverrides& overrides);

}  // namespace osprey::model
