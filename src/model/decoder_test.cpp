// SPDX-License-Identifier: Apache-2.0
// Known boxes are written into tensors the way each network writes them, and must come back.
#include "model/decoder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>

namespace osprey::model {
namespace {

constexpr int kWidth = 160, kHeight = 96, kClasses = 5;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Tensor {
  Shape shape;
  std::vector<float> values;

  explicit Tensor(Shape of_shape, float fill = 0) : shape(std::move(of_shape)) {
    values.assign(TensorView{nullptr, shape}.size(), fill);
  }
  float& at(const Shape& index) {
    std::size_t place = 0;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      place = place * static_cast<std::size_t>(shape[i]) + static_cast<std::size_t>(index[i]);
    }
    return values.at(place);
  }
  TensorView view() const { return {values.data(), shape}; }
};

double logit(double p) {
  return std::log(p / (1 - p));
}

// Objects with sizes and places in general position, each in another cell at every stride.
std::vector<Detection> objects() {
  return {{{3.5f, 8.25f, 40.5f, 30.75f}, 0.9f, 0},
          {{60.25f, 10.5f, 99.75f, 80.0f}, 0.6f, 4},
          {{100.0f, 40.0f, 158.5f, 95.0f}, 0.3f, 2}};
}

ModelSpec spec_of(HeadKind kind) {
  ModelSpec spec;
  spec.input.width = kWidth;
  spec.input.height = kHeight;
  spec.head.kind = kind;
  spec.head.classes = kClasses;
  return spec;
}

Result<std::vector<Detection>> decode(const ModelSpec& spec, const std::vector<Tensor>& tensors,
                                      const DecodeOptions& options = {}) {
  const auto decoder = Decoder::create(spec, options);
  if (!decoder.ok()) return decoder.error();
  std::vector<TensorView> views;
  for (const auto& tensor : tensors) views.push_back(tensor.view());
  std::vector<Detection> found;
  const auto status = (*decoder)->decode(views, found);
  if (!status.ok()) return status.error();
  return found;
}

void expect_same(std::vector<Detection> found, std::vector<Detection> wanted) {
  const auto by_confidence = [](const auto& a, const auto& b) {
    return a.confidence > b.confidence;
  };
  std::sort(found.begin(), found.end(), by_confidence);
  std::sort(wanted.begin(), wanted.end(), by_confidence);
  ASSERT_EQ(found.size(), wanted.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].label_id, wanted[i].label_id);
    EXPECT_NEAR(found[i].confidence, wanted[i].confidence, 1e-5);
    EXPECT_NEAR(found[i].box.x1, wanted[i].box.x1, 2e-3);
    EXPECT_NEAR(found[i].box.y1, wanted[i].box.y1, 2e-3);
    EXPECT_NEAR(found[i].box.x2, wanted[i].box.x2, 2e-3);
    EXPECT_NEAR(found[i].box.y2, wanted[i].box.y2, 2e-3);
  }
}

void expect_objects(const ModelSpec& spec, const std::vector<Tensor>& tensors) {
  const auto found = decode(spec, tensors);
  ASSERT_TRUE(found.ok()) << found.error().message;
  expect_same(*found, objects());
}

struct Centre {
  double x, y, width, height;
};
Centre centre_of(const Box& box) {
  return {(double{box.x1} + box.x2) / 2, (double{box.y1} + box.y2) / 2, double{box.x2} - box.x1,
          double{box.y2} - box.y1};
}

// --- Heads of one output
// ---------------------------------------------------------------------------

Tensor channels_first() {
  Tensor tensor({1, 4 + kClasses, 315}, 0.01f);
  std::int64_t location = 7;
  for (const auto& object : objects()) {
    const auto [x, y, width, height] = centre_of(object.box);
    const std::array<double, 4> box = {x, y, width, height};
    for (std::int64_t i = 0; i < 4; ++i) {
      tensor.at({0, i, location}) = static_cast<float>(box[static_cast<std::size_t>(i)]);
    }
    tensor.at({0, 4 + object.label_id, location}) = object.confidence;
    location += 101;
  }
  return tensor;
}

