// SPDX-License-Identifier: Apache-2.0
#include "model/nms.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

#include "core/falling_key.hpp"

namespace osprey::model {

namespace {

// A candidate's place in the order: an integer compares faster than three fields, and a NaN cannot
// upset the sort.
struct Rank {
  std::uint64_t key;    // falling confidence, then label
  std::uint32_t index;  // in the list of candidates

  friend bool operator<(const Rank& a, const Rank& b) {
    return a.key != b.key ? a.key < b.key : a.index < b.index;
  }
};

std::uint32_t rising(std::int32_t label) {
  return static_cast<std::uint32_t>(label) ^ 0x80000000u;
}

std::vector<Rank> rank(const std::vector<Detection>& boxes, std::size_t limit) {
  std::vector<Rank> order(boxes.size());
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    order[i] = {std::uint64_t{falling_key(boxes[i].confidence)} << 32 | rising(boxes[i].label_id),
                static_cast<std::uint32_t>(i)};
  }
  if (order.size() > limit) {
    std::nth_element(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(limit),
                     order.end());
    order.resize(limit);
  }
  std::sort(order.begin(), order.end());
  return order;
}

// Survivors of one class, eight at a time so that one candidate is held against all of them with
// vector instructions. Unused places hold boxes that overlap nothing.
struct Group {
  static constexpr std::size_t kSize = 8;
  static constexpr float kFar = std::numeric_limits<float>::max();

  std::array<float, kSize> x1, y1, x2, y2, area;
  std::size_t count = 0;
  std::int32_t label = 0;
  std::int32_t next = -1;

  explicit Group(std::int32_t of_label) : label(of_label) {
    x1.fill(kFar);
    y1.fill(kFar);
    x2.fill(-kFar);
    y2.fill(-kFar);
    area.fill(0);
  }

  void add(const Box& box) {
    x1[count] = box.x1;
    y1[count] = box.y1;
    x2[count] = box.x2;
    y2[count] = box.y2;
    area[count] = box.area();
    ++count;
  }

  bool overlaps(const Box& box, float limit) const {
    const float box_area = box.area();
    int hits = 0;
    for (std::size_t i = 0; i < kSize; ++i) {
      const float right = x2[i] < box.x2 ? x2[i] : box.x2;
      const float left = x1[i] > box.x1 ? x1[i] : box.x1;
      const float bottom = y2[i] < box.y2 ? y2[i] : box.y2;
      const float top = y1[i] > box.y1 ? y1[i] : box.y1;
      const float width = right - left > 0 ? right - left : 0;
      const float height = bottom - top > 0 ? bottom - top : 0;
      const float common = width * height;
      hits |= common / (area[i] + box_area - common) > limit ? 1 : 0;
    }
    return hits != 0;
  }
};

// The survivors so far: chains of groups, one chain for each of a few remainders of the label.
class Survivors {
 public:
  Survivors() { heads_.fill(-1); }

  // Adds the box unless a survivor of its class overlaps it.
  bool admit(const Box& box, std::int32_t label, float limit) {
    auto& head = heads_[static_cast<std::uint32_t>(label) % heads_.size()];
    std::int32_t room = -1;
    for (auto at = head; at >= 0; at = groups_[static_cast<std::size_t>(at)].next) {
      const auto& group = groups_[static_cast<std::size_t>(at)];
      if (group.label != label) continue;
      if (group.overlaps(box, limit)) return false;
      if (group.count < Group::kSize) room = at;
    }
    if (room < 0) {
      room = static_cast<std::int32_t>(groups_.size());
      groups_.emplace_back(label).next = head;
      head = room;
    }
    groups_[static_cast<std::size_t>(room)].add(box);
    return true;
  }

 private:
  std::array<std::int32_t, 128> heads_;
  std::vector<Group> groups_;
};

}  // namespace

void nms(std::vector<Detection>& boxes, const NmsOptions& options) {
  const auto limit = static_cast<std::size_t>(std::max(options.max_candidates, 0));
  const auto wanted = static_cast<std::size_t>(std::max(options.max_det, 0));
  const float iou = std::max(options.iou, 0.0f);
  const auto order = rank(boxes, limit);

  Survivors survivors;
  std::vector<Detection> kept;
  kept.reserve(std::min(wanted, order.size()));
  for (const auto& candidate : order) {
    if (kept.size() >= wanted) break;
    const auto& detection = boxes[candidate.index];
    if (survivors.admit(detection.box, options.agnostic ? 0 : detection.label_id, iou)) {
      kept.push_back(detection);
    }
  }
  boxes = std::move(kept);
}

}  // namespace osprey::model
