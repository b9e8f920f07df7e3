// SPDX-License-Identifier: Apache-2.0
#include "sinks/output_names.hpp"

#include <filesystem>
#include <string_view>

namespace osprey::sinks {

std::string source_stem(const std::string& uri) {
  if (uri == "-") return "stdin";
  std::string path = uri;
  bool host_only = false;
  if (const auto scheme = uri.find("://"); scheme != std::string::npos) {
    path = uri.substr(scheme + 3, uri.find_first_of("?#", scheme) - (scheme + 3));
    path.erase(0, path.substr(0, path.find('/')).rfind('@') + 1);  // never show a password
    host_only = path.find('/') == std::string::npos || path.find('/') + 1 == path.size();
  }
  while (path.ends_with('/')) path.pop_back();
  const auto last = std::filesystem::path(path).filename();
  std::string stem = host_only ? last.string() : last.stem().string();
  for (char& c : stem) {
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    if (control || std::string_view("\\:*?\"<>|").find(c) != std::string_view::npos) c = '_';
  }
  return stem.empty() || stem == "." || stem == ".." ? "stream" : stem;
}

std::string UniqueNames::take(const std::string& stem, const std::string& suffix) {
  std::string name = stem + suffix;
  int& last = taken_[name];  // where to go on counting: many pictures may share one name
  while (last > 0) {
    name = stem + "-" + std::to_string(++last) + suffix;
    if (taken_.try_emplace(name, 1).second) return name;
  }
  last = 1;
  return name;
}

}  // namespace osprey::sinks
