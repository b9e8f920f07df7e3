// SPDX-License-Identifier: Apache-2.0
#include "evaluate/error_kinds.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <span>

#include "evaluate/groups.hpp"
#include "evaluate/parallel.hpp"
#include "evaluate/precision_curve.hpp"

namespace osprey::evaluation {

namespace {

constexpr double kFound = 0.5, kNothing = 0.1;

/// A detection that counts, and what is wrong with it.
struct Judged {
  std::uint32_t index = 0;
  std::int32_t category = 0;
  double score = 0;
  bool right = false;
  std::optional<ErrorKind> error;
  std::uint32_t label = kNoLabel;  // that it would find, were it right
};

/// What a detection could be right about.
struct Nearest {
  double overlap = 0;
  std::uint32_t label = kNoLabel;
  void see(double value, std::uint32_t which) {
    if (value <= overlap && label != kNoLabel) return;
    overlap = value;
    label = which;
  }
};

class Judge {
 public:
  Judge(const GroundTruth& truth, const Detections& found,
        const std::vector<CategoryMatches>& matches)
      : truth_(truth), found_(found), taken_(truth.labels.size(), false) {
    for (std::size_t c = 0; c < matches.size(); ++c) {
      positives_.push_back(matches[c].labels[0]);
      for (const auto& detection : matches[c].detections) {
        if ((detection.ignored[0] & 1) != 0) continue;
        Judged judged;
        judged.index = detection.index;
        judged.category = static_cast<std::int32_t>(c);
        judged.score = found[detection.index].score;
        judged.right = (detection.matched[0] & 1) != 0;
        if (detection.label != kNoLabel) taken_[detection.label] = true;
        judged_.push_back(judged);
      }
    }
  }

  void run(int threads) {
    const auto labels = group(numbers(truth_.labels.size()), truth_.pictures.size(),
                              [&](std::uint32_t i) { return truth_.labels[i].picture; });
    in_parallel(judged_.size() / kChunk + 1, threads, [&](std::size_t chunk) {
      const auto end = std::min(judged_.size(), (chunk + 1) * kChunk);
      for (auto i = chunk * kChunk; i < end; ++i) {
        auto& judged = judged_[i];
        const auto picture = static_cast<std::size_t>(found_[judged.index].picture);
        if (!judged.right) explain(judged, labels.of(picture));
      }
    });
    find_best();
  }

  ErrorKinds result(int threads) const {
    ErrorKinds result;
    for (const auto& judged : judged_) {
      if (judged.error) ++result.kinds[static_cast<std::size_t>(*judged.error)].count;
    }
    for (std::size_t i = 0; i < truth_.labels.size(); ++i) {
      if (is_missed(i)) ++result.kinds[static_cast<std::size_t>(ErrorKind::kMissed)].count;
    }
    // As it is; without any wrong one; without any missed one; without each kind.
    std::array<double, 3 + kErrorKinds> precision{};
    in_parallel(precision.size(), threads, [&](std::size_t i) {
      precision[i] = i == 0   ? as_it_is()
                     : i == 1 ? average_precision([](const Judged& j) { return !j.right; }, false)
                     : i == 2 ? without_missed(true)
                              : without(static_cast<ErrorKind>(i - 3));
    });
    result.average_precision = precision[0];
    result.wrong_cost = precision[1] - precision[0];
    result.missed_cost = precision[2] - precision[0];
    for (std::size_t i = 0; i < kErrorKinds; ++i) {
      result.kinds[i].cost = precision[3 + i] - precision[0];
    }
    return result;
  }

 private:
  static constexpr std::size_t kChunk = 4096;
  /// For each category, scores and whether they are right.
  using Lists = std::vector<std::vector<std::pair<double, bool>>>;

  void explain(Judged& judged, std::span<const std::uint32_t> labels) const {
    Nearest same, other, same_taken, any;
    for (const auto i : labels) {
      const auto& label = truth_.labels[i];
      if (!label.counts()) continue;
      const double overlap = iou(found_[judged.index].box, label.box, false);
      any.see(overlap, i);
      if (label.category != judged.category) {
        other.see(overlap, i);
        continue;
      }
      same.see(overlap, i);
      if (taken_[i]) same_taken.see(overlap, i);
    }
    const auto tell = [&](ErrorKind kind, std::uint32_t label = kNoLabel) {
      judged.error = kind;
      judged.label = label;
    };
    if (same.label != kNoLabel && same.overlap >= kNothing && same.overlap <= kFound) {
      return tell(ErrorKind::kLocalisation, same.label);
    }
    if (other.overlap >= kFound) return tell(ErrorKind::kClassification, other.label);
    if (same_taken.overlap >= kFound) return tell(ErrorKind::kDuplicate);
    if (any.overlap <= kNothing) return tell(ErrorKind::kBackground);
    tell(ErrorKind::kBoth);
  }

