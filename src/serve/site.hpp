// SPDX-License-Identifier: Apache-2.0
// The server's pages and interfaces: a request in, an answer out.
#pragma once

#include <atomic>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "serve/access.hpp"
#include "serve/exchange.hpp"
#include "serve/rate_limit.hpp"
#include "serve/server.hpp"
#include "serve/service.hpp"
#include "serve/target.hpp"

namespace osprey::serve {

struct Route;

/// Threads: any.
class Site {
 public:
  Site(Service& service, Access access, const ServerLimits& limits, base::Clock& clock);

  /// Why the request is not answered, from all but its body; nothing: answer() may be called. Takes
  /// one of the client's tokens.
  std::optional<Answer> refusal(const Request& request);
  /// Of a request that was not refused.
  Answer answer(const Request& request);
  /// Waiting ends.
  void stop() { stopping_ = true; }
  bool stopping() const { return stopping_; }

  /// "GET /api/v1/streams/{stream}" and so on: what src/serve/openapi.json describes.
  static std::vector<std::string> routes();

 private:
  friend struct Route;
  struct Call {
    const Request& request;
    const Target& target;
    std::map<std::string, std::string> names;  ///< the path's {parts}
  };

  Answer page(const Call& call);
  Answer login_page(const Call& call);
  Answer asset(const Call& call);
  Answer openapi(const Call& call);
  Answer health(const Call& call);
  Answer readiness(const Call& call);
  Answer metrics(const Call& call);
  Answer login(const Call& call);
  Answer logout(const Call& call);
  Answer session(const Call& call);
  Answer status(const Call& call);
  Answer streams(const Call& call);
  Answer stream(const Call& call);
  Answer snapshot(const Call& call);
  Answer mjpeg(const Call& call);
  Answer live(const Call& call);
  Answer objects(const Call& call);
  Answer shapes(const Call& call);
  Answer put_shapes(const Call& call);
  Answer events(const Call& call);
  Answer event_stream(const Call& call);
  Answer recordings(const Call& call);
  Answer recording(const Call& call);
  Answer hls(const Call& call);
  Answer config(const Call& call);

  bool has_stream(const std::string& name) const;
  /// A stream's answer, if one more viewer may be.
  Answer viewed(std::string type, std::function<void(Viewer&)> stream);

  static const std::vector<Route>& table();

  Service& service_;
  const Access access_;
  const ServerLimits limits_;
  base::Clock& clock_;
  RateLimit requests_, wrong_tokens_;
  std::shared_ptr<std::atomic<int>> viewers_ = std::make_shared<std::atomic<int>>(0);
  std::atomic<bool> stopping_ = false;
};

}  // namespace osprey::serve
