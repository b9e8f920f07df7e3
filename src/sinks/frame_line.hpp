// SPDX-License-Identifier: Apache-2.0
// The line of a frame in JSON Lines: see json_lines.hpp.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/frame.hpp"

namespace osprey::sinks {

/// Makes lines. What repeats (names, sources) is turned into JSON once.
class FrameLine {
 public:
  FrameLine(const std::vector<std::string>& names, const std::vector<std::string>& models);

  void begin(const StreamInfo& stream);

  /// With its line break; valid until the next call.
  const std::string& line(const FrameResult& result);

 private:
  void field(const char* key, auto value);
  void objects(const std::vector<Detection>& detections, int width, int height);
  void bounding_box(const char* key, const Box& box, float width, float height);
  void label(std::int32_t label_id);

  std::vector<std::string> labels_;               ///< as JSON
  std::vector<std::string> models_;               ///< as JSON
  std::map<std::uint32_t, std::string> sources_;  ///< as JSON
  std::string line_;
};

}  // namespace osprey::sinks
