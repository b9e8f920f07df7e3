// SPDX-License-Identifier: Apache-2.0
// detect_picture MODEL PICTURE: what is in a picture, one object a line.
#include <osprey/detector.hpp>

#include <cstdio>

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: detect_picture MODEL PICTURE\n");
    return 2;
  }
  const auto fail = [](const osprey::Error& error) {
    std::fprintf(stderr, "%s\n", error.message.c_str());
    return 2;
  };

  // Reading and compiling the model takes most of the time: keep the detector for many pictures.
  auto detector = osprey::Detector::create({.model = argv[1], .conf = 0.4f});
  if (!detector) return fail(detector.error());

  const auto picture = osprey::read_image(argv[2]);
  if (!picture) return fail(picture.error());

  const auto found = detector->detect(*picture);
  if (!found) return fail(found.error());

  for (const auto& d : *found) {
    const auto& name = detector->names()[static_cast<std::size_t>(d.label_id)];
    std::printf("%-12s %.2f  at %.0f,%.0f to %.0f,%.0f\n", name.c_str(), d.confidence, d.box.x1,
                d.box.y1, d.box.x2, d.box.y2);
  }
}
