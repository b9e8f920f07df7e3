// SPDX-License-Identifier: Apache-2.0
#include "ensemble/crops.hpp"

#include <algorithm>
#include <cmath>

namespace osprey::ensemble {

namespace {

Region around(const Box& box, int width, int height, float margin) {
  const float dx = margin * box.width(), dy = margin * box.height();
  const auto within = [](float value, int limit) {
    return static_cast<int>(std::clamp(value, 0.f, static_cast<float>(limit)));
  };
  const int x1 = within(std::floor(box.x1 - dx), width);
  const int y1 = within(std::floor(box.y1 - dy), height);
  const int x2 = within(std::ceil(box.x2 + dx), width);
  const int y2 = within(std::ceil(box.y2 + dy), height);
  return {x1, y1, x2 - x1, y2 - y1};
}

}  // namespace

std::vector<Crop> crops_of(std::span<const Detection> found, int width, int height,
                           const CropOptions& options) {
  std::vector<Crop> crops;
  const auto& labels = options.labels;
  const auto least = static_cast<float>(options.min_size);
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (crops.size() >= static_cast<std::size_t>(options.max_crops)) break;
    const auto& box = found[i].box;
    const bool wanted = labels.empty() ||
                        std::find(labels.begin(), labels.end(), found[i].label_id) != labels.end();
    if (!wanted || found[i].confidence < options.conf) continue;
    if (!(box.width() >= least && box.height() >= least)) continue;
    const auto part = around(box, width, height, options.margin);
    if (part.width > 0 && part.height > 0) crops.push_back({part, static_cast<std::int32_t>(i)});
  }
  return crops;
}

}  // namespace osprey::ensemble
