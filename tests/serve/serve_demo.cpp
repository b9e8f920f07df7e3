// SPDX-License-Identifier: Apache-2.0
// A server of a made service: pictures that move, events that happen, a status that counts.
//
//   serve_demo [token-file] [address]   prints its address; ends with its standard input
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include <poll.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "base/scratch_folder.hpp"
#include "serve/serve_testing.hpp"
#include "serve/server.hpp"

namespace {

using namespace osprey;
using serve::StreamStatus;

constexpr int kWidth = 960, kHeight = 540;

// A made scene: ground, a wall, and a figure that walks, boxed as Osprey boxes what it found.
std::string scene(int number, double seconds) {
  cv::Mat picture(kHeight, kWidth, CV_8UC3);
  for (int y = 0; y < kHeight; ++y) {
    const double depth = static_cast<double>(y) / kHeight;
    const cv::Scalar sky(150 - 50 * depth + 12 * number, 140 - 30 * depth, 120 - 10 * depth);
    const cv::Scalar ground(70 + 40 * depth, 82 + 40 * depth, 80 + 34 * depth + 8 * number);
    cv::line(picture, {0, y}, {kWidth, y}, y < kHeight * 45 / 100 ? sky : ground);
  }
  cv::rectangle(picture, cv::Rect(70 + 40 * number, 110, 240, 190), cv::Scalar(96, 104, 124), -1);
  cv::rectangle(picture, cv::Rect(150 + 40 * number, 190, 60, 110), cv::Scalar(60, 66, 92), -1);
  cv::fillConvexPoly(picture,
                     std::vector<cv::Point>{{420, 540}, {560, 250}, {640, 250}, {900, 540}},
                     cv::Scalar(128, 130, 132), cv::LINE_AA);
  const double walk = std::fmod(seconds * 0.05 + number * 0.31, 1.0);
  const cv::Point feet(static_cast<int>(260 + walk * 520),
                       static_cast<int>(470 - 90 * std::sin(walk * 3.14)));
  const int tall = 60 + feet.y / 6;
  cv::ellipse(picture, feet - cv::Point(0, tall / 2), cv::Size(tall / 6, tall / 3), 0, 0, 360,
              cv::Scalar(90, 60, 50), -1, cv::LINE_AA);
  cv::circle(picture, feet - cv::Point(0, tall * 9 / 10), tall / 9, cv::Scalar(130, 160, 205), -1,
             cv::LINE_AA);
  const cv::Rect box(feet.x - tall / 4, feet.y - tall - 6, tall / 2, tall + 6);
  const cv::Scalar colour(120, 200, 70);
  cv::rectangle(picture, box, colour, 2, cv::LINE_AA);
  cv::rectangle(picture, cv::Rect(box.x - 1, box.y - 20, 112, 20), colour, -1);
  cv::putText(picture, "person 0.91 #7", box.tl() + cv::Point(4, -5), cv::FONT_HERSHEY_SIMPLEX,
              0.42, cv::Scalar(20, 30, 10), 1, cv::LINE_AA);
  std::vector<unsigned char> jpeg;
  cv::imencode(".jpg", picture, jpeg, {cv::IMWRITE_JPEG_QUALITY, 80});
  return {jpeg.begin(), jpeg.end()};
}

std::string event_json(int number, std::int64_t now) {
  static constexpr const char* kTypes[] = {"new", "update", "end"};
  const std::string label = number % 4 == 1 ? "dog" : number % 5 == 2 ? "car" : "person";
  const std::string state =
      R"({"id":")" + std::to_string(now) + ".1-abc" + std::to_string(number / 3) +
      R"(","camera":")" + (number % 2 == 0 ? "door" : "drive") + R"(","label":")" + label +
      R"(","score":0.8)" + std::to_string(number % 10) + R"(,"top_score":0.93,"start_time":)" +
      std::to_string(now - 9) + R"(,"frame_time":)" + std::to_string(now) + R"(,"current_zones":)" +
      (number % 3 == 1 ? R"(["steps"])" : "[]") + R"(,"entered_zones":["steps"]})";
  return R"({"type":")" + std::string(kTypes[number % 3]) + R"(","before":)" + state +
         R"(,"after":)" + state + "}";
}