TEST(decoder, reads_channels_first) {
  expect_objects(spec_of(HeadKind::kChannelsFirst), {channels_first()});
}

TEST(decoder, reads_channels_first_transposed) {
  auto straight = channels_first();
  Tensor tensor({1, straight.shape[2], straight.shape[1]});
  for (std::int64_t i = 0; i < tensor.shape[1]; ++i) {
    for (std::int64_t c = 0; c < tensor.shape[2]; ++c) {
      tensor.at({0, i, c}) = straight.at({0, c, i});
    }
  }
  auto spec = spec_of(HeadKind::kChannelsFirst);
  spec.head.transposed = true;
  expect_objects(spec, {tensor});
}

TEST(decoder, reads_boxes_that_are_shares_of_the_input_where_a_format_has_them) {
  auto shares = channels_first();
  for (std::int64_t location = 0; location < shares.shape[2]; ++location) {
    for (std::int64_t i = 0; i < 4; ++i) {
      shares.at({0, i, location}) /= static_cast<float>(i % 2 == 0 ? kWidth : kHeight);
    }
  }
  auto spec = spec_of(HeadKind::kChannelsFirst);
  spec.head.may_be_relative = true;
  expect_objects(spec, {shares});
  expect_objects(spec, {channels_first()});
}

TEST(decoder, reads_the_output_that_the_layout_names) {
  auto spec = spec_of(HeadKind::kChannelsFirst);
  spec.head.output = 1;
  expect_objects(spec, {Tensor({1}), channels_first()});
}

Tensor rows() {
  Tensor tensor({1, 945, 5 + kClasses}, 0.01f);
  std::int64_t row = 3;
  for (const auto& object : objects()) {
    const auto [x, y, width, height] = centre_of(object.box);
    const std::array<double, 5> box = {x, y, width, height, 0.95};
    for (std::int64_t i = 0; i < 5; ++i) {
      tensor.at({0, row, i}) = static_cast<float>(box[static_cast<std::size_t>(i)]);
    }
    tensor.at({0, row, 5 + object.label_id}) = object.confidence / 0.95f;
    row += 300;
  }
  return tensor;
}

TEST(decoder, reads_rows_and_multiplies_objectness_by_class_score) {
  expect_objects(spec_of(HeadKind::kRows), {rows()});
}

TEST(decoder, reads_the_undecoded_grid_of_yolox) {
  Tensor tensor({1, 20 * 12 + 10 * 6 + 5 * 3, 5 + kClasses}, 0.01f);
  const std::array<int, 3> strides = {8, 16, 32};
  std::int64_t before = 0;
  for (std::size_t i = 0; i < strides.size(); ++i) {
    const int stride = strides[i], columns = kWidth / stride;
    const auto object = objects()[i];
    const auto [x, y, width, height] = centre_of(object.box);
    const int column = static_cast<int>(x / stride), row = static_cast<int>(y / stride);
    const std::array<double, 5> values = {x / stride - column, y / stride - row,
                                          std::log(width / stride), std::log(height / stride),
                                          0.95};
    const auto place = before + row * columns + column;
    for (std::int64_t k = 0; k < 5; ++k) {
      tensor.at({0, place, k}) = static_cast<float>(values[static_cast<std::size_t>(k)]);
    }
    tensor.at({0, place, 5 + object.label_id}) = object.confidence / 0.95f;
    before += columns * (kHeight / stride);
  }
  auto spec = spec_of(HeadKind::kYoloxGrid);
  spec.head.strides = {8, 16, 32};
  expect_objects(spec, {tensor});
}

