// SPDX-License-Identifier: Apache-2.0
#include "engine/rknn_export.hpp"

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/atomic_file.hpp"
#include "base/read_file.hpp"
#include "base/run_program.hpp"
#include "base/scratch_folder.hpp"
#include "base/temporary_file.hpp"
#include "base/try.hpp"
#include "engine/detect_step.hpp"
#include "engine/metadata_file.hpp"
#include "engine/picture_stream.hpp"
#include "engine/prepared_model.hpp"
#include "engine/run_once.hpp"
#include "model/class_names.hpp"
#include "onnx/fusion.hpp"

namespace osprey::engine {

namespace {

namespace fs = std::filesystem;

constexpr int kPictures = 4;
// Together they install and work with Python 3.8 to 3.12.
constexpr const char* kPackages[] = {"rknn-toolkit2==2.5.0", "onnx==1.16.1", "setuptools<81"};

std::string how_to_get(const std::string& folder) {
  return "expected rknn-toolkit2 in " + folder +
         "; osprey export-rknn --install puts it there (5.6 GB, from PyPI), or --toolkit names an "
         "environment that has it";
}

/// The last lines of what a program said.
std::string end_of(const std::string& log) {
  constexpr std::size_t kLines = 12;
  std::ifstream file(log);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty()) lines.push_back(line);
  }
  std::string end;
  const std::size_t first = lines.size() > kLines ? lines.size() - kLines : 0;
  for (std::size_t i = first; i < lines.size(); ++i) end += "\n  " + lines[i];
  return end;
}

/// Lines such as "D RKNN: [05:18:21.610] 3    ConvExSwish    INT8    NPU    (1,32,320,320)...".
std::map<std::string, int> steps_of(const std::string& log) {
  std::map<std::string, int> steps;
  std::ifstream file(log);
  for (std::string line; std::getline(file, line);) {
    if (line.find("RKNN: [") == std::string::npos) continue;
    std::istringstream words(line.substr(line.find(']') + 1));
    std::string number, op, type, place;
    words >> number >> op >> type >> place;
    if (op == "InputOperator" || op == "OutputOperator") continue;
    if (place == "NPU" || place == "CPU") ++steps[op + " " + type + " " + place];
  }
  return steps;
}

/// The pictures as the network sees them, and what OpenVINO answers.
struct Check {
  std::string bytes;
  std::vector<std::vector<std::vector<float>>> answers;  // of a picture, of an output
};

Result<Check> prepare_check(const ModelFile& file, const model::ModelSpec& spec,
                            const std::string& data) {
  runtime::SessionOptions one;
  one.lanes = 1;
  const auto session = OSPREY_TRY(file.loaded->compile(spec.input, one));
  const auto lane = OSPREY_TRY(session->create_lane());
  const auto pictures = data.empty() ? made_up_pictures(spec.input, kPictures)
                                     : OSPREY_TRY(pictures_of(data, kPictures));
  Check check;
  vision::LetterboxScratch scratch;
  while (const auto image = OSPREY_TRY(pictures())) {
    const auto buffer = lane->input(0, 0);
    put_in(*image, Region{0, 0, image->width, image->height}, spec.input, buffer, scratch);
    const auto size =
        static_cast<std::size_t>(buffer.width) * 3 * static_cast<std::size_t>(buffer.height);
    check.bytes.append(reinterpret_cast<const char*>(buffer.data), size);
    OSPREY_TRY(run_once(*lane));
    auto& answers = check.answers.emplace_back();
    for (const auto& view : lane->outputs(0, 0)) {
      answers.emplace_back(view.data, view.data + view.size());
    }
  }
  if (check.answers.empty()) {
    return Error{ErrorCode::kInvalidArgument, data + ": holds no picture that can be read"};
  }
  return check;
}

Result<std::vector<Agreement>> compare(const Check& check, const ModelFile& file,
                                       const model::ModelSpec& spec, const std::string& folder) {
  const auto& outputs = file.description.outputs;
  Comparison comparison(outputs, spec.head);
  for (std::size_t k = 0; k < check.answers.size(); ++k) {
    for (std::size_t j = 0; j < outputs.size(); ++j) {
      const auto name = std::to_string(k) + "_" + std::to_string(j) + ".f32";
      const auto bytes = OSPREY_TRY(base::read_file(folder + "/" + name, "the simulator's answer"));
      std::vector<float> theirs(bytes.size() / sizeof(float));
      std::memcpy(theirs.data(), bytes.data(), theirs.size() * sizeof(float));
      const auto& ours = check.answers[k][j];
      OSPREY_TRY(comparison.add(j, {ours.data(), outputs[j].shape},
                                {theirs.data(), {static_cast<std::int64_t>(theirs.size())}}));
    }
  }
  return comparison.report();
}

}  // namespace

