// SPDX-License-Identifier: Apache-2.0
// The packets of a container's video stream.
#pragma once

#include <osprey/result.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "media/av_handles.hpp"
#include "media/capture_device.hpp"
#include "media/descriptor_input.hpp"

struct AVStream;

namespace osprey::media {

/// Threads: one reader; `cancel` from any.
class Demuxer {
 public:
  struct Limits {
    std::chrono::milliseconds timeout;          ///< of each wait for a network or camera
    std::chrono::milliseconds connect_timeout;  ///< of connecting, and of learning what is there
    std::int64_t max_pixels;        ///< of the frames decoded to learn about the streams
    std::string transport = "tcp";  ///< of RTSP
    std::shared_ptr<const std::atomic<bool>> cancelled{};  ///< from outside; may be null
  };

  enum class Outcome {
    kPacket,
    kEnd,
    kDamage,  ///< something in the file could not be read; the next call goes on behind it
  };

  /// `uri` is for messages, without secrets; `url` is FFmpeg's ("file:" before local paths).
  static Result<std::unique_ptr<Demuxer>> open(const std::string& uri, const std::string& url,
                                               const Limits& limits);
  /// Takes an open descriptor instead.
  static Result<std::unique_ptr<Demuxer>> open(const std::string& uri, int descriptor,
                                               const Limits& limits);
  /// Opens a camera of this machine.
  static Result<std::unique_ptr<Demuxer>> open(const std::string& uri, const CaptureDevice& device,
                                               const Limits& limits);
  ~Demuxer();
  Demuxer(const Demuxer&) = delete;
  Demuxer& operator=(const Demuxer&) = delete;

  AVFormatContext& container() { return *container_; }
  AVStream& stream() { return *stream_; }

  /// True if what it reads comes at its own pace.
  bool is_live() const;
  /// True if it is live, but comes in pieces of some seconds.
  bool comes_in_bursts() const;
  /// True if the container has no times: those of the packets are made up from a rate that is, too.
  bool has_no_times() const;

  /// The next packet of the video stream into `packet`. Errors: the network or operating system
  /// fails.
  Result<Outcome> read(AVPacket& packet);

  /// FFmpeg's words for the last kDamage.
  const std::string& damage() const { return damage_; }

  void cancel();
  bool cancelled() const { return cancelled_ || (limits_.cancelled && *limits_.cancelled); }

 private:
  using Instant = std::chrono::steady_clock::time_point;

  class Options;

  Demuxer(std::string uri, const Limits& limits) : uri_(std::move(uri)), limits_(limits) {}

  static int interrupted(void* self);
  Status start(const std::string& url, const CaptureDevice* device = nullptr);
  void set_network_options(const std::string& scheme, Options& options);
  Status choose_stream();
  void restart_timeout(std::chrono::milliseconds timeout);
  bool timed_out() const;
  Error failure(int code) const;
  bool is_systems_fault(int code) const;
  /// Whether what it reads may keep it waiting.
  bool may_be_silent() const { return network_ || device_; }

  std::string uri_;
  Limits limits_;
  bool network_ = false;
  bool device_ = false;
  std::unique_ptr<DescriptorInput> descriptor_;
  AVFormatContext* container_ = nullptr;
  AVStream* stream_ = nullptr;
  std::atomic<bool> cancelled_ = false;
  std::optional<Instant> deadline_;
  std::chrono::milliseconds waiting_for_{0};  ///< until deadline_
  std::string damage_;
  std::int64_t damage_place_ = -1;  ///< where in the file reading failed last
  int failures_in_place_ = 0;
};

/// True if `uri` has the form scheme://...
bool is_url(const std::string& uri);
/// "rtsp" of "RTSP://...".
std::string scheme_of(const std::string& url);

}  // namespace osprey::media
