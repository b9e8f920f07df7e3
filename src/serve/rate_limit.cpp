// SPDX-License-Identifier: Apache-2.0
#include "serve/rate_limit.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace osprey::serve {
namespace {
constexpr std::size_t kMostClients = 4096;
}

RateLimit::Bucket& RateLimit::filled(const std::string& client, base::Instant now) {
  const auto tokens_at = [&](const Bucket& bucket) {
    return std::min(
        burst_,
        bucket.tokens + per_second_ * std::chrono::duration<double>(now - bucket.at).count());
  };
  if (buckets_.size() >= kMostClients && !buckets_.contains(client)) {
    std::erase_if(buckets_, [&](const auto& item) { return tokens_at(item.second) >= burst_; });
    if (buckets_.size() >= kMostClients) {
      buckets_.erase(
          std::min_element(buckets_.begin(), buckets_.end(),
                           [](const auto& a, const auto& b) { return a.second.at < b.second.at; }));
    }
  }
  Bucket& bucket = buckets_.try_emplace(client, Bucket{burst_, now}).first->second;
  bucket = {tokens_at(bucket), now};
  return bucket;
}

bool RateLimit::take(const std::string& client, base::Instant now) {
  const std::lock_guard lock(mutex_);
  Bucket& bucket = filled(client, now);
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

bool RateLimit::has(const std::string& client, base::Instant now) {
  const std::lock_guard lock(mutex_);
  return filled(client, now).tokens >= 1;
}

std::string client_of(const std::string& address) {
  std::array<unsigned char, 16> bytes{};
  if (inet_pton(AF_INET6, address.c_str(), bytes.data()) != 1) return address;
  static constexpr std::array<unsigned char, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (std::equal(kMapped.begin(), kMapped.end(), bytes.begin())) {  // IPv4 on an IPv6 socket
    return inet_ntop(AF_INET, bytes.data() + 12, text.data(), text.size());
  }
  std::fill(bytes.begin() + 8, bytes.end(), 0);
  return inet_ntop(AF_INET6, bytes.data(), text.data(), text.size());
}

}  // namespace osprey::serve
