// SPDX-License-Identifier: Apache-2.0
#include "evaluate/read_mot.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string_view>

#include "base/read_file.hpp"
#include "base/try.hpp"
#include "core/assignment.hpp"

namespace osprey::evaluation {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLeastNumbers = 6, kMostNumbers = 10;
constexpr double kMostFrames = 1e7, kMostIds = 9e15;

struct Row {
  TrackBox box;
  bool counts = true;
  int category = 1;
};

/// By frame; a frame without rows may be absent at the end.
using Rows = std::vector<std::vector<Row>>;

constexpr std::string_view kSeparators = ", \t;\r";

/// At most kMostNumbers, or nothing if there is something else.
std::optional<std::vector<double>> numbers_of(std::string_view line) {
  std::vector<double> numbers;
  for (;;) {
    line.remove_prefix(std::min(line.find_first_not_of(kSeparators), line.size()));
    if (line.empty()) return numbers;
    const auto text = line.substr(0, line.find_first_of(kSeparators));
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    if (!whole || !std::isfinite(value) || numbers.size() == kMostNumbers) return std::nullopt;
    numbers.push_back(value);
    line.remove_prefix(text.size());
  }
}

bool is_whole(double value, double low, double high) {
  return value == std::floor(value) && value >= low && value <= high;
}

class MotFile {
 public:
  explicit MotFile(std::string path) : path_(std::move(path)) {}

  Result<Rows> read() {
    const auto text = OSPREY_TRY(base::read_file(path_, "a text file of tracks"));
    std::string_view rest = text;
    while (!rest.empty()) {
      const auto line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(line.size() + 1, rest.size()));
      ++line_;
      OSPREY_TRY(take(line));
    }
    return std::move(rows_);
  }

 private:
  Error wrong(const std::string& what) const {
    return {ErrorCode::kCorrupt, path_ + ": line " + std::to_string(line_) + ": " + what};
  }

  Status take(std::string_view line) {
    const auto numbers = numbers_of(line);
    if (!numbers || (!numbers->empty() && numbers->size() < kLeastNumbers)) {
      return wrong("expected numbers: frame,id,left,top,width,height[,confidence[,class,...]]");
    }
    if (numbers->empty()) return {};
    const auto& n = *numbers;
    if (!is_whole(n[0], 1, kMostFrames)) return wrong("frame: expected a whole number from 1");
    if (!is_whole(n[1], 0, kMostIds)) return wrong("id: expected a whole number from 0");
    const auto frame = static_cast<std::size_t>(n[0]);
    Row row;
    row.box = {static_cast<std::int64_t>(n[1]), n[2], n[3], n[2] + n[4], n[3] + n[5]};
    if (n.size() > 6) row.counts = n[6] != 0;
    if (n.size() > 7) row.category = static_cast<int>(n[7]);
    if (!ids_[frame].insert(row.box.id).second) {
      return wrong("id " + std::to_string(row.box.id) + " is in frame " + std::to_string(frame) +
                   " already");
    }
    rows_.resize(std::max(rows_.size(), frame));
    rows_[frame - 1].push_back(row);
    return {};
  }

  std::string path_;
  std::size_t line_ = 0;
  std::map<std::size_t, std::set<std::int64_t>> ids_;
  Rows rows_;
};

bool is_distractor(int category, TrackRules rules) {
  // Person on a vehicle, one who never moves, a distractor, a reflection; for MOT20 also vehicles
  // without a motor.
  return category == 2 || category == 7 || category == 8 || category == 12 ||
         (category == 6 && rules == TrackRules::kMot20);
}

/// Found boxes that are distractors', by their best matches with all that is labelled.
std::vector<bool> finds_of_distractors(const std::vector<Row>& truth, const std::vector<Row>& found,
                                       TrackRules rules) {
  std::vector<bool> distracted(found.size());
  if (rules == TrackRules::kAll || truth.empty() || found.empty()) return distracted;
  constexpr double kLeast = 0.5 - 2.220446049250313e-16;
  std::vector<double> cost(truth.size() * found.size(), 0);
  for (std::size_t t = 0; t < truth.size(); ++t) {
    for (std::size_t f = 0; f < found.size(); ++f) {
      const double shared = overlap(truth[t].box, found[f].box);
      if (shared >= kLeast) cost[t * found.size() + f] = -shared;
    }
  }
  const auto matches = assign(cost, truth.size(), found.size());
  for (std::size_t t = 0; t < truth.size(); ++t) {
    if (matches[t] < 0 || !is_distractor(truth[t].category, rules)) continue;
    const auto f = static_cast<std::size_t>(matches[t]);
    if (cost[t * found.size() + f] < 0) distracted[f] = true;
  }
  return distracted;
}

