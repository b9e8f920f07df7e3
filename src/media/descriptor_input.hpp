// SPDX-License-Identifier: Apache-2.0
// A file descriptor as FFmpeg's input, whose blocked read can be cancelled.
#pragma once

#include <osprey/result.hpp>

#include <memory>
#include <string>

#include "media/av_handles.hpp"

namespace osprey::media {

/// FFmpeg's own pipe protocol sits in read(2), out of reach of its interrupt callback, and cannot
/// seek in a file that was redirected to standard input; this one can. Threads: one reader;
/// `cancel` from any.
class DescriptorInput {
 public:
  /// Reads a duplicate of `descriptor`; `name` is for messages. Errors: not an open descriptor.
  static Result<std::unique_ptr<DescriptorInput>> open(const std::string& name, int descriptor);
  ~DescriptorInput();
  DescriptorInput(const DescriptorInput&) = delete;
  DescriptorInput& operator=(const DescriptorInput&) = delete;

  AVIOContext* io() { return io_.get(); }
  void cancel();

 private:
  DescriptorInput(int descriptor, int wake_up);

  static int read(void* self, unsigned char* buffer, int size);
  static std::int64_t seek(void* self, std::int64_t offset, int whence);

  int descriptor_;
  int wake_up_;  ///< an eventfd that becomes readable when cancelled
  AvPtr<AVIOContext> io_;
};

}  // namespace osprey::media
