// SPDX-License-Identifier: Apache-2.0
// How a COCO ground truth file numbers its pictures and classes.
#pragma once

#include <osprey/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace osprey::sinks {

struct CocoGroundTruth {
  std::unordered_map<std::string, std::int64_t> images;      ///< "file_name" -> "id"
  std::unordered_map<std::string, std::int64_t> categories;  ///< "name" -> "id"

  /// The id of the picture at `path`: that of the longest end of it, from folder to folder, that is
  /// a "file_name" ("data/val/1.jpg", "val/1.jpg", "1.jpg").
  std::optional<std::int64_t> image_id(std::string_view path) const;
};

/// Reads "images" and "categories" of an instances_*.json; the rest is passed over as it streams
/// by, so memory follows the number of pictures, not the file's size. Errors name the file and the
/// entry: not JSON (kCorrupt), no "images" or "categories", an entry without id or name, a name
/// given twice (kCorrupt), no such file (kNotFound), unreadable (kIo).
Result<CocoGroundTruth> read_coco_ground_truth(const std::string& path);

/// The same from memory; `name` stands for the file in errors.
Result<CocoGroundTruth> parse_coco_ground_truth(std::string_view json, const std::string& name);

}  // namespace osprey::sinks
