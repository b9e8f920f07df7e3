// SPDX-License-Identifier: Apache-2.0
#include "base/try.hpp"
#include "model/decoders.hpp"

namespace osprey::model {

namespace {

// No object is as small in pixels, no box as large in shares of the input.
constexpr float kLargestShare = 2;

// [1, 4+C, N] or [1, N, 4+C]: the box's centre and size, then class scores.
class ChannelsFirstDecoder final : public Decoder {
 public:
  ChannelsFirstDecoder(const ModelSpec& spec, ScoreRule rule)
      : output_(spec.head.output),
        classes_(spec.head.classes),
        transposed_(spec.head.transposed),
        may_be_relative_(spec.head.may_be_relative),
        width_(static_cast<float>(spec.input.width)),
        height_(static_cast<float>(spec.input.height)),
        rule_(std::move(rule)) {}

  Status decode(std::span<const TensorView> outputs, std::vector<Detection>& out) const override {
    const auto view = OSPREY_TRY(output_at(outputs, output_));
    const std::int64_t channels = classes_ + 4;
    const auto& shape = view.shape;
    if (shape.size() != 3 || shape[0] != 1 || shape[transposed_ ? 2 : 1] != channels) {
      const auto text = std::to_string(channels);
      return wrong_shape(output_, shape,
                         transposed_ ? "[1, N, " + text + "]" : "[1, " + text + ", N]");
    }
    Scores scores;
    scores.count = static_cast<std::size_t>(shape[transposed_ ? 1 : 2]);
    if (scores.count == 0) return {};
    scores.classes = static_cast<std::size_t>(classes_);
    scores.location_step = transposed_ ? static_cast<std::size_t>(channels) : 1;
    scores.class_step = transposed_ ? 1 : scores.count;
    scores.data = view.data + 4 * scores.class_step;

    const auto box_at = [&](std::size_t location) {
      const float* at = view.data + location * scores.location_step;
      const auto step = scores.class_step;
      const float width = at[2 * step], height = at[3 * step];
      if (may_be_relative_ && width <= kLargestShare && height <= kLargestShare) {
        return box_around(at[0] * width_, at[step] * height_, width * width_, height * height_);
      }
      return box_around(at[0], at[step], width, height);
    };
    collect(scores, rule_, box_at, out);
    return {};
  }

 private:
  int output_;
  int classes_;
  bool transposed_;
  bool may_be_relative_;
  float width_, height_;  // of the input
  ScoreRule rule_;
};

}  // namespace

std::unique_ptr<Decoder> make_channels_first_decoder(const ModelSpec& spec, ScoreRule rule) {
  return std::make_unique<ChannelsFirstDecoder>(spec, std::move(rule));
}

}  // namespace osprey::model
