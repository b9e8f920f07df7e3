// SPDX-License-Identifier: Apache-2.0
#include "quantize/rounding.hpp"

#include <algorithm>
#include <cmath>

namespace osprey::quantize {

namespace {

constexpr double kOwnShare = 0.02;  // of a weight's own error, in the mean input's power
constexpr int kMostSweeps = 6;

/// What a weight's error adds by itself, whatever the others' are.
double own_part(const Covariance& inputs, std::size_t channels, std::size_t places) {
  double of_channels = 0, of_places = 0;
  for (std::size_t c = 0; c < channels; ++c) of_channels += inputs.channels[c * (channels + 1)];
  for (std::size_t p = 0; p < places; ++p) of_places += inputs.places[p * (places + 1)];
  return kOwnShare * of_channels * of_places / static_cast<double>(channels * places);
}

std::size_t side_of(const std::vector<double>& square) {
  return static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(square.size()))));
}

/// Half of the derivative of the error by each of `off`.
std::vector<double> slopes(const std::vector<double>& off, const Covariance& inputs, double own) {
  const std::size_t channels = side_of(inputs.channels), places = side_of(inputs.places);
  std::vector<double> along_places(off.size(), 0), all(off.size());
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::size_t p = 0; p < places; ++p) {
      for (std::size_t q = 0; q < places; ++q) {
        along_places[c * places + p] += off[c * places + q] * inputs.places[q * places + p];
      }
    }
  }
  for (std::size_t i = 0; i < off.size(); ++i) all[i] = own * off[i];
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::size_t d = 0; d < channels; ++d) {
      const double both = inputs.channels[c * channels + d];
      for (std::size_t p = 0; p < places; ++p) {
        all[c * places + p] += both * along_places[d * places + p];
      }
    }
  }
  return all;
}

std::vector<double> difference(std::span<const double> steps, std::span<const double> wanted) {
  std::vector<double> off(steps.begin(), steps.end());
  for (std::size_t i = 0; i < off.size(); ++i) off[i] -= wanted[i];
  return off;
}

std::size_t whole(std::int64_t value) {
  return static_cast<std::size_t>(value);
}

const std::vector<std::int64_t>* numbers(const onnx::Node& node, const char* name) {
  const auto found = node.attributes.find(name);
  return found == node.attributes.end() ? nullptr
                                        : std::get_if<std::vector<std::int64_t>>(&found->second);
}

/// The sum of products of two rows of samples.
template <std::size_t kCount>
double product(const float* a, const float* b) {
  constexpr std::size_t kLanes = 8;  // compilers make vectors of it
  float lanes[kLanes] = {};
  for (std::size_t i = 0; i < kCount; i += kLanes) {
    for (std::size_t k = 0; k < kLanes; ++k) lanes[k] += a[i + k] * b[i + k];
  }
  double sum = 0;
  for (const float lane : lanes) sum += static_cast<double>(lane);
  return sum;
}

double sum_of(const float* row, std::size_t count) {
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) sum += static_cast<double>(row[i]);
  return sum;
}

/// Adds to `square` the products of all pairs of rows.
template <std::size_t kCount>
void add_products(const float* rows, std::size_t count, double* square) {
  for (std::size_t a = 0; a < count; ++a) {
    for (std::size_t b = a; b < count; ++b) {
      square[a * count + b] += product<kCount>(rows + a * kCount, rows + b * kCount);
    }
  }
}

/// The upper half of a square, and below it the same.
std::vector<double> mirrored(const double* square, std::size_t side) {
  std::vector<double> all(square, square + side * side);
  for (std::size_t a = 0; a < side; ++a) {
    for (std::size_t b = 0; b < a; ++b) all[a * side + b] = all[b * side + a];
  }
  return all;
}

void add_all(std::vector<double>& sums, const std::vector<double>& more) {
  for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += more[i];
}

}  // namespace

double error_of(std::span<const double> wanted, std::span<const double> steps,
                const Covariance& inputs) {
  const double own = own_part(inputs, side_of(inputs.channels), side_of(inputs.places));
  const auto off = difference(steps, wanted);
  const auto slope = slopes(off, inputs, own);
  double error = 0;
  for (std::size_t i = 0; i < off.size(); ++i) error += off[i] * slope[i];
  return error;
}

