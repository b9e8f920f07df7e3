// SPDX-License-Identifier: Apache-2.0
#include "media/video_decoder.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <new>
#include <string_view>
#include <utility>

#include "base/try.hpp"
#include "media/decoders.hpp"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/buffer.h>
#include <libavutil/hwcontext.h>
#include <libavutil/pixdesc.h>
}

namespace osprey::media {
namespace {

/// Packets kept until the first frame; a decoder that gave none for so many works.
constexpr std::size_t kMostKept = 256;

/// What "auto" tries, in this order.
constexpr std::array kHardware = {"rkmpp", "vaapi", "cuda", "v4l2m2m"};

/// Codecs that are worth a device; others cost a processor next to nothing.
bool is_costly(AVCodecID codec) {
  constexpr std::array kCostly = {AV_CODEC_ID_H264, AV_CODEC_ID_HEVC, AV_CODEC_ID_VP9,
                                  AV_CODEC_ID_AV1};
  return std::find(kCostly.begin(), kCostly.end(), codec) != kCostly.end();
}

bool can_use(const AVCodec& codec, AVHWDeviceType device) {
  for (int i = 0; const AVCodecHWConfig* config = avcodec_get_hw_config(&codec, i); ++i) {
    if (config->device_type == device &&
        (config->methods & AV_CODEC_HW_CONFIG_METHOD_HW_DEVICE_CTX) != 0) {
      return true;
    }
  }
  return false;
}

/// The decoders of `id` that `name` may mean.
std::vector<DecoderChoice> hardware_choices(AVCodecID id, const std::string& name) {
  std::vector<DecoderChoice> choices;
  const AVHWDeviceType device = av_hwdevice_find_type_by_name(name.c_str());
  const std::string own_name = std::string(avcodec_get_name(id)) + "_" + name;
  void* state = nullptr;
  while (const AVCodec* codec = av_codec_iterate(&state)) {
    if (codec->id != id || av_codec_is_decoder(codec) == 0) continue;
    if (codec->name == own_name || codec->name == name) choices.push_back({codec->name, ""});
    if (device != AV_HWDEVICE_TYPE_NONE && !codec->wrapper_name && can_use(*codec, device)) {
      choices.push_back({codec->name, name});
    }
  }
  return choices;
}

std::string hardware_names(AVCodecID id) {
  std::string names;
  for (const CodecDecoders& codec : decoders()) {
    if (codec.codec != avcodec_get_name(id)) continue;
    for (const std::string& name : codec.hardware) names += ", " + name;
  }
  return names;
}

/// Devices of this process, one a kind: streams share it. A kind that could not be opened is not
/// tried again, as "auto" would for each stream and connection.
class Devices {
 public:
  static Devices& of_process() {
    static auto* const devices = new Devices;  // outlives every stream
    return *devices;
  }

  /// Negative: FFmpeg's error.
  int open(const std::string& name, AVBufferRef** device) {
    const std::lock_guard lock(mutex_);
    auto [entry, fresh] = entries_.try_emplace(name);
    if (fresh) {
      entry->second.code = av_hwdevice_ctx_create(
          &entry->second.device, av_hwdevice_find_type_by_name(name.c_str()), nullptr, nullptr, 0);
    }
    if (entry->second.code < 0) return entry->second.code;
    *device = av_buffer_ref(entry->second.device);
    if (!*device) throw std::bad_alloc();
    return 0;
  }

