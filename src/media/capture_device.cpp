// SPDX-License-Identifier: Apache-2.0
#include "media/capture_device.hpp"

#include <dlfcn.h>
#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "base/try.hpp"

extern "C" {
#include <libavformat/avformat.h>
#include <libavutil/macros.h>
}

namespace osprey::media {
namespace {

constexpr std::string_view kScheme = "v4l2://";
/// FFmpeg's libraries have one major version.
constexpr const char* kLibrary = "libavdevice.so." AV_STRINGIFY(LIBAVFORMAT_VERSION_MAJOR);

bool all_digits(std::string_view text) {
  return !text.empty() && text.size() <= 5 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// FFmpeg's key and value for one of ours, "size=1280x720".
Result<std::pair<std::string, std::string>> setting_of(const std::string& uri,
                                                       std::string_view parameter) {
  const auto equals = std::min(parameter.find('='), parameter.size());
  const std::string_view key = parameter.substr(0, equals);
  const std::string_view value = parameter.substr(std::min(equals + 1, parameter.size()));
  const auto expected = [&](const std::string& what) {
    return Error{ErrorCode::kInvalidArgument, uri + ": " + std::string(key) + ": expected " + what +
                                                  ", not '" + std::string(value) + "'"};
  };
  if (key == "size") {
    const auto x = std::min(value.find('x'), value.size());
    if (!all_digits(value.substr(0, x)) ||
        !all_digits(value.substr(std::min(x + 1, value.size())))) {
      return expected("a width and height as in 1280x720");
    }
    return std::pair(std::string("video_size"), std::string(value));
  }
  if (key == "fps") {
    if (!all_digits(value) || value == "0") return expected("a whole number of frames a second");
    return std::pair(std::string("framerate"), std::string(value));
  }
  if (key == "format") {
    const bool plain = std::all_of(value.begin(), value.end(),
                                   [](unsigned char c) { return std::isalnum(c) || c == '_'; });
    if (value.empty() || !plain) return expected("a name as in mjpeg, yuyv422, nv12 or h264");
    return std::pair(std::string("input_format"), std::string(value));
  }
  return Error{ErrorCode::kInvalidArgument,
               uri + ": unknown setting '" + std::string(key) + "'; expected size, fps or format"};
}

Status check_device(const std::string& uri, const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return Error{ErrorCode::kNotFound, uri + ": no such camera"};
    return Error{ErrorCode::kIo, uri + ": " + std::strerror(errno)};
  }
  if (!S_ISCHR(status.st_mode)) {
    return Error{ErrorCode::kUnsupported,
                 uri + ": not a camera; expected a device as in /dev/video0"};
  }
  return {};
}

Result<const AVInputFormat*> load_format() {
  void* const library = dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    return Error{ErrorCode::kUnsupported, std::string("cameras of this machine need FFmpeg's ") +
                                              kLibrary + ": " + dlerror()};
  }
  using Register = void (*)();
  const auto register_all = reinterpret_cast<Register>(dlsym(library, "avdevice_register_all"));
  if (register_all) register_all();
  const AVInputFormat* const format = av_find_input_format("video4linux2");
  if (!format) {
    return Error{ErrorCode::kUnsupported, std::string(kLibrary) + " knows no Video4Linux"};
  }
  return format;
}

}  // namespace

Result<std::optional<CaptureDevice>> find_capture_device(const std::string& uri) {
  CaptureDevice device;
  std::string_view rest = uri;
  if (rest.starts_with(kScheme)) {
    rest.remove_prefix(kScheme.size());
    const auto end = std::min(rest.find('?'), rest.size());
    device.path = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    while (!rest.empty()) {
      const auto next = std::min(rest.find('&'), rest.size());
      device.settings.push_back(OSPREY_TRY(setting_of(uri, rest.substr(0, next))));
      rest.remove_prefix(std::min(next + 1, rest.size()));
    }
  } else if (rest.starts_with("/dev/video")) {
    device.path = rest;
  } else {
    return std::optional<CaptureDevice>();
  }
  OSPREY_TRY(check_device(uri, device.path));
  return std::optional(std::move(device));
}

Result<const AVInputFormat*> capture_format(const std::string& uri) {
  static const Result<const AVInputFormat*> format = load_format();
  if (format) return *format;
  return Error{format.error().code, uri + ": " + format.error().message};
}

}  // namespace osprey::media
