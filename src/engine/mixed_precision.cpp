// SPDX-License-Identifier: Apache-2.0
#include "engine/mixed_precision.hpp"

#include <algorithm>
#include <cmath>

#include "base/scratch_folder.hpp"
#include "base/try.hpp"
#include "engine/agreement.hpp"

namespace osprey::engine {

namespace {

constexpr int kWeighingPictures = 4;

class Chooser {
 public:
  Chooser(const MixedPrecisionOptions& options, const base::ScratchFolder& scratch)
      : options_(options), candidate_(scratch / "candidate.onnx") {}

  Result<MixedPrecision> run() {
    MixedPrecision found;
    found.float_ap = OSPREY_TRY(ap_of(options_.floats, "AP of the floats"));
    found.ap = found.int8_ap = OSPREY_TRY(ap_without({}));
    if (holds(found, found.ap)) return found;
    found.sensitivities = OSPREY_TRY(sensitivities());
    // AP is noisy, and many layers are no surer than few: from few on, in steps that double, then
    // between the last that did not hold the drop and the first that did.
    std::size_t few = 0, many = 0;
    for (std::size_t count = 1; many == 0 && count < options_.layers.size(); count *= 2) {
      OSPREY_TRY(attempt(count, found, few, many));
    }
    while (many > few + 1) OSPREY_TRY(attempt(few + (many - few) / 2, found, few, many));
    if (!found.in_float.empty()) return found;
    return Error{ErrorCode::kUnsupported, options_.floats +
                                              ": no layer can be in INT8 if AP may drop by " +
                                              std::to_string(options_.max_drop) + " only"};
  }

 private:
  bool holds(const MixedPrecision& found, double ap) const {
    return found.float_ap - ap <= options_.max_drop;
  }

  /// With the `count` most sensitive layers in float: sets `many` and what was found if that holds
  /// the drop, else `few`.
  Status attempt(std::size_t count, MixedPrecision& found, std::size_t& few, std::size_t& many) {
    std::set<std::string> in_float;
    for (std::size_t i = 0; i < count; ++i) in_float.insert(found.sensitivities[i].layer);
    const double ap = OSPREY_TRY(ap_without(in_float));
    if (!holds(found, ap)) {
      few = count;
      return {};
    }
    many = count;
    found.ap = ap;
    found.in_float = std::move(in_float);
    return {};
  }

  Result<double> ap_without(const std::set<std::string>& in_float) {
    OSPREY_TRY(options_.write(in_float, candidate_));
    return ap_of(candidate_, "AP with " + std::to_string(in_float.size()) + " layers in float");
  }

  Result<double> ap_of(const std::string& model, const std::string& what) {
    auto data = options_.labelled;
    data.go_on = [&] { return go_on(0, what); };
    return average_precision(model, data);
  }

  Result<std::vector<Sensitivity>> sensitivities() {
    const auto pictures = OSPREY_TRY(pictures_of(options_.data, kWeighingPictures));
    const auto answers = OSPREY_TRY(answers_of(options_.floats, options_.spec, pictures));
    std::vector<Sensitivity> all;
    const std::set<std::string> layers(options_.layers.begin(), options_.layers.end());
    for (const auto& layer : options_.layers) {
      const auto done = static_cast<double>(all.size()) / static_cast<double>(layers.size());
      if (!go_on(done, "weighing layers")) return Error{ErrorCode::kCancelled, "interrupted"};
      auto others = layers;
      others.erase(layer);
      OSPREY_TRY(options_.write(others, candidate_));
      double noise = 0;
      for (const auto& one : OSPREY_TRY(agreement(answers, candidate_, options_.spec))) {
        noise += std::pow(10, -one.snr_db / 10);
      }
      all.push_back({layer, noise});
    }
    std::stable_sort(all.begin(), all.end(),
                     [](const auto& a, const auto& b) { return a.noise > b.noise; });
    return all;
  }

  bool go_on(double share, const std::string& what) const {
    return !options_.progress || options_.progress(share, what);
  }

  const MixedPrecisionOptions& options_;
  const std::string candidate_;
};

}  // namespace

Result<MixedPrecision> choose_float_layers(const MixedPrecisionOptions& options) {
  const auto scratch = OSPREY_TRY(base::ScratchFolder::create());
  return Chooser(options, scratch).run();
}

}  // namespace osprey::engine