 private:
  struct Entry {
    AVBufferRef* device = nullptr;
    int code = 0;
  };
  std::mutex mutex_;
  std::map<std::string, Entry> entries_;
};

AvPtr<AVPacket> reference_to(const AVPacket* packet) {
  if (!packet) return nullptr;
  AvPtr<AVPacket> reference(av_packet_clone(packet));
  if (!reference) throw std::bad_alloc();
  return reference;
}

}  // namespace

VideoDecoder::VideoDecoder(std::string uri, const AVStream& stream, Options options,
                           std::vector<DecoderChoice> choices)
    : uri_(std::move(uri)),
      stream_(stream),
      options_(std::move(options)),
      choices_(std::move(choices)) {}

Result<std::unique_ptr<VideoDecoder>> VideoDecoder::open(const std::string& uri,
                                                         const AVStream& stream,
                                                         const Options& options) {
  const AVCodecID id = stream.codecpar->codec_id;
  std::vector<DecoderChoice> choices;
  const auto add = [&](const std::string& name) {
    for (auto& choice : hardware_choices(id, name)) choices.push_back(std::move(choice));
  };
  const bool automatic = options.decoder == "auto";
  if (automatic && is_costly(id)) {
    for (const char* const name : kHardware) add(name);
  }
  if (automatic || options.decoder == "software") {
    const AVCodec* codec = avcodec_find_decoder(id);
    if (!codec) {
      return Error{ErrorCode::kUnsupported,
                   uri + ": this FFmpeg has no decoder for " + avcodec_get_name(id)};
    }
    choices.push_back({codec->name, ""});
  } else {
    add(options.decoder);
    if (choices.empty()) {
      return Error{ErrorCode::kUnsupported, uri + ": this FFmpeg has no decoder '" +
                                                options.decoder + "' for " + avcodec_get_name(id) +
                                                "; expected auto, software" + hardware_names(id)};
    }
  }
  return open(uri, stream, options, std::move(choices));
}

Result<std::unique_ptr<VideoDecoder>> VideoDecoder::open(const std::string& uri,
                                                         const AVStream& stream,
                                                         const Options& options,
                                                         std::vector<DecoderChoice> choices) {
  std::unique_ptr<VideoDecoder> decoder(new VideoDecoder(uri, stream, options, std::move(choices)));
  OSPREY_TRY(decoder->open_next());
  return decoder;
}

Status VideoDecoder::open_next() {
  Status opened = Error{ErrorCode::kInternal, uri_ + ": no decoder"};
  while (!choices_.empty()) {
    const DecoderChoice choice = choices_.front();
    choices_.erase(choices_.begin());
    opened = open_choice(choice);
    if (opened) return {};
  }
  return opened;
}

Status VideoDecoder::open_choice(const DecoderChoice& choice) {
  const auto failure = [&](ErrorCode error, int code) {
    return Error{error, uri_ + ": the decoder " + choice.codec +
                            (choice.device.empty() ? "" : " (" + choice.device + ")") +
                            " cannot be opened: " + av_error_text(code)};
  };
  const AVCodec* const codec = avcodec_find_decoder_by_name(choice.codec.c_str());
  if (!codec) return failure(ErrorCode::kUnsupported, AVERROR_DECODER_NOT_FOUND);
  decoder_.reset(avcodec_alloc_context3(codec));
  if (!decoder_) throw std::bad_alloc();
  int code = avcodec_parameters_to_context(decoder_.get(), stream_.codecpar);
  if (code < 0) return failure(ErrorCode::kCorrupt, code);
  decoder_->codec_id = codec->id;
  decoder_->pkt_timebase = stream_.time_base;
  decoder_->thread_count = choice.device.empty() ? options_.threads : 1;
  decoder_->thread_type = FF_THREAD_FRAME | FF_THREAD_SLICE;
  decoder_->max_pixels = options_.max_pixels;
  // Else FFmpeg leaves columns that are to be cropped at the left, to keep rows aligned.
  decoder_->flags |= AV_CODEC_FLAG_UNALIGNED;
  if (options_.low_delay) decoder_->flags |= AV_CODEC_FLAG_LOW_DELAY;
  if (!choice.device.empty()) {
    code = Devices::of_process().open(choice.device, &decoder_->hw_device_ctx);
    if (code < 0) return failure(ErrorCode::kUnavailable, code);
  }
  code = avcodec_open2(decoder_.get(), codec, nullptr);
  if (code < 0) {
    return failure(choices_.empty() ? ErrorCode::kCorrupt : ErrorCode::kUnavailable, code);
  }
  chosen_ = choice;
  return {};
}

bool VideoDecoder::try_another() {
  if (any_frame_ || choices_.empty() || !open_next()) return false;
  again_ = std::move(given_);
  given_.clear();
  return true;
}

int VideoDecoder::send(const AVPacket* packet) {
  const bool keep = !any_frame_ && !choices_.empty();
  if (keep) {
    given_.push_back(reference_to(packet));
    if (given_.size() > kMostKept) {
      given_.clear();
      choices_.clear();
    }
  }
  const int code = avcodec_send_packet(decoder_.get(), packet);
  if (code < 0 && try_another()) return 0;
  return code;
}

int VideoDecoder::receive(AVFrame& frame) {
  for (;;) {
    while (!again_.empty()) {
      const AvPtr<AVPacket> packet = std::move(again_.front());
      again_.pop_front();
      if (!choices_.empty()) given_.push_back(reference_to(packet.get()));
      const int code = avcodec_send_packet(decoder_.get(), packet.get());
      if (code < 0 && try_another()) continue;
      break;
    }
    int code = avcodec_receive_frame(decoder_.get(), &frame);
    if (code >= 0) code = to_memory(frame);
    if (code >= 0) {
      any_frame_ = true;
      given_.clear();
      return code;
    }
    if (code == AVERROR(EAGAIN)) {
      if (again_.empty()) return code;
      continue;
    }
    if (!try_another()) return code;
  }
}

int VideoDecoder::to_memory(AVFrame& frame) {
  const AVPixFmtDescriptor* const format =
      av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame.format));
  if (!format || (format->flags & AV_PIX_FMT_FLAG_HWACCEL) == 0) {
    chosen_.device.clear();  // FFmpeg may have found that the device cannot do it
    return 0;
  }
  const AvPtr<AVFrame> copy = make_frame();
  int code = av_hwframe_transfer_data(copy.get(), &frame, 0);
  if (code >= 0) code = av_frame_copy_props(copy.get(), &frame);
  av_frame_unref(&frame);
  if (code >= 0) av_frame_move_ref(&frame, copy.get());
  return code;
}

void VideoDecoder::flush() {
  avcodec_flush_buffers(decoder_.get());
  given_.clear();
  again_.clear();
}

double VideoDecoder::declared_rate() const {
  const AVRational rate = decoder_->framerate;
  return rate.num > 0 && rate.den > 0 ? av_q2d(rate) : 0;
}

std::string VideoDecoder::name() const {
  if (!chosen_.device.empty()) return chosen_.codec + " (" + chosen_.device + ")";
  const AVCodec& codec = *decoder_->codec;
  const std::string wrapper = codec.wrapper_name ? codec.wrapper_name : "";
  const bool hardware = (codec.capabilities & AV_CODEC_CAP_HARDWARE) != 0 || wrapper == "v4l2m2m" ||
                        wrapper == "rkmpp";
  return hardware ? chosen_.codec : chosen_.codec + " (software)";
}

}  // namespace osprey::media
