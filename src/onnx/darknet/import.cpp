// SPDX-License-Identifier: Apache-2.0
#include "onnx/darknet/import.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/read_file.hpp"
#include "base/try.hpp"
#include "onnx/darknet/writer.hpp"

namespace osprey::onnx {
namespace {

using Json = nlohmann::ordered_json;

std::string json_text(const Json& json) {
  constexpr int kOneLine = -1;
  // Names in another encoding than UTF-8 lose letters rather than the whole import.
  return json.dump(kOneLine, ' ', false, Json::error_handler_t::replace);
}

/// One name a line, without the white space around it; empty lines at the end are none.
std::vector<std::string> lines_of(std::string_view text) {
  constexpr const char* kSpace = " \t\r";
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const std::size_t first = line.find_first_not_of(kSpace);
    line = first == std::string_view::npos
               ? std::string_view()
               : line.substr(first, line.find_last_not_of(kSpace) - first + 1);
    lines.emplace_back(line);
  }
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

std::string head_json(const std::vector<darknet::Head>& heads) {
  Json scales = Json::array();
  for (const auto& head : heads) {
    scales.push_back({{"output", head.output},
                      {"stride", head.yolo.stride},
                      {"anchors", head.yolo.anchors},
                      {"scale_xy", head.yolo.scale_xy}});
  }
  return json_text({{"kind", "anchor_grid"},
                    {"rule", heads[0].yolo.square ? "square" : "exp"},
                    {"scales", scales}});
}

std::string input_json() {
  return json_text({{"order", "rgb"},
                    {"mean", {0, 0, 0}},
                    {"std", {255, 255, 255}},
                    {"pad", 127},
                    {"align", "center"}});
}

}  // namespace

Result<Model> convert_darknet(const DarknetFile& cfg, const DarknetFile& weights,
                              const std::optional<DarknetFile>& names,
                              const DarknetImportOptions& options) {
  const auto sections = OSPREY_TRY(darknet::parse_cfg(cfg.bytes, cfg.name));
  const auto network = OSPREY_TRY(darknet::plan_network(sections, cfg.name, options));
  auto reader = OSPREY_TRY(darknet::WeightsReader::open(weights.bytes, weights.name, network));

  Model model = Model::create("darknet");
  const auto heads = OSPREY_TRY(darknet::write_network(network, options.batch, reader, model));
  if (names) {
    const std::vector<std::string> lines = lines_of(names->bytes);
    const auto classes = static_cast<std::size_t>(heads[0].yolo.classes);
    if (lines.size() != classes) {
      return Error{ErrorCode::kInvalidArgument,
                   names->name + ": has " + std::to_string(lines.size()) + " names, expected " +
                       std::to_string(classes) + " as the [yolo] sections of " + cfg.name + " say"};
    }
    model.set_metadata("names", json_text(lines));
  }
  model.set_metadata("osprey.head", head_json(heads));
  model.set_metadata("osprey.input", input_json());
  OSPREY_TRY(model.check());
  return model;
}

Status import_darknet(const std::string& cfg_path, const std::string& weights_path,
                      const std::string& names_path, const std::string& output_path,
                      const DarknetImportOptions& options) {
  const std::string cfg = OSPREY_TRY(base::read_file(cfg_path, "a Darknet .cfg"));
  const std::string weights = OSPREY_TRY(base::read_file(weights_path, "Darknet .weights"));
  std::string names;
  std::optional<DarknetFile> names_file;
  if (!names_path.empty()) {
    names = OSPREY_TRY(base::read_file(names_path, "a list of class names"));
    names_file = DarknetFile{names_path, names};
  }
  const Model model =
      OSPREY_TRY(convert_darknet({cfg_path, cfg}, {weights_path, weights}, names_file, options));
  return model.write(output_path);
}

}  // namespace osprey::onnx
