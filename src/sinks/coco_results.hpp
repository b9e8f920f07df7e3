// SPDX-License-Identifier: Apache-2.0
// A COCO results file, which pycocotools' loadRes() and evaluation servers read.
#pragma once

#include <osprey/result.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sinks/coco_ground_truth.hpp"
#include "sinks/sink.hpp"

namespace osprey::sinks {

/// Without a ground truth:
///   image_id     the picture's file name without its suffix, where that is a whole number
///                ("000000000139.jpg" -> 139); else stream * 1,000,000,000 + sequence + 1: the
///                place in the stream, from 1. It depends on nothing else, so the ids stay the same
///                however several streams run next to each other, and whatever is dropped. Names
///                that are numbers and names that are not should not be mixed: they could give one
///                id twice.
///   category_id  category_ids[label_id]; label_id + 1 beyond its end.
/// With one: the ids it gives to the picture's file name and the class's name. Pictures and classes
/// it does not know are left out and counted in notes(), as are frames of a video.
struct CocoResultsOptions {
  std::vector<std::string> names;          ///< the model's classes, by label_id
  std::vector<std::int64_t> category_ids;  ///< by label_id; without a ground truth only
  std::optional<CocoGroundTruth> ground_truth;
};

/// Writes [{"image_id": 139, "category_id": 1, "bbox": [x, y, width, height], "score": 0.9}, ...]:
/// pixels; every number the shortest that reads back as the same 32-bit float. Entries follow the
/// results as they come and go to disk on the way. The file appears at finish() (see
/// base::AtomicFile). Errors: those of base::AtomicFile::create().
Result<std::unique_ptr<Sink>> create_coco_results(const std::string& path,
                                                  CocoResultsOptions options);

/// The same into an open descriptor, for "-", which stays the caller's.
std::unique_ptr<Sink> create_coco_results(int descriptor, CocoResultsOptions options);

}  // namespace osprey::sinks
