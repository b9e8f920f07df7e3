// SPDX-License-Identifier: Apache-2.0
// The fast decoders against plain loops on random tensors, odd values among them.
#include "model/score_scan.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "model/shape.hpp"

namespace osprey::model {
namespace {

// One location after another, every score through its sigmoid, nothing skipped.
struct PlainRule {
  DecodeOptions options;
  bool logits = false;

  float confidence(float raw) const {
    return logits ? 1.0f / (1.0f + std::exp(-raw)) : std::min(raw, 1.0f);
  }

  void read(const Box& box, float objectness, const std::vector<float>& scores,
            std::vector<Detection>& out) const {
    const bool bad_box = !std::isfinite(box.x1) || !std::isfinite(box.y1) ||
                         !std::isfinite(box.x2) || !std::isfinite(box.y2);
    if (bad_box || !std::isfinite(objectness)) return;
    int best = -1;
    for (int i = 0; i < static_cast<int>(scores.size()); ++i) {
      const float raw = scores[static_cast<std::size_t>(i)];
      if (!std::isfinite(raw)) continue;
      if (options.multi_label) {
        add(box, objectness * confidence(raw), i, out);
      } else if (best < 0 || raw > scores[static_cast<std::size_t>(best)]) {
        best = i;
      }
    }
    if (best >= 0) {
      add(box, objectness * confidence(scores[static_cast<std::size_t>(best)]), best, out);
    }
  }

  void add(const Box& box, float score, int label, std::vector<Detection>& out) const {
    const auto& wanted = options.classes;
    const bool kept =
        wanted.empty() || std::find(wanted.begin(), wanted.end(), label) != wanted.end();
    if (kept && score > options.conf) out.push_back({box, score, label});
  }
};

class Dice {
 public:
  explicit Dice(unsigned seed) : random_(seed) {}

  int whole(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }
  bool chance(int one_in) { return whole(1, one_in) == 1; }

  // Values as networks give them, and now and then one that none should.
  std::vector<float> values(std::size_t count, bool logits) {
    constexpr float kOdd[] = {std::numeric_limits<float>::quiet_NaN(),
                              std::numeric_limits<float>::infinity(),
                              -std::numeric_limits<float>::infinity(),
                              std::numeric_limits<float>::max(),
                              0.0f,
                              -0.0f,
                              1.0f};
    std::uniform_real_distribution<float> plain(logits ? -8.0f : 0.0f, logits ? 4.0f : 1.0f);
    std::vector<float> out(count);
    for (auto& value : out) {
      value = plain(random_);
      if (!logits) value *= value * value;  // few high scores, as in life
      if (chance(200)) value = kOdd[whole(0, 6)];
    }
    return out;
  }

  DecodeOptions options(int classes) {
    constexpr float kConfs[] = {0, 0.001f, 0.25f, 0.5f, 0.9f, 1};
    DecodeOptions options;
    options.conf = kConfs[whole(0, 5)];
    options.multi_label = chance(2);
    if (chance(3)) {
      for (int i = 0; i < classes; ++i) {
        if (chance(2)) options.classes.push_back(i);
      }
    }
    return options;
  }

