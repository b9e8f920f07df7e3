// SPDX-License-Identifier: Apache-2.0
#include "base/try.hpp"
#include "model/decoders.hpp"
#include "model/shape.hpp"
#include "model/step_map.hpp"

namespace osprey::model {

namespace {

// The expected value of a distribution over 0, 1, ..., bins-1 given as logits.
template <typename Logit>
float expected_bin(const Logit& logit, std::size_t bins) {
  float highest = logit(0);
  for (std::size_t i = 1; i < bins; ++i) highest = std::max(highest, logit(i));
  float sum = 0;
  float weighted = 0;
  for (std::size_t i = 0; i < bins; ++i) {
    const float weight = std::exp(logit(i) - highest);
    sum += weight;
    weighted += weight * static_cast<float>(i);
  }
  return weighted / sum;
}

// Per stride, a tensor of distances from the cell's centre to the box's left, top, right and bottom
// side, in cells, each plain or as a distribution; and one of class scores.
class SplitDecoder final : public Decoder {
 public:
  SplitDecoder(const ModelSpec& spec, ScoreRule rule)
      : width_(spec.input.width),
        height_(spec.input.height),
        classes_(spec.head.classes),
        splits_(spec.head.splits),
        rule_(std::move(rule)) {}

  Status decode(std::span<const TensorView> outputs, std::vector<Detection>& out) const override {
    for (const auto& split : splits_) {
      OSPREY_TRY(output_at(outputs, split.box_output));
      OSPREY_TRY(output_at(outputs, split.score_output));
    }
    Status failure;
    for (const auto order : {GridOrder::kChannels, GridOrder::kCells}) {
      failure = check(outputs, order);
      if (!failure.ok()) continue;
      for (const auto& split : splits_) decode_split(outputs, split, order, out);
      return {};
    }
    return failure;
  }

  bool reads_steps() const override { return true; }

 private:
  GridSize size_at(int stride) const {
    return {cells_along(height_, stride), cells_along(width_, stride)};
  }

  Status check(std::span<const TensorView> outputs, GridOrder order) const {
    for (const auto& split : splits_) {
      const auto size = size_at(split.stride);
      const auto& boxes = outputs[static_cast<std::size_t>(split.box_output)].shape;
      const auto& scores = outputs[static_cast<std::size_t>(split.score_output)].shape;
      const auto shapes = [&](const std::string& channels) {
        const auto grid = std::to_string(size.height) + ", " + std::to_string(size.width);
        return "[1, " + channels + ", " + grid + "] or [1, " + grid + ", " + channels + "]";
      };
      if (grid_channels(boxes, order, size, 1).value_or(1) % 4 != 0) {
        return wrong_shape(split.box_output, boxes, shapes("4*R"));
      }
      if (grid_channels(scores, order, size, 1) != classes_) {
        return wrong_shape(split.score_output, scores, shapes(std::to_string(classes_)));
      }
    }
    return {};
  }

  void decode_split(std::span<const TensorView> outputs, const SplitScale& split, GridOrder order,
                    std::vector<Detection>& out) const {
    const auto size = size_at(split.stride);
    const auto& boxes = outputs[static_cast<std::size_t>(split.box_output)];
    const auto channels = *grid_channels(boxes.shape, order, size, 1);
    const auto bins = static_cast<std::size_t>(channels / 4);
    const auto box_steps = grid_steps(order, size, 1, channels);
    const auto score_steps = grid_steps(order, size, 1, classes_);

    const auto columns = static_cast<std::size_t>(size.width);
    const auto stride = static_cast<float>(split.stride);
    // `value(channel, cell)` is the boxes'.
    const auto box_from = [&](const auto& value, std::size_t cell) {
      const auto distance = [&](std::size_t side) {
        const auto logit = [&](std::size_t bin) { return value(side * bins + bin, cell); };
        return bins == 1 ? logit(0) : expected_bin(logit, bins);
      };
      const float x = static_cast<float>(cell % columns) + 0.5f;
      const std::size_t row = cell / columns;
      const float y = static_cast<float>(row) + 0.5f;
      return Box{(x - distance(0)) * stride, (y - distance(1)) * stride, (x + distance(2)) * stride,
                 (y + distance(3)) * stride};
    };
    const auto of_boxes = [&](const auto& then) {
      if (boxes.steps != nullptr) {
        const StepMap map(boxes);
        then([&](std::size_t channel, std::size_t cell) { return map.at(channel, cell); });
      } else {
        then([&](std::size_t channel, std::size_t cell) {
          return boxes.data[cell * box_steps.cell + channel * box_steps.channel];
        });
      }
    };
    const auto& scores = outputs[static_cast<std::size_t>(split.score_output)];
    of_boxes([&](const auto& value) {
      const auto box_at = [&](std::size_t cell) { return box_from(value, cell); };
      if (scores.steps != nullptr) return collect_steps(StepMap(scores), rule_, box_at, out);
      Scores floats;
      floats.data = scores.data;
      floats.count = static_cast<std::size_t>(size.height * size.width);
      floats.classes = static_cast<std::size_t>(classes_);
      floats.location_step = score_steps.cell;
      floats.class_step = score_steps.channel;
      collect(floats, rule_, box_at, out);
    });
  }

  int width_, height_;
  int classes_;
  std::vector<SplitScale> splits_;
  ScoreRule rule_;
};

}  // namespace

std::unique_ptr<Decoder> make_split_decoder(const ModelSpec& spec, ScoreRule rule) {
  return std::make_unique<SplitDecoder>(spec, std::move(rule));
}

}  // namespace osprey::model
