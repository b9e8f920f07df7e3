// SPDX-License-Identifier: Apache-2.0
#include "media/natural_order.hpp"

#include <algorithm>
#include <cstddef>

namespace osprey::media {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Takes the digits at the front of `text`, without leading zeros.
std::string_view take_number(std::string_view& text) {
  const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
  std::string_view digits = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(digits.size());
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
  return digits;
}

/// A separator goes before all else, so that "a/x" comes before "a-b/x".
int rank(char c) {
  return c == '/' ? -1 : static_cast<unsigned char>(c);
}

}  // namespace

bool natural_less(std::string_view a, std::string_view b) {
  std::string_view x = a;
  std::string_view y = b;
  while (!x.empty() && !y.empty()) {
    if (is_digit(x.front()) && is_digit(y.front())) {
      const std::string_view left = take_number(x);
      const std::string_view right = take_number(y);
      if (left.size() != right.size()) return left.size() < right.size();
      if (left != right) return left < right;
    } else {
      if (x.front() != y.front()) return rank(x.front()) < rank(y.front());
      x.remove_prefix(1);
      y.remove_prefix(1);
    }
  }
  if (x.empty() != y.empty()) return x.empty();
  return a < b;  // "img1" and "img01"
}

}  // namespace osprey::media
