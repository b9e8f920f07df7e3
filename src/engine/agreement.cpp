// SPDX-License-Identifier: Apache-2.0
#include "engine/agreement.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <random>

#include "base/scratch_folder.hpp"
#include "base/try.hpp"
#include "engine/picture_stream.hpp"
#include "onnx/rewrite.hpp"
#include "vision/convert.hpp"

namespace osprey::engine {

namespace {

struct Sums {
  double ours = 0, theirs = 0, product = 0, difference = 0, largest = 0, farthest = 0;
  void add(float a, float b) {
    const auto x = static_cast<double>(a), y = static_cast<double>(b);
    ours += x * x;
    theirs += y * y;
    product += x * y;
    difference += (x - y) * (x - y);
    largest = std::max(largest, std::abs(x));
    farthest = std::max(farthest, std::abs(x - y));
  }
};

Agreement in_words(const std::string& output, const Sums& sums) {
  Agreement agreement{output, 1, std::numeric_limits<double>::infinity(), 0};
  if (sums.difference == 0) return agreement;
  const double norms = std::sqrt(sums.ours * sums.theirs);
  agreement.cosine = norms > 0 ? sums.product / norms : 0;
  agreement.snr_db = 10 * std::log10(sums.ours / sums.difference);
  agreement.largest = sums.largest > 0 ? sums.farthest / sums.largest : 1;
  return agreement;
}

/// Boxes of [1, 4+C, N], its other values being scores.
bool is_box(const model::HeadLayout& head, const TensorView& view, std::size_t i) {
  if (view.shape.size() != 3) return false;
  const auto rows = static_cast<std::size_t>(view.shape[1]);
  const auto columns = static_cast<std::size_t>(view.shape[2]);
  const bool first = head.kind == model::HeadKind::kChannelsFirst && !head.transposed;
  return (first ? i / columns % rows : i % columns) < 4;
}

/// Split scores before sigmoid are compared behind it: far below 0 all mean the same.
bool is_logits(const model::HeadLayout& head, std::size_t output) {
  return head.scores_are_logits &&
         std::any_of(head.splits.begin(), head.splits.end(), [&](const auto& split) {
           return static_cast<std::size_t>(split.score_output) == output;
         });
}

float sigmoid(float x) {
  return 1 / (1 + std::exp(-x));
}

bool has_both(const model::HeadLayout& head) {
  using model::HeadKind;
  return head.kind == HeadKind::kChannelsFirst || head.kind == HeadKind::kRows ||
         head.kind == HeadKind::kYoloxGrid || head.kind == HeadKind::kEndToEnd;
}

}  // namespace

Result<Answers> answers_of(const std::string& network, const model::ModelSpec& spec,
                           const Pictures& pictures) {
  auto run = OSPREY_TRY(NetworkRun::open(network, spec.input));
  Answers answers;
  answers.outputs = run.outputs();
  while (const auto image = OSPREY_TRY(pictures())) {
    answers.inputs.push_back(as_seen(*image, spec.input));
    answers.of.push_back(OSPREY_TRY(run.run(answers.inputs.back())));
  }
  if (!answers.of.empty()) return answers;
  return Error{ErrorCode::kInvalidArgument, "no picture can be read"};
}

Result<std::vector<Agreement>> compare_answers(const Answers& ours, const Answers& theirs,
                                               const model::HeadLayout& head) {
  std::vector<Agreement> found;
  if (ours.outputs.size() != theirs.outputs.size()) {
    return Error{ErrorCode::kInvalidArgument, "they differ in the number of outputs"};
  }
  for (std::size_t o = 0; o < ours.outputs.size(); ++o) {
    const auto& name = ours.outputs[o].name;
    const bool both = has_both(head) && static_cast<std::size_t>(head.output) == o;
    const bool logits = is_logits(head, o);
    Sums boxes, values;
    for (std::size_t k = 0; k < ours.of.size(); ++k) {
      const auto a = ours.of[k][o].view();
      const auto& b = theirs.of[k][o].values;
      if (a.size() != b.size()) {
        return Error{ErrorCode::kInvalidArgument, "they differ in the size of output " + name};
      }
      for (std::size_t i = 0; i < a.size(); ++i) {
        if (logits) {
          values.add(sigmoid(a.data[i]), sigmoid(b[i]));
        } else {
          (both && is_box(head, a, i) ? boxes : values).add(a.data[i], b[i]);
        }
      }
    }
    if (both) found.push_back(in_words(name + " boxes", boxes));
    found.push_back(in_words(name + (both || logits ? " scores" : ""), values));
  }
  return found;
}

Result<std::vector<Agreement>> agreement(const Answers& known, const std::string& other,
                                         const model::ModelSpec& spec) {
  auto run = OSPREY_TRY(NetworkRun::open(other, spec.input));
  Answers answers;
  answers.outputs = run.outputs();
  for (const auto& input : known.inputs) answers.of.push_back(OSPREY_TRY(run.run(input)));
  auto compared = compare_answers(known, answers, spec.head);
  if (compared) return compared;
  return Error{compared.error().code, other + " and its floats: " + compared.error().message};
}

Result<std::vector<Agreement>> agreement_with_floats(const std::string& network,
                                                     const model::ModelSpec& spec,
                                                     const Pictures& pictures) {
  auto floats = OSPREY_TRY(onnx::Model::read(network));
  if (onnx::remove_rounding(floats) == 0) {
    return Error{ErrorCode::kUnsupported,
                 network + ": rounds no tensor; expected INT8 with QuantizeLinear"};
  }
  const auto scratch = OSPREY_TRY(base::ScratchFolder::create());
  OSPREY_TRY(floats.write(scratch / "floats.onnx"));
  const auto answers = OSPREY_TRY(answers_of(scratch / "floats.onnx", spec, pictures));
  return agreement(answers, network, spec);
}

Result<Pictures> pictures_of(const std::string& data, int most) {
  std::shared_ptr<PictureStream> stream = OSPREY_TRY(PictureStream::open(data, most));
  return Pictures([stream] { return stream->next(); });
}

Pictures made_up_pictures(const model::InputSpec& input, int count) {
  return [&input, count, given = 0]() mutable -> Result<std::optional<Image>> {
    if (given++ == count) return std::optional<Image>();
    auto [image, planes] = vision::make_image(PixelFormat::kRgb24, input.width, input.height);
    std::mt19937 random(static_cast<std::uint32_t>(given));
    // Squares of one colour each, with noise over them.
    const int side = 8 << given % 4;
    for (int y = 0; y < image.height; ++y) {
      auto* row = planes[0] + static_cast<std::ptrdiff_t>(y) * image.planes[0].stride;
      for (int x = 0; x < 3 * image.width; ++x) {
        const auto square = static_cast<unsigned>(y / side * 7919 + x / 3 / side * 104729 + x % 3);
        const unsigned colour = square * 2654435761u >> 24;
        const auto noise = static_cast<unsigned>(random() % 256);
        row[x] = static_cast<std::uint8_t>((3 * colour + noise) / 4);
      }
    }
    return std::optional<Image>(std::move(image));
  };
}

}  // namespace osprey::engine