TrackSequence counted(const std::string& name, Rows truth, Rows found, TrackRules rules) {
  const std::size_t frames = std::max(truth.size(), found.size());
  truth.resize(frames);
  found.resize(frames);
  TrackSequence sequence{name, std::vector<std::vector<TrackBox>>(frames),
                         std::vector<std::vector<TrackBox>>(frames)};
  for (std::size_t frame = 0; frame < frames; ++frame) {
    const auto distracted = finds_of_distractors(truth[frame], found[frame], rules);
    for (std::size_t f = 0; f < found[frame].size(); ++f) {
      if (!distracted[f]) sequence.found[frame].push_back(found[frame][f].box);
    }
    for (const auto& row : truth[frame]) {
      const bool is_meant = rules == TrackRules::kAll || row.category == 1;
      if (row.counts && is_meant) sequence.truth[frame].push_back(row.box);
    }
  }
  return sequence;
}

/// "<sequence>/gt/gt.txt" is called after its sequence, every other file after itself.
std::string sequence_of(const fs::path& file) {
  const auto folder = file.parent_path();
  return file.filename() == "gt.txt" && folder.filename() == "gt"
             ? folder.parent_path().filename().string()
             : file.stem().string();
}

using Files = std::map<std::string, fs::path>;  // by sequence

Result<Files> files_at(const std::string& path) {
  std::error_code error;
  Files files;
  if (!fs::is_directory(path, error)) {
    files[sequence_of(fs::absolute(path, error))] = path;
    return files;
  }
  for (fs::directory_iterator entry(path, error), end; !error && entry != end;
       entry.increment(error)) {
    const auto truth = entry->path() / "gt" / "gt.txt";
    std::error_code ignored;
    if (entry->path().extension() == ".txt") {
      files[sequence_of(entry->path())] = entry->path();
    } else if (fs::exists(truth, ignored)) {
      files[sequence_of(truth)] = truth;
    }
  }
  if (error) return Error{ErrorCode::kIo, path + ": " + error.message()};
  if (files.empty()) {
    return Error{ErrorCode::kNotFound,
                 path + ": expected <sequence>.txt or <sequence>/gt/gt.txt in this folder"};
  }
  return files;
}

}  // namespace

double overlap(const TrackBox& a, const TrackBox& b) {
  constexpr double kNothing = 2.220446049250313e-16;
  const double width = std::max(std::min(a.x2, b.x2) - std::max(a.x1, b.x1), 0.0);
  const double height = std::max(std::min(a.y2, b.y2) - std::max(a.y1, b.y1), 0.0);
  const double area_a = (a.x2 - a.x1) * (a.y2 - a.y1), area_b = (b.x2 - b.x1) * (b.y2 - b.y1);
  const double both = width * height, all = area_a + area_b - both;
  return area_a <= kNothing || area_b <= kNothing || all <= kNothing ? 0 : both / all;
}

Result<std::vector<TrackSequence>> read_mot(const TrackEvaluationOptions& options,
                                            std::vector<std::string>& warnings) {
  const auto truth = OSPREY_TRY(files_at(options.ground_truth));
  auto found = OSPREY_TRY(files_at(options.tracks));
  std::error_code error;
  // Two files belong together whatever they are called.
  if (!fs::is_directory(options.ground_truth, error) && !fs::is_directory(options.tracks, error)) {
    found = {{truth.begin()->first, options.tracks}};
  }
  std::vector<TrackSequence> sequences;
  for (const auto& [name, file] : truth) {
    const auto result = found.find(name);
    if (result == found.end()) {
      return Error{ErrorCode::kNotFound,
                   options.tracks + ": has no " + name + ".txt, the tracks of " + file.string()};
    }
    auto labels = OSPREY_TRY(MotFile(file.string()).read());
    auto boxes = OSPREY_TRY(MotFile(result->second.string()).read());
    if (boxes.size() > labels.size()) {
      warnings.push_back(result->second.string() + ": goes on to frame " +
                         std::to_string(boxes.size()) + ", the ground truth to frame " +
                         std::to_string(labels.size()) + "; what is found there is wrong");
    }
    sequences.push_back(counted(name, std::move(labels), std::move(boxes), options.rules));
    found.erase(result);
  }
  for (const auto& [name, file] : found) {
    warnings.push_back(file.string() + ": passed over, there is no ground truth for it");
  }
  return sequences;
}

}  // namespace osprey::evaluation
