// SPDX-License-Identifier: Apache-2.0
#include "media/av_handles.hpp"

#include <array>
#include <new>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavcodec/bsf.h>
#include <libavformat/avio.h>
#include <libavutil/buffer.h>
#include <libavutil/error.h>
#include <libavutil/frame.h>
#include <libavutil/log.h>
#include <libswscale/swscale.h>
}

namespace osprey::media {

void AvDeleter::operator()(AVBufferPool* pool) const {
  av_buffer_pool_uninit(&pool);
}
void AvDeleter::operator()(AVBSFContext* filter) const {
  av_bsf_free(&filter);
}
void AvDeleter::operator()(AVCodecParameters* parameters) const {
  avcodec_parameters_free(&parameters);
}
void AvDeleter::operator()(AVCodecContext* codec) const {
  avcodec_free_context(&codec);
}
void AvDeleter::operator()(AVFrame* frame) const {
  av_frame_free(&frame);
}
void AvDeleter::operator()(AVPacket* packet) const {
  av_packet_free(&packet);
}
void AvDeleter::operator()(SwsContext* scaler) const {
  sws_freeContext(scaler);
}

void AvDeleter::operator()(AVIOContext* io) const {
  // FFmpeg may have replaced the buffer it was given.
  av_freep(&io->buffer);
  avio_context_free(&io);
}

AvPtr<AVFrame> make_frame() {
  AvPtr<AVFrame> frame(av_frame_alloc());
  if (!frame) throw std::bad_alloc();
  return frame;
}

AvPtr<AVPacket> make_packet() {
  AvPtr<AVPacket> packet(av_packet_alloc());
  if (!packet) throw std::bad_alloc();
  return packet;
}

std::string av_error_text(int code) {
  std::array<char, AV_ERROR_MAX_STRING_SIZE> text{};
  av_strerror(code, text.data(), text.size());
  return text.data();
}

void silence_av() {
  av_log_set_level(AV_LOG_QUIET);
}

}  // namespace osprey::media
