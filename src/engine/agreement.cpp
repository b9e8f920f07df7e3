// SPDX-License-Identifier: Apache-2.0
#include "engine/agreement.hpp"

#include <cmath>
#include <limits>
#include <memory>

#include "base/try.hpp"
#include "engine/detect_step.hpp"
#include "engine/picture_stream.hpp"
#include "engine/run_once.hpp"
#include "runtime/openvino/openvino_backend.hpp"

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

struct Sums {
  double ours = 0, theirs = 0, product = 0, difference = 0;
  void add(float a, float b) {
    const auto x = static_cast<double>(a), y = static_cast<double>(b);
    ours += x * x;
    theirs += y * y;
    product += x * y;
    difference += (x - y) * (x - y);
  }
};

Agreement in_words(const std::string& output, const Sums& sums) {
  Agreement agreement{output, 1, std::numeric_limits<double>::infinity()};
  if (sums.difference == 0) return agreement;
  const double norms = std::sqrt(sums.ours * sums.theirs);
  agreement.cosine = norms > 0 ? sums.product / norms : 0;
  agreement.snr_db = 10 * std::log10(sums.ours / sums.difference);
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

bool has_both(const model::HeadLayout& head) {
  using model::HeadKind;
  return head.kind == HeadKind::kChannelsFirst || head.kind == HeadKind::kRows ||
         head.kind == HeadKind::kYoloxGrid || head.kind == HeadKind::kEndToEnd;
}

}  // namespace

Result<std::vector<Agreement>> agreement(const std::string& network, const std::string& other,
                                         const model::ModelSpec& spec, const std::string& data,
                                         int most) {
  const auto backend = OSPREY_TRY(runtime::create_openvino_backend());
  std::vector<TensorInfo> outputs, other_outputs;
  const auto ours = OSPREY_TRY(open(*backend, network, spec.input, outputs));
  const auto theirs = OSPREY_TRY(open(*backend, other, spec.input, other_outputs));
  const auto different = [&](const std::string& what) {
    return Error{ErrorCode::kInvalidArgument, network + " and " + other + " differ in " + what};
  };
  if (outputs.size() != other_outputs.size()) return different("the number of outputs");
  const auto pictures = OSPREY_TRY(PictureStream::open(data, most));
  std::vector<Sums> boxes(outputs.size()), values(outputs.size());
  vision::LetterboxScratch scratch;
  while (const auto image = OSPREY_TRY(pictures->next())) {
    for (const auto* lane : {&ours.lane, &theirs.lane}) {
      put_in(*image, Region{0, 0, image->width, image->height}, spec.input, (*lane)->input(0, 0),
             scratch);
      OSPREY_TRY(run_once(**lane));
    }
    const auto a = ours.lane->outputs(0, 0), b = theirs.lane->outputs(0, 0);
    for (std::size_t o = 0; o < outputs.size(); ++o) {
      if (a[o].size() != b[o].size()) return different("the size of output " + outputs[o].name);
      const bool both = has_both(spec.head) && static_cast<std::size_t>(spec.head.output) == o;
      for (std::size_t i = 0; i < a[o].size(); ++i) {
        auto& sums = both && is_box(spec.head, a[o], i) ? boxes[o] : values[o];
        sums.add(a[o].data[i], b[o].data[i]);
      }
    }
  }
  std::vector<Agreement> found;
  for (std::size_t o = 0; o < outputs.size(); ++o) {
    const bool both = has_both(spec.head) && static_cast<std::size_t>(spec.head.output) == o;
    if (both) found.push_back(in_words(outputs[o].name + " boxes", boxes[o]));
    found.push_back(in_words(outputs[o].name + (both ? " scores" : ""), values[o]));
  }
  return found;
}

}  // namespace osprey::engine
