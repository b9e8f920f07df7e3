// SPDX-License-Identifier: Apache-2.0
// Whether a network sees red as red.
#pragma once

#include <osprey/result.hpp>

#include <cstddef>
#include <string>

#include "engine/agreement.hpp"
#include "model/head.hpp"

namespace osprey::engine {

struct ColourEvidence {
  double as_told = 0;  ///< sum of the scores of what is found, over all pictures
  double swapped = 0;  ///< with red and blue exchanged
  double squares = 0;  ///< sum over pictures of the difference, squared
  std::size_t pictures = 0, better_swapped = 0;  ///< pictures in which something is found
  Answers answers;                               ///< to the first pictures, as told

  /// Networks find the less the wronger the colours. Never true of a few pictures, or of a
  /// network that does not care.
  bool looks_swapped() const;
  bool looks_right() const;
};

/// Runs the network on pictures in both orders, until their order looks right or there are no more,
/// and keeps the answers to the first `keep`.
/// Errors: those of running it. Cost: two inferences a picture.
Result<ColourEvidence> colour_evidence(const std::string& network, const model::ModelSpec& spec,
                                       const Pictures& pictures, std::size_t keep = 0);

}  // namespace osprey::engine
