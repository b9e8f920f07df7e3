// SPDX-License-Identifier: Apache-2.0
// What a network's outputs hold for real pictures.
#pragma once

#include <osprey/result.hpp>

#include <string>
#include <vector>

#include "engine/prepared_model.hpp"

namespace osprey::engine {

struct Range {
  float lowest = 0, highest = 0;  ///< 0 is within
};

/// Of each output, over at most `most` pictures of `source` (what `osprey detect` takes), scaled as
/// detection scales them. Compiles the model for it. Cost: an inference a picture.
Result<std::vector<Range>> output_ranges(const ModelFile& file, const model::ModelSpec& spec,
                                         const std::string& source, int most);

}  // namespace osprey::engine
