// SPDX-License-Identifier: Apache-2.0
#include "sinks/yolo_text.hpp"

#include <charconv>
#include <cstdint>
#include <filesystem>
#include <map>
#include <utility>

#include "base/try.hpp"
#include "sinks/output_names.hpp"
#include "sinks/staging_folder.hpp"

namespace osprey::sinks {

namespace {

/// As printf("%g"), but with a point whatever the locale.
void append_g(std::string& out, float value) {
  char digits[32];
  const auto end =
      std::to_chars(digits, digits + sizeof digits, value, std::chars_format::general, 6);
  out.append(digits, end.ptr);
}

class YoloText final : public Sink {
 public:
  YoloText(StagingFolder files, bool confidence)
      : files_(std::move(files)), confidence_(confidence) {}

  bool wants_pixels() const override { return false; }

  Status begin(const StreamInfo& stream) override {
    if (!stream.pictures) videos_[stream.index] = names_.take(source_stem(stream.uri));
    return {};
  }

  Status write(const FrameResult& result) override {
    const Frame& frame = *result.frame;
    const std::string name =
        (frame.path.empty() ? videos_[frame.id.stream] + "_" + std::to_string(frame.id.sequence + 1)
                            : names_.take(source_stem(frame.path))) +
        ".txt";
    if (result.error || result.detections.empty()) {
      files_.remove(name);
      return {};
    }
    text_.clear();
    const auto width = static_cast<float>(frame.image.width);
    const auto height = static_cast<float>(frame.image.height);
    for (const Detection& d : result.detections) {
      text_ += std::to_string(d.label_id);
      number((d.box.x1 + d.box.x2) / 2 / width);
      number((d.box.y1 + d.box.y2) / 2 / height);
      number((d.box.x2 - d.box.x1) / width);
      number((d.box.y2 - d.box.y1) / height);
      if (confidence_) number(d.confidence);
      if (d.track_id >= 0) (text_ += ' ') += std::to_string(d.track_id);
      text_ += '\n';
    }
    return files_.write(name, text_);
  }

  Status finish() override { return files_.commit(); }

  std::vector<std::string> outputs() const override { return {files_.folder().string()}; }

 private:
  void number(float value) {
    text_ += ' ';
    append_g(text_, value);
  }

  StagingFolder files_;
  bool confidence_;
  UniqueNames names_;
  std::map<std::uint32_t, std::string> videos_;  ///< stream -> its files' first part
  std::string text_;                             ///< of one frame
};

}  // namespace

Result<std::unique_ptr<Sink>> create_yolo_text(const std::string& folder, bool confidence) {
  StagingFolder files = OSPREY_TRY(StagingFolder::create(std::filesystem::path(folder) / "labels"));
  return std::unique_ptr<Sink>(new YoloText(std::move(files), confidence));
}

}  // namespace osprey::sinks
