// SPDX-License-Identifier: Apache-2.0
// track_file RATE [BUFFER]: detections of a file through Osprey's tracker, for comparisons.
//
// Reads lines "frame,label,left,top,width,height,confidence", frames rising, from standard input
// and writes MOTChallenge's lines of what has a track. A line "frame" alone is a frame that shows
// nothing. Frames that are absent were dropped. On standard error: microseconds a frame.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "tracking/tracker.hpp"

namespace {

using namespace osprey;

struct TimedFrame {
  long number = 0;
  std::vector<Detection> detections;
};

std::vector<TimedFrame> read_frames(std::istream& input) {
  std::vector<TimedFrame> frames;
  for (std::string line; std::getline(input, line);) {
    std::vector<double> n;
    std::istringstream fields(line);
    for (std::string field; std::getline(fields, field, ',');) n.push_back(std::stod(field));
    const auto number = static_cast<long>(n.at(0));
    if (frames.empty() || frames.back().number != number) frames.push_back({number, {}});
    if (n.size() < 7) continue;
    const auto edge = [&](std::size_t from, std::size_t size) {
      return static_cast<float>(n[from] + n[size]);
    };
    frames.back().detections.push_back(
        {{static_cast<float>(n[2]), static_cast<float>(n[3]), edge(2, 4), edge(3, 5)},
         static_cast<float>(n[6]),
         static_cast<std::int32_t>(n[1])});
  }
  return frames;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  tracking::TrackerOptions options;
  options.frame_rate = std::atof(argv[1]);
  if (argc > 2) options.track_buffer = std::atoi(argv[2]);
  auto tracker = tracking::Tracker::create(options);
  if (!tracker) {
    std::fprintf(stderr, "%s\n", tracker.error().message.c_str());
    return 2;
  }
  auto frames = read_frames(std::cin);
  std::chrono::duration<double> spent{0};
  for (auto& frame : frames) {
    const Timestamp now{
        Duration(std::llround(1e9 * static_cast<double>(frame.number) / options.frame_rate))};
    const auto begin = std::chrono::steady_clock::now();
    (*tracker)->update(frame.detections, now);
    spent += std::chrono::steady_clock::now() - begin;
    for (const auto& d : frame.detections) {
      if (d.track_id < 0) continue;
      std::printf("%ld,%lld,%.9g,%.9g,%.9g,%.9g,%.6g,-1,-1,-1\n", frame.number,
                  static_cast<long long>(d.track_id), double{d.box.x1}, double{d.box.y1},
                  double{d.box.width()}, double{d.box.height()}, double{d.confidence});
    }
  }
  std::fprintf(stderr, "%.1f us a frame\n",
               1e6 * spent.count() / static_cast<double>(frames.size()));
  return 0;
}
