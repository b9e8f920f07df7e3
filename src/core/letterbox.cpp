// SPDX-License-Identifier: Apache-2.0
#include "core/letterbox.hpp"

#include <algorithm>
#include <cmath>

namespace osprey {

namespace {

// Ultralytics rounds halves the way Python does (to even), and biases the padding by 0.1 so that an
// odd remainder goes to the right and bottom.
int round_half_even(double v) {
  return static_cast<int>(std::nearbyint(v));
}

int leading_pad(int total, LetterboxAlign align) {
  return align == LetterboxAlign::kTopLeft ? 0 : round_half_even(total / 2.0 - 0.1);
}

}  // namespace

Letterbox Letterbox::fit(const Region& source, int input_width, int input_height,
                         LetterboxAlign align) {
  const double gain = std::min(static_cast<double>(input_width) / source.width,
                               static_cast<double>(input_height) / source.height);
  Letterbox box;
  box.source = source;
  box.input_width = input_width;
  box.input_height = input_height;
  box.gain = static_cast<float>(gain);
  box.width = std::clamp(round_half_even(source.width * gain), 1, input_width);
  box.height = std::clamp(round_half_even(source.height * gain), 1, input_height);
  box.x = leading_pad(input_width - box.width, align);
  box.y = leading_pad(input_height - box.height, align);
  return box;
}

Box Letterbox::to_picture(const Box& in) const {
  const auto across = [&](float v) {
    return static_cast<float>(source.x) +
           std::clamp((v - static_cast<float>(x)) / gain, 0.0f, static_cast<float>(source.width));
  };
  const auto down = [&](float v) {
    return static_cast<float>(source.y) +
           std::clamp((v - static_cast<float>(y)) / gain, 0.0f, static_cast<float>(source.height));
  };
  return {across(in.x1), down(in.y1), across(in.x2), down(in.y2)};
}

}  // namespace osprey
