// SPDX-License-Identifier: Apache-2.0
// Names of classes: COCO's, and those that models and files carry.
#pragma once

#include <osprey/result.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace osprey::model {

/// COCO's 80 classes in the order every YOLO trained on them uses.
const std::vector<std::string>& coco80_names();

/// The category id COCO's own files use (1..90, with gaps) for label ids 0..79; 0 for any other.
int coco91_id(int label_id);

/// Reads a list of names, or a mapping from 0..n-1 in any order, written as Python or as JSON:
/// "{0: 'person', 1: \"bicycle\"}", "['person']", "{\"0\": \"person\"}". Quoted strings know both
/// languages' escapes and come out as UTF-8. Errors (kCorrupt): anything else, an empty list, a
/// number missing or twice; says at which character.
Result<std::vector<std::string>> parse_names(std::string_view text);

/// Reads a names file: one name a line, or, if the file ends in .yaml, .yml or .json, a list or
/// mapping, bare or under the key "names" (Ultralytics' data.yaml). Blank lines at the end are
/// ignored. Errors: those of base::read_file(), for 8 MiB; kCorrupt names the line or key.
Result<std::vector<std::string>> read_names_file(const std::string& path);

}  // namespace osprey::model
