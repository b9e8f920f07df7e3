// SPDX-License-Identifier: Apache-2.0
#include "live/pictures.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "base/try.hpp"
#include "core/letterbox.hpp"
#include "core/packed_image.hpp"
#include "media/picture_codec.hpp"
#include "vision/draw.hpp"
#include "vision/letterbox.hpp"

namespace osprey::live {

namespace {

/// Kinds of one frame's picture that are kept: while a camera is away its last frame stays, and
/// anybody may ask for any width.
constexpr std::size_t kMostMade = 8;

std::atomic<std::uint64_t> numbered = 0;  // frames of all cameras

/// The picture, `width` wide.
Image shrunk(const Image& image, int width) {
  const double gain = static_cast<double>(width) / image.width;
  const int height = std::max(1, static_cast<int>(std::lround(image.height * gain)));
  auto pixels = std::make_shared<std::vector<std::uint8_t>>(3 * static_cast<std::size_t>(width) *
                                                            static_cast<std::size_t>(height));
  Letterbox whole;
  whole.source = {0, 0, image.width, image.height};
  whole.input_width = whole.width = width;
  whole.input_height = whole.height = height;
  vision::LetterboxScratch scratch;
  vision::letterbox(image, whole, vision::PackedOrder::kBgr, 0, pixels->data(), scratch);
  return packed_bgr(std::move(pixels), width, height);
}

}  // namespace

Result<std::string> jpeg_of(const FrameResult& result, const std::vector<std::string>& names,
                            PictureKind kind) {
  const auto& whole = result.frame->image;
  const bool smaller = kind.width > 0 && kind.width < whole.width;
  const auto image = smaller ? shrunk(whole, kind.width) : whole;
  std::vector<Detection> shown;
  if (kind.annotated) shown = result.detections;
  const auto across = static_cast<float>(image.width) / static_cast<float>(whole.width);
  const auto down = static_cast<float>(image.height) / static_cast<float>(whole.height);
  for (auto& detection : shown) {
    auto& box = detection.box;
    box = {box.x1 * across, box.y1 * down, box.x2 * across, box.y2 * down};
  }
  const auto drawn = vision::annotate(image, shown, names);
  const auto bytes = OSPREY_TRY(media::encode_picture(drawn, ".jpg"));
  return std::string(bytes.begin(), bytes.end());
}

void NewestFrame::put(std::shared_ptr<const FrameResult> result) {
  {
    const std::lock_guard lock(mutex_);
    result_ = std::move(result);
    sequence_ = ++numbered;
    made_.clear();
  }
  changed_.notify_all();
}

std::shared_ptr<const FrameResult> NewestFrame::get() const {
  const std::lock_guard lock(mutex_);
  return result_;
}

Result<std::optional<NewestFrame::Jpeg>> NewestFrame::jpeg(std::uint64_t after, PictureKind kind,
                                                           std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, patience, [&] { return closed_ || sequence_ > after; });
  if (sequence_ <= after) {
    if (closed_) return Error{ErrorCode::kUnavailable, "the stream has ended"};
    return std::optional<Jpeg>();
  }
  for (const auto& made : made_) {
    if (made.kind == kind) return std::optional(*made.jpeg);
  }
  const auto result = result_;
  const auto sequence = sequence_;
  lock.unlock();
  auto bytes = OSPREY_TRY(jpeg_of(*result, names_, kind));
  auto jpeg = std::make_shared<const Jpeg>(Jpeg{std::move(bytes), sequence});
  lock.lock();
  if (sequence == sequence_) {
    if (made_.size() == kMostMade) made_.erase(made_.begin());
    made_.push_back({kind, jpeg});
  }
  return std::optional(*jpeg);
}

void NewestFrame::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
}

}  // namespace osprey::live
