// SPDX-License-Identifier: Apache-2.0
#include "engine/prepared_model.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "base/try.hpp"
#include "engine/batch_choice.hpp"
#include "engine/metadata_file.hpp"
#include "model/class_names.hpp"
#include "runtime/openvino/openvino_backend.hpp"
#include "runtime/rknn/rknn_backend.hpp"

namespace osprey::engine {

namespace {

Result<model::ModelOverrides> overrides_of(const Options& options) {
  model::ModelOverrides overrides;
  overrides.head = options.head;
  if (!options.imgsz.empty()) {
    overrides.imgsz_height = options.imgsz.front();
    overrides.imgsz_width = options.imgsz.back();
  }
  if (!options.names.empty()) {
    overrides.names = OSPREY_TRY(model::read_names_file(options.names));
  }
  return overrides;
}

}  // namespace

Result<ModelFile> read_model(const Options& options) {
  const bool is_rknn = std::filesystem::path(options.model).extension() == ".rknn";
  const auto backend = OSPREY_TRY(is_rknn ? runtime::create_rknn_backend(options.rknn_library)
                                          : runtime::create_openvino_backend());
  ModelFile file;
  file.loaded = OSPREY_TRY(backend->load(options.model));
  file.description = file.loaded->description();
  OSPREY_TRY(add_metadata_file(file.description));
  return file;
}

Result<model::ModelSpec> understand(const ModelFile& file, const Options& options) {
  const auto overrides = OSPREY_TRY(overrides_of(options));
  return model::describe(file.description, overrides);
}

Result<OnnxDetector> read_onnx_detector(const std::string& path, const std::vector<int>& imgsz) {
  Options options;
  options.model = path;
  options.imgsz = imgsz;
  OnnxDetector detector;
  detector.file = OSPREY_TRY(read_model(options));
  if (detector.file.description.format != "ONNX") {
    return Error{ErrorCode::kUnsupported, path + ": expected an ONNX file"};
  }
  detector.spec = OSPREY_TRY(understand(detector.file, options));
  return detector;
}

Status compile(ModelFile& file, PreparedModel& prepared, const Options& options) {
  model::DecodeOptions decode;
  decode.conf = options.conf;
  decode.multi_label = options.multi_label.value_or(!options.coco.empty());
  decode.classes = OSPREY_TRY(resolve_classes(options.classes, prepared.spec.names));
  prepared.decoder = OSPREY_TRY(model::Decoder::create(prepared.spec, decode));
  // A network that removed its own duplicates must not lose more: 1 drops none.
  prepared.nms.iou = prepared.spec.head.needs_nms() ? options.iou : 1.0f;
  prepared.nms.agnostic = options.agnostic_nms;
  prepared.nms.max_det = options.max_det;

  runtime::SessionOptions session;
  session.lanes = options.lanes;
  session.threads = options.threads;
  session.precision = options.precision;
  session.cache_dir = options.cache_dir;
  session.beside_others = options.beside_others;
  session.core_masks = options.cores;
  session.zero_copy = options.npu_io != "plain";
  session.keep_steps = prepared.decoder->reads_steps();
  session.run_timeout = std::chrono::milliseconds(options.run_timeout);
  if (options.batch == Options::kAutoBatch) {
    auto choice = OSPREY_TRY(compile_fastest_batch(*file.loaded, prepared.spec.input, session,
                                                   std::chrono::milliseconds(options.max_latency)));
    prepared.session = std::move(choice.session);
    prepared.batch_note = std::move(choice.reason);
  } else {
    session.batch = options.batch;
    prepared.session = OSPREY_TRY(file.loaded->compile(prepared.spec.input, session));
  }
  file.loaded.reset();
  return {};
}

Result<std::vector<int>> resolve_classes(const std::vector<std::string>& classes,
                                         const std::vector<std::string>& names) {
  std::vector<int> ids;
  for (const auto& wanted : classes) {
    if (const auto at = std::find(names.begin(), names.end(), wanted); at != names.end()) {
      ids.push_back(static_cast<int>(at - names.begin()));
      continue;
    }
    int id = -1;
    const auto [end, error] = std::from_chars(wanted.data(), wanted.data() + wanted.size(), id);
    const bool number = error == std::errc() && end == wanted.data() + wanted.size();
    if (!number || id < 0 || id >= static_cast<int>(names.size())) {
      const std::vector<std::string_view> known(names.begin(), names.end());
      return Error{ErrorCode::kInvalidArgument,
                   "--classes: the model knows no class '" + wanted + "'; expected one of its " +
                       std::to_string(names.size()) + " names or a number from 0 to " +
                       std::to_string(names.size() - 1) + suggestion(wanted, known)};
    }
    ids.push_back(id);
  }
  return ids;
}

}  // namespace osprey::engine
