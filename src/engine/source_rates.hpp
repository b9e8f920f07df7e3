// SPDX-License-Identifier: Apache-2.0
// What a source delivers, as diagnoses take it.
#pragma once

#include <string>

#include "media/source_meter.hpp"
#include "pipeline/diagnosis.hpp"

namespace osprey::engine {

/// `frame_rate`: what the stream declares, if its meter does not know. It counts as connected.
inline pipeline::SourceRates rates_of(const media::SourceReading& reading, double frame_rate,
                                      bool live) {
  pipeline::SourceRates rates;
  rates.declared_fps = reading.declared_fps > 0 ? reading.declared_fps : frame_rate;
  rates.delivered_fps = reading.delivered_fps;
  rates.decoded_fps = reading.decoded_fps;
  rates.decode_seconds = reading.decode_seconds;
  rates.jitter = reading.jitter;
  rates.live = live;
  const auto& decoder = reading.decoder;
  rates.hardware = !decoder.empty() && decoder.find("software") == std::string::npos;
  return rates;
}

}  // namespace osprey::engine
