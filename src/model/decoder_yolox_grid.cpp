// SPDX-License-Identifier: Apache-2.0
#include "base/try.hpp"
#include "model/decoders.hpp"
#include "model/shape.hpp"

namespace osprey::model {

namespace {

// [1, N, 5+C], the cells of each stride in turn, row by row: the box's centre as an offset from its
// cell's corner and the logarithm of its size, both in cells; objectness; class scores.
class YoloxGridDecoder final : public Decoder {
 public:
  YoloxGridDecoder(const ModelSpec& spec, ScoreRule rule)
      : output_(spec.head.output),
        classes_(spec.head.classes),
        width_(spec.input.width),
        height_(spec.input.height),
        strides_(spec.head.strides),
        rule_(std::move(rule)) {}

  Status decode(std::span<const TensorView> outputs, std::vector<Detection>& out) const override {
    const auto view = OSPREY_TRY(output_at(outputs, output_));
    const std::int64_t length = classes_ + 5;
    const std::int64_t cells = count_cells(width_, height_, strides_);
    if (view.shape != Shape{1, cells, length}) {
      return wrong_shape(output_, view.shape, to_text(Shape{1, cells, length}));
    }
    const float* data = view.data;
    for (const int stride : strides_) {
      const auto columns = static_cast<std::size_t>(cells_along(width_, stride));
      const auto rows = static_cast<std::size_t>(cells_along(height_, stride));
      decode_stride(data, columns, rows, static_cast<float>(stride), out);
      data += columns * rows * static_cast<std::size_t>(length);
    }
    return {};
  }

 private:
  void decode_stride(const float* data, std::size_t columns, std::size_t rows, float stride,
                     std::vector<Detection>& out) const {
    Scores scores;
    scores.count = columns * rows;
    scores.classes = static_cast<std::size_t>(classes_);
    scores.location_step = scores.classes + 5;
    scores.class_step = 1;
    scores.objectness = data + 4;
    scores.data = data + 5;

    const auto box_at = [&](std::size_t cell) {
      const float* at = data + cell * scores.location_step;
      const std::size_t row = cell / columns;
      return box_around((at[0] + static_cast<float>(cell % columns)) * stride,
                        (at[1] + static_cast<float>(row)) * stride, std::exp(at[2]) * stride,
                        std::exp(at[3]) * stride);
    };
    collect(scores, rule_, box_at, out);
  }

  int output_;
  int classes_;
  int width_, height_;
  std::vector<int> strides_;
  ScoreRule rule_;
};

}  // namespace

std::unique_ptr<Decoder> make_yolox_grid_decoder(const ModelSpec& spec, ScoreRule rule) {
  return std::make_unique<YoloxGridDecoder>(spec, std::move(rule));
}

}  // namespace osprey::model
