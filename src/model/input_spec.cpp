// SPDX-License-Identifier: Apache-2.0
#include "model/input_spec.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

namespace osprey::model {

namespace {

using nlohmann::json;

Error bad(const std::string& what) {
  return {ErrorCode::kCorrupt, "metadata osprey.input: " + what};
}

// False: not three numbers that a float holds, or one below `least`.
bool read_three(const json& value, float least, std::array<float, 3>& out) {
  if (!value.is_array() || value.size() != out.size()) return false;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (!value[i].is_number()) return false;
    out[i] = value[i].get<float>();
    if (!std::isfinite(out[i]) || out[i] < least) return false;
  }
  return true;
}

template <typename T>
bool read_choice(const json& value, const char* first, const char* second, T if_first, T if_second,
                 T& out) {
  if (value != first && value != second) return false;
  out = value == first ? if_first : if_second;
  return true;
}

}  // namespace

Status apply_input_json(const std::string& text, InputSpec& spec) {
  const auto root = json::parse(text, nullptr, false);
  if (!root.is_object()) return bad("expected a JSON object");
  // The smallest deviation that does not turn bytes into infinities.
  constexpr float kLeastStd = 1e-6f;
  constexpr float kLeastMean = -1e6f;
  InputSpec read = spec;
  for (const auto& item : root.items()) {
    const auto& value = item.value();
    const auto& key = item.key();
    if (key == "order") {
      if (!read_choice(value, "rgb", "bgr", ChannelOrder::kRgb, ChannelOrder::kBgr, read.order)) {
        return bad("order: expected \"rgb\" or \"bgr\"");
      }
    } else if (key == "align") {
      if (!read_choice(value, "center", "top_left", LetterboxAlign::kCenter,
                       LetterboxAlign::kTopLeft, read.align)) {
        return bad("align: expected \"center\" or \"top_left\"");
      }
    } else if (key == "mean") {
      if (!read_three(value, kLeastMean, read.mean)) return bad("mean: expected three numbers");
    } else if (key == "std") {
      if (!read_three(value, kLeastStd, read.std)) {
        return bad("std: expected three numbers greater than 0");
      }
    } else if (key == "pad") {
      if (!value.is_number_integer() || value < 0 || value > 255) {
        return bad("pad: expected a whole number from 0 to 255");
      }
      read.pad = value.get<std::uint8_t>();
    } else {
      return bad("unknown key \"" + key + "\"; expected order, mean, std, pad or align");
    }
  }
  spec = read;
  return {};
}

}  // namespace osprey::model