void lower_error(std::span<const double> wanted, std::span<double> steps, double low, double high,
                 const Covariance& inputs) {
  const std::size_t channels = side_of(inputs.channels), places = side_of(inputs.places);
  const double own = own_part(inputs, channels, places);
  if (!(own > 0)) return;
  auto slope = slopes(difference(steps, wanted), inputs, own);
  bool moves = true;
  for (int sweep = 0; moves && sweep < kMostSweeps; ++sweep) {
    moves = false;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const std::size_t c = i / places, p = i % places;
      const double curve =
          inputs.channels[c * (channels + 1)] * inputs.places[p * (places + 1)] + own;
      const double best = std::nearbyint(steps[i] - slope[i] / curve);
      const double move = std::clamp(best, low, high) - steps[i];
      // Half a step either way is as good.
      if (move == 0 || move * (2 * slope[i] + move * curve) >= 0) continue;
      moves = true;
      steps[i] += move;
      slope[i] += move * own;
      const double* of_places = &inputs.places[p * places];
      for (std::size_t d = 0; d < channels; ++d) {
        const double by = move * inputs.channels[c * channels + d];
        for (std::size_t q = 0; q < places; ++q) slope[d * places + q] += by * of_places[q];
      }
    }
  }
}

bool InputSpread::fits(const onnx::Node& node, const WeightedLayer& layer) {
  if (layer.op == "Conv" || layer.op == "ConvTranspose") return layer.shape.size() > 2;
  const auto turned = node.attributes.find("transA");
  const bool plain =
      turned == node.attributes.end() || turned->second == onnx::Attribute(std::int64_t{0});
  return plain && layer.shape.size() == 2;
}

InputSpread::InputSpread(const onnx::Node& node, const WeightedLayer& layer)
    : groups_(whole(layer.groups)), channels_last_(layer.op == "Gemm" || layer.op == "MatMul") {
  const auto& shape = layer.shape;
  // Conv's weights have a group's inputs, all others' all inputs.
  channels_ = whole(shape[1 - layer.channel_axis]) / (layer.channel_axis == 0 ? 1 : groups_);
  for (std::size_t d = 2; d < shape.size(); ++d) places_ *= whole(shape[d]);
  // What a transposed convolution sums into one value comes from few of its places, or from one.
  has_places_ = layer.op == "Conv" && shape.size() == 4 && places_ > 1;
  if (has_places_) {
    width_ = shape[3];
    if (const auto* steps = numbers(node, "dilations"); steps != nullptr && steps->size() == 2) {
      step_y_ = (*steps)[0];
      step_x_ = (*steps)[1];
    }
    place_products_.resize(groups_ * places_ * places_, 0);
    place_sums_.resize(groups_ * channels_ * places_, 0);
  }
  channel_products_.resize(groups_ * channels_ * channels_, 0);
  channel_sums_.resize(groups_ * channels_, 0);
}

void InputSpread::add(const TensorView& input) {
  const auto& shape = input.shape;
  const std::size_t all = groups_ * channels_;
  const std::size_t axis = channels_last_ ? shape.size() - 1 : 1;
  if (shape.size() < 2 || whole(shape[axis]) != all || (has_places_ && shape.size() != 4)) return;
  const std::size_t area = input.size() / all / (channels_last_ ? 1 : whole(shape[0]));
  if (area == 0) return;
  // The golden section: spread evenly over rows, and over columns.
  constexpr double kGolden = 0.6180339887498949;
  std::vector<std::size_t> at(std::min(area, kSamples));
  for (std::size_t i = 0; i < at.size(); ++i) {
    const double place = std::fmod(static_cast<double>(i) * kGolden, 1);
    at[i] = at.size() == area ? i : static_cast<std::size_t>(place * static_cast<double>(area));
  }
  Samples values(all * kSamples, 0.f);
  for (std::size_t c = 0; c < all; ++c) {
    for (std::size_t i = 0; i < at.size(); ++i) {
      values[c * kSamples + i] = input.data[channels_last_ ? at[i] * all + c : c * area + at[i]];
    }
  }
  add_channels(values);
  if (has_places_) add_places(input, at);
  samples_ += static_cast<double>(at.size());
}

void InputSpread::add_channels(const Samples& values) {
  for (std::size_t c = 0; c < channel_sums_.size(); ++c) {
    channel_sums_[c] += sum_of(&values[c * kSamples], kSamples);
  }
  for (std::size_t g = 0; g < groups_; ++g) {
    add_products<kSamples>(&values[g * channels_ * kSamples], channels_,
                           &channel_products_[g * channels_ * channels_]);
  }
}

