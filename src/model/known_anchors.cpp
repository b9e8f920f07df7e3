// SPDX-License-Identifier: Apache-2.0
#include "model/known_anchors.hpp"

namespace osprey::model {

namespace {

using Anchors = std::vector<std::array<float, 2>>;

AnchorScale scale(int stride, Anchors anchors, float scale_xy) {
  return {0, stride, std::move(anchors), scale_xy};
}

std::vector<AnchorScale> v3_scales(float scale_xy) {
  return {scale(8, {{10, 13}, {16, 30}, {33, 23}}, scale_xy),
          scale(16, {{30, 61}, {62, 45}, {59, 119}}, scale_xy),
          scale(32, {{116, 90}, {156, 198}, {373, 326}}, scale_xy)};
}

std::vector<AnchorScale> v4_scales(float fine, float middle, float coarse) {
  return {scale(8, {{12, 16}, {19, 36}, {40, 28}}, fine),
          scale(16, {{36, 75}, {76, 55}, {72, 146}}, middle),
          scale(32, {{142, 110}, {192, 243}, {459, 401}}, coarse)};
}

}  // namespace

const std::vector<AnchorSet>& known_anchors() {
  static const Anchors tiny_coarse = {{81, 82}, {135, 169}, {344, 319}};
  static const std::vector<AnchorSet> sets = {
      {"v3", AnchorRule::kExp, v3_scales(1)},
      {"v3-tiny",
       AnchorRule::kExp,
       {scale(16, {{10, 14}, {23, 27}, {37, 58}}, 1), scale(32, tiny_coarse, 1)}},
      {"v4", AnchorRule::kExp, v4_scales(1.2f, 1.1f, 1.05f)},
      // Not a slip: its cfg says mask = 1,2,3 for the finer stride.
      {"v4-tiny",
       AnchorRule::kExp,
       {scale(16, {{23, 27}, {37, 58}, {81, 82}}, 1.05f), scale(32, tiny_coarse, 1.05f)}},
      {"v5", AnchorRule::kSquare, v3_scales(2)},
      {"v7", AnchorRule::kSquare, v4_scales(2, 2, 2)},
  };
  return sets;
}

}  // namespace osprey::model
