// SPDX-License-Identifier: Apache-2.0
#include "serve/access.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <algorithm>
#include <charconv>

namespace osprey::serve {
namespace {

constexpr std::int64_t kSessionSeconds = 30LL * 24 * 3600;

std::array<unsigned char, 32> hash_of(std::string_view text) {
  std::array<unsigned char, 32> hash{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), hash.data());
  return hash;
}

// Tells nothing by its time: both sides are hashes of the same length.
bool same_text(std::string_view a, std::string_view b) {
  const auto first = hash_of(a), second = hash_of(b);
  return CRYPTO_memcmp(first.data(), second.data(), first.size()) == 0;
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return result;
}

// "[::1]:8080" is "[::1]".
std::string_view without_port(std::string_view host) {
  if (!host.empty() && host[0] == '[') return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

}  // namespace

std::optional<std::string_view> cookie_value(std::string_view field, std::string_view name) {
  while (!field.empty()) {
    const std::size_t end = field.find(';');
    std::string_view pair = field.substr(0, end);
    field = end == std::string_view::npos ? "" : field.substr(end + 1);
    while (!pair.empty() && pair[0] == ' ') pair.remove_prefix(1);
    if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=') {
      return pair.substr(name.size() + 1);
    }
  }
  return std::nullopt;
}

Access::Access(Options options)
    : asks_(!options.token.empty()),
      any_host_(options.any_host),
      cookie_name_(options.tls ? "__Host-osprey" : "osprey"),
      cookie_ending_(std::string("; Path=/; HttpOnly; SameSite=Strict") +
                     (options.tls ? "; Secure" : "")) {
  for (const std::string& name : options.host_names) host_names_.push_back(lower(name));
  for (const char* name : {"localhost", "127.0.0.1", "[::1]"}) host_names_.emplace_back(name);
  token_hash_ = hash_of(options.token);
  // Sessions outlive a restart, and end when the token is another.
  session_key_ = hash_of("osprey session " + options.token);
  OPENSSL_cleanse(options.token.data(), options.token.size());
}

bool Access::knows_host(std::string_view host) const {
  const std::string name = lower(without_port(host));
  return any_host_ ? !name.empty()
                   : std::find(host_names_.begin(), host_names_.end(), name) != host_names_.end();
}

bool Access::is_cross_site(const Request& request, bool writes) {
  const bool foreign = request.fetch_site == "cross-site" || request.fetch_site == "same-site";
  if (foreign && (writes || request.fetch_mode != "navigate")) return true;
  if (!writes || request.origin.empty()) return false;
  const std::size_t scheme = request.origin.find("://");
  return scheme == std::string::npos ||
         lower(request.origin.substr(scheme + 3)) != lower(request.host);
}

bool Access::is_token(std::string_view token) const {
  const auto hash = hash_of(token);
  return CRYPTO_memcmp(hash.data(), token_hash_.data(), hash.size()) == 0;
}

std::string Access::signature(std::string_view text) const {
  std::array<unsigned char, 32> code{};
  unsigned int size = code.size();
  HMAC(EVP_sha256(), session_key_.data(), static_cast<int>(session_key_.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), code.data(), &size);
  std::string hex;
  for (const unsigned char byte : code) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return hex;
}

bool Access::admits(const Request& request, std::int64_t now) const {
  if (!asks_) return true;
  if (!request.authorization.empty()) {
    static constexpr std::string_view kScheme = "bearer ";
    const std::string_view field = request.authorization;
    return field.size() > kScheme.size() && lower(field.substr(0, kScheme.size())) == kScheme &&
           is_token(field.substr(kScheme.size()));
  }
  return has_session(request, now);
}

bool Access::has_session(const Request& request, std::int64_t now) const {
  const auto session = cookie_value(request.cookie, cookie_name_);
  if (!session) return false;
  const std::size_t dot = session->find('.');
  if (dot == std::string_view::npos) return false;
  const std::string_view end = session->substr(0, dot);
  if (!same_text(session->substr(dot + 1), signature(end))) return false;
  std::int64_t expires = 0;
  const auto read = std::from_chars(end.data(), end.data() + end.size(), expires);
  return read.ec == std::errc{} && read.ptr == end.data() + end.size() && now < expires;
}

std::optional<std::string> Access::open_session(std::string_view token, std::int64_t now) const {
  if (!asks_ || !is_token(token)) return std::nullopt;
  const std::string end = std::to_string(now + kSessionSeconds);
  return cookie_name_ + "=" + end + "." + signature(end) +
         "; Max-Age=" + std::to_string(kSessionSeconds) + cookie_ending_;
}

std::string Access::close_session() const {
  return cookie_name_ + "=; Max-Age=0" + cookie_ending_;
}

}  // namespace osprey::serve