  /// Of those that would find the same label, the highest score would.
  void find_best() {
    best_.assign(truth_.labels.size(), kNoLabel);
    for (std::uint32_t i = 0; i < judged_.size(); ++i) {
      const auto label = judged_[i].label;
      if (label == kNoLabel || taken_[label]) continue;
      auto& best = best_[label];
      if (best == kNoLabel || judged_[best].score < judged_[i].score) best = i;
    }
  }

  bool is_missed(std::size_t label) const {
    return truth_.labels[label].counts() && !taken_[label] && best_[label] == kNoLabel;
  }

  double as_it_is() const {
    return average_precision([](const Judged&) { return false; }, false);
  }

  double without(ErrorKind kind) const {
    if (kind == ErrorKind::kMissed) return without_missed(false);
    const bool repaired = kind == ErrorKind::kClassification || kind == ErrorKind::kLocalisation;
    return average_precision([&](const Judged& j) { return j.error == kind; }, repaired);
  }

  /// Those that `go(judged)` names count no more, or with `repaired` are right where nothing better
  /// would be.
  template <typename Go>
  double average_precision(const Go& go, bool repaired) const {
    Lists lists(positives_.size());
    for (std::uint32_t i = 0; i < judged_.size(); ++i) {
      const auto& judged = judged_[i];
      auto category = judged.category;
      bool right = judged.right;
      if (go(judged)) {
        if (!repaired || judged.label == kNoLabel || best_[judged.label] != i) continue;
        right = true;
        category = truth_.labels[judged.label].category;
      }
      lists[static_cast<std::size_t>(category)].emplace_back(judged.score, right);
    }
    return mean(std::move(lists), positives_);
  }

  double without_missed(bool every) const {
    auto positives = positives_;
    for (std::size_t i = 0; i < truth_.labels.size(); ++i) {
      const bool left_out = every ? truth_.labels[i].counts() && !taken_[i] : is_missed(i);
      if (left_out) --positives[static_cast<std::size_t>(truth_.labels[i].category)];
    }
    Lists lists(positives_.size());
    for (const auto& judged : judged_) {
      lists[static_cast<std::size_t>(judged.category)].emplace_back(judged.score, judged.right);
    }
    return mean(std::move(lists), positives);
  }

  static double mean(Lists lists, const std::vector<std::int64_t>& positives) {
    double sum = 0;
    int counted = 0;
    for (std::size_t c = 0; c < lists.size(); ++c) {
      if (positives[c] <= 0) continue;
      std::stable_sort(lists[c].begin(), lists[c].end(),
                       [](const auto& a, const auto& b) { return a.first > b.first; });
      PrecisionCurve curve;
      for (const auto& [score, right] : lists[c]) curve.add(right);
      sum += curve.average_precision(static_cast<double>(positives[c]));
      ++counted;
    }
    return counted == 0 ? 0 : sum / counted;
  }

  const GroundTruth& truth_;
  const Detections& found_;
  std::vector<bool> taken_;              // labels that a right detection has
  std::vector<std::int64_t> positives_;  // labels that count, of each category
  std::vector<Judged> judged_;           // by category, the highest score first
  std::vector<std::uint32_t> best_;      // for each label, which of judged_ would find it
};

}  // namespace

std::string to_string(ErrorKind kind) {
  static constexpr std::array<const char*, kErrorKinds> kNames = {
      "classification", "localisation", "both", "duplicate", "background", "missed"};
  return kNames[static_cast<std::size_t>(kind)];
}

ErrorKinds error_kinds(const GroundTruth& truth, const Detections& found,
                       const std::vector<CategoryMatches>& matches, int threads) {
  Judge judge(truth, found, matches);
  judge.run(threads);
  return judge.result(threads);
}

}  // namespace osprey::evaluation
