// SPDX-License-Identifier: Apache-2.0
// How often which values occur, in memory of a fixed size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace osprey::quantize {

/// A histogram that widens as values come. Bins are [i * width, (i + 1) * width) for whole numbers
/// i, and `width` is a power of two: what it holds depends on the values alone, neither on their
/// order nor on how they were shared out among histograms that were then merged.
class Histogram {
 public:
  static constexpr std::size_t kBins = 4096;

  /// Values that are no numbers, or infinite, are left out and counted.
  void add(std::span<const float> values);
  void merge(const Histogram& other);

  bool empty() const { return count_ == 0; }
  std::uint64_t count() const { return count_; }
  std::uint64_t not_numbers() const { return not_numbers_; }
  float lowest() const { return lowest_; }    ///< exactly; 0 if empty
  float highest() const { return highest_; }  ///< likewise
  double width() const { return width_; }
  /// From the bin of `lowest` to that of `highest`.
  std::span<const std::uint64_t> bins() const;
  double centre(std::size_t bin) const;  ///< of bins()[bin]

 private:
  void cover(float lowest, float highest);
  void widen();

  std::vector<std::uint64_t> counts_;
  std::int64_t first_ = 0;  ///< the number i of counts_[0]
  double width_ = 0;
  std::uint64_t count_ = 0, not_numbers_ = 0;
  float lowest_ = 0, highest_ = 0;
};

}  // namespace osprey::quantize
