// SPDX-License-Identifier: Apache-2.0
#include "media/pre_roll.hpp"

#include <algorithm>
#include <new>

extern "C" {
#include <libavcodec/avcodec.h>
}

namespace osprey::media {

AvPtr<AVPacket> reference_to(const AVPacket& packet) {
  AvPtr<AVPacket> kept = make_packet();
  if (av_packet_ref(kept.get(), &packet) < 0) throw std::bad_alloc();
  return kept;
}

AvPtr<AVPacket> copy_of(const AVPacket& packet) {
  AvPtr<AVPacket> copy = make_packet();
  if (av_new_packet(copy.get(), packet.size) < 0 || av_packet_copy_props(copy.get(), &packet) < 0) {
    throw std::bad_alloc();
  }
  std::copy_n(packet.data, packet.size, copy->data);
  return copy;
}

void PreRoll::add(const AVPacket& packet, Duration time) {
  const bool is_key = (packet.flags & AV_PKT_FLAG_KEY) != 0;
  if (packets_.empty() && !is_key) return;
  if (is_key) keys_.push_back(first_ + packets_.size());
  packets_.push_back({reference_to(packet), time});
  bytes_ += static_cast<std::size_t>(packet.size);

  const Duration begin = time - length_;
  const auto time_of = [&](std::uint64_t number) { return packets_[number - first_].time; };
  while (keys_.size() > 1 && (time_of(keys_[1]) <= begin || bytes_ > max_bytes_)) {
    drop_until(keys_[1] - first_);
  }
  if (bytes_ > max_bytes_) clear();
}

void PreRoll::clear() {
  drop_until(packets_.size());
}

void PreRoll::drop_until(std::size_t count) {
  for (; count > 0; --count) {
    bytes_ -= static_cast<std::size_t>(packets_.front().packet->size);
    packets_.pop_front();
    ++first_;
  }
  while (!keys_.empty() && keys_.front() < first_) keys_.pop_front();
}

}  // namespace osprey::media
