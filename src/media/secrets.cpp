// SPDX-License-Identifier: Apache-2.0
#include "media/secrets.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace osprey::media {
namespace {

bool is_secret(std::string_view key) {
  constexpr std::array<std::string_view, 8> kNames = {"user", "login",  "pass", "pwd",
                                                      "auth", "secret", "key",  "token"};
  std::string lower(key);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::any_of(kNames.begin(), kNames.end(),
                     [&](std::string_view name) { return lower.find(name) != std::string::npos; });
}

/// "/a?b=1&password=2" with *** for 2. Some cameras take such pairs in a path, too.
std::string without_secret_values(std::string_view rest) {
  std::string shown;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find_first_of("/?&;#"), rest.size());
    const std::string_view part = rest.substr(0, end);
    const std::size_t equals = part.find('=');
    if (equals != std::string_view::npos && is_secret(part.substr(0, equals))) {
      shown.append(part.substr(0, equals)).append("=***");
    } else {
      shown.append(part);
    }
    shown.append(rest.substr(end, 1));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return shown;
}

/// Where in `rest`, what follows "://", the host begins. A password may hold the marks that end a
/// host, if it was not escaped; a colon and an @ behind them tell.
std::size_t host_of(std::string_view rest) {
  const std::size_t end = std::min(rest.find_first_of("/?#"), rest.size());
  const std::string_view authority = rest.substr(0, end);
  const bool may_go_on = authority.find(':') != std::string_view::npos;
  std::size_t at = authority.rfind('@');
  if (at == std::string_view::npos && may_go_on) at = rest.rfind('@');
  return at == std::string_view::npos ? 0 : at + 1;
}

}  // namespace

std::string without_secrets(const std::string& uri) {
  const std::size_t scheme = uri.find("://");
  if (scheme == std::string::npos) return uri;
  const std::string_view rest = std::string_view(uri).substr(scheme + 3);
  return uri.substr(0, scheme + 3) + without_secret_values(rest.substr(host_of(rest)));
}

}  // namespace osprey::media
