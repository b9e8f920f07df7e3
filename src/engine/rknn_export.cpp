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
#include "engine/metadata_file.hpp"
#include "engine/prepared_model.hpp"
#include "model/class_names.hpp"
#include "onnx/fusion.hpp"

namespace osprey::engine {

namespace {

namespace fs = std::filesystem;

constexpr int kCheckPictures = 4;
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

/// What the script wrote.
Result<Answers> read_answers(const Answers& expected, const std::string& folder) {
  Answers answers;
  answers.outputs = expected.outputs;
  for (std::size_t k = 0; k < expected.of.size(); ++k) {
    auto& of_picture = answers.of.emplace_back();
    for (std::size_t j = 0; j < answers.outputs.size(); ++j) {
      const auto name = std::to_string(k) + "_" + std::to_string(j) + ".f32";
      const auto bytes = OSPREY_TRY(base::read_file(folder + "/" + name, "the simulator's answer"));
      auto& values = of_picture.emplace_back().values;
      values.resize(bytes.size() / sizeof(float));
      std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
    }
  }
  return answers;
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

  const auto [file, spec] = OSPREY_TRY(read_onnx_detector(options.model));
  auto target = OSPREY_TRY(base::TemporaryFile::create(options.output, options.output));
  const auto scratch = OSPREY_TRY(base::ScratchFolder::create());
  if (options.progress && !options.progress("asking OpenVINO")) {
    return Error{ErrorCode::kCancelled, "interrupted"};
  }
  auto pictures = made_up_pictures(spec.input, kCheckPictures);
  if (!options.data.empty()) pictures = OSPREY_TRY(pictures_of(options.data, kCheckPictures));
  const auto expected = OSPREY_TRY(answers_of(options.model, spec, pictures));
  std::string bytes;
  for (const auto& input : expected.inputs) bytes.append(input.begin(), input.end());

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
  const std::pair<std::string, std::string> files[] = {
      {"export.py", std::string(kExportScript)}, {"job.json", job.dump()}, {"pictures.u8", bytes}};
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
  const auto answers = OSPREY_TRY(read_answers(expected, scratch.path().string()));
  done.agreement = OSPREY_TRY(compare_answers(expected, answers, spec.head));
  OSPREY_TRY(target.copy_from(scratch / "made.rknn"));
  OSPREY_TRY(target.commit());
  return done;
}

}  // namespace osprey::engine
