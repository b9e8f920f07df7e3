// SPDX-License-Identifier: Apache-2.0
// MOTChallenge's text files.
#pragma once

#include <osprey/evaluate_tracks.hpp>
#include <osprey/result.hpp>

#include <string>
#include <vector>

#include "evaluate/track_sequence.hpp"

namespace osprey::evaluation {

/// What counts of each sequence, by name. `warnings` gets what is passed over. Errors name the
/// file, the line and what was expected.
Result<std::vector<TrackSequence>> read_mot(const TrackEvaluationOptions& options,
                                            std::vector<std::string>& warnings);

}  // namespace osprey::evaluation
