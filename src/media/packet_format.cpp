// SPDX-License-Identifier: Apache-2.0
#include "media/packet_format.hpp"

#include <cstring>
#include <new>
#include <utility>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavcodec/bsf.h>
#include <libavformat/avformat.h>
#include <libavutil/mathematics.h>
}

namespace osprey::media {
namespace {

constexpr AVRational kNanoseconds = {1, 1'000'000'000};

AvPtr<AVCodecParameters> copy_of(const AVCodecParameters& parameters) {
  AvPtr<AVCodecParameters> copy(avcodec_parameters_alloc());
  if (!copy || avcodec_parameters_copy(copy.get(), &parameters) < 0) throw std::bad_alloc();
  copy->codec_tag = 0;  // the container's that it came from
  return copy;
}

/// Whether parameter sets lie between start codes, as broadcasts and cameras send them; MP4 and FLV
/// have them in a record of their own.
bool has_start_codes(const AVCodecParameters& parameters) {
  if (parameters.codec_id != AV_CODEC_ID_H264 && parameters.codec_id != AV_CODEC_ID_HEVC) {
    return false;
  }
  return parameters.extradata_size < 4 ||
         (parameters.extradata[0] == 0 && parameters.extradata[1] == 0);
}

/// Null if this FFmpeg lacks the filter.
AvPtr<AVBSFContext> make_extractor(const PacketFormat& format) {
  const AVBitStreamFilter* filter = av_bsf_get_by_name("extract_extradata");
  AVBSFContext* made = nullptr;
  if (!filter || av_bsf_alloc(filter, &made) < 0) return nullptr;
  AvPtr<AVBSFContext> extractor(made);
  made->time_base_in = {format.ticks_num, format.ticks_den};
  if (avcodec_parameters_copy(made->par_in, format.parameters.get()) < 0) throw std::bad_alloc();
  return av_bsf_init(made) < 0 ? nullptr : std::move(extractor);
}

/// Sets the picture's size to what the parameter sets in `packet` say.
void read_size(AVCodecParameters& parameters, const AVPacket& packet) {
  AVCodecParserContext* parser = av_parser_init(parameters.codec_id);
  const AvPtr<AVCodecContext> codec(avcodec_alloc_context3(nullptr));
  if (!codec) throw std::bad_alloc();
  if (!parser) return;
  codec->codec_id = parameters.codec_id;
  codec->codec_type = AVMEDIA_TYPE_VIDEO;
  parser->flags |= PARSER_FLAG_COMPLETE_FRAMES;
  std::uint8_t* whole = nullptr;
  int size = 0;
  av_parser_parse2(parser, codec.get(), &whole, &size, packet.data, packet.size, AV_NOPTS_VALUE,
                   AV_NOPTS_VALUE, 0);
  if (parser->width > 0 && parser->height > 0) {
    parameters.width = parser->width;
    parameters.height = parser->height;
  }
  av_parser_close(parser);
}

std::shared_ptr<const PacketFormat> with_extradata(const PacketFormat& old, const AVPacket& packet,
                                                   const std::uint8_t* data, std::size_t size) {
  auto format = std::make_shared<PacketFormat>();
  format->parameters = copy_of(*old.parameters);
  format->ticks_num = old.ticks_num;
  format->ticks_den = old.ticks_den;
  format->frame_period = old.frame_period;
  format->rotation = old.rotation;
  AVCodecParameters& parameters = *format->parameters;
  av_freep(&parameters.extradata);
  parameters.extradata =
      static_cast<std::uint8_t*>(av_mallocz(size + AV_INPUT_BUFFER_PADDING_SIZE));
  if (!parameters.extradata) throw std::bad_alloc();
  std::memcpy(parameters.extradata, data, size);
  parameters.extradata_size = static_cast<int>(size);
  read_size(parameters, packet);
  return format;
}

}  // namespace

std::shared_ptr<const PacketFormat> PacketFormat::of(const AVStream& stream) {
  auto format = std::make_shared<PacketFormat>();
  format->parameters = copy_of(*stream.codecpar);
  format->ticks_num = stream.time_base.num;
  format->ticks_den = stream.time_base.den;
  const AVRational rate = stream.avg_frame_rate;
  if (rate.num > 0 && rate.den > 0) {
    format->frame_period = Duration(av_rescale_q(1, av_inv_q(rate), kNanoseconds));
  }
  std::size_t size = 0;
  const std::uint8_t* matrix = av_stream_get_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
  if (matrix) format->rotation.assign(matrix, matrix + size);
  return format;
}

std::string PacketFormat::codec_name() const {
  return avcodec_get_name(parameters->codec_id);
}

Duration PacketFormat::time_of(std::int64_t ticks) const {
  return Duration(av_rescale_q(ticks, {ticks_num, ticks_den}, kNanoseconds));
}

std::int64_t PacketFormat::ticks_in(Duration time) const {
  return av_rescale_q(time.count(), kNanoseconds, {ticks_num, ticks_den});
}

FormatWatch::FormatWatch(std::shared_ptr<const PacketFormat> format) : format_(std::move(format)) {
  if (has_start_codes(*format_->parameters)) extract_ = make_extractor(*format_);
}

FormatWatch::~FormatWatch() = default;

std::vector<std::uint8_t> FormatWatch::parameter_sets_in(const AVPacket& packet) const {
  const AvPtr<AVPacket> copy = make_packet();
  std::vector<std::uint8_t> found;
  if (av_packet_ref(copy.get(), &packet) < 0) throw std::bad_alloc();
  if (av_bsf_send_packet(extract_.get(), copy.get()) < 0) return found;
  while (av_bsf_receive_packet(extract_.get(), copy.get()) >= 0) {
    std::size_t size = 0;
    const std::uint8_t* data =
        av_packet_get_side_data(copy.get(), AV_PKT_DATA_NEW_EXTRADATA, &size);
    if (data) found.assign(data, data + size);
    av_packet_unref(copy.get());
  }
  return found;
}

bool FormatWatch::see(const AVPacket& packet) {
  std::size_t size = 0;
  const std::uint8_t* data = av_packet_get_side_data(&packet, AV_PKT_DATA_NEW_EXTRADATA, &size);
  if (data && size > 0) {
    format_ = with_extradata(*format_, packet, data, size);
    return true;
  }
  if (!extract_ || (packet.flags & AV_PKT_FLAG_KEY) == 0) return false;
  std::vector<std::uint8_t> sets = parameter_sets_in(packet);
  if (sets.empty() || sets == seen_) return false;
  // What a camera announces may differ in form from what it sends: only what it sends is compared.
  const bool is_first = seen_.empty() && format_->parameters->extradata_size > 0;
  seen_ = std::move(sets);
  if (is_first) return false;
  format_ = with_extradata(*format_, packet, seen_.data(), seen_.size());
  return true;
}

}  // namespace osprey::media
