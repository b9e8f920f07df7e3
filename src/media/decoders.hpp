// SPDX-License-Identifier: Apache-2.0
// Which FFmpeg this is and how it decodes the videos that cameras make.
#pragma once

#include <string>
#include <vector>

namespace osprey::media {

/// FFmpeg's own: "5.1.6-0+deb12u1".
std::string ffmpeg_version();

struct CodecDecoders {
  std::string codec;                  ///< "h264"
  std::string used;                   ///< the decoder FFmpeg picks, "libdav1d"; empty: none
  std::vector<std::string> hardware;  ///< compiled in, "h264_rkmpp", "vaapi"; none has been tried
};

/// Of H.264, HEVC, AV1, VP9 and Motion JPEG.
std::vector<CodecDecoders> decoders();

}  // namespace osprey::media
