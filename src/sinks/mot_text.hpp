// SPDX-License-Identifier: Apache-2.0
// Tracks as MOTChallenge's text files.
#pragma once

#include <osprey/result.hpp>

#include <memory>
#include <string>

#include "sinks/sink.hpp"

namespace osprey::sinks {

/// In `folder`, "<source's stem>.txt" for each stream; pictures of a folder "img1", as MOTChallenge
/// has it, are called after the folder above it. A line an object that is followed:
/// "frame,id,left,top,width,height,confidence,-1,-1,-1", pixels, frames from 1. Pictures of a
/// stream are its frames. Numbers read back as the same 32-bit floats.
///
/// The files appear at finish() (see StagingFolder). Errors: the folder cannot be made or written.
Result<std::unique_ptr<Sink>> create_mot_text(const std::string& folder);

}  // namespace osprey::sinks
