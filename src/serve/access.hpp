// SPDX-License-Identifier: Apache-2.0
// Who may ask: tokens, sessions of browsers, and pages of other sites.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "serve/exchange.hpp"

namespace osprey::serve {

/// Threads: any.
class Access {
 public:
  struct Options {
    std::string token;      ///< empty: nobody is asked for one
    bool any_host = false;  ///< the Host field may say anything: only where a token is asked for
    std::vector<std::string> host_names;  ///< it may say, besides loopback's
    bool tls = false;                     ///< cookies go over TLS only
  };
  explicit Access(Options options);

  bool asks_for_token() const { return asks_; }
  /// False: the name is not ours. A page of another site made its own name mean this machine.
  bool knows_host(std::string_view host) const;
  /// Whether another site's page sent this: by its Origin or Sec-Fetch-Site. Following a link to
  /// here is not that, unless it writes.
  static bool is_cross_site(const Request& request, bool writes);
  /// Whether the bearer token or the session's cookie is right, at `now`, seconds of Unix time.
  bool admits(const Request& request, std::int64_t now) const;
  /// Whether the session's cookie is right. Where wrong tokens are not counted, nothing else may be
  /// looked at: the answer would say whether a guess is right.
  bool has_session(const Request& request, std::int64_t now) const;
  /// The Set-Cookie field of a session of 30 days; nothing if the token is wrong.
  std::optional<std::string> open_session(std::string_view token, std::int64_t now) const;
  /// The Set-Cookie field that ends it.
  std::string close_session() const;

 private:
  bool is_token(std::string_view token) const;
  std::string signature(std::string_view text) const;

  bool asks_;
  bool any_host_;
  std::vector<std::string> host_names_;
  std::string cookie_name_, cookie_ending_;
  std::array<unsigned char, 32> token_hash_{};
  std::array<unsigned char, 32> session_key_{};
};

/// A cookie's value within a Cookie field; nothing if it is not there.
std::optional<std::string_view> cookie_value(std::string_view field, std::string_view name);

}  // namespace osprey::serve
