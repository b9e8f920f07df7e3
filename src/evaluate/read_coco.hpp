// SPDX-License-Identifier: Apache-2.0
// COCO's JSON files: labels, and what a model found.
#pragma once

#include <osprey/result.hpp>

#include <string>

#include "evaluate/dataset.hpp"

namespace osprey::evaluation {

/// `images`, `annotations` and `categories` of an instances.json. Errors name the file, the entry
/// (counted from 0) and the field: not JSON, a field that is missing or of the wrong kind, an id
/// that is there twice. Labels of pictures or categories that the file does not list are left out,
/// with a warning, as pycocotools does. Memory: twice the file.
Result<GroundTruth> read_coco_labels(const std::string& path, Warnings& warnings);

/// A list of {image_id, category_id, bbox, score}. `image_id` may also be a picture's file name, or
/// that without its ending. Errors as above, and pictures that `truth` does not have. Detections of
/// unknown categories are left out with a warning. Cost: a pass over the file, spread over
/// `threads`; memory for the detections and some MB.
Result<Detections> read_coco_detections(const std::string& path, const GroundTruth& truth,
                                        int threads, Warnings& warnings);

}  // namespace osprey::evaluation
