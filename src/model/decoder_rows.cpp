// SPDX-License-Identifier: Apache-2.0
#include "base/try.hpp"
#include "model/decoders.hpp"

namespace osprey::model {

namespace {

// [1, N, 5+C]: the box's centre and size, objectness, then class scores.
class RowsDecoder final : public Decoder {
 public:
  RowsDecoder(const HeadLayout& head, ScoreRule rule)
      : output_(head.output), classes_(head.classes), rule_(std::move(rule)) {}

  Status decode(std::span<const TensorView> outputs, std::vector<Detection>& out) const override {
    const auto view = OSPREY_TRY(output_at(outputs, output_));
    const std::int64_t length = classes_ + 5;
    if (view.shape.size() != 3 || view.shape[0] != 1 || view.shape[2] != length) {
      return wrong_shape(output_, view.shape, "[1, N, " + std::to_string(length) + "]");
    }
    Scores scores;
    scores.count = static_cast<std::size_t>(view.shape[1]);
    if (scores.count == 0) return {};
    scores.classes = static_cast<std::size_t>(classes_);
    scores.location_step = static_cast<std::size_t>(length);
    scores.class_step = 1;
    scores.objectness = view.data + 4;
    scores.data = view.data + 5;

    const auto box_at = [&](std::size_t location) {
      const float* row = view.data + location * scores.location_step;
      return box_around(row[0], row[1], row[2], row[3]);
    };
    collect(scores, rule_, box_at, out);
    return {};
  }

 private:
  int output_;
  int classes_;
  ScoreRule rule_;
};

}  // namespace

std::unique_ptr<Decoder> make_rows_decoder(const ModelSpec& spec, ScoreRule rule) {
  return std::make_unique<RowsDecoder>(spec.head, std::move(rule));
}

}  // namespace osprey::model