void make_status(serve::ServiceStatus& status) {
  status = serve::sample_status();
  StreamStatus& drive = status.streams[1];
  drive.name = "drive";
  status.streams[0].source = "rtsp://10.0.0.7/stream1";
  StreamStatus yard = status.streams[0];
  yard.name = "yard";
  yard.source = "rtsp://10.0.0.9/h265";
  yard.decoder = "hevc (rkmpp)";
  yard.declared_fps = yard.delivered_fps = yard.decoded_fps = 25;
  yard.results_fps = 24.9;
  yard.dropped.clear();
  yard.reconnects = 0;
  yard.diagnosis = "Everything the camera sends is looked at: 25.0 fps; three lanes are 31 % busy.";
  yard.zones.clear();
  yard.lines.clear();
  status.streams.push_back(yard);
  StreamStatus attic = yard;
  attic.name = "attic";
  attic.source = "/dev/video0";
  attic.decoder = "mjpeg (software)";
  attic.declared_fps = attic.delivered_fps = attic.decoded_fps = 30;
  attic.results_fps = 17.4;
  attic.dropped = {{"newer_frame", 5210}};
  attic.age_p50 = 0.071;
  attic.age_p99 = 0.143;
  attic.diagnosis =
      "The model is the limit: it takes 52 ms, lanes are 99 % busy; 12.6 of 30 fps are passed "
      "over.";
  status.streams.push_back(attic);
}

void count_on(serve::FakeService& service, double seconds, int round) {
  const std::lock_guard lock(service.mutex);
  service.now.uptime += 0.1;
  double phase = seconds;
  for (StreamStatus& stream : service.now.streams) {
    phase += 1.7;
    if (stream.state != "running") continue;
    stream.captured += 2;
    stream.delivered += 2;
    if (round % 5 == 0) {
      const double target = stream.name == "door" ? 15 : stream.name == "yard" ? 24.9 : 17.4;
      stream.results_fps = target + 0.6 * std::sin(phase) + 0.2 * std::sin(3.1 * phase);
    }
  }
  for (serve::LaneStatus& lane : service.now.lanes) {
    phase += 2;
    lane.load = 0.35 + 0.08 * std::sin(phase * 0.6);
    lane.busy_seconds += 0.1 * lane.load;
    lane.jobs += 3;
  }
}

}  // namespace

int main(int argc, char** argv) {
  auto folder = base::ScratchFolder::create();
  if (!folder.ok()) return 2;
  base::RealClock clock;
  serve::FakeService service;
  make_status(service.now);
  service.folder = folder->path().string();
  const auto now = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  for (const char* name : {"door-20260131-120000.mp4", "yard-20260131-113012.mp4"}) {
    std::ofstream(folder->path() / name) << std::string(100'000, 'x');
    service.recorded.push_back(
        {name, std::string(name).substr(0, 4), 100'000, now - std::chrono::minutes(7)});
  }
  service.kept["door"] = {{"steps",
                           false,
                           {{0.44, 0.98}, {0.585, 0.47}, {0.67, 0.47}, {0.93, 0.98}},
                           {"person", "dog"}},
                          {"gate", true, {{0.5, 0.62}, {0.78, 0.66}}, {}}};
  for (int i = 0; i < 12; ++i) {
    service.happen(
        i + 1,
        event_json(
            i, std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count() -
                   600 + 40L * i));
  }

  serve::ServerOptions options;
  options.address = argc > 2 ? argv[2] : "127.0.0.1:0";
  options.token_file = argc > 1 ? argv[1] : "";
  options.limits.requests_per_second = 1e6;
  options.limits.burst = 1e6;
  options.limits.wrong_tokens_per_second = 1e6;
  options.limits.wrong_tokens_burst = 1e6;
  const auto server = serve::Server::start(options, service, clock);
  if (!server.ok()) {
    std::cerr << server.error().message << "\n";
    return 2;
  }
  std::cout << (*server)->address() << std::endl;  // at once
  int events = 12;
  for (int round = 0;; ++round) {
    const double seconds = round * 0.1;
    for (int number = 0; const char* name : {"door", "yard", "attic"})
      service.show(name, scene(number++, seconds));
    count_on(service, seconds, round);
    if (round % 25 == 24) {
      const auto time = std::chrono::duration_cast<std::chrono::seconds>(
          std::chrono::system_clock::now().time_since_epoch());
      service.happen(events + 1, event_json(events, time.count()));
      ++events;
    }
    pollfd input{STDIN_FILENO, POLLIN, 0};
    char byte;
    if (poll(&input, 1, 100) > 0 && read(STDIN_FILENO, &byte, 1) <= 0) break;
  }
  (*server)->stop();
  return 0;
}
