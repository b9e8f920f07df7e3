// SPDX-License-Identifier: Apache-2.0
// Owners of FFmpeg's objects, and its error codes in words.
#pragma once

#include <memory>
#include <string>

struct AVBSFContext;
struct AVBufferPool;
struct AVCodecContext;
struct AVCodecParameters;
struct AVFormatContext;
struct AVFrame;
struct AVIOContext;
struct AVPacket;
struct SwsContext;

namespace osprey::media {

struct AvDeleter {
  void operator()(AVBufferPool* pool) const;
  void operator()(AVBSFContext* filter) const;
  void operator()(AVCodecContext* codec) const;
  void operator()(AVCodecParameters* parameters) const;
  void operator()(AVFrame* frame) const;
  void operator()(AVIOContext* io) const;  ///< one made by avio_alloc_context
  void operator()(AVPacket* packet) const;
  void operator()(SwsContext* scaler) const;
};

template <typename T>
using AvPtr = std::unique_ptr<T, AvDeleter>;

/// Throw std::bad_alloc when there is no memory.
AvPtr<AVFrame> make_frame();
AvPtr<AVPacket> make_packet();

/// FFmpeg's words for a negative return value.
std::string av_error_text(int code);

/// FFmpeg writes to standard error unless told otherwise, for the whole process. Call before its
/// first use.
void silence_av();

}  // namespace osprey::media
