// SPDX-License-Identifier: Apache-2.0
#include "board/kernel_files.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string_view>
#include <system_error>
#include <tuple>

#include "base/read_file.hpp"

namespace osprey::board {

namespace {

constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 20;

}  // namespace

KernelFiles KernelFiles::of_this_machine() {
  const char* root = std::getenv("OSPREY_SYSTEM_ROOT");
  return KernelFiles(root == nullptr || *root == '\0' ? "/" : root);
}

std::optional<std::string> KernelFiles::text(const std::string& path) const {
  auto read = base::read_file((root_ / path).string(), "a text", kMostBytes);
  if (!read) return std::nullopt;
  auto& text = *read;
  constexpr std::string_view kBlank(" \t\r\n\0", 5);
  text.erase(text.find_last_not_of(kBlank) + 1);
  if (text.empty()) return std::nullopt;
  return std::move(text);
}

std::optional<std::int64_t> KernelFiles::number(const std::string& path) const {
  const auto digits = text(path);
  std::int64_t value = 0;
  if (!digits) return std::nullopt;
  const auto [end, error] = std::from_chars(digits->data(), digits->data() + digits->size(), value);
  if (error != std::errc()) return std::nullopt;
  return value;
}

bool KernelFiles::exists(const std::string& path) const {
  std::error_code error;
  return std::filesystem::exists(root_ / path, error);
}

bool KernelFiles::refused(const std::string& path) const {
  const auto read = base::read_file((root_ / path).string(), "a text", kMostBytes);
  return !read && read.error().code == ErrorCode::kIo;
}

std::vector<std::string> KernelFiles::matches(const std::string& pattern) const {
  const auto folder = std::filesystem::path(pattern).parent_path();
  const auto name = std::filesystem::path(pattern).filename().string();
  std::vector<std::string> found;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(root_ / folder, error), end;
       !error && entry != end; entry.increment(error)) {
    const auto candidate = entry->path().filename().string();
    if (fnmatch(name.c_str(), candidate.c_str(), FNM_PERIOD) == 0) {
      found.push_back((folder / candidate).string());
    }
  }
  std::sort(found.begin(), found.end(), [](const std::string& a, const std::string& b) {
    return std::forward_as_tuple(a.size(), a) < std::forward_as_tuple(b.size(), b);
  });
  return found;
}

}  // namespace osprey::board
