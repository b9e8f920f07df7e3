// SPDX-License-Identifier: Apache-2.0
// A model ready to run: compiled, its input and outputs understood.
#pragma once

#include <osprey/result.hpp>

#include <memory>
#include <string>
#include <vector>

#include "engine/options.hpp"
#include "model/decoder.hpp"
#include "model/head.hpp"
#include "model/nms.hpp"
#include "runtime/backend.hpp"

namespace osprey::engine {

/// A model file read; not yet understood, not yet compiled.
struct ModelFile {
  std::unique_ptr<runtime::LoadedModel> loaded;
  model::ModelDescription description;  ///< with what a metadata.yaml beside the file adds
};

/// Reads options.model. Errors name the file.
Result<ModelFile> read_model(const Options& options);

/// Finds input, head and names, as `options` forces them or as the model says.
Result<model::ModelSpec> understand(const ModelFile& file, const Options& options);

/// A model compiled, with what turns its outputs into detections. Threads: the parts are
/// constant but for the session; share by const reference.
struct PreparedModel {
  model::ModelSpec spec;
  std::unique_ptr<runtime::Session> session;
  std::unique_ptr<model::Decoder> decoder;
  model::NmsOptions nms;
};

/// Cost: the compilation, up to seconds.
Result<PreparedModel> compile(ModelFile file, model::ModelSpec spec, const Options& options);

/// Ids of `classes` (names or numbers). Errors name the first unknown one and the nearest name.
Result<std::vector<int>> resolve_classes(const std::vector<std::string>& classes,
                                         const std::vector<std::string>& names);

}  // namespace osprey::engine
