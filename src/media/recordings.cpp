// SPDX-License-Identifier: Apache-2.0
#include "media/recordings.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>

#include "base/io_error.hpp"
#include "base/try.hpp"
#include "media/packet_file.hpp"

namespace osprey::media {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kLongestPart = 60;
constexpr std::string_view kTimePattern = "00000000T000000.000Z";

std::string plain(const std::string& text, bool with_underscores) {
  std::string cleaned = text.substr(0, kLongestPart);
  for (char& c : cleaned) {
    const bool is_plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' ||
                          c == '-' || (c == '_' && with_underscores);
    if (!is_plain) c = '-';
  }
  if (cleaned.empty()) cleaned = "-";
  if (cleaned[0] == '.') cleaned[0] = '-';  // hidden
  return cleaned;
}

std::string time_text(WallTime time) {
  const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(time);
  const auto day = std::chrono::floor<std::chrono::days>(milliseconds);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(milliseconds - day);
  std::array<char, 64> text{};
  std::snprintf(
      text.data(), text.size(), "%04d%02u%02uT%02d%02d%02d.%03dZ", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
      static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return text.data();
}

std::optional<WallTime> read_time(std::string_view text) {
  if (text.size() != kTimePattern.size()) return std::nullopt;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool fits = kTimePattern[i] == '0'
                          ? std::isdigit(static_cast<unsigned char>(text[i])) != 0
                          : text[i] == kTimePattern[i];
    if (!fits) return std::nullopt;
  }
  const auto number = [&](std::size_t at, std::size_t digits) {
    int value = 0;
    for (std::size_t i = at; i < at + digits; ++i) value = 10 * value + (text[i] - '0');
    return value;
  };
  const std::chrono::year_month_day date(std::chrono::year(number(0, 4)),
                                         std::chrono::month(static_cast<unsigned>(number(4, 2))),
                                         std::chrono::day(static_cast<unsigned>(number(6, 2))));
  if (!date.ok()) return std::nullopt;
  return WallTime(std::chrono::sys_days(date)) + std::chrono::hours(number(9, 2)) +
         std::chrono::minutes(number(11, 2)) + std::chrono::seconds(number(13, 2)) +
         std::chrono::milliseconds(number(16, 3));
}

bool is_older(const Recording& a, const Recording& b) {
  return std::tie(a.begin, a.name) < std::tie(b.begin, b.name);
}

struct Content {
  std::vector<Recording> complete;
  std::uint64_t being_written = 0;  ///< bytes
};

Result<Content> read_folder(const fs::path& folder) {
  Content content;
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  if (error == std::errc::no_such_file_or_directory) return content;
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    std::error_code ignored;  // a file may go while this looks
    if (!fs::is_regular_file(entry->symlink_status(ignored))) continue;
    const std::string name = entry->path().filename().string();
    const std::uintmax_t size = fs::file_size(entry->path(), ignored);
    if (ignored) continue;
    if (auto recording = parse_recording_name(name)) {
      recording->bytes = size;
      content.complete.push_back(*std::move(recording));
    } else if (parse_part_name(name) && is_being_written(entry->path())) {
      content.being_written += size;
    }
  }
  if (error) return base::io_error(folder.string(), error.value());
  return content;
}

}  // namespace

std::string recording_name(const std::string& camera, WallTime begin, const std::string& event,
                           const std::string& suffix) {
  return plain(camera, true) + "_" + time_text(begin) + "_" + plain(event, false) + suffix;
}

std::optional<Recording> parse_recording_name(const std::string& name) {
  const std::string_view whole = name;
  const auto suffix = whole.size() < 4 ? std::string_view() : whole.substr(whole.size() - 4);
  if (suffix != ".mp4" && suffix != ".mkv") return std::nullopt;
  const std::string_view stem = whole.substr(0, whole.size() - 4);
  const auto second = stem.rfind('_');
  if (second == std::string_view::npos || second == 0) return std::nullopt;
  const auto first = stem.rfind('_', second - 1);
  if (first == std::string_view::npos) return std::nullopt;
  Recording recording;
  recording.name = name;
  recording.camera = stem.substr(0, first);
  recording.event = stem.substr(second + 1);
  const auto begin = read_time(stem.substr(first + 1, second - first - 1));
  const bool is_ours = plain(recording.camera, true) == recording.camera &&
                       plain(recording.event, false) == recording.event;
  if (!begin || !is_ours) return std::nullopt;
  recording.begin = *begin;
  return recording;
}

std::optional<Recording> parse_part_name(const std::string& name) {
  const auto end = name.rfind(".part-");
  if (name.empty() || name[0] != '.' || end == std::string::npos) return std::nullopt;
  return parse_recording_name(name.substr(1, end - 1));
}

Result<std::vector<Recording>> list_recordings(const fs::path& folder) {
  Content content = OSPREY_TRY(read_folder(folder));
  std::sort(content.complete.begin(), content.complete.end(),
            [](const Recording& a, const Recording& b) { return is_older(b, a); });
  return std::move(content.complete);
}

Result<fs::path> find_recording(const fs::path& folder, const std::string& name) {
  std::error_code ignored;
  if (parse_recording_name(name)) {
    fs::path path = folder / name;
    if (fs::is_regular_file(fs::symlink_status(path, ignored))) return path;
  }
  return Error{ErrorCode::kNotFound, "no recording of this name"};
}

Result<std::uint64_t> remove_old_recordings(const fs::path& folder, const Retention& retention,
                                            WallTime now) {
  Content content = OSPREY_TRY(read_folder(folder));
  std::sort(content.complete.begin(), content.complete.end(), is_older);
  std::uint64_t bytes = content.being_written;
  for (const Recording& recording : content.complete) bytes += recording.bytes;
  std::uint64_t removed = 0;
  for (const Recording& recording : content.complete) {
    const bool too_old = retention.keep.count() > 0 && now - recording.begin > retention.keep;
    const bool too_much = retention.max_bytes > 0 && bytes > retention.max_bytes;
    if (!too_old && !too_much) break;
    std::error_code error;
    if (fs::remove(folder / recording.name, error)) ++removed;
    if (error) return base::io_error((folder / recording.name).string(), error.value());
    bytes -= recording.bytes;
  }
  return removed;
}

}  // namespace osprey::media
