// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "engine/doctor_sections.hpp"
#include "media/decoders.hpp"
#include "runtime/openvino/openvino_facts.hpp"

namespace osprey::engine {

void examine_openvino(Chart& chart) {
  chart.begin("OpenVINO");
  const auto facts = runtime::openvino_facts();
  if (!facts) {
    chart.fail("library", facts.error().message,
               "install Osprey with its lib/osprey folder, which has OpenVINO's plugins");
    return;
  }
  chart.ok("version", facts->version);
  bool has_processor = false;
  for (const auto& device : facts->devices) {
    has_processor = has_processor || device.name == "CPU";
    const auto text = device.full_name + " (" + joined(device.abilities) + ")";
    if (device.name == "CPU") {
      chart.ok(device.name, text);
    } else {
      chart.note(device.name, text + ": not used by Osprey");
    }
  }
  if (!has_processor) {
    chart.fail("CPU", "OpenVINO cannot use the processor",
               "install Osprey with its lib/osprey folder, which has OpenVINO's plugins");
  }
}

void examine_ffmpeg(const board::KernelFiles& files, const board::System& system, Chart& chart) {
  chart.begin("FFmpeg");
  chart.ok("version", media::ffmpeg_version());
  bool rkmpp = false;
  for (const auto& codec : media::decoders()) {
    for (const auto& name : codec.hardware) {
      rkmpp = rkmpp || name.find("rkmpp") != std::string::npos;
    }
    const auto hardware =
        codec.hardware.empty() ? "" : "; compiled in for hardware: " + joined(codec.hardware);
    if (codec.used.empty()) {
      chart.warn(codec.codec, "no decoder" + hardware, "install an FFmpeg that has one");
    } else {
      chart.ok(codec.codec, "decoded by " + codec.used + hardware);
    }
  }
  if (!system.rockchip) return;
  if (!rkmpp) {
    chart.note("rkmpp",
               "not in this FFmpeg: the processor decodes, and the board's video unit is idle",
               "an FFmpeg with rkmpp: docs/board.md");
    return;
  }
  for (const auto& device : board::read_device_files(files)) {
    const bool needed = device.path == "/dev/mpp_service" || device.path == "/dev/dma_heap/system";
    if (needed && !device.usable) {
      chart.warn("rkmpp", device.path + " may not be opened by this user", access_mend(device));
    }
  }
}

}  // namespace osprey::engine
