// SPDX-License-Identifier: Apache-2.0
// A request and what answers it, free of the library that speaks HTTP.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace osprey::serve {

/// Header fields are empty where the request has none.
struct Request {
  std::string method;
  std::string target;  ///< path and query as they came
  std::string body;
  std::string client;  ///< the peer's address, without port
  std::string host, origin, fetch_site, fetch_mode, authorization, cookie, content_type, range,
      if_none_match, last_event_id;
  std::uint64_t content_length = 0;
  bool chunked = false;
};

/// Where a stream writes to.
class Viewer {
 public:
  virtual ~Viewer() = default;
  /// Blocks until it is sent. False: the viewer left, is too slow, or the server stops.
  virtual bool send(std::string_view bytes) = 0;
  /// As send() would tell, without sending.
  virtual bool gone() const = 0;
};

/// Bytes of an open file.
struct FileSlice {
  std::shared_ptr<const int> descriptor;  ///< closed with the last of them
  std::uint64_t begin = 0, length = 0;
};

struct Answer {
  int status = 200;
  std::string type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  std::optional<FileSlice> file;        ///< in place of the body
  std::function<void(Viewer&)> stream;  ///< in place of the body, until it returns
};

/// The words of a status: "Not Found".
std::string reason_of(int status);

/// {"error": message}
Answer failure(int status, std::string_view message);

}  // namespace osprey::serve
