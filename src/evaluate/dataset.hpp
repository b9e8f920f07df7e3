// SPDX-License-Identifier: Apache-2.0
// What an evaluation compares: labelled pictures, and what was found in them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace osprey::evaluation {

/// As COCO's files have it: the top left corner and the size, in pixels of the picture.
struct Box {
  double x = 0, y = 0, width = 0, height = 0;
  double area() const { return width * height; }
};

struct Picture {
  std::int64_t id = 0;
  std::string file_name;
  int width = 0, height = 0;  ///< 0: not known
};

struct Category {
  std::int64_t id = 0;
  std::string name;
};

/// A labelled object. `picture` and `category` are places in GroundTruth's lists.
struct Label {
  std::int32_t picture = 0, category = 0;
  Box box;
  double area = 0;       ///< of its outline where there is one, else of the box
  bool crowd = false;    ///< many objects in one box
  bool ignored = false;  ///< found or not, it does not matter
  bool counts() const { return !crowd && !ignored; }
  std::int64_t id = 0;
};

struct GroundTruth {
  std::string path;                  ///< where it was read
  std::vector<Picture> pictures;     ///< by id
  std::vector<Category> categories;  ///< by id
  std::vector<Label> labels;         ///< in the file's order
};

/// A box that a model found. Places as in Label.
struct Found {
  std::int32_t picture = 0, category = 0;
  Box box;
  double score = 0;
};

using Detections = std::vector<Found>;  ///< in the file's order

/// What was odd, but let pass as pycocotools does.
struct Warning {
  std::string what;  ///< "detections of an unknown category"
  std::int64_t count = 0;
  std::string first;  ///< where: "dt.json: detection 17"
};

class Warnings {
 public:
  void add(const std::string& what, const std::string& where, std::int64_t count = 1) {
    for (auto& known : list_) {
      if (known.what == what) {
        known.count += count;
        return;
      }
    }
    list_.push_back({what, count, where});
  }
  const std::vector<Warning>& list() const { return list_; }

 private:
  std::vector<Warning> list_;
};

}  // namespace osprey::evaluation
