// SPDX-License-Identifier: Apache-2.0
#include "quantize/histogram.hpp"

#include <algorithm>
#include <cmath>

namespace osprey::quantize {

namespace {

constexpr auto kSpan = static_cast<std::int64_t>(Histogram::kBins);

/// The greatest power of two that is not above; of 0, one that is small enough for any purpose.
double power_below(double value) {
  return std::exp2(std::floor(std::log2(std::max(value, 0x1p-60))));
}

/// Narrower than a float's own steps, bins would count nothing but them.
double least_width(float lowest, float highest) {
  return power_below(static_cast<double>(std::max(std::fabs(lowest), std::fabs(highest))) *
                     0x1p-24);
}

std::int64_t number_of(float value, double width) {
  return static_cast<std::int64_t>(std::floor(static_cast<double>(value) / width));
}

bool fits(float lowest, float highest, double width) {
  const double bins = (static_cast<double>(highest) - static_cast<double>(lowest)) / width;
  if (bins > 2 * static_cast<double>(kSpan)) return false;  // numbers could be too large to count
  return number_of(highest, width) - number_of(lowest, width) < kSpan;
}

/// Lowest, highest and how many are none, eight at a time: compilers make vectors of it.
struct Extent {
  float lowest = HUGE_VALF, highest = -HUGE_VALF;
  std::uint64_t not_numbers = 0;
};

Extent extent_of(std::span<const float> values) {
  constexpr std::size_t kLanes = 8;
  float low[kLanes], high[kLanes];
  std::fill_n(low, kLanes, HUGE_VALF);
  std::fill_n(high, kLanes, -HUGE_VALF);
  float poison = 0;  // 0 * x is 0 for numbers only
  std::size_t i = 0;
  for (; i + kLanes <= values.size(); i += kLanes) {
    for (std::size_t k = 0; k < kLanes; ++k) {
      const float v = values[i + k];
      low[k] = v < low[k] ? v : low[k];
      high[k] = v > high[k] ? v : high[k];
    }
    float sum = 0;
    for (std::size_t k = 0; k < kLanes; ++k) sum += values[i + k] * 0.f;
    poison += sum;
  }
  Extent extent;
  const bool clean = poison == 0;
  if (!clean) i = 0;
  for (std::size_t k = 0; clean && k < kLanes; ++k) {
    extent.lowest = std::min(extent.lowest, low[k]);
    extent.highest = std::max(extent.highest, high[k]);
  }
  for (; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) {
      ++extent.not_numbers;
      continue;
    }
    extent.lowest = std::min(extent.lowest, values[i]);
    extent.highest = std::max(extent.highest, values[i]);
  }
  return extent;
}

}  // namespace

void Histogram::add(std::span<const float> values) {
  const Extent extent = extent_of(values);
  not_numbers_ += extent.not_numbers;
  const auto added = values.size() - extent.not_numbers;
  if (added == 0) return;
  cover(extent.lowest, extent.highest);
  count_ += added;
  // Bins are powers of two wide: the product is exact, and so is what is cut off after the shift.
  const auto scale = static_cast<float>(1 / width_);
  const bool exact =
      std::isfinite(scale) && std::max(std::fabs(lowest_), std::fabs(highest_)) * scale < 0x1p22f;
  auto* out = counts_.data();
  std::size_t counted = 0;
  if (exact && extent.not_numbers == 0) {
    // Numbers first, in blocks: compilers make vectors of a loop without the counting.
    constexpr std::size_t kBlock = 512;
    const auto first = static_cast<std::int32_t>(first_);
    std::int32_t numbers[kBlock];
    for (; counted + kBlock <= values.size(); counted += kBlock) {
      const float* block = values.data() + counted;
      for (std::size_t i = 0; i < kBlock; ++i) {
        const float at = block[i] * scale;
        const auto number = static_cast<std::int32_t>(at);
        numbers[i] = number - (static_cast<float>(number) > at ? 1 : 0) - first;
      }
      for (const auto number : numbers) ++out[number];
    }
  }
  for (const float value : values.subspan(counted)) {
    if (std::isfinite(value)) ++out[number_of(value, width_) - first_];
  }
}

void Histogram::merge(const Histogram& other) {
  not_numbers_ += other.not_numbers_;
  if (other.empty()) return;
  Histogram same = other;
  cover(other.lowest_, other.highest_);
  while (same.width_ < width_) same.widen();
  while (width_ < same.width_) widen();
  cover(lowest_, highest_);  // widening may have moved the first bin
  for (std::size_t i = 0; i < kBins; ++i) {
    if (same.counts_[i] == 0) continue;
    counts_[static_cast<std::size_t>(same.first_ + static_cast<std::int64_t>(i) - first_)] +=
        same.counts_[i];
  }
  count_ += other.count_;
}

/// Makes room for both ends, with bins as narrow as that allows.
void Histogram::cover(float lowest, float highest) {
  if (counts_.empty()) {
    counts_.assign(kBins, 0);
    lowest_ = lowest;
    highest_ = highest;
    const double span = static_cast<double>(highest) - static_cast<double>(lowest);
    width_ = std::max(power_below(span / kBins), least_width(lowest, highest));
    first_ = number_of(lowest, width_);
  }
  lowest_ = std::min(lowest_, lowest);
  highest_ = std::max(highest_, highest);
  while (width_ < least_width(lowest_, highest_) || !fits(lowest_, highest_, width_)) widen();
  const auto from = number_of(lowest_, width_);
  const auto to = number_of(highest_, width_);
  if (from >= first_ && to < first_ + kSpan) return;
  std::vector<std::uint64_t> moved(kBins, 0);
  for (std::int64_t i = 0; i < kSpan; ++i) {
    const auto count = counts_[static_cast<std::size_t>(i)];
    if (count > 0) moved[static_cast<std::size_t>(first_ + i - from)] = count;
  }
  counts_ = std::move(moved);
  first_ = from;
}

/// Each two bins become one.
void Histogram::widen() {
  std::vector<std::uint64_t> wider(kBins, 0);
  const auto half = [](std::int64_t i) { return i >> 1; };  // rounds down, below zero too
  const auto first = half(first_);
  for (std::int64_t i = 0; i < kSpan; ++i) {
    const auto to = static_cast<std::size_t>(half(first_ + i) - first);
    wider[to] += counts_[static_cast<std::size_t>(i)];
  }
  counts_ = std::move(wider);
  first_ = first;
  width_ *= 2;
}

std::span<const std::uint64_t> Histogram::bins() const {
  if (empty()) return {};
  const auto from = number_of(lowest_, width_) - first_;
  const auto to = number_of(highest_, width_) - first_;
  return std::span(counts_).subspan(static_cast<std::size_t>(from),
                                    static_cast<std::size_t>(to - from + 1));
}

double Histogram::centre(std::size_t bin) const {
  const auto number = number_of(lowest_, width_) + static_cast<std::int64_t>(bin);
  return (static_cast<double>(number) + 0.5) * width_;
}

}  // namespace osprey::quantize
