// SPDX-License-Identifier: Apache-2.0
// YOLO's text files.
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <thread>

#include "base/read_file.hpp"
#include "base/try.hpp"
#include "evaluate/parallel.hpp"
#include "evaluate/read_labels.hpp"
#include "media/picture_kind.hpp"
#include "media/picture_size.hpp"

namespace osprey::evaluation {

namespace {

namespace fs = std::filesystem;

Error corrupt(const std::string& where, const std::string& what) {
  return {ErrorCode::kCorrupt, where + ": " + what};
}

struct DataYaml {
  std::vector<Category> categories;
  std::vector<fs::path> pictures;  // folders, or lists in files
};

Result<DataYaml> read_yaml(const std::string& path, const std::string& split) {
  DataYaml data;
  const auto text = OSPREY_TRY(base::read_file(path, "a data set's description"));
  try {
    const auto root = YAML::Load(text);
    if (!root.IsMap()) return corrupt(path, "expected keys path, " + split + " and names");
    const auto names = root["names"];
    if (!names || !(names.IsMap() || names.IsSequence())) {
      return corrupt(path, "names: expected a list, or a mapping from class numbers");
    }
    std::int64_t place = 0;
    for (const auto& each : names) {
      const auto number = names.IsMap() ? each.first.as<std::int64_t>() : place++;
      const auto name = names.IsMap() ? each.second.as<std::string>() : each.as<std::string>();
      data.categories.push_back({number + 1, name});
    }
    std::sort(data.categories.begin(), data.categories.end(),
              [](const Category& a, const Category& b) { return a.id < b.id; });
    for (std::size_t i = 0; i < data.categories.size(); ++i) {
      if (data.categories[i].id != static_cast<std::int64_t>(i) + 1) {
        return corrupt(path, "names: expected each class from 0 on once");
      }
    }
    const auto chosen = root[split];
    if (!chosen || chosen.IsNull()) {
      return Error{ErrorCode::kInvalidArgument,
                   path + ": has no " + split + "; expected a folder there"};
    }
    auto base = fs::path(path).parent_path();
    if (root["path"] && !root["path"].IsNull()) base /= root["path"].as<std::string>();
    const auto add = [&](const YAML::Node& node) {
      data.pictures.push_back(base / node.as<std::string>());
    };
    if (chosen.IsSequence()) {
      for (const auto& each : chosen) add(each);
    } else {
      add(chosen);
    }
  } catch (const YAML::Exception& error) {
    return corrupt(path, error.what());
  }
  return data;
}

Status find_pictures(const fs::path& place, std::vector<fs::path>& found) {
  std::error_code error;
  if (fs::is_directory(place, error)) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(place, error)) {
      if (entry.is_regular_file(error) && media::is_picture_file(entry.path())) {
        files.push_back(entry.path());
      }
    }
    std::sort(files.begin(), files.end());
    found.insert(found.end(), files.begin(), files.end());
    return {};
  }
  if (place.extension() != ".txt" || !fs::is_regular_file(place, error)) {
    return Error{ErrorCode::kNotFound,
                 place.string() + ": expected a folder of pictures, or a .txt that lists them"};
  }
  std::ifstream list(place);
  for (std::string line; std::getline(list, line);) {
    while (!line.empty() && std::isspace(static_cast<unsigned char>(line.back())) != 0) {
      line.pop_back();
    }
    if (!line.empty()) found.push_back(place.parent_path() / line);
  }
  return {};
}

/// In "labels" where the picture is in "images", else beside it.
fs::path label_file(const fs::path& picture) {
  auto text = picture.string();
  const std::string images = "/images/";
  if (const auto at = text.rfind(images); at != std::string::npos) {
    text.replace(at, images.size(), "/labels/");
  }
  return fs::path(text).replace_extension(".txt");
}

/// "class x y width height", or a class and an outline; shares of the picture.
std::optional<Label> read_line(const std::string& line, const Picture& picture) {
  std::istringstream words(line);
  Label label;
  std::vector<double> shares;
  double category = 0;
  if (!(words >> category) || category < 0 || category != static_cast<std::int32_t>(category)) {
    return {};
  }
  label.category = static_cast<std::int32_t>(category);
  for (double share = 0; words >> share;) shares.push_back(share);
  if (!words.eof() || shares.size() < 4 || shares.size() % 2 != 0) return {};
  double x = shares[0] - shares[2] / 2, y = shares[1] - shares[3] / 2;
  double width = shares[2], height = shares[3];
  if (shares.size() > 4) {
    double right = x = shares[0], bottom = y = shares[1];
    for (std::size_t i = 2; i < shares.size(); i += 2) {
      x = std::min(x, shares[i]);
      y = std::min(y, shares[i + 1]);
      right = std::max(right, shares[i]);
      bottom = std::max(bottom, shares[i + 1]);
    }
    width = right - x;
    height = bottom - y;
  }
  label.box = {x * picture.width, y * picture.height, width * picture.width,
               height * picture.height};
  label.area = label.box.area();
  return label;
}

struct LabelledPicture {
  Picture picture;
  std::vector<Label> labels;
};

Result<LabelledPicture> read_picture(const fs::path& path, std::size_t categories) {
  LabelledPicture made;
  const auto size = OSPREY_TRY(media::picture_size(path));
  made.picture.file_name = path.filename();
  made.picture.width = size.width;
  made.picture.height = size.height;
  const auto file = label_file(path);
  std::ifstream lines(file);  // one that is absent: nothing is there
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const auto where = file.string() + ":" + std::to_string(number);
    const auto label = read_line(line, made.picture);
    if (!label) return corrupt(where, "expected a class and x y width height, or an outline");
    if (static_cast<std::size_t>(label->category) >= categories) {
      return corrupt(where, "class " + std::to_string(label->category) + ": expected below " +
                                std::to_string(categories));
    }
    made.labels.push_back(*label);
  }
  return made;
}

}  // namespace

Result<GroundTruth> read_yolo_labels(const std::string& yaml, const std::string& split,
                                     Warnings& warnings) {
  const auto data = OSPREY_TRY(read_yaml(yaml, split));
  std::vector<fs::path> paths;
  for (const auto& place : data.pictures) OSPREY_TRY(find_pictures(place, paths));
  std::vector<std::optional<Result<LabelledPicture>>> read(paths.size());
  const auto threads = static_cast<int>(std::thread::hardware_concurrency());
  in_parallel(paths.size(), threads,
              [&](std::size_t i) { read[i] = read_picture(paths[i], data.categories.size()); });
  GroundTruth truth;
  truth.path = yaml;
  truth.categories = data.categories;
  for (auto& each : read) {
    if (!each->ok()) return each->error();
    truth.pictures.push_back((*each)->picture);
  }
  const auto places = number_pictures(truth.pictures);
  for (std::size_t i = 0; i < read.size(); ++i) {
    for (auto label : (*read[i])->labels) {
      label.picture = places[i];
      label.id = static_cast<std::int64_t>(truth.labels.size()) + 1;
      truth.labels.push_back(label);
    }
  }
  if (truth.pictures.empty()) warnings.add("folders without pictures", data.pictures[0].string());
  return truth;
}

}  // namespace osprey::evaluation
