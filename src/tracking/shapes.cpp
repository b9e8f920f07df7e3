// SPDX-License-Identifier: Apache-2.0
#include "tracking/shapes.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/try.hpp"

namespace osprey::tracking {

namespace {

using tiling::Point;

Point in_pixels(const Point& share, const FrameSize& frame) {
  return {share.x * frame.width, share.y * frame.height};
}

Point difference(const Point& a, const Point& b) {
  return {a.x - b.x, a.y - b.y};
}

double dot(const Point& a, const Point& b) {
  return a.x * b.x + a.y * b.y;
}

bool equal(const Point& a, const Point& b) {
  return a.x == b.x && a.y == b.y;
}

double distance_to_edge(const Point& a, const Point& b, const Point& point) {
  const Point along = difference(b, a), to_point = difference(point, a);
  const double length = dot(along, along);
  const double share = length > 0 ? std::clamp(dot(to_point, along) / length, 0.0, 1.0) : 0;
  return std::hypot(to_point.x - share * along.x, to_point.y - share * along.y);
}

class ShapeCheck {
 public:
  explicit ShapeCheck(const std::vector<std::string>& names) : names_(names) {}

  Status check(const std::string& kind, const std::string& name, const tiling::Polygon& points,
               const std::vector<std::string>& labels) {
    if (name.empty()) return wrong(kind + ": no name; expected one");
    const std::string who = kind + " '" + name + "': ";
    if (std::find(seen_.begin(), seen_.end(), name) != seen_.end()) {
      return wrong(who + "another zone or line has this name");
    }
    seen_.push_back(name);
    for (const auto& point : points) {
      // Written so that a NaN is outside.
      if (!(point.x >= 0 && point.x <= 1 && point.y >= 0 && point.y <= 1)) {
        return wrong(who + "a point is outside of the frame; expected shares from 0 to 1");
      }
    }
    for (const auto& label : labels) {
      if (names_.empty() || std::find(names_.begin(), names_.end(), label) != names_.end())
        continue;
      return wrong(who + "no model finds '" + label + "'");
    }
    return {};
  }

  static Error wrong(const std::string& what) { return {ErrorCode::kInvalidArgument, what}; }

 private:
  const std::vector<std::string>& names_;
  std::vector<std::string> seen_;
};

}  // namespace

bool same(const Zone& a, const Zone& b) {
  return a.name == b.name && a.labels == b.labels &&
         std::equal(a.polygon.begin(), a.polygon.end(), b.polygon.begin(), b.polygon.end(), equal);
}

bool same(const Line& a, const Line& b) {
  return a.name == b.name && a.labels == b.labels && equal(a.from, b.from) && equal(a.to, b.to);
}

Status check_shapes(const std::vector<Zone>& zones, const std::vector<Line>& lines,
                    const std::vector<std::string>& names) {
  ShapeCheck shapes(names);
  for (const auto& zone : zones) {
    OSPREY_TRY(shapes.check("zone", zone.name, zone.polygon, zone.labels));
    if (zone.polygon.size() < 3) {
      return ShapeCheck::wrong("zone '" + zone.name + "': expected three corners or more, not " +
                               std::to_string(zone.polygon.size()));
    }
  }
  for (const auto& line : lines) {
    OSPREY_TRY(shapes.check("line", line.name, {line.from, line.to}, line.labels));
    if (equal(line.from, line.to)) {
      return ShapeCheck::wrong("line '" + line.name +
                               "': begins where it ends; expected two points");
    }
  }
  return {};
}

Point anchor_of(const Box& box, const FrameSize& frame) {
  // A corner at the frame's edge would be no part of a zone that ends there.
  const double last = 1 - 1e-9;
  return {std::clamp((double{box.x1} + box.x2) / 2 / frame.width, 0.0, last),
          std::clamp(double{box.y2} / frame.height, 0.0, last)};
}

double distance_to_outline(const tiling::Polygon& polygon, const Point& point,
                           const FrameSize& frame) {
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < polygon.size(); ++i) {
    const auto& next = polygon[i + 1 < polygon.size() ? i + 1 : 0];
    least = std::min(least, distance_to_edge(in_pixels(polygon[i], frame), in_pixels(next, frame),
                                             in_pixels(point, frame)));
  }
  return least;
}

Step step_at(const Line& line, const Point& before, const Point& after, const FrameSize& frame) {
  const Point from = in_pixels(line.from, frame);
  const Point along = difference(in_pixels(line.to, frame), from);
  const double length = std::sqrt(dot(along, along));
  // Rows count downward: what is left of the line has it on the other side than in school.
  const auto distance = [&](const Point& point) {
    const Point to_point = difference(in_pixels(point, frame), from);
    return (along.y * to_point.x - along.x * to_point.y) / length;
  };
  const double was = distance(before), is = distance(after);
  Step step{is, 0};
  if ((was > 0) == (is > 0)) return step;
  const double share = was / (was - is);
  const Point at = in_pixels(
      {before.x + share * (after.x - before.x), before.y + share * (after.y - before.y)}, frame);
  const double place = dot(difference(at, from), along) / (length * length);
  if (place >= 0 && place <= 1) step.crossed = is > 0 ? 1 : -1;
  return step;
}

}  // namespace osprey::tracking
