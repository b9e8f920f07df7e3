// SPDX-License-Identifier: Apache-2.0
// Any bytes as a video or picture: the source gives frames that can be read, or says why not. Start
// from small media files. FFmpeg and OpenCV do most of the work and print about damage, so:
// -max_len=65536 -timeout=20 -rss_limit_mb=4096 -close_fd_mask=2.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "media/source.hpp"

namespace {

using osprey::Image;
using osprey::PixelFormat;

constexpr int kFrames = 8;
constexpr int kMaxPixels = 1 << 18;

void require(bool condition) {
  if (!condition) std::abort();
}

/// Looks at the last sample of every row: the sanitizer tells if it is not there.
unsigned touch(const Image& image) {
  unsigned sum = 0;
  const auto rows = [&](std::size_t plane, int bytes, int height) {
    const osprey::Plane& samples = image.planes[plane];
    require(samples.data && samples.stride >= bytes);
    for (int y = 0; y < height; ++y) {
      sum += samples.data[static_cast<std::ptrdiff_t>(y) * samples.stride + bytes - 1];
    }
  };
  const int half_width = (image.width + 1) / 2;
  const int half_height = (image.height + 1) / 2;
  const bool packed = image.format == PixelFormat::kBgr24 || image.format == PixelFormat::kRgb24;
  rows(0, packed ? 3 * image.width : image.width, image.height);
  if (image.format == PixelFormat::kNv12) rows(1, 2 * half_width, half_height);
  for (const std::size_t plane : {1, 2}) {
    if (image.format == PixelFormat::kI420) rows(plane, half_width, half_height);
    if (image.format == PixelFormat::kI422) rows(plane, half_width, image.height);
    if (image.format == PixelFormat::kI444) rows(plane, image.width, image.height);
  }
  return sum;
}

}  // namespace

/// OpenCV reads its limit from the environment while it is loaded, before any of our code: starts
/// the program anew with it.
extern "C" int LLVMFuzzerInitialize(int*, char*** arguments) {
  constexpr const char* kLimit = "OPENCV_IO_MAX_IMAGE_PIXELS";
  if (std::getenv(kLimit)) return 0;
  require(setenv(kLimit, std::to_string(kMaxPixels).c_str(), 1) == 0);
  execv("/proc/self/exe", *arguments);
  return 1;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const int memory = memfd_create("source_fuzz", MFD_CLOEXEC);
  static const std::string path = "/proc/self/fd/" + std::to_string(memory);
  require(ftruncate(memory, 0) == 0);
  require(pwrite(memory, data, size, 0) == static_cast<ssize_t>(size));

  osprey::media::SourceOptions options;
  options.max_pixels = kMaxPixels;
  options.decoder = "software";  // or FFmpeg prepares for hardware that is not here, at length
  auto opened = osprey::media::Source::open(path, 0, options);
  if (!opened.ok()) {
    require(opened.error().message.find(path) != std::string::npos);
    return 0;
  }
  const auto source = *std::move(opened);
  [[maybe_unused]] volatile unsigned sum = 0;
  for (unsigned n = 0; n < kFrames; ++n) {
    const auto frame = source->read();
    if (!frame.ok() || !frame->has_value()) break;
    const Image& image = (*frame)->image;
    require(!image.empty());
    require(static_cast<std::int64_t>(image.width) * image.height <= kMaxPixels);
    require((*frame)->id.sequence == n);
    sum = sum + touch(image);
  }
  require(source->health().damaged == 0 || !source->health().first_damage.empty());
  return 0;
}
