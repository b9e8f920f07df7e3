// SPDX-License-Identifier: Apache-2.0
// A model ready to run: compiled, its input and outputs understood.
#pragma once

#include <osprey/result.hpp>

#include <cstdint>
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

struct OnnxDetector {
  ModelFile file;
  model::ModelSpec spec;
};

/// Reads and understands an ONNX file; `imgsz`, as in Options, is for one of open size. Errors: as
/// read_model() and understand(); it is of another format.
Result<OnnxDetector> read_onnx_detector(const std::string& path,
                                        const std::vector<int>& imgsz = {});

/// A model compiled, with what turns its outputs into detections. Threads: the parts are
/// constant but for the session; share by const reference.
struct PreparedModel {
  model::ModelSpec spec;
  std::unique_ptr<runtime::Session> session;
  std::unique_ptr<model::Decoder> decoder;
  model::NmsOptions nms;
  std::int32_t place = 0;            ///< Detection::model of what it finds
  std::vector<std::int32_t> labels;  ///< from its label ids to the run's; empty: they are the same
  std::string batch_note;            ///< how --batch auto came to its choice
};

/// Fills in what is missing beside `prepared.spec`, and gives the file's memory back. Cost: the
/// compilation, up to seconds.
Status compile(ModelFile& file, PreparedModel& prepared, const Options& options);

/// Ids of `classes` (names or numbers). Errors name the first unknown one and the nearest name.
Result<std::vector<int>> resolve_classes(const std::vector<std::string>& classes,
                                         const std::vector<std::string>& names);

}  // namespace osprey::engine
