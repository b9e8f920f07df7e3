// SPDX-License-Identifier: Apache-2.0
#include "engine/agreement.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <random>

#include "base/scratch_folder.hpp"
#include "base/try.hpp"
#include "engine/detect_step.hpp"
#include "engine/picture_stream.hpp"
#include "engine/run_once.hpp"
#include "onnx/rewrite.hpp"
#include "runtime/openvino/openvino_backend.hpp"
#include "vision/convert.hpp"

namespace osprey::engine {

namespace {

struct Network {
  std::unique_ptr<runtime::Session> session;
  std::unique_ptr<runtime::Lane> lane;
};

Result<Network> open(runtime::Backend& backend, const std::string& path,
                     const model::InputSpec& input, std::vector<TensorInfo>& outputs) {
  const auto loaded = OSPREY_TRY(backend.load(path));
  outputs = loaded->description().outputs;
  runtime::SessionOptions options;
  options.lanes = 1;
  Network network;
  network.session = OSPREY_TRY(loaded->compile(input, options));
  network.lane = OSPREY_TRY(network.session->create_lane());
  return network;
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

Comparison::Comparison(std::vector<TensorInfo> outputs, model::HeadLayout head)
    : outputs_(std::move(outputs)),
      head_(std::move(head)),
      boxes_(outputs_.size()),
      values_(outputs_.size()) {}

void Comparison::Sums::add(float a, float b) {
  const auto x = static_cast<double>(a), y = static_cast<double>(b);
  ours += x * x;
  theirs += y * y;
  product += x * y;
  difference += (x - y) * (x - y);
  largest = std::max(largest, std::abs(x));
  farthest = std::max(farthest, std::abs(x - y));
}

Agreement Comparison::in_words(const std::string& output, const Sums& sums) {
  Agreement agreement{output, 1, std::numeric_limits<double>::infinity(), 0};
  if (sums.difference == 0) return agreement;
  const double norms = std::sqrt(sums.ours * sums.theirs);
  agreement.cosine = norms > 0 ? sums.product / norms : 0;
  agreement.snr_db = 10 * std::log10(sums.ours / sums.difference);
  agreement.largest = sums.largest > 0 ? sums.farthest / sums.largest : 1;
  return agreement;
}

Status Comparison::add(std::size_t output, const TensorView& ours, const TensorView& theirs) {
  if (ours.size() != theirs.size()) {
    return Error{ErrorCode::kInvalidArgument,
                 "they differ in the size of output " + outputs_[output].name};
  }
  const bool both = has_both(head_) && static_cast<std::size_t>(head_.output) == output;
  const bool logits = is_logits(head_, output);
  for (std::size_t i = 0; i < ours.size(); ++i) {
    const float a = ours.data[i], b = theirs.data[i];
    if (logits) {
      values_[output].add(sigmoid(a), sigmoid(b));
    } else {
      (both && is_box(head_, ours, i) ? boxes_ : values_)[output].add(a, b);
    }
  }
  return {};
}

std::vector<Agreement> Comparison::report() const {
  std::vector<Agreement> found;
  for (std::size_t o = 0; o < outputs_.size(); ++o) {
    const auto& name = outputs_[o].name;
    const bool both = has_both(head_) && static_cast<std::size_t>(head_.output) == o;
    if (both) found.push_back(in_words(name + " boxes", boxes_[o]));
    found.push_back(in_words(name + (both || is_logits(head_, o) ? " scores" : ""), values_[o]));
  }
  return found;
}

Result<std::vector<Agreement>> agreement(const std::string& network, const std::string& other,
                                         const model::ModelSpec& spec, const Pictures& pictures) {
  const auto backend = OSPREY_TRY(runtime::create_openvino_backend());
  std::vector<TensorInfo> outputs, other_outputs;
  const auto ours = OSPREY_TRY(open(*backend, network, spec.input, outputs));
  const auto theirs = OSPREY_TRY(open(*backend, other, spec.input, other_outputs));
  const auto differ = [&](const std::string& how) {
    return Error{ErrorCode::kInvalidArgument, network + " and " + other + ": " + how};
  };
  if (outputs.size() != other_outputs.size()) return differ("they differ in the number of outputs");
  Comparison comparison(outputs, spec.head);
  vision::LetterboxScratch scratch;
  while (const auto image = OSPREY_TRY(pictures())) {
    for (const auto* lane : {&ours.lane, &theirs.lane}) {
      put_in(*image, Region{0, 0, image->width, image->height}, spec.input, (*lane)->input(0, 0),
             scratch);
      OSPREY_TRY(run_once(**lane));
    }
    const auto a = ours.lane->outputs(0, 0), b = theirs.lane->outputs(0, 0);
    for (std::size_t o = 0; o < outputs.size(); ++o) {
      if (const auto added = comparison.add(o, a[o], b[o]); !added) {
        return differ(added.error().message);
      }
    }
  }
  return comparison.report();
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
  return agreement(scratch / "floats.onnx", network, spec, pictures);
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
        row[x] = static_cast<std::uint8_t>((3 * colour + random() % 256) / 4);
      }
    }
    return std::optional<Image>(std::move(image));
  };
}

}  // namespace osprey::engine
