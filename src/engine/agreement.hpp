// SPDX-License-Identifier: Apache-2.0
// Whether two networks that should say the same do, on this machine.
#pragma once

#include <osprey/result.hpp>

#include <string>
#include <vector>

#include "model/head.hpp"

namespace osprey::engine {

/// Of all values that an output had.
struct Agreement {
  std::string output;  ///< its name; where boxes and scores are in one, "... boxes", "... scores"
  double cosine = 0;   ///< 1: the same direction
  double snr_db = 0;   ///< the first network's values against the difference
};

/// Runs both on at most `most` pictures of `data` (see PictureStream), scaled as `spec` says.
/// Errors: outputs that differ in number or size; those of loading, compiling and running.
Result<std::vector<Agreement>> agreement(const std::string& network, const std::string& other,
                                         const model::ModelSpec& spec, const std::string& data,
                                         int most);

}  // namespace osprey::engine
