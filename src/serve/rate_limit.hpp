// SPDX-License-Identifier: Apache-2.0
// How many requests a client may make: a bucket of tokens each.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "base/clock.hpp"

namespace osprey::serve {

/// Threads: any. Memory: at most 4096 clients; full buckets are forgotten first, then those idle
/// longest.
class RateLimit {
 public:
  /// `per_second` tokens come back to a client, up to `burst`.
  RateLimit(double per_second, double burst) : per_second_(per_second), burst_(burst) {}
  /// Takes a token; false if there is none.
  bool take(const std::string& client, base::Instant now);
  /// Whether a token is there.
  bool has(const std::string& client, base::Instant now);

 private:
  struct Bucket {
    double tokens;
    base::Instant at;
  };
  Bucket& filled(const std::string& client, base::Instant now);

  const double per_second_, burst_;
  std::mutex mutex_;
  std::map<std::string, Bucket> buckets_;
};

/// What counts as one client: an IPv4 address, or the first 64 bits of an IPv6 address.
std::string client_of(const std::string& address);

}  // namespace osprey::serve
