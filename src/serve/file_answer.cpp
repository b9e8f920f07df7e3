// SPDX-License-Identifier: Apache-2.0
#include "serve/file_answer.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "serve/assets.hpp"

namespace osprey::serve {
namespace {

std::optional<std::uint64_t> whole_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || read.ec != std::errc{} || read.ptr != text.data() + text.size()) return {};
  return number;
}

}  // namespace

std::optional<ByteRange> range_of(std::string_view field, std::uint64_t size) {
  static constexpr std::string_view kUnit = "bytes=";
  if (!field.starts_with(kUnit)) return std::nullopt;
  field.remove_prefix(kUnit.size());
  const std::size_t dash = field.find('-');
  if (dash == std::string_view::npos || field.find(',') != std::string_view::npos)
    return std::nullopt;
  const auto first = whole_number(field.substr(0, dash));
  const auto last = whole_number(field.substr(dash + 1));
  if (dash == 0) {  // the last so many
    if (!last) return std::nullopt;
    const std::uint64_t length = std::min(*last, size);
    return ByteRange{size - length, length};
  }
  if (!first || (dash + 1 < field.size() && (!last || *last < *first))) return std::nullopt;
  if (*first >= size) return ByteRange{};
  return ByteRange{*first, std::min(last.value_or(size - 1), size - 1) - *first + 1};
}

Answer file_answer(const std::string& path, const std::string& name, std::string_view range) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (descriptor < 0) return failure(404, "no such file");
  const std::shared_ptr<const int> file(new int(descriptor), [](const int* held) {
    close(*held);
    delete held;
  });
  struct stat about {};
  if (fstat(descriptor, &about) != 0 || !S_ISREG(about.st_mode))
    return failure(404, "no such file");
  const auto size = static_cast<std::uint64_t>(about.st_size);

  Answer answer;
  answer.type = content_type_of(name);
  answer.headers.emplace_back("Accept-Ranges", "bytes");
  const auto part = range_of(range, size);
  if (part && part->length == 0) {
    Answer none = failure(416, "Range: the file has " + std::to_string(size) + " bytes");
    none.headers.emplace_back("Content-Range", "bytes */" + std::to_string(size));
    return none;
  }
  answer.file = FileSlice{file, part ? part->begin : 0, part ? part->length : size};
  if (part) {
    answer.status = 206;
    answer.headers.emplace_back("Content-Range",
                                "bytes " + std::to_string(part->begin) + "-" +
                                    std::to_string(part->begin + part->length - 1) + "/" +
                                    std::to_string(size));
  }
  return answer;
}

}  // namespace osprey::serve
