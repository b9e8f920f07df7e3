// SPDX-License-Identifier: Apache-2.0
#include "evaluate/curves.hpp"

#include <algorithm>

namespace osprey::evaluation {

namespace {

struct Scored {
  double score;
  bool right;
};

void add(const CategoryMatches& matches, const Detections& found, std::vector<Scored>& all) {
  for (const auto& detection : matches.detections) {
    if ((detection.ignored[0] & 1) != 0) continue;
    all.push_back({found[detection.index].score, (detection.matched[0] & 1) != 0});
  }
}

}  // namespace

std::vector<Point> score_curve(const std::vector<CategoryMatches>& matches, const Detections& found,
                               int category) {
  std::vector<Scored> all;
  Point point;
  for (std::size_t c = 0; c < matches.size(); ++c) {
    if (category >= 0 && c != static_cast<std::size_t>(category)) continue;
    add(matches[c], found, all);
    point.labels += matches[c].labels[0];
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Scored& a, const Scored& b) { return a.score > b.score; });
  std::vector<Point> curve;
  for (std::size_t i = 0; i < all.size(); ++i) {
    (all[i].right ? point.right : point.wrong) += 1;
    point.score = all[i].score;
    if (i + 1 == all.size() || all[i + 1].score < point.score) curve.push_back(point);
  }
  return curve;
}

Point best_f1(const std::vector<Point>& curve) {
  Point best;
  for (const auto& point : curve) {
    if (point.f1() > best.f1()) best = point;
  }
  return best;
}

Point at_score(const std::vector<Point>& curve, double score, std::int64_t labels) {
  Point none;
  none.score = score;
  none.labels = labels;
  const auto beyond = std::find_if(curve.begin(), curve.end(),
                                   [&](const Point& point) { return point.score < score; });
  return beyond == curve.begin() ? none : *std::prev(beyond);
}

}  // namespace osprey::evaluation
