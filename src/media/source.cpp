// SPDX-License-Identifier: Apache-2.0
#include "media/source.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>

#include "base/try.hpp"
#include "media/av_handles.hpp"
#include "media/demuxer.hpp"
#include "media/path_expansion.hpp"
#include "media/picture_kind.hpp"
#include "media/picture_source.hpp"
#include "media/video_source.hpp"

namespace osprey::media {
namespace {

namespace fs = std::filesystem;

/// The file descriptor that "-" or "pipe:N" stands for.
Result<std::optional<int>> descriptor_of(const std::string& uri) {
  constexpr std::string_view kPipe = "pipe:";
  if (uri == "-" || uri == kPipe) return std::optional(STDIN_FILENO);
  if (!uri.starts_with(kPipe)) return std::optional<int>();
  const char* const begin = uri.data() + kPipe.size();
  const char* const end = uri.data() + uri.size();
  int descriptor = -1;
  const auto [rest, error] = std::from_chars(begin, end, descriptor);
  if (error != std::errc() || rest != end || descriptor < 0) {
    return Error{ErrorCode::kInvalidArgument, uri + ": pipe: takes the number of a descriptor"};
  }
  return std::optional(descriptor);
}

Result<std::unique_ptr<Source>> open_folder(const std::string& uri, const std::string& path,
                                            std::uint32_t stream) {
  return open_pictures(uri, OSPREY_TRY(list_folder(path)), stream);
}

Result<std::unique_ptr<Source>> open_glob(const std::string& uri, const std::string& pattern,
                                          std::uint32_t stream) {
  std::vector<std::string> files = expand_glob(pattern);
  if (files.empty()) return Error{ErrorCode::kNotFound, uri + ": no file matches"};
  return open_pictures(uri, std::move(files), stream);
}

Result<std::unique_ptr<Source>> open_file(const std::string& uri, const std::string& path,
                                          const fs::file_status& status, std::uint32_t stream,
                                          const SourceOptions& options) {
  const auto refused = [&] { return Error{ErrorCode::kIo, uri + ": " + std::strerror(errno)}; };
  if (!fs::is_regular_file(status)) {  // a named pipe, say
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return refused();
    auto source = open_video_descriptor(uri, descriptor, stream, options);
    close(descriptor);
    return source;
  }
  if (access(path.c_str(), R_OK) != 0) return refused();
  std::error_code error;
  if (fs::file_size(path, error) == 0) {
    return Error{ErrorCode::kCorrupt, uri + ": the file is empty"};
  }
  if (is_picture_file(path)) return open_picture(uri, path, stream);
  // A name with a colon in it is no protocol.
  return open_video(uri, "file:" + path, stream, options);
}

}  // namespace

Status check(const SourceOptions& options) {
  const auto wrong = [](const std::string& what, long long value) {
    return Error{ErrorCode::kInvalidArgument, what + ", not " + std::to_string(value)};
  };
  if (options.vid_stride < 1) return wrong("vid_stride has to be 1 or more", options.vid_stride);
  if (options.threads < 1) return wrong("threads has to be 1 or more", options.threads);
  if (options.timeout.count() < 1) {
    return wrong("timeout has to be 1 ms or more", options.timeout.count());
  }
  if (options.connect_timeout.count() < 0) {
    return wrong("connect_timeout has to be 0 ms or more", options.connect_timeout.count());
  }
  if (options.transport != "tcp" && options.transport != "udp") {
    return Error{ErrorCode::kInvalidArgument,
                 "transport has to be tcp or udp, not " + options.transport};
  }
  if (options.max_pixels < 1) return wrong("max_pixels has to be 1 or more", options.max_pixels);
  return {};
}

Result<std::unique_ptr<Source>> Source::open(const std::string& uri, std::uint32_t stream,
                                             const SourceOptions& options) {
  OSPREY_TRY(check(options));
  silence_av();
  if (const std::optional<int> descriptor = OSPREY_TRY(descriptor_of(uri))) {
    return open_video_descriptor(uri, *descriptor, stream, options);
  }
  if (const auto camera = OSPREY_TRY(find_capture_device(uri))) {
    return open_camera(uri, *camera, stream, options);
  }
  std::string path = uri;
  for (const std::string_view prefix : {"file://", "file:"}) {
    if (path.starts_with(prefix)) {
      path.erase(0, prefix.size());
      break;
    }
  }
  if (is_url(path)) return open_video(uri, path, stream, options);

  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (fs::is_directory(status)) return open_folder(uri, path, stream);
  if (fs::exists(status)) return open_file(uri, path, status, stream, options);
  if (status.type() == fs::file_type::not_found) {
    if (is_glob(path)) return open_glob(uri, path, stream);
    return Error{ErrorCode::kNotFound, "no such file: " + uri};
  }
  return Error{ErrorCode::kIo, uri + ": " + error.message()};
}

}  // namespace osprey::media
