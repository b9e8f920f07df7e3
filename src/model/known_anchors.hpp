// SPDX-License-Identifier: Apache-2.0
// Anchors that well known networks were trained with, for models that do not carry their own.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/head.hpp"

namespace osprey::model {

struct AnchorSet {
  std::string name;  ///< "v3", as in the head name "anchors-v3"
  AnchorRule rule = AnchorRule::kExp;
  std::vector<AnchorScale> scales;  ///< finest first; outputs are not set
};

/// v3, v3-tiny, v4, v4-tiny (Darknet's cfg files), v5, v7 (their repositories' yaml files).
const std::vector<AnchorSet>& known_anchors();

}  // namespace osprey::model