TEST(decoder, reads_end_to_end_rows_as_they_are) {
  Tensor tensor({1, 300, 6});
  std::int64_t row = 0;
  for (const auto& object : objects()) {
    const auto& box = object.box;
    const std::array<float, 6> values = {
        box.x1, box.y1, box.x2, box.y2, object.confidence, static_cast<float>(object.label_id)};
    for (std::int64_t i = 0; i < 6; ++i) {
      tensor.at({0, row, i}) = values[static_cast<std::size_t>(i)];
    }
    ++row;
  }
  auto spec = spec_of(HeadKind::kEndToEnd);
  expect_objects(spec, {tensor});

  // Labels that no class has, confident as they may be.
  for (const float label : {-1.0f, 5.0f, 1e20f, -kInfinity, std::nanf("")}) {
    tensor.at({0, row, 4}) = 0.99f;
    tensor.at({0, row++, 5}) = label;
  }
  expect_objects(spec, {tensor});
  expect_same(*decode(spec, {tensor}, {.classes = {4}}), {objects()[1]});
}

// --- Anchor grids ------------------------------------------------------------------------------

enum class Order { kChannels, kSplitChannels, kCells, kAnchors };

using AnchorCase = std::tuple<Order, AnchorRule, bool>;
class anchor_grid : public testing::TestWithParam<AnchorCase> {};

TEST_P(anchor_grid, comes_back_as_written) {
  const auto order = std::get<0>(GetParam());
  const auto rule = std::get<1>(GetParam());
  const bool raw = std::get<2>(GetParam());
  auto spec = spec_of(HeadKind::kAnchorGrid);
  spec.head.rule = rule;
  spec.head.scores_are_logits = raw;
  spec.head.scales = {{0, 8, {{20, 20}, {30, 15}}, 1.2f},
                      {1, 16, {{40, 60}, {35, 70}}, 1.1f},
                      {2, 32, {{60, 50}, {50, 45}}, 1.0f}};
  std::vector<Tensor> tensors;
  for (std::size_t i = 0; i < 3; ++i) {
    const auto& scale = spec.head.scales[i];
    const std::int64_t rows = kHeight / scale.stride, columns = kWidth / scale.stride;
    const std::int64_t values = 5 + kClasses;
    Tensor tensor(order == Order::kChannels        ? Shape{1, 2 * values, rows, columns}
                  : order == Order::kSplitChannels ? Shape{1, 2, values, rows, columns}
                  : order == Order::kCells         ? Shape{1, rows, columns, 2 * values}
                                                   : Shape{1, 2, rows, columns, values},
                  raw ? -6.0f : 0.002f);

    const auto object = objects()[i];
    const auto [x, y, width, height] = centre_of(object.box);
    const std::int64_t anchor = static_cast<std::int64_t>(i) % 2;
    const auto column = static_cast<std::int64_t>(x / scale.stride);
    const auto row = static_cast<std::int64_t>(y / scale.stride);
    const auto& size = scale.anchors[static_cast<std::size_t>(anchor)];
    const auto write = [&](std::int64_t k, double value) {
      tensor.at(order == Order::kChannels        ? Shape{0, anchor * values + k, row, column}
                : order == Order::kSplitChannels ? Shape{0, anchor, k, row, column}
                : order == Order::kCells         ? Shape{0, row, column, anchor * values + k}
                                                 : Shape{0, anchor, row, column, k}) =
          static_cast<float>(value);
    };
    const auto squash = [&](double p) { return raw ? logit(p) : p; };
    const double factor = rule == AnchorRule::kSquare ? 2.0 : scale.scale_xy;
    const auto offset = [&](double cells) { return squash((cells + (factor - 1) / 2) / factor); };
    const auto side = [&](double ratio) {
      return rule == AnchorRule::kExp ? std::log(ratio) : squash(std::sqrt(ratio) / 2);
    };
    write(0, offset(x / scale.stride - static_cast<double>(column)));
    write(1, offset(y / scale.stride - static_cast<double>(row)));
    write(2, side(width / size[0]));
    write(3, side(height / size[1]));
    write(4, squash(0.95));
    write(5 + object.label_id, squash(object.confidence / 0.95));
    tensors.push_back(std::move(tensor));
  }
  expect_objects(spec, tensors);
}

INSTANTIATE_TEST_SUITE_P(layouts, anchor_grid,
                         testing::Combine(testing::Values(Order::kChannels, Order::kSplitChannels,
                                                          Order::kCells, Order::kAnchors),
                                          testing::Values(AnchorRule::kExp, AnchorRule::kSquare),
                                          testing::Bool()));

