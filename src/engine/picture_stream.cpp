// SPDX-License-Identifier: Apache-2.0
#include "engine/picture_stream.hpp"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <sstream>

#include "base/read_file.hpp"
#include "base/try.hpp"

namespace osprey::engine {

namespace fs = std::filesystem;

namespace {

Result<std::vector<std::string>> read_list(const std::string& path) {
  std::istringstream text(OSPREY_TRY(base::read_file(path, "a list of pictures")));
  const auto folder = fs::path(path).parent_path();
  std::vector<std::string> list;
  for (std::string line; std::getline(text, line);) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (line.empty()) continue;
    std::error_code ignored;
    const auto beside = folder / line;
    list.push_back(fs::exists(beside, ignored) ? beside.string() : line);
  }
  return list;
}

}  // namespace

Result<std::unique_ptr<PictureStream>> PictureStream::open(const std::string& data, int most) {
  auto stream = std::unique_ptr<PictureStream>(new PictureStream());
  stream->most_ =
      most > 0 ? static_cast<std::size_t>(most) : std::numeric_limits<std::size_t>::max();
  if (fs::path(data).extension() == ".txt") {
    stream->list_ = OSPREY_TRY(read_list(data));
  } else {
    stream->source_ = OSPREY_TRY(media::Source::open(data, 0, {}));
  }
  return stream;
}

Result<std::optional<Image>> PictureStream::next() {
  const std::lock_guard lock(mutex_);
  if (given_ >= most_) return std::optional<Image>();
  std::optional<Image> image;
  if (source_) {
    if (auto frame = OSPREY_TRY(source_->read())) image = std::move(frame->image);
  } else {
    image = OSPREY_TRY(next_of_list());
  }
  given_ += image ? 1 : 0;
  return image;
}

Result<std::optional<Image>> PictureStream::next_of_list() {
  while (at_ < list_.size()) {
    const auto& path = list_[at_++];
    std::string why;
    if (auto source = media::Source::open(path, 0, {}); !source) {
      why = source.error().message;
    } else if (auto frame = (*source)->read(); !frame) {
      why = frame.error().message;
    } else if (*frame) {
      return std::optional<Image>(std::move((*frame)->image));
    } else {
      why = (*source)->health().first_damage;
    }
    if (damaged_.damaged++ == 0) damaged_.first_damage = why;
  }
  return std::optional<Image>();
}

std::size_t PictureStream::given() const {
  const std::lock_guard lock(mutex_);
  return given_;
}

std::size_t PictureStream::expected() const {
  const auto all =
      source_ ? static_cast<std::size_t>(std::max<std::int64_t>(source_->info().frame_count, 0))
              : list_.size();
  return std::min(all, most_);
}

media::SourceHealth PictureStream::health() const {
  const std::lock_guard lock(mutex_);
  return source_ ? source_->health() : damaged_;
}

}  // namespace osprey::engine
