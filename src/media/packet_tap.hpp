// SPDX-License-Identifier: Apache-2.0
// Who sees a video's packets before they are decoded: to keep them without encoding again.
#pragma once

struct AVPacket;
struct AVStream;

namespace osprey::media {

/// Threads: called by the source's reader, which waits: to return soon. Not called for pictures.
class PacketTap {
 public:
  virtual ~PacketTap() = default;

  /// A stream was opened, the first time or again: what follows is its packets, and nothing of
  /// before. `stream` is there for the call only.
  virtual void opened(const AVStream& stream) = 0;

  /// One packet as the container gave it, damaged ones too, in decoding order, with the time base
  /// of `stream`. It is there for the call only: to keep it, copy its bytes. A reference will not
  /// do, as those of a camera of this machine are its driver's, and gone when it is closed.
  virtual void packet(const AVPacket& packet) = 0;
};

}  // namespace osprey::media
