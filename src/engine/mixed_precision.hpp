// SPDX-License-Identifier: Apache-2.0
// Which layers stay in float so that a network loses no more than it may.
#pragma once

#include <osprey/result.hpp>

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "engine/average_precision.hpp"
#include "model/head.hpp"

namespace osprey::engine {

struct MixedPrecisionOptions {
  std::string floats;               ///< the network, a file
  model::ModelSpec spec;            ///< its
  std::vector<std::string> layers;  ///< that could be INT8
  std::string data;                 ///< pictures, as PictureStream has them
  LabelledData labelled;
  double max_drop = 0;  ///< of COCO's AP
  /// Writes the network with all layers in INT8 but these.
  std::function<Status(const std::set<std::string>& in_float, const std::string& path)> write;
  std::function<bool(double, const std::string&)> progress;  ///< false stops
};

/// What a layer in INT8, all others in float, does to what the network says.
struct Sensitivity {
  std::string layer;
  double noise = 0;  ///< power of the difference over that of the values, summed over outputs
};

struct MixedPrecision {
  double float_ap = 0, int8_ap = 0, ap = 0;  ///< of all layers in INT8; of what was chosen
  std::set<std::string> in_float;
  std::vector<Sensitivity> sensitivities;  ///< most first; empty if INT8 loses little enough
};

/// Layers are put in the order of their sensitivity; the first so many stay in float. How many is
/// found by doubling, then halving. Errors: not even one layer can be in INT8; those of running;
/// kCancelled. Cost: an AP each attempt; before the first, a compilation a
/// layer and four pictures.
Result<MixedPrecision> choose_float_layers(const MixedPrecisionOptions& options);

}  // namespace osprey::engine
