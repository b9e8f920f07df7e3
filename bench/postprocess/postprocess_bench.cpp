// SPDX-License-Identifier: Apache-2.0
// Times decoding and NMS of one recorded output [1, 4+C, N]; run.py compares it with a peer.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "model/decoder.hpp"
#include "model/nms.hpp"

namespace {

using namespace osprey;

struct Arguments {
  std::string output_file;
  int classes = 80;
  int locations = 8400;
  int runs = 100;
  model::DecodeOptions decode;
  model::NmsOptions nms;
};

Arguments parse(CLI::App& app, int argc, char** argv) {
  Arguments args;
  app.add_option("output", args.output_file, "raw little-endian float32 file of [1, 4+C, N]")
      ->required();
  app.add_option("--classes", args.classes, "C")->check(CLI::PositiveNumber);
  app.add_option("--locations", args.locations, "N")->check(CLI::PositiveNumber);
  app.add_option("--runs", args.runs, "how often to time")->check(CLI::PositiveNumber);
  app.add_option("--conf", args.decode.conf, "least confidence");
  app.add_option("--iou", args.nms.iou, "largest overlap");
  app.add_option("--max-det", args.nms.max_det, "most detections");
  app.add_flag("--multi-label", args.decode.multi_label, "several classes a box");
  app.parse(argc, argv);
  return args;
}

std::vector<float> read_floats(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  std::vector<float> values(bytes.size() / sizeof(float));
  std::copy_n(bytes.data(), values.size() * sizeof(float), reinterpret_cast<char*>(values.data()));
  return values;
}

void print_json(const std::vector<Detection>& detections, const std::vector<double>& times) {
  std::printf("{\"detections\": [");
  for (std::size_t i = 0; i < detections.size(); ++i) {
    const auto& d = detections[i];
    std::printf("%s[%.9g, %.9g, %.9g, %.9g, %.9g, %d]", i == 0 ? "" : ", ", d.box.x1, d.box.y1,
                d.box.x2, d.box.y2, d.confidence, d.label_id);
  }
  std::printf("], \"microseconds\": [");
  for (std::size_t i = 0; i < times.size(); ++i) {
    std::printf("%s%.3f", i == 0 ? "" : ", ", times[i]);
  }
  std::printf("]}\n");
}

int run(const Arguments& args) {
  const auto values = read_floats(args.output_file);
  const TensorView view{values.data(), {1, args.classes + 4, args.locations}};
  if (view.size() != values.size()) {
    std::cerr << args.output_file << ": expected " << view.size() << " floats, got "
              << values.size() << '\n';
    return 2;
  }
  model::ModelSpec spec;
  spec.head.kind = model::HeadKind::kChannelsFirst;
  spec.head.classes = args.classes;
  const auto decoder = model::Decoder::create(spec, args.decode);
  if (!decoder.ok()) {
    std::cerr << decoder.error().message << '\n';
    return 2;
  }

  constexpr int kWarmUps = 10;
  std::vector<Detection> detections;
  std::vector<double> times;
  for (int i = -kWarmUps; i < args.runs; ++i) {
    detections.clear();
    const auto start = std::chrono::steady_clock::now();
    const auto decoded = (*decoder)->decode({&view, 1}, detections);
    model::nms(detections, args.nms);
    const auto stop = std::chrono::steady_clock::now();
    if (!decoded.ok()) {
      std::cerr << decoded.error().message << '\n';
      return 2;
    }
    if (i >= 0) times.push_back(std::chrono::duration<double, std::micro>(stop - start).count());
  }
  print_json(detections, times);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Times Osprey's decoding and NMS of one output"};
  try {
    return run(parse(app, argc, argv));
  } catch (const CLI::Error& error) {
    return app.exit(error);
  }
}
