// SPDX-License-Identifier: Apache-2.0
#include "sinks/rotating_json_lines.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <string_view>
#include <utility>

#include "base/io_error.hpp"
#include "base/made_folders.hpp"
#include "base/try.hpp"
#include "sinks/frame_line.hpp"

namespace osprey::sinks {

namespace {

constexpr std::uint64_t kLeastBytes = 4096;
constexpr int kMostKept = 1000;

/// A file of whole lines, open at its end.
class LinesFile {
 public:
  explicit LinesFile(std::string path) : path_(std::move(path)) {}
  LinesFile(const LinesFile&) = delete;
  LinesFile& operator=(const LinesFile&) = delete;
  ~LinesFile() { close(); }

  Status open() {
    descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0666);
    if (descriptor_ < 0) return base::io_error(path_, errno);
    struct stat about {};
    if (::fstat(descriptor_, &about) != 0) return base::io_error(path_, errno);
    if (!S_ISREG(about.st_mode)) {
      return Error{ErrorCode::kInvalidArgument, path_ + ": expected a file, or no such name yet"};
    }
    size_ = static_cast<std::uint64_t>(about.st_size);
    return take_half_line_away();
  }

  void close() {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  }

  bool is_open() const { return descriptor_ >= 0; }
  std::uint64_t size() const { return size_; }

  Status write(std::string_view line) {
    for (std::size_t done = 0; done < line.size();) {
      const ssize_t n = ::write(descriptor_, line.data() + done, line.size() - done);
      if (n >= 0) {
        done += static_cast<std::size_t>(n);
      } else if (errno != EINTR) {
        const Error error = base::io_error(path_, errno);
        (void)cut_to(size_);
        return error;
      }
    }
    size_ += line.size();
    return {};
  }

 private:
  Status take_half_line_away() {
    std::array<char, 4096> part{};
    std::uint64_t end = size_;
    while (end > 0) {
      const std::uint64_t begin = end - std::min<std::uint64_t>(end, part.size());
      const ssize_t n = ::pread(descriptor_, part.data(), end - begin, static_cast<off_t>(begin));
      if (n < 0) return base::io_error(path_, errno);
      const std::size_t at = std::string_view(part.data(), static_cast<std::size_t>(n)).rfind('\n');
      if (at != std::string_view::npos) return cut_to(begin + at + 1);
      end = begin;
    }
    return cut_to(0);
  }

  Status cut_to(std::uint64_t size) {
    if (::ftruncate(descriptor_, static_cast<off_t>(size)) != 0) {
      return base::io_error(path_, errno);
    }
    size_ = size;
    return {};
  }

  const std::string path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

class RotatingJsonLines final : public Sink {
 public:
  RotatingJsonLines(const std::string& path, const std::vector<std::string>& names,
                    const RotationOptions& options, const std::vector<std::string>& models)
      : path_(path), options_(options), file_(path), lines_(names, models) {}

  Status open() { return file_.open(); }

  bool wants_pixels() const override { return false; }
  Status begin(const StreamInfo& stream) override {
    lines_.begin(stream);
    return {};
  }
  Status write(const FrameResult& result) override {
    const std::string& line = lines_.line(result);
    if (file_.is_open() && file_.size() > 0 && file_.size() + line.size() > options_.max_bytes) {
      OSPREY_TRY(rotate());
    }
    // After a rotation that failed.
    if (!file_.is_open()) OSPREY_TRY(file_.open());
    return file_.write(line);
  }
  Status finish() override {
    file_.close();
    return {};
  }
  std::vector<std::string> outputs() const override { return {path_}; }

 private:
  std::string old(int n) const { return path_ + "." + std::to_string(n); }

  /// From the oldest on, so that a kill in between loses none but what was to go.
  Status rotate() {
    file_.close();
    std::error_code error;
    if (options_.keep == 0) std::filesystem::remove(path_, error);
    for (int n = options_.keep; n > 0 && !error; --n) {
      const std::string from = n == 1 ? path_ : old(n - 1);
      if (std::filesystem::exists(from, error)) std::filesystem::rename(from, old(n), error);
    }
    if (error) return Error{ErrorCode::kIo, path_ + ": cannot be rotated: " + error.message()};
    return {};
  }

  const std::string path_;
  const RotationOptions options_;
  LinesFile file_;
  FrameLine lines_;
};

}  // namespace

Result<std::unique_ptr<Sink>> create_rotating_json_lines(const std::string& path,
                                                         const std::vector<std::string>& names,
                                                         const RotationOptions& options,
                                                         const std::vector<std::string>& models) {
  if (options.max_bytes < kLeastBytes) {
    return Error{
        ErrorCode::kInvalidArgument,
        path + ": expected files of 4096 bytes or more, not " + std::to_string(options.max_bytes)};
  }
  if (options.keep < 0 || options.keep > kMostKept) {
    return Error{ErrorCode::kInvalidArgument,
                 path + ": expected 0 to 1000 old files, not " + std::to_string(options.keep)};
  }
  auto folders = OSPREY_TRY(base::MadeFolders::make(std::filesystem::path(path).parent_path()));
  auto sink = std::make_unique<RotatingJsonLines>(path, names, options, models);
  OSPREY_TRY(sink->open());
  folders.keep();
  return std::unique_ptr<Sink>(std::move(sink));
}

}  // namespace osprey::sinks
