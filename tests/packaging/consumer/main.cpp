// SPDX-License-Identifier: Apache-2.0
// consumer MODEL PICTURE: what Detector finds, a line each, and how many Pipeline finds.
#include <osprey/detector.hpp>
#include <osprey/pipeline.hpp>

#include <cstdio>

namespace {

int fail(const osprey::Error& error) {
  std::fprintf(stderr, "%s\n", error.message.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const osprey::DetectorOptions options{.model = argv[1]};

  auto detector = osprey::Detector::create(options);
  if (!detector) return fail(detector.error());
  const auto picture = osprey::read_image(argv[2]);
  if (!picture) return fail(picture.error());
  const auto found = detector->detect(*picture);
  if (!found) return fail(found.error());
  for (const auto& d : *found) {
    std::printf("%.2f %.2f %.2f %.2f %.3f %s\n", d.box.x1, d.box.y1, d.box.x2, d.box.y2,
                d.confidence, detector->names()[static_cast<std::size_t>(d.label_id)].c_str());
  }

  auto pipeline = osprey::Pipeline::create({.detector = options, .sources = {argv[2]}});
  if (!pipeline) return fail(pipeline.error());
  std::size_t in_stream = 0;
  const auto status = pipeline->run([&](const osprey::StreamFrame& frame) -> osprey::Status {
    if (frame.error) return *frame.error;
    in_stream += frame.detections.size();
    return {};
  });
  if (!status) return fail(status.error());
  std::printf("pipeline %zu\n", in_stream);
  return 0;
}
