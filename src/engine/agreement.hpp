// SPDX-License-Identifier: Apache-2.0
// Whether two networks that should say the same do, on this machine.
#pragma once

#include <osprey/image.hpp>
#include <osprey/result.hpp>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/network_run.hpp"
#include "model/head.hpp"

namespace osprey::engine {

/// Of all values that an output had.
struct Agreement {
  /// Its name; where boxes and scores are in one, "... boxes" and "... scores". Split scores, too,
  /// are "... scores", and are taken behind sigmoid.
  std::string output;
  double cosine = 0;   ///< 1: the same direction
  double snr_db = 0;   ///< the first network's values against the difference
  double largest = 0;  ///< difference, as a share of the largest value
};

/// One picture after the other, then nothing.
using Pictures = std::function<Result<std::optional<Image>>()>;

/// What a network says to pictures.
struct Answers {
  std::vector<TensorInfo> outputs;
  std::vector<std::vector<std::uint8_t>> inputs;  ///< pictures as the network sees them
  std::vector<std::vector<Answer>> of;            ///< a picture: its outputs
};

/// Runs the network on all pictures, scaled as `spec` says. Errors: those of loading, compiling and
/// running; no picture. Memory: all answers.
Result<Answers> answers_of(const std::string& network, const model::ModelSpec& spec,
                           const Pictures& pictures);

/// Of all pictures, an entry an output or two. Errors: they differ in number or size.
Result<std::vector<Agreement>> compare_answers(const Answers& ours, const Answers& theirs,
                                               const model::HeadLayout& head);

/// Runs `other` on the pictures to which `known` are a network's answers.
Result<std::vector<Agreement>> agreement(const Answers& known, const std::string& other,
                                         const model::ModelSpec& spec);

/// An ONNX file of INT8 (QuantizeLinear, DequantizeLinear) against itself without rounding its
/// tensors. Errors: as agreement(); nothing is rounded.
Result<std::vector<Agreement>> agreement_with_floats(const std::string& network,
                                                     const model::ModelSpec& spec,
                                                     const Pictures& pictures);

/// Below this cosine INT8 says something else than the floats.
inline constexpr double kPoorCosine = 0.9;

/// At most `most` pictures of `data` (see PictureStream).
Result<Pictures> pictures_of(const std::string& data, int most);

/// `count` pictures of spots and noise, always the same, of the network's size.
Pictures made_up_pictures(const model::InputSpec& input, int count);

}  // namespace osprey::engine
