// SPDX-License-Identifier: Apache-2.0
#include "sinks/coco_results.hpp"

#include <charconv>
#include <filesystem>
#include <set>
#include <utility>

#include "base/atomic_file.hpp"
#include "base/try.hpp"
#include "sinks/json_text.hpp"

namespace osprey::sinks {

namespace {

constexpr std::int64_t kIdsAStream = 1'000'000'000;

std::int64_t image_id_of(const Frame& frame) {
  const std::string stem = std::filesystem::path(frame.path).stem().string();
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(stem.data(), stem.data() + stem.size(), number);
  if (error == std::errc{} && end == stem.data() + stem.size() && number >= 0) return number;
  return frame.id.stream * kIdsAStream + static_cast<std::int64_t>(frame.id.sequence) + 1;
}

class CocoResults final : public Sink {
 public:
  /// `path`: empty if nothing is made that has a name.
  CocoResults(std::string path, base::AtomicFile file, CocoResultsOptions options)
      : path_(std::move(path)), file_(std::move(file)), options_(std::move(options)) {}

  bool wants_pixels() const override { return false; }
  Status begin(const StreamInfo&) override { return {}; }

  Status write(const FrameResult& result) override {
    if (result.error) return {};
    const Frame& frame = *result.frame;
    const auto image_id =
        options_.ground_truth ? options_.ground_truth->image_id(frame.path) : image_id_of(frame);
    if (!image_id) {
      ++unknown_pictures_;
      return {};
    }
    entries_.clear();
    for (const Detection& detection : result.detections) {
      if (const auto category = category_id(detection.label_id)) {
        append(*image_id, *category, detection);
      }
    }
    return file_.write(entries_);
  }

  Status finish() override {
    OSPREY_TRY(file_.write(any_ ? "\n]\n" : "[]\n"));
    return file_.commit();
  }

  std::vector<std::string> outputs() const override {
    return path_.empty() ? std::vector<std::string>{} : std::vector{path_};
  }

  std::vector<std::string> notes() const override {
    std::vector<std::string> notes;
    if (unknown_pictures_ > 0) {
      notes.push_back("COCO results: left out " + std::to_string(unknown_pictures_) +
                      " pictures that are not in the ground truth");
    }
    if (!unknown_classes_.empty()) {
      std::string note = "COCO results: left out " + std::to_string(unknown_detections_) +
                         " detections of classes that are not in the ground truth:";
      for (const std::int32_t label_id : unknown_classes_) note += " " + name(label_id);
      notes.push_back(std::move(note));
    }
    return notes;
  }

 private:
  std::string name(std::int32_t label_id) const {
    const auto index = static_cast<std::size_t>(label_id);
    return label_id >= 0 && index < options_.names.size() ? options_.names[index]
                                                          : std::to_string(label_id);
  }

  std::optional<std::int64_t> category_id(std::int32_t label_id) {
    if (!options_.ground_truth) {
      const auto index = static_cast<std::size_t>(label_id);
      return label_id >= 0 && index < options_.category_ids.size() ? options_.category_ids[index]
                                                                   : label_id + std::int64_t{1};
    }
    const auto& categories = options_.ground_truth->categories;
    const auto category = categories.find(name(label_id));
    if (category != categories.end()) return category->second;
    ++unknown_detections_;
    unknown_classes_.insert(label_id);
    return std::nullopt;
  }

  void append(std::int64_t image_id, std::int64_t category_id, const Detection& detection) {
    entries_ += any_ ? ",\n" : "[\n";
    any_ = true;
    field("{\"image_id\":", image_id);
    field(",\"category_id\":", category_id);
    field(",\"bbox\":[", detection.box.x1);
    field(",", detection.box.y1);
    field(",", detection.box.width());
    field(",", detection.box.height());
    field("],\"score\":", detection.confidence);
    entries_ += '}';
  }

  void field(const char* key, auto value) {
    entries_ += key;
    append_json_number(entries_, value);
  }

  std::string path_;
  base::AtomicFile file_;
  CocoResultsOptions options_;
  std::string entries_;  ///< of one frame
  bool any_ = false;
  std::uint64_t unknown_pictures_ = 0;
  std::uint64_t unknown_detections_ = 0;
  std::set<std::int32_t> unknown_classes_;
};

}  // namespace

Result<std::unique_ptr<Sink>> create_coco_results(const std::string& path,
                                                  CocoResultsOptions options) {
  base::AtomicFile file = OSPREY_TRY(base::AtomicFile::create(path));
  return std::unique_ptr<Sink>(new CocoResults(path, std::move(file), std::move(options)));
}

std::unique_ptr<Sink> create_coco_results(int descriptor, CocoResultsOptions options) {
  base::AtomicFile file = base::AtomicFile::direct(base::FileWriter(descriptor, "COCO results"));
  return std::unique_ptr<Sink>(new CocoResults("", std::move(file), std::move(options)));
}

}  // namespace osprey::sinks
