// SPDX-License-Identifier: Apache-2.0
// Metadata "osprey.head": a head as the model's importer describes it; see model/head.hpp.
#pragma once

#include <osprey/result.hpp>

#include <string>

#include "model/head_finder.hpp"

namespace osprey::model {

/// Errors (kCorrupt): not the JSON that head.hpp defines; outputs that are not there or do not fit.
Result<HeadLayout> head_of_json(const std::string& json, const ModelDescription& model,
                                const HeadFinder& finder);

}  // namespace osprey::model