std::string default_toolkit() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  const fs::path base = cache != nullptr && *cache != '\0' ? fs::path(cache)
                        : home != nullptr                  ? fs::path(home) / ".cache"
                                                           : fs::temp_directory_path();
  return (base / "osprey" / "rknn-toolkit2").string();
}

Status install_toolkit(const std::string& folder,
                       const std::function<bool(const std::string&)>& progress) {
  const auto scratch = OSPREY_TRY(base::ScratchFolder::create());
  const auto log = scratch / "log";
  const auto go_on = [&] { return !progress || progress("installing rknn-toolkit2"); };
  std::error_code error;
  fs::create_directories(fs::path(folder).parent_path(), error);
  std::vector<std::string> pip = {folder + "/bin/python", "-m", "pip", "install"};
  pip.insert(pip.end(), std::begin(kPackages), std::end(kPackages));
  for (const auto& command : {std::vector<std::string>{"python3", "-m", "venv", folder}, pip}) {
    const int code = OSPREY_TRY(base::run_program(command, scratch.path().string(), log, go_on));
    if (code == 0) continue;
    return Error{ErrorCode::kUnavailable,
                 folder + ": rknn-toolkit2 could not be installed there:" + end_of(log)};
  }
  return {};
}

Result<RknnExport> export_rknn(const RknnExportOptions& options) {
  const auto folder =
      fs::absolute(options.toolkit.empty() ? default_toolkit() : options.toolkit).string();
  const auto python = folder + "/bin/python";
  std::error_code ignored;
  if (!fs::exists(python, ignored)) return Error{ErrorCode::kNotFound, how_to_get(folder)};

  Options understanding;
  understanding.model = options.model;
  const auto file = OSPREY_TRY(read_model(understanding));
  const auto spec = OSPREY_TRY(understand(file, understanding));
  if (file.description.format != "ONNX") {
    return Error{ErrorCode::kUnsupported, options.model + ": expected an ONNX file"};
  }
  auto target = OSPREY_TRY(base::TemporaryFile::create(options.output, options.output));
  const auto scratch = OSPREY_TRY(base::ScratchFolder::create());
  if (options.progress && !options.progress("asking OpenVINO")) {
    return Error{ErrorCode::kCancelled, "interrupted"};
  }
  const auto check = OSPREY_TRY(prepare_check(file, spec, options.data));

  RknnExport done;
  const auto custom = custom_string(file.description.metadata);
  done.names_left_out = custom.find("\"names\"") == std::string::npos &&
                        spec.names_source == "metadata" && spec.names != model::coco80_names();
  for (const auto& fusion : onnx::find_fusions(OSPREY_TRY(onnx::Model::read(options.model)))) {
    done.silus += fusion.kind == onnx::FusionKind::kSilu && fusion.blocked.empty() ? 1 : 0;
  }
  const nlohmann::json job = {{"model", fs::absolute(options.model).string()},
                              {"output", scratch / "made.rknn"},
                              {"platform", options.platform},
                              {"mean", spec.input.mean},
                              {"std", spec.input.std},
                              {"custom_string", custom},
                              {"pictures", scratch / "pictures.u8"},
                              {"width", spec.input.width},
                              {"height", spec.input.height}};
  const std::pair<std::string, std::string> files[] = {{"export.py", std::string(kExportScript)},
                                                       {"job.json", job.dump()},
                                                       {"pictures.u8", check.bytes}};
  for (const auto& [name, content] : files) {
    auto written = OSPREY_TRY(base::AtomicFile::create(scratch / name));
    OSPREY_TRY(written.write(content));
    OSPREY_TRY(written.commit());
  }
  const auto log = scratch / "log";
  const int code = OSPREY_TRY(base::run_program(
      {python, "export.py", "job.json"}, scratch.path().string(), log,
      [&] { return !options.progress || options.progress("compiling with rknn-toolkit2"); }));
  if (code != 0) {
    const auto said = end_of(log);
    if (said.find("No module named 'rknn'") != std::string::npos) {
      return Error{ErrorCode::kNotFound, how_to_get(folder)};
    }
    return Error{ErrorCode::kUnsupported,
                 options.model +
                     ": rknn-toolkit2 does not take it (a network that ends before its "
                     "head, as osprey quantize --target rk3588 writes it, it does):" +
                     said};
  }
  done.steps = steps_of(log);
  done.agreement = OSPREY_TRY(compare(check, file, spec, scratch.path().string()));
  fs::copy_file(scratch / "made.rknn", target.path(), fs::copy_options::overwrite_existing,
                ignored);
  if (ignored) {
    return Error{ErrorCode::kIo, options.output + ": cannot be written: " + ignored.message()};
  }
  OSPREY_TRY(target.commit());
  return done;
}

}  // namespace osprey::engine
