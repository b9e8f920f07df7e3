// SPDX-License-Identifier: Apache-2.0
#include "evaluate/json_list.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/io_error.hpp"
#include "base/try.hpp"

namespace osprey::evaluation {

namespace {

constexpr std::int64_t kPiece = 1 << 20;
constexpr std::int64_t kWindow = 1 << 16;  // in which a cut is looked for

bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/// Where the comma of "} , {" is in `text`; -1 if there is none.
std::int64_t find_cut(const std::string& text) {
  for (auto at = text.find('}'); at != std::string::npos; at = text.find('}', at + 1)) {
    auto next = at + 1;
    while (next < text.size() && is_space(text[next])) ++next;
    if (next >= text.size() || text[next] != ',') continue;
    const auto comma = next++;
    while (next < text.size() && is_space(text[next])) ++next;
    if (next < text.size() && text[next] == '{') return static_cast<std::int64_t>(comma);
  }
  return -1;
}

}  // namespace

Result<JsonList> JsonList::open(const std::string& path) {
  JsonList list;
  list.path_ = path;
  list.file_.reset(std::fopen(path.c_str(), "rbe"));
  if (list.file_ == nullptr) {
    if (errno == ENOENT) return Error{ErrorCode::kNotFound, path + ": no such file"};
    return base::io_error(path, errno);
  }
  struct stat status {};
  if (fstat(fileno(list.file_.get()), &status) != 0) return base::io_error(path, errno);
  if (!S_ISREG(status.st_mode)) {
    return Error{ErrorCode::kInvalidArgument, path + ": expected a file of detections"};
  }
  OSPREY_TRY(list.find_ends(status.st_size));
  OSPREY_TRY(list.find_cuts());
  return list;
}

Status JsonList::find_ends(std::int64_t size) {
  const auto find = [&](std::int64_t at, int step, char& found) -> Status {
    found = ' ';
    for (; at >= 0 && at < size; at += step) {
      OSPREY_TRY(read_at(at, &found, 1));
      if (!is_space(found)) break;
    }
    cuts_.push_back(step > 0 ? at + 1 : at);
    return {};
  };
  char first = ' ', last = ' ';
  OSPREY_TRY(find(0, 1, first));
  OSPREY_TRY(find(size - 1, -1, last));
  if (first != '[') {
    return Error{ErrorCode::kCorrupt, path_ + ": expected a list of detections, beginning with ["};
  }
  if (last != ']' || cuts_[1] < cuts_[0]) {
    return Error{ErrorCode::kCorrupt, path_ +
                                          ": expected ] at the end of the list of detections; "
                                          "was the file cut off?"};
  }
  return {};
}

Status JsonList::find_cuts() {
  const auto begin = cuts_.front(), end = cuts_.back();
  cuts_ = {begin};
  std::string window;
  for (auto at = begin + kPiece; at + kPiece / 2 < end; at += kPiece) {
    window.resize(static_cast<std::size_t>(std::min(kWindow, end - at)));
    OSPREY_TRY(read_at(at, window.data(), window.size()));
    const auto cut = find_cut(window);
    if (cut >= 0) cuts_.push_back(at + cut);
  }
  cuts_.push_back(end);
  return {};
}

Status JsonList::read(std::size_t piece, std::size_t padding, std::string& buffer) const {
  const bool first = piece == 0;
  const auto begin = cuts_[piece] + (first ? 0 : 1);  // without the comma
  const auto bytes = static_cast<std::size_t>(cuts_[piece + 1] - begin);
  buffer.resize(bytes + 2);
  buffer.reserve(bytes + 2 + padding);
  OSPREY_TRY(read_at(begin, buffer.data() + 1, bytes));
  buffer.front() = '[';
  buffer.back() = ']';
  return {};
}

Status JsonList::read_at(std::int64_t at, char* into, std::size_t bytes) const {
  while (bytes > 0) {
    const auto got = pread(fileno(file_.get()), into, bytes, at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return base::io_error(path_, errno);
    if (got == 0) return Error{ErrorCode::kIo, path_ + ": became shorter while it was read"};
    into += got;
    at += got;
    bytes -= static_cast<std::size_t>(got);
  }
  return {};
}

}  // namespace osprey::evaluation