 private:
  std::mt19937 random_;
};

Box plain_box(float cx, float cy, float width, float height) {
  return {cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2};
}

std::vector<Detection> decoded(const ModelSpec& spec, const DecodeOptions& options,
                               const std::vector<TensorView>& views) {
  const auto decoder = Decoder::create(spec, options);
  EXPECT_TRUE(decoder.ok());
  std::vector<Detection> found;
  EXPECT_TRUE((*decoder)->decode(views, found).ok());
  return found;
}

// Candidates, labels and confidences must be equal; boxes go through exp() twice and may differ by
// its last bit.
void expect_equal(const std::vector<Detection>& found, const std::vector<Detection>& wanted) {
  ASSERT_EQ(found.size(), wanted.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    ASSERT_EQ(found[i].label_id, wanted[i].label_id);
    ASSERT_EQ(found[i].confidence, wanted[i].confidence);
    ASSERT_FLOAT_EQ(found[i].box.x1, wanted[i].box.x1);
    ASSERT_FLOAT_EQ(found[i].box.y1, wanted[i].box.y1);
    ASSERT_FLOAT_EQ(found[i].box.x2, wanted[i].box.x2);
    ASSERT_FLOAT_EQ(found[i].box.y2, wanted[i].box.y2);
  }
}

TEST(score_scan, of_channels_first_equals_plain_loops) {
  for (unsigned seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Dice dice(seed);
    const int classes = dice.whole(1, 20), locations = dice.whole(1, 2500);
    ModelSpec spec;
    spec.head.classes = classes;
    spec.head.transposed = dice.chance(2);
    spec.head.scores_are_logits = dice.chance(2);
    const auto options = dice.options(classes);
    const auto values = dice.values(static_cast<std::size_t>((4 + classes) * locations),
                                    spec.head.scores_are_logits);
    const auto at = [&](int location, int channel) {
      const int place = spec.head.transposed ? location * (4 + classes) + channel
                                             : channel * locations + location;
      return values[static_cast<std::size_t>(place)];
    };
    std::vector<Detection> wanted;
    for (int i = 0; i < locations; ++i) {
      std::vector<float> scores;
      for (int c = 0; c < classes; ++c) scores.push_back(at(i, 4 + c));
      PlainRule{options, spec.head.scores_are_logits}.read(
          plain_box(at(i, 0), at(i, 1), at(i, 2), at(i, 3)), 1, scores, wanted);
    }
    const Shape shape =
        spec.head.transposed ? Shape{1, locations, 4 + classes} : Shape{1, 4 + classes, locations};
    expect_equal(decoded(spec, options, {{values.data(), shape}}), wanted);
  }
}

TEST(score_scan, of_rows_equals_plain_loops) {
  for (unsigned seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Dice dice(seed);
    const int classes = dice.whole(1, 20), locations = dice.whole(1, 2500);
    ModelSpec spec;
    spec.head.kind = HeadKind::kRows;
    spec.head.classes = classes;
    const auto options = dice.options(classes);
    const auto values = dice.values(static_cast<std::size_t>((5 + classes) * locations), false);
    std::vector<Detection> wanted;
    for (int i = 0; i < locations; ++i) {
      const float* row = values.data() + i * (5 + classes);
      const PlainRule rule{options, false};
      rule.read(plain_box(row[0], row[1], row[2], row[3]),
                std::isfinite(row[4]) ? rule.confidence(row[4]) : row[4],
                {row + 5, row + 5 + classes}, wanted);
    }
    expect_equal(decoded(spec, options, {{values.data(), {1, locations, 5 + classes}}}), wanted);
  }
}

TEST(score_scan, of_anchor_grids_equals_plain_loops) {
  for (unsigned seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Dice dice(seed);
    const int classes = dice.whole(1, 12), anchors = dice.whole(1, 4), values = 5 + classes;
    const int columns = dice.whole(1, 30), rows = dice.whole(1, 30);
    constexpr int kStride = 16;
    ModelSpec spec;
    spec.input.width = columns * kStride;
    spec.input.height = rows * kStride;
    spec.head.kind = HeadKind::kAnchorGrid;
    spec.head.classes = classes;
    spec.head.rule = dice.chance(2) ? AnchorRule::kExp : AnchorRule::kSquare;
    spec.head.scores_are_logits = true;
    spec.head.scales = {{0, kStride, {}, 1.05f}};
    for (int i = 0; i < anchors; ++i) {
      spec.head.scales[0].anchors.push_back(
          {static_cast<float>(10 + i), static_cast<float>(30 - i)});
    }
    const bool behind = dice.chance(2);
    const auto options = dice.options(classes);
    const auto data =
        dice.values(static_cast<std::size_t>(anchors * values * columns * rows), true);
    const auto at = [&](int anchor, int cell, int k) {
      const int place = behind ? (cell * anchors + anchor) * values + k
                               : (anchor * values + k) * columns * rows + cell;
      return data[static_cast<std::size_t>(place)];
    };
    const auto squash = [](float x) { return 1.0f / (1.0f + std::exp(-x)); };
    std::vector<Detection> wanted;
    for (int anchor = 0; anchor < anchors; ++anchor) {
      for (int cell = 0; cell < columns * rows; ++cell) {
        const auto& size = spec.head.scales[0].anchors[static_cast<std::size_t>(anchor)];
        const float tx = at(anchor, cell, 0), ty = at(anchor, cell, 1);
        const float tw = at(anchor, cell, 2), th = at(anchor, cell, 3);
        const auto column = static_cast<float>(cell % columns);
        const auto row = static_cast<float>(cell / columns);
        Box box;
        if (spec.head.rule == AnchorRule::kSquare) {
          const float w = 2 * squash(tw), h = 2 * squash(th);
          box = plain_box((2 * squash(tx) - 0.5f + column) * 16, (2 * squash(ty) - 0.5f + row) * 16,
                          size[0] * w * w, size[1] * h * h);
        } else {
          const float grow = 1.05f, shift = (grow - 1) / 2;
          box = plain_box((grow * squash(tx) - shift + column) * 16,
                          (grow * squash(ty) - shift + row) * 16, size[0] * std::exp(tw),
                          size[1] * std::exp(th));
        }
        std::vector<float> scores;
        for (int c = 0; c < classes; ++c) scores.push_back(at(anchor, cell, 5 + c));
        const PlainRule rule{options, true};
        const float objectness = at(anchor, cell, 4);
        rule.read(box, std::isfinite(objectness) ? rule.confidence(objectness) : objectness, scores,
                  wanted);
      }
    }
    const Shape shape = behind ? Shape{1, rows, columns, anchors * values}
                               : Shape{1, anchors * values, rows, columns};
    // The one shape that a single stride leaves ambiguous.
    if (anchors * values == rows && rows == columns) continue;
    expect_equal(decoded(spec, options, {{data.data(), shape}}), wanted);
  }
}

TEST(score_scan, of_split_outputs_equals_plain_loops) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Dice dice(seed);
    const int classes = dice.whole(1, 12), columns = dice.whole(1, 30), rows = dice.whole(1, 30);
    const int bins = dice.chance(3) ? 1 : 16;
    ModelSpec spec;
    spec.input.width = columns * 8;
    spec.input.height = rows * 8;
    spec.head.kind = HeadKind::kSplitDfl;
    spec.head.classes = classes;
    spec.head.scores_are_logits = dice.chance(2);
    spec.head.splits = {{0, 1, -1, 8}};
    const auto options = dice.options(classes);
    const int cells = columns * rows;
    const auto boxes = dice.values(static_cast<std::size_t>(4 * bins * cells), true);
    const auto scores =
        dice.values(static_cast<std::size_t>(classes * cells), spec.head.scores_are_logits);
    std::vector<Detection> wanted;
    for (int cell = 0; cell < cells; ++cell) {
      std::array<float, 4> distances{};
      for (int side = 0; side < 4; ++side) {
        const auto logit = [&](int bin) {
          return boxes[static_cast<std::size_t>((side * bins + bin) * cells + cell)];
        };
        float sum = 0, mean = 0, top = logit(0);
        for (int bin = 1; bin < bins; ++bin) top = std::max(top, logit(bin));
        for (int bin = 0; bin < bins; ++bin) sum += std::exp(logit(bin) - top);
        for (int bin = 0; bin < bins; ++bin) {
          mean += std::exp(logit(bin) - top) / sum * static_cast<float>(bin);
        }
        distances[static_cast<std::size_t>(side)] = bins == 1 ? logit(0) : mean;
      }
      const float x = static_cast<float>(cell % columns) + 0.5f;
      const float y = static_cast<float>(cell / columns) + 0.5f;
      std::vector<float> of_cell;
      for (int c = 0; c < classes; ++c) {
        of_cell.push_back(scores[static_cast<std::size_t>(c * cells + cell)]);
      }
      PlainRule{options, spec.head.scores_are_logits}.read(
          {(x - distances[0]) * 8, (y - distances[1]) * 8, (x + distances[2]) * 8,
           (y + distances[3]) * 8},
          1, of_cell, wanted);
    }
    const auto found = decoded(spec, options,
                               {{boxes.data(), {1, 4 * bins, rows, columns}},
                                {scores.data(), {1, classes, rows, columns}}});
    ASSERT_EQ(found.size(), wanted.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      ASSERT_EQ(found[i].label_id, wanted[i].label_id);
      ASSERT_EQ(found[i].confidence, wanted[i].confidence);
      // The mean is summed in another order.
      ASSERT_NEAR(found[i].box.x1, wanted[i].box.x1, 1e-3);
      ASSERT_NEAR(found[i].box.y2, wanted[i].box.y2, 1e-3);
    }
  }
}

}  // namespace
}  // namespace osprey::model