// --- Split heads ---------------------------------------------------------------------------------

using SplitCase = std::tuple<bool, int, bool>;  // channels behind, bins, logits
class split_head : public testing::TestWithParam<SplitCase> {};

// Logits of a distribution over the bins with `distance` as its mean.
std::vector<float> distribution(double distance, int bins) {
  if (bins == 1) return {static_cast<float>(distance)};
  std::vector<float> logits(static_cast<std::size_t>(bins), -60.0f);
  const auto low = static_cast<std::size_t>(distance);
  const double share = distance - static_cast<double>(low);
  logits[low] = static_cast<float>(std::log(1 - share + 1e-12)) + 3;
  logits[low + 1] = static_cast<float>(std::log(share + 1e-12)) + 3;
  return logits;
}

TEST_P(split_head, comes_back_as_written) {
  const bool behind = std::get<0>(GetParam());
  const int bins = std::get<1>(GetParam());
  const bool raw = std::get<2>(GetParam());
  auto spec = spec_of(HeadKind::kSplitDfl);
  spec.head.scores_are_logits = raw;
  spec.head.splits = {{1, 0, -1, 8}, {3, 2, -1, 16}, {5, 4, -1, 32}};
  std::vector<Tensor> tensors;
  for (std::size_t i = 0; i < 3; ++i) {
    const int stride = spec.head.splits[i].stride;
    const std::int64_t rows = kHeight / stride, columns = kWidth / stride;
    const auto shape = [&](std::int64_t channels) {
      return behind ? Shape{1, rows, columns, channels} : Shape{1, channels, rows, columns};
    };
    Tensor boxes(shape(4 * bins)), scores(shape(kClasses), raw ? -5.0f : 0.01f);

    const auto object = objects()[i];
    const auto centre = centre_of(object.box);
    const auto column = static_cast<std::int64_t>(centre.x / stride);
    const auto row = static_cast<std::int64_t>(centre.y / stride);
    const auto at = [&](Tensor& tensor, std::int64_t channel) -> float& {
      return tensor.at(behind ? Shape{0, row, column, channel} : Shape{0, channel, row, column});
    };
    const double x = static_cast<double>(column) + 0.5, y = static_cast<double>(row) + 0.5;
    const std::array<double, 4> distances = {x - object.box.x1 / stride, y - object.box.y1 / stride,
                                             object.box.x2 / stride - x,
                                             object.box.y2 / stride - y};
    std::int64_t channel = 0;
    for (const double distance : distances) {
      for (const float value : distribution(distance, bins)) at(boxes, channel++) = value;
    }
    at(scores, object.label_id) =
        static_cast<float>(raw ? logit(object.confidence) : object.confidence);
    tensors.push_back(std::move(scores));
    tensors.push_back(std::move(boxes));
  }
  expect_objects(spec, tensors);
}

INSTANTIATE_TEST_SUITE_P(layouts, split_head,
                         testing::Combine(testing::Bool(), testing::Values(1, 16, 17),
                                          testing::Bool()));

// --- What all heads share
// --------------------------------------------------------------------------

// One location with the given scores.
std::vector<Detection> from_scores(const std::vector<float>& scores, const DecodeOptions& options,
                                   bool logits = false) {
  auto spec = spec_of(HeadKind::kChannelsFirst);
  spec.head.classes = static_cast<int>(scores.size());
  spec.head.scores_are_logits = logits;
  Tensor tensor({1, 4 + spec.head.classes, 1}, 10);
  std::copy(scores.begin(), scores.end(), tensor.values.begin() + 4);
  return *decode(spec, {tensor}, options);
}

std::vector<int> labels(const std::vector<Detection>& detections) {
  std::vector<int> ids;
  for (const auto& detection : detections) ids.push_back(detection.label_id);
  return ids;
}

