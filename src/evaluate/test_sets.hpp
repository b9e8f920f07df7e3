// SPDX-License-Identifier: Apache-2.0
// Small data sets for tests.
#pragma once

#include <osprey/result.hpp>

#include <stdexcept>
#include <string>
#include <utility>

#include "base/file_testing.hpp"
#include "evaluate/dataset.hpp"

namespace osprey::evaluation {

template <typename T>
T must(Result<T> result) {
  if (!result.ok()) throw std::runtime_error(result.error().message);
  return std::move(result).value();
}

/// `pictures` pictures of ids 1, 2 .. and `categories` categories of ids 1, 2 ...
inline GroundTruth empty_set(int pictures, int categories) {
  GroundTruth truth;
  truth.path = "labels.json";
  for (int i = 1; i <= pictures; ++i) {
    truth.pictures.push_back({i, std::to_string(i) + ".jpg", 640, 480});
  }
  for (int i = 1; i <= categories; ++i) {
    truth.categories.push_back({i, "class " + std::to_string(i)});
  }
  return truth;
}

inline void add_label(GroundTruth& truth, int picture, int category, Box box, bool crowd = false) {
  Label label;
  label.picture = picture;
  label.category = category;
  label.box = box;
  label.area = box.area();
  label.crowd = crowd;
  label.id = static_cast<std::int64_t>(truth.labels.size()) + 1;
  truth.labels.push_back(label);
}

}  // namespace osprey::evaluation
