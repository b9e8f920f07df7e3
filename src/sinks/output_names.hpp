// SPDX-License-Identifier: Apache-2.0
// What to call the files made from a source, as Ultralytics names them.
#pragma once

#include <string>
#include <unordered_map>

namespace osprey::sinks {

/// A name for files made from `uri`, without folder and suffix: "shots/bus.jpg" -> "bus",
/// "rtsp://host/live/door.sdp?x=1" -> "door", "rtsp://host" -> "host", "-" -> "stdin". Never empty;
/// what cannot be in a file name on every system becomes '_'.
std::string source_stem(const std::string& uri);

/// Keeps two sources of one name apart: "bus", then "bus-2", "bus-3".
class UniqueNames {
 public:
  /// `stem` + `suffix`, or the first `stem`-n + `suffix` not taken before.
  std::string take(const std::string& stem, const std::string& suffix = "");

 private:
  std::unordered_map<std::string, int> taken_;  ///< and the last number given to each
};

}  // namespace osprey::sinks
