// SPDX-License-Identifier: Apache-2.0
// YOLO label files, as Ultralytics' predict writes them with save_txt.
#pragma once

#include <osprey/result.hpp>

#include <memory>
#include <string>

#include "sinks/sink.hpp"

namespace osprey::sinks {

/// Under "<folder>/labels/": "<picture's stem>.txt" for a picture, "<video's stem>_<n>.txt" for the
/// n-th frame of a video, from 1. Two sources of one stem: the second gets "<stem>-2". A line an
/// object: "class x_center y_center width height", in parts of the frame's size, with printf's %g;
/// `confidence` adds it as a sixth number (Ultralytics' save_conf); an object that is followed has
/// its number at the end. A frame without objects has no
/// file; one from an earlier run is removed. The same bytes as Ultralytics 8.4 gives for the same
/// boxes (checked by a test against its output).
///
/// The files appear at finish() (see StagingFolder). Errors: the folder cannot be made or written.
Result<std::unique_ptr<Sink>> create_yolo_text(const std::string& folder, bool confidence);

}  // namespace osprey::sinks
