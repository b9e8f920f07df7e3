// SPDX-License-Identifier: Apache-2.0
#include "base/try.hpp"
#include "model/decoders.hpp"
#include "model/shape.hpp"

namespace osprey::model {

namespace {

// One tensor a stride; each anchor of each cell has the box's centre and size, objectness and class
// scores, as HeadKind::kAnchorGrid and AnchorRule say.
class AnchorGridDecoder final : public Decoder {
 public:
  AnchorGridDecoder(const ModelSpec& spec, ScoreRule rule)
      : width_(spec.input.width),
        height_(spec.input.height),
        classes_(spec.head.classes),
        raw_(spec.head.scores_are_logits),
        square_(spec.head.rule == AnchorRule::kSquare),
        scales_(spec.head.scales),
        rule_(std::move(rule)) {}

  Status decode(std::span<const TensorView> outputs, std::vector<Detection>& out) const override {
    for (const auto& scale : scales_) OSPREY_TRY(output_at(outputs, scale.output));
    // A square grid as wide as it has channels fits two orders, but not at two strides.
    const AnchorScale* misfit = nullptr;
    for (const auto order : kGridOrders) {
      misfit = find_misfit(outputs, order);
      if (misfit != nullptr) continue;
      for (const auto& scale : scales_) {
        decode_scale(outputs[static_cast<std::size_t>(scale.output)].data, scale, order, out);
      }
      return {};
    }
    return wrong_shape(misfit->output, outputs[static_cast<std::size_t>(misfit->output)].shape,
                       expected_shapes(*misfit));
  }

 private:
  GridSize size_at(int stride) const {
    return {cells_along(height_, stride), cells_along(width_, stride)};
  }

  const AnchorScale* find_misfit(std::span<const TensorView> outputs, GridOrder order) const {
    for (const auto& scale : scales_) {
      const auto anchors = static_cast<std::int64_t>(scale.anchors.size());
      const auto& shape = outputs[static_cast<std::size_t>(scale.output)].shape;
      if (grid_channels(shape, order, size_at(scale.stride), anchors) != anchors * (classes_ + 5)) {
        return &scale;
      }
    }
    return nullptr;
  }

  std::string expected_shapes(const AnchorScale& scale) const {
    const auto [height, width] = size_at(scale.stride);
    const auto anchors = static_cast<std::int64_t>(scale.anchors.size());
    const std::int64_t values = classes_ + 5;
    return to_text(Shape{1, anchors * values, height, width}) + ", " +
           to_text(Shape{1, anchors, height, width, values}) + " or " +
           to_text(Shape{1, height, width, anchors * values});
  }

  void decode_scale(const float* data, const AnchorScale& scale, GridOrder order,
                    std::vector<Detection>& out) const {
    const auto size = size_at(scale.stride);
    const auto steps =
        grid_steps(order, size, static_cast<std::int64_t>(scale.anchors.size()), classes_ + 5);
    Scores scores;
    scores.count = static_cast<std::size_t>(size.height * size.width);
    scores.classes = static_cast<std::size_t>(classes_);
    scores.location_step = steps.cell;
    scores.class_step = steps.channel;

    const auto columns = static_cast<std::size_t>(size.width);
    const auto stride = static_cast<float>(scale.stride);
    const float scale_xy = square_ ? 2.0f : scale.scale_xy;
    for (const auto& anchor : scale.anchors) {
      scores.objectness = data + 4 * steps.channel;
      scores.data = data + 5 * steps.channel;
      const auto centre = [&](float t, std::size_t cell) {
        const float offset = scale_xy * (raw_ ? sigmoid(t) : t) - (scale_xy - 1) / 2;
        return (offset + static_cast<float>(cell)) * stride;
      };
      const auto side = [&](float t, float of_anchor) {
        if (!square_) return of_anchor * std::exp(t);
        const float twice = 2 * (raw_ ? sigmoid(t) : t);
        return of_anchor * twice * twice;
      };
      const auto box_at = [&](std::size_t cell) {
        const float* at = data + cell * steps.cell;
        return box_around(centre(at[0], cell % columns), centre(at[steps.channel], cell / columns),
                          side(at[2 * steps.channel], anchor[0]),
                          side(at[3 * steps.channel], anchor[1]));
      };
      collect(scores, rule_, box_at, out);
      data += steps.anchor;
    }
  }

  int width_, height_;
  int classes_;
  bool raw_;
  bool square_;
  std::vector<AnchorScale> scales_;
  ScoreRule rule_;
};

}  // namespace

std::unique_ptr<Decoder> make_anchor_grid_decoder(const ModelSpec& spec, ScoreRule rule) {
  return std::make_unique<AnchorGridDecoder>(spec, std::move(rule));
}

}  // namespace osprey::model
