// SPDX-License-Identifier: Apache-2.0
// osprey import: models of other formats as ONNX.
#include <CLI/CLI.hpp>

#include <charconv>
#include <cstdio>

#include "base/try.hpp"
#include "commands.hpp"
#include "engine/options.hpp"
#include "onnx/darknet/import.hpp"

namespace osprey::cli {

namespace {

Error bad_mask(const std::string& text) {
  return {ErrorCode::kInvalidArgument,
          "--mask: '" + text +
              "' is not valid; expected N:I,J,K, the anchors I,J,K for the N-th "
              "[yolo] section, both from 0"};
}

Status add_mask(const std::string& text, std::map<int, std::vector<int>>& masks) {
  std::vector<int> numbers;
  char separator = ':';
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  while (at <= end) {
    int value = 0;
    const auto parsed = std::from_chars(at, end, value);
    if (parsed.ec != std::errc() || value < 0) return bad_mask(text);
    numbers.push_back(value);
    if (parsed.ptr == end) break;
    if (*parsed.ptr != separator) return bad_mask(text);
    separator = ',';
    at = parsed.ptr + 1;
  }
  if (numbers.size() < 2) return bad_mask(text);
  masks[numbers.front()] = {numbers.begin() + 1, numbers.end()};
  return {};
}

struct ImportCommand {
  explicit ImportCommand(CLI::App& command) {
    command.add_option("cfg", cfg, "Darknet's description of the network")->required();
    command.add_option("weights", weights, "Darknet's weights")->required();
    command.add_option("--names", names, "class names, a line each")->option_text("FILE");
    command
        .add_option("--mask", masks,
                    "anchors for the N-th [yolo] section instead of the cfg's, as 1:1,2,3")
        ->option_text("N:I,J,K");
    command.add_option("--imgsz", imgsz, "input size instead of the cfg's: a side, or H,W")
        ->delimiter(',')
        ->expected(1, 2)
        ->option_text("N|H,W");
    command.add_option("-o,--output", output, "the ONNX file to write")
        ->required()
        ->option_text("FILE");
  }

  Status run() const {
    OSPREY_TRY(engine::check_files({cfg, weights, names}, {{"output", output}}));
    onnx::DarknetImportOptions options;
    for (const auto& mask : masks) OSPREY_TRY(add_mask(mask, options.masks));
    if (!imgsz.empty()) {
      options.height = imgsz.front();
      options.width = imgsz.back();
    }
    OSPREY_TRY(onnx::import_darknet(cfg, weights, names, output, options));
    std::fprintf(stderr, "wrote     %s\n", output.c_str());
    return {};
  }

  std::string cfg, weights, names, output;
  std::vector<std::string> masks;
  std::vector<int> imgsz;
};

}  // namespace

void add_import(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("import", "turn a Darknet model (.cfg, .weights) into ONNX");
  auto self = std::make_shared<ImportCommand>(*command);
  command->callback([self, &exit_code] {
    const auto status = self->run();
    exit_code = status ? kSuccess : fail(status.error());
  });
}

}  // namespace osprey::cli
