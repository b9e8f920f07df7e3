// SPDX-License-Identifier: Apache-2.0
#include "serve/query.hpp"

#include <algorithm>
#include <charconv>

#include "base/try.hpp"
#include "serve/target.hpp"

namespace osprey::serve {
namespace {

constexpr std::size_t kMostStreams = 64;

PictureQuery read_picture(QueryReader& reader) {
  PictureQuery picture;
  picture.width = static_cast<int>(reader.integer("width", 0, 7680, 0));
  picture.annotated = reader.flag("annotated", true);
  return picture;
}

}  // namespace

const std::string* QueryReader::value(const std::string& key) {
  known_.insert(key);
  const auto found = query_.find(key);
  return found == query_.end() ? nullptr : &found->second;
}

void QueryReader::expect(const std::string& key, const std::string& what) {
  if (problem_.empty()) problem_ = key + ": expected " + what;
}

std::int64_t QueryReader::integer(const std::string& key, std::int64_t least, std::int64_t most,
                                  std::int64_t otherwise) {
  const std::string* const text = value(key);
  if (text == nullptr) return otherwise;
  std::int64_t number = 0;
  const char* const end = text->data() + text->size();
  const auto read = std::from_chars(text->data(), end, number);
  if (read.ec != std::errc{} || read.ptr != end || number < least || number > most) {
    expect(key, "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
    return otherwise;
  }
  return number;
}

bool QueryReader::flag(const std::string& key, bool otherwise) {
  const std::string* const text = value(key);
  if (text == nullptr) return otherwise;
  if (*text != "true" && *text != "false") expect(key, "true or false");
  return *text == "true";
}

std::string QueryReader::text(const std::string& key, std::size_t most) {
  const std::string* const text = value(key);
  if (text == nullptr) return "";
  if (!text->empty() && !is_text(*text, most)) {
    expect(key, "at most " + std::to_string(most) + " characters of UTF-8");
    return "";
  }
  return *text;
}

Status QueryReader::finish() const {
  if (!problem_.empty()) return Error{ErrorCode::kInvalidArgument, problem_};
  for (const auto& [key, value] : query_) {
    if (known_.contains(key)) continue;
    std::string expected;
    for (const std::string& name : known_) expected += (expected.empty() ? "" : ", ") + name;
    return Error{ErrorCode::kInvalidArgument,
                 "query: " + key + " is not known here" +
                     (expected.empty() ? "" : "; expected " + expected)};
  }
  return {};
}

Result<EventQuery> event_query(const std::map<std::string, std::string>& query) {
  static constexpr std::int64_t kMost = (1LL << 53) - 1;  // what JSON's readers keep exactly
  QueryReader reader(query);
  EventQuery events;
  events.limit = static_cast<std::size_t>(reader.integer("limit", 1, 1000, 100));
  const std::int64_t before = reader.integer("before", 0, kMost, -1);
  if (before >= 0) events.before = before;
  events.camera = reader.text("camera");
  events.label = reader.text("label");
  events.zone = reader.text("zone");
  events.type = reader.text("type");
  OSPREY_TRY(reader.finish());
  if (!events.type.empty() && events.type != "new" && events.type != "update" &&
      events.type != "end") {
    return Error{ErrorCode::kInvalidArgument, "type: expected new, update or end"};
  }
  return events;
}

Result<PictureQuery> picture_query(const std::map<std::string, std::string>& query) {
  QueryReader reader(query);
  const PictureQuery picture = read_picture(reader);
  OSPREY_TRY(reader.finish());
  return picture;
}

Result<LiveQuery> live_query(const std::map<std::string, std::string>& query) {
  QueryReader reader(query);
  LiveQuery live;
  live.picture = read_picture(reader);
  live.fps = static_cast<int>(reader.integer("fps", 1, 60, 15));
  const std::string names = reader.text("streams", 4096);
  OSPREY_TRY(reader.finish());
  for (std::size_t begin = 0; begin <= names.size();) {
    const std::size_t end = std::min(names.find(',', begin), names.size());
    live.streams.push_back(names.substr(begin, end - begin));
    begin = end + 1;
  }
  for (const std::string& name : live.streams) {
    if (!is_name(name) || live.streams.size() > kMostStreams) {
      return Error{ErrorCode::kInvalidArgument,
                   "streams: expected 1 to 64 names, separated by commas"};
    }
  }
  return live;
}

}  // namespace osprey::serve
