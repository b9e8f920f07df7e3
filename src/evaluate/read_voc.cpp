// SPDX-License-Identifier: Apache-2.0
// Pascal VOC's XML files.
#include <algorithm>
#include <filesystem>
#include <map>
#include <pugixml.hpp>

#include "base/read_file.hpp"
#include "base/try.hpp"
#include "evaluate/read_labels.hpp"

namespace osprey::evaluation {

namespace {

namespace fs = std::filesystem;

struct Named {
  Label label;
  std::string name;
};

Result<double> number(const pugi::xml_node& parent, const char* key, const std::string& where) {
  const auto text = parent.child(key).text();
  char* end = nullptr;
  const double value = std::strtod(text.get(), &end);
  if (end != text.get() && std::string(end).find_first_not_of(" \t\r\n") == std::string::npos) {
    return value;
  }
  return Error{ErrorCode::kCorrupt, where + ": " + key + ": expected a number"};
}

Result<std::vector<Named>> read_file(const fs::path& path, Picture& picture) {
  const auto text = OSPREY_TRY(base::read_file(path, "a picture's labels"));
  pugi::xml_document document;
  const auto parsed = document.load_buffer(text.data(), text.size());
  const auto root = document.child("annotation");
  if (!parsed || !root) {
    const std::string why = parsed ? "expected <annotation>" : parsed.description();
    return Error{ErrorCode::kCorrupt, path.string() + ": not a Pascal VOC file: " + why};
  }
  picture.file_name = root.child("filename").text().get();
  if (picture.file_name.empty()) picture.file_name = path.stem().string() + ".jpg";
  picture.width = root.child("size").child("width").text().as_int();
  picture.height = root.child("size").child("height").text().as_int();
  std::vector<Named> found;
  for (const auto& object : root.children("object")) {
    const auto where = path.string() + ": object " + std::to_string(found.size());
    Named each;
    each.name = object.child("name").text().get();
    if (each.name.empty()) return Error{ErrorCode::kCorrupt, where + ": name: missing"};
    const auto box = object.child("bndbox");
    const double left = OSPREY_TRY(number(box, "xmin", where));
    const double top = OSPREY_TRY(number(box, "ymin", where));
    const double right = OSPREY_TRY(number(box, "xmax", where));
    const double bottom = OSPREY_TRY(number(box, "ymax", where));
    each.label.box = {left, top, right - left, bottom - top};
    each.label.area = each.label.box.area();
    each.label.ignored = object.child("difficult").text().as_int() != 0;
    found.push_back(std::move(each));
  }
  return found;
}

}  // namespace

Result<GroundTruth> read_voc_labels(const std::string& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".xml") files.push_back(entry.path());
  }
  if (files.empty()) {
    return Error{
        ErrorCode::kNotFound,
        folder + ": expected instances.json, data.yaml, or a folder of Pascal VOC's XML files"};
  }
  std::sort(files.begin(), files.end());
  GroundTruth truth;
  truth.path = folder;
  std::vector<std::vector<Named>> labels;
  std::map<std::string, std::int32_t> categories;
  for (const auto& file : files) {
    labels.push_back(OSPREY_TRY(read_file(file, truth.pictures.emplace_back())));
    for (const auto& each : labels.back()) categories.emplace(each.name, 0);
  }
  for (auto& [name, place] : categories) {
    place = static_cast<std::int32_t>(truth.categories.size());
    truth.categories.push_back({place + 1, name});
  }
  const auto places = number_pictures(truth.pictures);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    for (auto& each : labels[i]) {
      each.label.picture = places[i];
      each.label.category = categories[each.name];
      each.label.id = static_cast<std::int64_t>(truth.labels.size()) + 1;
      truth.labels.push_back(each.label);
    }
  }
  return truth;
}

}  // namespace osprey::evaluation
