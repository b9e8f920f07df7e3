// SPDX-License-Identifier: Apache-2.0
// What evaluating a model needs besides running it: labels for the sinks, pictures for the report.
#pragma once

#include <osprey/result.hpp>

#include <cstddef>
#include <string>

namespace osprey::engine {

struct LabelledPictures {
  std::size_t all = 0;
  std::size_t absent = 0;  ///< not in the folder
};

/// Writes the labels of `data` (see EvaluationOptions) to `path` as COCO's file, and tells how many
/// of their pictures the folder `images` has. Errors: those of reading `data`, and of writing.
Result<LabelledPictures> write_coco_labels(const std::string& data, const std::string& split,
                                           const std::string& images, const std::string& path);

/// The picture as "data:image/jpeg;base64,...", at most `side` pixels wide and high; empty if it
/// cannot be read.
std::string small_picture(const std::string& path, int side);

}  // namespace osprey::engine
