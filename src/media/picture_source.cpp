// SPDX-License-Identifier: Apache-2.0
#include "media/picture_source.hpp"

#include <algorithm>
#include <atomic>
#include <span>
#include <utility>

#include "base/read_file.hpp"
#include "base/try.hpp"
#include "media/picture_codec.hpp"
#include "media/picture_kind.hpp"

namespace osprey::media {
namespace {

class PictureSource final : public Source {
 public:
  PictureSource(const std::string& uri, std::vector<std::string> files, std::uint32_t stream)
      : files_(std::move(files)) {
    info_.index = stream;
    info_.uri = uri;
    info_.pictures = true;
    info_.frame_count = static_cast<std::int64_t>(files_.size());
  }

  /// Decodes the first picture that can be. Errors: there is none.
  Status start(std::uint64_t passed_over) {
    health_.passed_over = passed_over;
    first_ = next();
    if (!first_) {
      const std::string all = files_.size() > 1 ? info_.uri + ": no picture can be decoded; " : "";
      return Error{ErrorCode::kCorrupt, all + health_.first_damage};
    }
    info_.width = first_->image.width;
    info_.height = first_->image.height;
    return {};
  }

  const StreamInfo& info() const override { return info_; }

  Result<std::optional<Frame>> read() override {
    if (cancelled_) return std::optional<Frame>();
    if (first_) return std::exchange(first_, std::nullopt);
    return next();
  }

  SourceHealth health() const override { return health_; }
  void cancel() override { cancelled_ = true; }

 private:
  std::optional<Frame> next() {
    while (place_ < files_.size() && !cancelled_) {
      const std::string& path = files_[place_++];
      Result<Image> image = load(path);
      if (!image) {
        note_damage(image.error().message);
        continue;
      }
      Frame frame;
      frame.id = {info_.index, sequence_++};
      frame.image = *std::move(image);
      frame.path = path;
      return frame;
    }
    return std::nullopt;
  }

  /// What cv2.imread gives, EXIF orientation applied.
  Result<Image> load(const std::string& path) {
    const std::string content = OSPREY_TRY(base::read_file(path, "a picture"));
    if (content.empty()) return Error{ErrorCode::kCorrupt, path + ": the file is empty"};
    const std::span bytes(reinterpret_cast<const std::uint8_t*>(content.data()), content.size());
    auto image = decode_picture(bytes);
    if (!image) return Error{ErrorCode::kCorrupt, path + ": " + image.error().message};
    if (is_cut_short_jpeg(bytes)) note_damage(path + ": the file ends before the picture does");
    return image;
  }

  void note_damage(const std::string& what) {
    if (health_.damaged++ == 0) health_.first_damage = what;
  }

  std::vector<std::string> files_;
  StreamInfo info_;
  SourceHealth health_;
  std::optional<Frame> first_;
  std::size_t place_ = 0;
  std::uint64_t sequence_ = 0;
  std::atomic<bool> cancelled_ = false;
};

}  // namespace

Result<std::unique_ptr<Source>> open_picture(const std::string& uri, const std::string& path,
                                             std::uint32_t stream) {
  auto source = std::make_unique<PictureSource>(uri, std::vector<std::string>{path}, stream);
  OSPREY_TRY(source->start(0));
  return std::unique_ptr<Source>(std::move(source));
}

Result<std::unique_ptr<Source>> open_pictures(const std::string& uri,
                                              std::vector<std::string> files,
                                              std::uint32_t stream) {
  const std::size_t all = files.size();
  std::erase_if(files, [](const std::string& path) { return !is_picture_file(path); });
  if (files.empty()) {
    return Error{ErrorCode::kNotFound, uri + ": no picture among its " + std::to_string(all) +
                                           " files (jpg, png, bmp, webp, tiff, jp2 or pnm)"};
  }
  const std::size_t passed_over = all - files.size();
  auto source = std::make_unique<PictureSource>(uri, std::move(files), stream);
  OSPREY_TRY(source->start(passed_over));
  return std::unique_ptr<Source>(std::move(source));
}

}  // namespace osprey::media
