// SPDX-License-Identifier: Apache-2.0
// Requests of a connection, one after the other, read and answered by cpp-httplib.
#pragma once

#include <memory>
#include <string>

#include "serve/channel.hpp"
#include "serve/server.hpp"
#include "serve/site.hpp"

namespace osprey::serve {

/// Threads: any, each its own connection.
class HttpEngine {
 public:
  static std::unique_ptr<HttpEngine> create(Site& site, const ServerLimits& limits);
  virtual ~HttpEngine() = default;
  /// Returns when the connection is to be closed. True: something of the peer's was left unread.
  virtual bool serve(Channel& channel, const std::string& client) = 0;
};

/// A whole answer without body but {"error": message}, for those who get no further.
std::string raw_failure(int status, const std::string& message);

}  // namespace osprey::serve
