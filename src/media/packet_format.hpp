// SPDX-License-Identifier: Apache-2.0
// What a file of copied packets says about them: their codec, size and time base.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/time.hpp"
#include "media/av_handles.hpp"

struct AVPacket;
struct AVStream;

namespace osprey::media {

struct PacketFormat {
  AvPtr<AVCodecParameters> parameters;  ///< not null
  int ticks_num = 1, ticks_den = 1;     ///< a tick is num / den seconds
  Duration frame_period{0};             ///< 0 if unknown
  std::vector<std::uint8_t> rotation;   ///< the container's display matrix; empty if none

  static std::shared_ptr<const PacketFormat> of(const AVStream& stream);

  std::string codec_name() const;
  Duration time_of(std::int64_t ticks) const;
  std::int64_t ticks_in(Duration time) const;  ///< rounded
};

/// Notices when an encoder was set up anew in the middle of its stream, as cameras do when their
/// owner chooses another resolution: a file holds one set of parameters. Threads: one.
class FormatWatch {
 public:
  explicit FormatWatch(std::shared_ptr<const PacketFormat> format);
  ~FormatWatch();
  FormatWatch(const FormatWatch&) = delete;
  FormatWatch& operator=(const FormatWatch&) = delete;

  /// Looks at the packet that comes next. True if from it on format() is another. Cost: nothing but
  /// for key frames, whose parameter sets are compared.
  bool see(const AVPacket& packet);

  const std::shared_ptr<const PacketFormat>& format() const { return format_; }

 private:
  std::vector<std::uint8_t> parameter_sets_in(const AVPacket& packet) const;

  std::shared_ptr<const PacketFormat> format_;
  AvPtr<AVBSFContext> extract_;     ///< null where packets do not carry parameter sets
  std::vector<std::uint8_t> seen_;  ///< the last parameter sets that packets carried
};

}  // namespace osprey::media
