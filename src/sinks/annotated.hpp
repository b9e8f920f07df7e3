// SPDX-License-Identifier: Apache-2.0
// Pictures and videos with the boxes drawn in.
#pragma once

#include <osprey/result.hpp>

#include <memory>
#include <string>
#include <vector>

#include "sinks/sink.hpp"

namespace osprey::sinks {

struct AnnotatedOptions {
  int line_width = 0;      ///< pixels; 0: from the picture's size
  bool labels = true;      ///< class names at the boxes
  bool confidence = true;  ///< and how sure the model is
  int threads = 1;         ///< of each video's encoder, >= 1
};

/// In `folder`: a video stream becomes "<source's stem>.mp4" (H.264, the source's size and rate; a
/// stream whose size changes goes on in "<stem>-2.mp4"), a picture a file of its own name: JPEG and
/// PNG stay what they are, everything else becomes ".jpg". A name that is taken gets "-2", "-3". A
/// frame whose inference failed is in the video without boxes; a picture is left out and counted in
/// notes(). A result's parts are outlined. `names` by label_id.
///
/// The files appear at finish() (see StagingFolder). Cost: drawing and encoding run in write().
/// Errors: `folder` cannot be made or written; a file would take the place of its own source.
Result<std::unique_ptr<Sink>> create_annotated(const std::string& folder,
                                               const std::vector<std::string>& names,
                                               const AnnotatedOptions& options);

}  // namespace osprey::sinks
