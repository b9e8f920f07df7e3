// SPDX-License-Identifier: Apache-2.0
#include "media/decoders.hpp"

#include <algorithm>
#include <array>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavutil/avutil.h>
#include <libavutil/hwcontext.h>
}

namespace osprey::media {

namespace {

void add(std::vector<std::string>& names, const char* name) {
  if (name == nullptr || std::find(names.begin(), names.end(), name) != names.end()) return;
  names.emplace_back(name);
}

std::vector<std::string> hardware_decoders(AVCodecID id) {
  std::vector<std::string> names;
  void* state = nullptr;
  while (const AVCodec* codec = av_codec_iterate(&state)) {
    if (codec->id != id || av_codec_is_decoder(codec) == 0) continue;
    const std::string wrapper = codec->wrapper_name == nullptr ? "" : codec->wrapper_name;
    // The V4L2 decoders do not set the flag, and software has wrappers too.
    if ((codec->capabilities & AV_CODEC_CAP_HARDWARE) != 0 || wrapper == "v4l2m2m" ||
        wrapper == "rkmpp") {
      add(names, codec->name);
      continue;
    }
    for (int i = 0; const AVCodecHWConfig* config = avcodec_get_hw_config(codec, i); ++i) {
      add(names, av_hwdevice_get_type_name(config->device_type));
    }
  }
  return names;
}

}  // namespace

std::string ffmpeg_version() {
  return av_version_info();
}

std::vector<CodecDecoders> decoders() {
  constexpr std::array kCodecs = {AV_CODEC_ID_H264, AV_CODEC_ID_HEVC, AV_CODEC_ID_AV1,
                                  AV_CODEC_ID_VP9, AV_CODEC_ID_MJPEG};
  std::vector<CodecDecoders> found;
  for (const auto id : kCodecs) {
    const AVCodec* used = avcodec_find_decoder(id);
    found.push_back(
        {avcodec_get_name(id), used == nullptr ? "" : used->name, hardware_decoders(id)});
  }
  return found;
}

}  // namespace osprey::media
