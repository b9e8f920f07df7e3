// SPDX-License-Identifier: Apache-2.0
// The installed headers' options as the engine's.
#pragma once

#include <osprey/detector.hpp>
#include <osprey/pipeline.hpp>
#include <osprey/result.hpp>

#include "engine/options.hpp"

namespace osprey::engine {

/// Errors: a value out of its documented range.
Result<Options> from_public(const DetectorOptions& options);
Result<Options> from_public(const PipelineOptions& options);

}  // namespace osprey::engine
