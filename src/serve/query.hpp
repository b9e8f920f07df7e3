// SPDX-License-Identifier: Apache-2.0
// The values of a query, each with the limits it has.
#pragma once

#include <osprey/result.hpp>

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "serve/service.hpp"

namespace osprey::serve {

/// Reads what is expected; finish() has the first thing that was wrong. Threads: one.
class QueryReader {
 public:
  explicit QueryReader(const std::map<std::string, std::string>& query) : query_(query) {}
  std::int64_t integer(const std::string& key, std::int64_t least, std::int64_t most,
                       std::int64_t otherwise);
  bool flag(const std::string& key, bool otherwise);
  /// At most so many characters of UTF-8.
  std::string text(const std::string& key, std::size_t most = 128);
  /// kInvalidArgument names the key and what was expected; a key nobody asked for is wrong too.
  Status finish() const;

 private:
  const std::string* value(const std::string& key);
  void expect(const std::string& key, const std::string& what);

  const std::map<std::string, std::string>& query_;
  std::set<std::string> known_;
  std::string problem_;
};

/// limit (1..1000), before, camera, label, zone, type.
Result<EventQuery> event_query(const std::map<std::string, std::string>& query);

/// How pictures are asked for.
struct PictureQuery {
  int width = 0;  ///< 0..7680; 0: as it is
  bool annotated = true;
};
Result<PictureQuery> picture_query(const std::map<std::string, std::string>& query);

/// Several streams' pictures at once.
struct LiveQuery {
  PictureQuery picture;
  std::vector<std::string> streams;  ///< 1..64, separated by commas
  int fps = 15;                      ///< 1..60, at most so many a stream
};
Result<LiveQuery> live_query(const std::map<std::string, std::string>& query);

}  // namespace osprey::serve
