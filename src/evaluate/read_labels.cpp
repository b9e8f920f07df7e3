// SPDX-License-Identifier: Apache-2.0
#include "evaluate/read_labels.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "evaluate/read_coco.hpp"

namespace osprey::evaluation {

namespace fs = std::filesystem;

Result<GroundTruth> read_labels(const std::string& path, const std::string& split,
                                Warnings& warnings) {
  std::error_code error;
  const auto suffix = fs::path(path).extension();
  if (suffix == ".yaml" || suffix == ".yml") return read_yolo_labels(path, split, warnings);
  if (!fs::is_directory(path, error)) return read_coco_labels(path, warnings);
  for (const char* name : {"data.yaml", "data.yml", "dataset.yaml"}) {
    const auto yaml = fs::path(path) / name;
    if (fs::is_regular_file(yaml, error)) return read_yolo_labels(yaml, split, warnings);
  }
  return read_voc_labels(path);
}

std::vector<std::int32_t> number_pictures(std::vector<Picture>& pictures) {
  std::set<std::int64_t> ids;
  for (auto& picture : pictures) {
    const auto stem = fs::path(picture.file_name).stem().string();
    const auto* end = stem.data() + stem.size();
    const auto [at, error] = std::from_chars(stem.data(), end, picture.id);
    if (error != std::errc() || at != end || picture.id < 0 || !ids.insert(picture.id).second) {
      ids.clear();
      break;
    }
  }
  const bool numbered = ids.size() == pictures.size();
  for (std::size_t i = 0; i < pictures.size() && !numbered; ++i) {
    pictures[i].id = static_cast<std::int64_t>(i) + 1;
  }
  std::vector<std::int32_t> order(pictures.size()), places(pictures.size());
  std::iota(order.begin(), order.end(), 0);
  const auto id = [&](std::int32_t i) { return pictures[static_cast<std::size_t>(i)].id; };
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return id(a) < id(b); });
  std::vector<Picture> sorted;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto from = static_cast<std::size_t>(order[i]);
    places[from] = static_cast<std::int32_t>(i);
    sorted.push_back(std::move(pictures[from]));
  }
  pictures = std::move(sorted);
  return places;
}

std::string to_coco(const GroundTruth& truth) {
  using nlohmann::json;
  json made = {
      {"images", json::array()}, {"annotations", json::array()}, {"categories", json::array()}};
  for (const auto& picture : truth.pictures) {
    made["images"].push_back({{"id", picture.id},
                              {"file_name", picture.file_name},
                              {"width", picture.width},
                              {"height", picture.height}});
  }
  for (const auto& category : truth.categories) {
    made["categories"].push_back({{"id", category.id}, {"name", category.name}});
  }
  for (const auto& label : truth.labels) {
    made["annotations"].push_back(
        {{"id", label.id},
         {"image_id", truth.pictures[static_cast<std::size_t>(label.picture)].id},
         {"category_id", truth.categories[static_cast<std::size_t>(label.category)].id},
         {"bbox", {label.box.x, label.box.y, label.box.width, label.box.height}},
         {"area", label.area},
         {"iscrowd", label.crowd ? 1 : 0}});
  }
  return made.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace osprey::evaluation
