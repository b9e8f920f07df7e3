// SPDX-License-Identifier: Apache-2.0
// Labels of any of the formats that are known.
#pragma once

#include <osprey/result.hpp>

#include <string>

#include "evaluate/dataset.hpp"

namespace osprey::evaluation {

/// `path`: COCO's instances.json; a YOLO data.yaml or the folder it is in, of which `split` is
/// taken; a folder of Pascal VOC's XML files. Errors name the file, the line or entry, and what was
/// expected.
Result<GroundTruth> read_labels(const std::string& path, const std::string& split,
                                Warnings& warnings);

/// Ultralytics' format: `path`, `split` (a folder of pictures, a list of them in a file, or
/// several) and `names` in a YAML file; beside each picture, in `labels` for `images`, a text of
/// lines "class x y width height" or "class x1 y1 x2 y2 ...", in shares of the picture. A picture's
/// id is the number that its name is, or its place from 1 if not all are; a category's is the class
/// + 1.
Result<GroundTruth> read_yolo_labels(const std::string& yaml, const std::string& split,
                                     Warnings& warnings);

/// A file for each picture. Categories are the names in order of the alphabet, from 1. What is
/// marked difficult counts neither as found nor as missed.
Result<GroundTruth> read_voc_labels(const std::string& folder);

/// `pictures` get ids: the numbers that their file names are, or where not all are, places from 1.
/// They are in that order afterwards, which is given back: new places of the old ones.
std::vector<std::int32_t> number_pictures(std::vector<Picture>& pictures);

/// As COCO's file, for programs that read only that.
std::string to_coco(const GroundTruth& truth);

}  // namespace osprey::evaluation
