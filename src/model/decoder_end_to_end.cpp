// SPDX-License-Identifier: Apache-2.0
#include "base/try.hpp"
#include "model/decoders.hpp"

namespace osprey::model {

namespace {

// [1, N, 6]: corners, score, class. Rows that are no detection score 0.
class EndToEndDecoder final : public Decoder {
 public:
  EndToEndDecoder(const HeadLayout& head, ScoreRule rule)
      : output_(head.output), classes_(head.classes), rule_(std::move(rule)) {}

  Status decode(std::span<const TensorView> outputs, std::vector<Detection>& out) const override {
    const auto view = OSPREY_TRY(output_at(outputs, output_));
    if (view.shape.size() != 3 || view.shape[0] != 1 || view.shape[2] != 6) {
      return wrong_shape(output_, view.shape, "[1, N, 6]");
    }
    const auto rows = static_cast<std::size_t>(view.shape[1]);
    for (std::size_t i = 0; i < rows; ++i) add_row(view.data + i * 6, out);
    return {};
  }

 private:
  void add_row(const float* row, std::vector<Detection>& out) const {
    if (!(row[4] > rule_.gate()) || !std::isfinite(row[4])) return;
    const float confidence = rule_.confidence(row[4]);
    if (!(confidence > rule_.conf())) return;
    // Also keeps out what no integer could hold.
    if (!(row[5] > -0.5f && row[5] < static_cast<float>(classes_) - 0.5f)) return;
    const auto label = static_cast<std::int32_t>(std::lround(row[5]));
    const Box box{row[0], row[1], row[2], row[3]};
    if (rule_.wants(static_cast<std::size_t>(label)) && is_finite(box)) {
      out.push_back({box, confidence, label});
    }
  }

  int output_;
  int classes_;
  ScoreRule rule_;
};

}  // namespace

std::unique_ptr<Decoder> make_end_to_end_decoder(const ModelSpec& spec, ScoreRule rule) {
  return std::make_unique<EndToEndDecoder>(spec.head, std::move(rule));
}

}  // namespace osprey::model
