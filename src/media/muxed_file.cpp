// SPDX-License-Identifier: Apache-2.0
#include "media/muxed_file.hpp"

#include <new>
#include <utility>

#include "base/try.hpp"
#include "media/av_handles.hpp"

extern "C" {
#include <libavformat/avformat.h>
#include <libavutil/dict.h>
#include <libavutil/mem.h>
}

namespace osprey::media {

MuxedFile::MuxedFile(std::string path, base::TemporaryFile file)
    : path_(std::move(path)), file_(std::move(file)) {}

MuxedFile::~MuxedFile() {
  close();
}

Status MuxedFile::open(const char* format) {
  OSPREY_TRY(check(avformat_alloc_output_context2(&container_, nullptr, format, nullptr)));
  stream_ = avformat_new_stream(container_, nullptr);
  if (!stream_) throw std::bad_alloc();
  // MP4 whose index is put in front at the end is opened a second time, by this name.
  const std::string url = "file:" + file_.path().string();
  OSPREY_TRY(check(avio_open(&container_->pb, url.c_str(), AVIO_FLAG_WRITE)));
  av_freep(&container_->url);
  container_->url = av_strdup(url.c_str());
  return {};
}

Status MuxedFile::begin(AVDictionary* options) {
  const int code = avformat_write_header(container_, &options);
  av_dict_free(&options);
  return check(code);
}

Status MuxedFile::write(AVPacket& packet) {
  if (failure_) return *failure_;
  packet.stream_index = stream_->index;
  return remember(check(av_write_frame(container_, &packet)));
}

Status MuxedFile::complete() {
  if (failure_) return *failure_;
  OSPREY_TRY(remember(check(av_write_trailer(container_))));
  OSPREY_TRY(remember(check(avio_closep(&container_->pb))));
  return complete_as_it_is();
}

Status MuxedFile::complete_as_it_is() {
  close();
  OSPREY_TRY(remember(file_.commit()));
  failure_ = Error{ErrorCode::kInvalidArgument, path_ + ": the file is complete already"};
  return {};
}

void MuxedFile::close() {
  if (!container_) return;
  avio_closep(&container_->pb);
  avformat_free_context(container_);
  container_ = nullptr;
  stream_ = nullptr;
}

Status MuxedFile::check(int code) const {
  const AVIOContext* io = container_ ? container_->pb : nullptr;
  if (io && io->error < 0) code = io->error;
  if (code >= 0) return {};
  return Error{ErrorCode::kIo, "cannot write " + path_ + ": " + av_error_text(code)};
}

Status MuxedFile::remember(Status status) {
  if (!status) failure_ = status.error();
  return status;
}

}  // namespace osprey::media
