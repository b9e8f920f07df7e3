// SPDX-License-Identifier: Apache-2.0
#include "sinks/annotated.hpp"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/try.hpp"
#include "media/picture_codec.hpp"
#include "media/video_writer.hpp"
#include "sinks/output_names.hpp"
#include "sinks/staging_folder.hpp"
#include "vision/draw.hpp"

namespace osprey::sinks {

namespace fs = std::filesystem;

namespace {

/// The suffix of `path`, if we write that format; else ".jpg".
std::string picture_suffix(const std::string& path) {
  const std::string suffix = fs::path(path).extension().string();
  std::string lower = suffix;
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return lower == ".jpg" || lower == ".jpeg" || lower == ".png" ? suffix : ".jpg";
}

struct Video {
  StreamInfo stream;
  std::unique_ptr<media::VideoWriter> writer;  ///< null before the first frame
  int width = 0, height = 0;
};

class Annotated final : public Sink {
 public:
  Annotated(StagingFolder files, const std::vector<std::string>& names,
            const AnnotatedOptions& options)
      : files_(std::move(files)), names_(names), options_(options) {}

  bool wants_pixels() const override { return true; }

  Status begin(const StreamInfo& stream) override {
    videos_[stream.index].stream = stream;
    return {};
  }

  Status write(const FrameResult& result) override {
    const Frame& frame = *result.frame;
    if (!frame.path.empty() && result.error) {
      ++failed_pictures_;
      return {};
    }
    const vision::DrawOptions draw{options_.line_width, options_.labels, options_.confidence,
                                   result.parts};
    const Image drawn = vision::annotate(frame.image, result.detections, names_, draw);
    return frame.path.empty() ? write_frame(frame, drawn) : write_picture(frame, drawn);
  }

  Status finish() override {
    for (auto& [index, video] : videos_) OSPREY_TRY(close(video));
    return files_.commit();
  }

  std::vector<std::string> outputs() const override {
    std::vector<std::string> outputs = video_paths_;
    if (any_picture_) outputs.push_back(files_.folder().string());
    return outputs;
  }

  std::vector<std::string> notes() const override {
    if (failed_pictures_ == 0) return {};
    return {files_.folder().string() + ": left out " + std::to_string(failed_pictures_) +
            " pictures whose inference failed"};
  }

 private:
  Status write_picture(const Frame& frame, const Image& drawn) {
    const std::string suffix = picture_suffix(frame.path);
    const std::string name = taken_.take(source_stem(frame.path), suffix);
    OSPREY_TRY(check_is_not(frame.path, name));
    auto bytes = media::encode_picture(drawn, suffix);
    if (!bytes.ok()) {
      return Error{bytes.error().code,
                   (files_.folder() / name).string() + ": " + bytes.error().message};
    }
    any_picture_ = true;
    return files_.write(name, {reinterpret_cast<const char*>(bytes->data()), bytes->size()});
  }

  Status write_frame(const Frame& frame, const Image& drawn) {
    Video& video = videos_[frame.id.stream];
    if (!video.writer || drawn.width != video.width || drawn.height != video.height) {
      OSPREY_TRY(open(video, drawn.width, drawn.height));
    }
    return video.writer->write(drawn, frame.timestamp);
  }

  static Status close(Video& video) {
    const auto writer = std::move(video.writer);  // it may be finished only once
    return writer ? writer->finish() : Status{};
  }

  Status open(Video& video, int width, int height) {
    OSPREY_TRY(close(video));
    const std::string name = taken_.take(source_stem(video.stream.uri), ".mp4");
    OSPREY_TRY(check_is_not(video.stream.uri, name));
    media::VideoWriterOptions writer_options;
    writer_options.threads = options_.threads;
    if (video.stream.frame_rate > 0) writer_options.frame_rate = video.stream.frame_rate;
    video.writer = OSPREY_TRY(
        media::VideoWriter::create(files_.staged(name).string(), width, height, writer_options));
    video.width = width;
    video.height = height;
    video_paths_.push_back((files_.folder() / name).string());
    return {};
  }

  Status check_is_not(const std::string& source, const std::string& name) const {
    std::error_code ignored;  // a source that is no file cannot be overwritten
    if (!fs::equivalent(source, files_.folder() / name, ignored)) return {};
    return Error{ErrorCode::kInvalidArgument,
                 source +
                     ": the annotated file would take the place of its source: expected "
                     "another output folder than " +
                     files_.folder().string()};
  }

  StagingFolder files_;
  std::vector<std::string> names_;
  AnnotatedOptions options_;
  UniqueNames taken_;
  std::map<std::uint32_t, Video> videos_;  ///< after files_: they go before their folder does
  std::vector<std::string> video_paths_;
  bool any_picture_ = false;
  std::uint64_t failed_pictures_ = 0;
};

}  // namespace

Result<std::unique_ptr<Sink>> create_annotated(const std::string& folder,
                                               const std::vector<std::string>& names,
                                               const AnnotatedOptions& options) {
  StagingFolder files = OSPREY_TRY(StagingFolder::create(folder));
  return std::unique_ptr<Sink>(new Annotated(std::move(files), names, options));
}

}  // namespace osprey::sinks
