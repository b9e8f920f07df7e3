// SPDX-License-Identifier: Apache-2.0
// The packets of the last seconds, from a key frame on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>

#include "core/time.hpp"
#include "media/av_handles.hpp"

namespace osprey::media {

struct KeptPacket {
  AvPtr<AVPacket> packet;  ///< shares its bytes with whoever else has it
  Duration time{0};        ///< of decoding, the stream's
};

/// Threads: one.
class PreRoll {
 public:
  PreRoll(Duration length, std::size_t max_bytes) : length_(length), max_bytes_(max_bytes) {}

  /// Keeps a reference, and as many of the packets before as make the last `length` complete: they
  /// begin with a key frame and are as much longer as key frames are apart. Beyond `max_bytes` the
  /// oldest key frame and what depends on it goes.
  void add(const AVPacket& packet, Duration time);
  void clear();

  const std::deque<KeptPacket>& packets() const { return packets_; }
  std::size_t bytes() const { return bytes_; }

 private:
  void drop_until(std::size_t count);

  Duration length_;
  std::size_t max_bytes_;
  std::deque<KeptPacket> packets_;
  std::deque<std::uint64_t> keys_;  ///< numbers of key frames among the packets
  std::uint64_t first_ = 0;         ///< packets_[0]'s number
  std::size_t bytes_ = 0;
};

/// A new reference to it.
AvPtr<AVPacket> reference_to(const AVPacket& packet);

/// Its own bytes, whoever owns those of `packet`.
AvPtr<AVPacket> copy_of(const AVPacket& packet);

}  // namespace osprey::media