TEST(decoder, gives_the_lowest_of_equally_good_classes) {
  EXPECT_THAT(labels(from_scores({0.3f, 0.7f, 0.7f}, {})), testing::ElementsAre(1));
}

TEST(decoder, takes_only_scores_strictly_above_conf) {
  EXPECT_THAT(from_scores({0.5f}, {.conf = 0.5f}), testing::IsEmpty());
  EXPECT_EQ(from_scores({std::nextafter(0.5f, 1.0f)}, {.conf = 0.5f}).size(), 1u);
  EXPECT_THAT(from_scores({0.0f}, {.conf = 0}), testing::IsEmpty());
  EXPECT_THAT(from_scores({1.0f}, {.conf = 1}), testing::IsEmpty());
}

TEST(decoder, gives_every_class_above_conf_if_asked_for_several_labels) {
  const DecodeOptions options{.conf = 0.4f, .multi_label = true};
  const auto found = from_scores({0.5f, 0.3f, 0.9f, 0.4f}, options);
  EXPECT_THAT(labels(found), testing::ElementsAre(0, 2));
  EXPECT_FLOAT_EQ(found[0].confidence, 0.5f);
  EXPECT_FLOAT_EQ(found[1].confidence, 0.9f);
}

TEST(decoder, keeps_wanted_classes_only) {
  EXPECT_THAT(labels(from_scores({0.5f, 0.9f}, {.classes = {1}})), testing::ElementsAre(1));
  EXPECT_THAT(labels(from_scores({0.5f, 0.9f}, {.classes = {0}})), testing::IsEmpty())
      << "the location is the other class's";
  EXPECT_THAT(labels(from_scores({0.5f, 0.9f}, {.classes = {0}, .multi_label = true})),
              testing::ElementsAre(0));
}

TEST(decoder, takes_scores_that_are_not_finite_as_absent) {
  const float nan = std::nanf("");
  for (const bool multi_label : {false, true}) {
    const DecodeOptions options{.conf = 0.2f, .multi_label = multi_label};
    EXPECT_THAT(labels(from_scores({nan, 0.3f, kInfinity, -kInfinity}, options)),
                testing::ElementsAre(1));
    EXPECT_THAT(from_scores({nan, nan}, options), testing::IsEmpty());
    EXPECT_THAT(from_scores({kInfinity}, options, true), testing::IsEmpty());
  }
}

TEST(decoder, drops_boxes_that_are_not_finite) {
  for (const float bad : {std::nanf(""), kInfinity, -kInfinity}) {
    for (std::int64_t field = 0; field < 4; ++field) {
      auto tensor = channels_first();
      tensor.at({0, field, 7}) = bad;
      auto rest = objects();
      rest.erase(rest.begin());
      expect_same(*decode(spec_of(HeadKind::kChannelsFirst), {tensor}), rest);
    }
  }
}

TEST(decoder, counts_scores_above_one_as_one) {
  EXPECT_EQ(from_scores({1.5f}, {})[0].confidence, 1.0f);
}

TEST(decoder, decides_on_logits_as_the_sigmoid_would_to_the_last_bit) {
  for (const float conf : {1e-6f, 0.001f, 0.25f, 0.5f, 0.9f, 0.9999f, 0.9999999f}) {
    // From bit to bit of the logit, and in quarters of the least step that the sigmoid shows.
    const double shown = std::ldexp(1.0, -24) / (double{conf} * (1 - double{conf}));
    for (const double step : {std::abs(logit(conf)) * std::ldexp(1.0, -23), shown / 4}) {
      for (int i = -60; i <= 60; ++i) {
        const auto raw = static_cast<float>(logit(conf) + i * step);
        const float probability = 1.0f / (1.0f + std::exp(-raw));
        EXPECT_EQ(from_scores({raw}, {.conf = conf}, true).size(), probability > conf ? 1u : 0u)
            << conf << " " << raw;
      }
    }
  }
}

