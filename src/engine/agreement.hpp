// SPDX-License-Identifier: Apache-2.0
// Whether two networks that should say the same do, on this machine.
#pragma once

#include <osprey/image.hpp>
#include <osprey/result.hpp>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/tensor.hpp"
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

/// Sums up how two networks answer.
class Comparison {
 public:
  /// `outputs`: of both, in order.
  Comparison(std::vector<TensorInfo> outputs, model::HeadLayout head);
  /// What both answered to a picture, of one size. Errors: the sizes differ.
  Status add(std::size_t output, const TensorView& ours, const TensorView& theirs);
  std::vector<Agreement> report() const;

 private:
  struct Sums {
    void add(float a, float b);
    double ours = 0, theirs = 0, product = 0, difference = 0, largest = 0, farthest = 0;
  };
  static Agreement in_words(const std::string& output, const Sums& sums);

  std::vector<TensorInfo> outputs_;
  model::HeadLayout head_;
  std::vector<Sums> boxes_, values_;  // of each output
};

/// One picture after the other, then nothing.
using Pictures = std::function<Result<std::optional<Image>>()>;

/// Runs both on all pictures, scaled as `spec` says. Errors: outputs that differ in number or size;
/// those of loading, compiling and running.
Result<std::vector<Agreement>> agreement(const std::string& network, const std::string& other,
                                         const model::ModelSpec& spec, const Pictures& pictures);

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