void InputSpread::add_places(const TensorView& input, const std::vector<std::size_t>& at) {
  const std::int64_t rows = input.shape[2], columns = input.shape[3];
  const auto height = static_cast<std::int64_t>(places_) / width_;
  Samples seen(places_ * kSamples, 0.f);
  for (std::size_t c = 0; c < groups_ * channels_; ++c) {
    const float* plane = input.data + c * whole(rows * columns);
    for (std::size_t p = 0; p < places_; ++p) {
      const auto place = static_cast<std::int64_t>(p);
      const std::int64_t down = (place / width_ - height / 2) * step_y_;
      const std::int64_t right = (place % width_ - width_ / 2) * step_x_;
      for (std::size_t i = 0; i < at.size(); ++i) {
        const auto from = static_cast<std::int64_t>(at[i]);
        const std::int64_t y = from / columns + down, x = from % columns + right;
        const bool within = y >= 0 && y < rows && x >= 0 && x < columns;
        seen[p * kSamples + i] = within ? plane[y * columns + x] : 0;
      }
      place_sums_[c * places_ + p] += sum_of(&seen[p * kSamples], at.size());
    }
    add_products<kSamples>(seen.data(), places_,
                           &place_products_[c / channels_ * places_ * places_]);
  }
}

void InputSpread::merge(const InputSpread& other) {
  samples_ += other.samples_;
  add_all(channel_products_, other.channel_products_);
  add_all(channel_sums_, other.channel_sums_);
  add_all(place_products_, other.place_products_);
  add_all(place_sums_, other.place_sums_);
}

Covariance InputSpread::of_group(std::size_t group, bool about_means) const {
  Covariance found;
  found.channels = mirrored(&channel_products_[group * channels_ * channels_], channels_);
  if (about_means) {
    const double* sums = &channel_sums_[group * channels_];
    for (std::size_t a = 0; a < channels_; ++a) {
      for (std::size_t b = 0; b < channels_; ++b) {
        found.channels[a * channels_ + b] -= sums[a] * sums[b] / samples_;
      }
    }
  }
  if (!has_places_) {
    found.places.resize(places_ * places_, 0);
    for (std::size_t p = 0; p < places_; ++p) found.places[p * (places_ + 1)] = 1;
    return found;
  }
  found.places = mirrored(&place_products_[group * places_ * places_], places_);
  for (std::size_t c = 0; about_means && c < channels_; ++c) {
    const double* sums = &place_sums_[(group * channels_ + c) * places_];
    for (std::size_t p = 0; p < places_; ++p) {
      for (std::size_t q = 0; q < places_; ++q) {
        found.places[p * places_ + q] -= sums[p] * sums[q] / samples_;
      }
    }
  }
  return found;
}

void round_by_error(std::span<const float> weights, const WeightedLayer& layer,
                    const InputSpread& inputs, bool about_means, const WeightOptions& options,
                    WeightSteps& rounded) {
  if (inputs.empty()) return;
  const auto& shape = layer.shape;
  const auto groups = whole(layer.groups);
  const bool outputs_first = layer.channel_axis == 0;
  const std::size_t outputs = whole(shape[layer.channel_axis]) / (outputs_first ? groups : 1);
  const std::size_t channels = whole(shape[1 - layer.channel_axis]) / (outputs_first ? 1 : groups);
  std::size_t places = 1;
  for (std::size_t d = 2; d < shape.size(); ++d) places *= whole(shape[d]);
  const double low = options.symmetric ? -127 : -128, high = 127;
  std::vector<double> wanted(channels * places), steps(channels * places);
  for (std::size_t g = 0; g < groups; ++g) {
    const auto covariance = inputs.of_group(g, about_means);
    for (std::size_t o = 0; o < outputs; ++o) {
      const std::size_t scale_at =
          rounded.scales.size() > 1 ? (outputs_first ? g * outputs + o : o) : 0;
      const auto scale = static_cast<double>(rounded.scales[scale_at]);
      const auto zero = static_cast<double>(rounded.zero_points[scale_at]);
      const auto place_of = [&](std::size_t i) {
        const std::size_t c = i / places, p = i % places;
        return outputs_first ? ((g * outputs + o) * channels + c) * places + p
                             : ((g * channels + c) * outputs + o) * places + p;
      };
      for (std::size_t i = 0; i < wanted.size(); ++i) {
        wanted[i] = static_cast<double>(weights[place_of(i)]) / scale + zero;
        steps[i] = rounded.steps[place_of(i)];
      }
      lower_error(wanted, steps, low, high, covariance);
      for (std::size_t i = 0; i < steps.size(); ++i) {
        rounded.steps[place_of(i)] = static_cast<std::int8_t>(steps[i]);
      }
    }
  }
}

}  // namespace osprey::quantize