TEST(decoder, appends_to_what_is_there_and_leaves_it_alone_on_failure) {
  const auto decoder = Decoder::create(spec_of(HeadKind::kRows), {});
  ASSERT_TRUE(decoder.ok());
  std::vector<Detection> found = {objects()[0]};
  const auto good = rows();
  const TensorView view = good.view();
  ASSERT_TRUE((*decoder)->decode({&view, 1}, found).ok());
  EXPECT_EQ(found.size(), 4u);
  const Tensor wrong({1, 9, 84});
  const TensorView wrong_view = wrong.view();
  const auto status = (*decoder)->decode({&wrong_view, 1}, found);
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message, testing::HasSubstr("[1, 9, 84]"));
  EXPECT_THAT(status.error().message, testing::HasSubstr("[1, N, 10]"));
  EXPECT_EQ(found.size(), 4u);
}

TEST(decoder, takes_an_output_without_locations) {
  EXPECT_THAT(*decode(spec_of(HeadKind::kChannelsFirst), {Tensor({1, 9, 0})}), testing::IsEmpty());
  EXPECT_THAT(*decode(spec_of(HeadKind::kRows), {Tensor({1, 0, 10})}), testing::IsEmpty());
  EXPECT_THAT(*decode(spec_of(HeadKind::kEndToEnd), {Tensor({1, 0, 6})}), testing::IsEmpty());
}

TEST(decoder, refuses_outputs_that_contradict_the_layout) {
  auto anchors = spec_of(HeadKind::kAnchorGrid);
  anchors.head.scales = {{0, 8, {{1, 1}}, 1}};
  auto split = spec_of(HeadKind::kSplitDfl);
  split.head.splits = {{0, 1, -1, 8}};
  auto yolox = spec_of(HeadKind::kYoloxGrid);
  yolox.head.strides = {8};
  for (const auto& spec : {spec_of(HeadKind::kChannelsFirst), spec_of(HeadKind::kRows),
                           spec_of(HeadKind::kEndToEnd), anchors, split, yolox}) {
    EXPECT_FALSE(decode(spec, {}).ok());
    EXPECT_FALSE(decode(spec, {Tensor({}), Tensor({})}).ok());
    EXPECT_FALSE(decode(spec, {Tensor({1, 7, 7, 7}), Tensor({1, 7, 7, 7})}).ok());
    EXPECT_FALSE(decode(spec, {Tensor({2, 10, 240}), Tensor({2, 240, 10})}).ok());
  }
  EXPECT_THAT(decode(anchors, {Tensor({1, 10, 12, 21})}).error().message,
              testing::HasSubstr("[1, 10, 12, 20]"));
  EXPECT_THAT(decode(split, {Tensor({1, 63, 12, 20}), Tensor({1, 5, 12, 20})}).error().message,
              testing::HasSubstr("output 0"));
  EXPECT_FALSE(decode(split, {Tensor({1, 64, 12, 20}), Tensor({1, 12, 20, 5})}).ok());
}

TEST(decoder, refuses_options_and_layouts_out_of_range) {
  const auto fault = [](const ModelSpec& spec, const DecodeOptions& options) {
    const auto decoder = Decoder::create(spec, options);
    EXPECT_FALSE(decoder.ok());
    return decoder.ok() ? "" : decoder.error().message;
  };
  const auto good = spec_of(HeadKind::kRows);
  EXPECT_THAT(fault(good, {.conf = 1.5f}), testing::HasSubstr("conf"));
  EXPECT_THAT(fault(good, {.conf = -0.1f}), testing::HasSubstr("conf"));
  EXPECT_THAT(fault(good, {.conf = std::nanf("")}), testing::HasSubstr("conf"));
  EXPECT_THAT(fault(good, {.classes = {5}}), testing::HasSubstr("0 to 4"));
  EXPECT_THAT(fault(good, {.classes = {-1}}), testing::HasSubstr("0 to 4"));
  fault(spec_of(HeadKind::kAnchorGrid), {});
  fault(spec_of(HeadKind::kYoloxGrid), {});
  fault(spec_of(HeadKind::kSplitDfl), {});
  auto empty = good;
  empty.head.classes = 0;
  fault(empty, {});
}

}  // namespace
}  // namespace osprey::model
