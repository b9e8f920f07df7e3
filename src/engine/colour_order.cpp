// SPDX-License-Identifier: Apache-2.0
#include "engine/colour_order.hpp"

#include <cmath>
#include <vector>

#include "base/try.hpp"
#include "model/decoder.hpp"
#include "model/nms.hpp"

namespace osprey::engine {

namespace {

constexpr float kLeastScore = 0.25f;

/// The sum of the detections' scores.
Result<double> evidence(const std::vector<Answer>& answers, const model::Decoder& decoder,
                        const model::HeadLayout& head) {
  std::vector<TensorView> views;
  views.reserve(answers.size());
  for (const auto& answer : answers) views.push_back(answer.view());
  std::vector<Detection> found;
  OSPREY_TRY(decoder.decode(views, found));
  model::nms(found, {.iou = head.needs_nms() ? 0.45f : 1.f});
  double sum = 0;
  for (const auto& detection : found) sum += static_cast<double>(detection.confidence);
  return sum;
}

}  // namespace

bool ColourEvidence::looks_right() const {
  // By three standard errors of the mean difference.
  const auto n = static_cast<double>(pictures);
  const double difference = (as_told - swapped) / n;
  const double variance = squares / n - difference * difference;
  return pictures >= 8 && difference > 0 && difference * difference * n > 9 * variance;
}

bool ColourEvidence::looks_swapped() const {
  // Twice the standard deviation of a coin's: one time in fifty by chance, and then the sum would
  // hardly be larger by so much, too.
  const auto n = static_cast<double>(pictures), better = static_cast<double>(better_swapped);
  return pictures >= 8 && 2 * better - n >= 2 * std::sqrt(n) && swapped > 1.05 * as_told;
}

Result<ColourEvidence> colour_evidence(const std::string& network, const model::ModelSpec& spec,
                                       const Pictures& pictures, std::size_t keep) {
  auto run = OSPREY_TRY(NetworkRun::open(network, spec.input));
  const auto decoder = OSPREY_TRY(model::Decoder::create(spec, {.conf = kLeastScore}));
  ColourEvidence found;
  found.answers.outputs = run.outputs();
  while (!found.looks_right() || found.answers.of.size() < keep) {
    const auto image = OSPREY_TRY(pictures());
    if (!image) break;
    auto seen = as_seen(*image, spec.input);
    auto ours = OSPREY_TRY(run.run(seen));
    const double as_told = OSPREY_TRY(evidence(ours, *decoder, spec.head));
    if (found.answers.of.size() < keep) {
      found.answers.inputs.push_back(seen);
      found.answers.of.push_back(std::move(ours));
    }
    for (std::size_t i = 0; i + 2 < seen.size(); i += 3) std::swap(seen[i], seen[i + 2]);
    const auto theirs = OSPREY_TRY(run.run(seen));
    const double swapped = OSPREY_TRY(evidence(theirs, *decoder, spec.head));
    if (as_told + swapped == 0) continue;
    ++found.pictures;
    found.better_swapped += swapped > as_told ? 1 : 0;
    found.as_told += as_told;
    found.swapped += swapped;
    found.squares += (as_told - swapped) * (as_told - swapped);
  }
  return found;
}

}  // namespace osprey::engine
