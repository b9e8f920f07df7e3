// SPDX-License-Identifier: Apache-2.0
// make_test_data FOLDER: models, a video and pictures with known answers for cli_test.py.
#include <cstdio>
#include <filesystem>

#include "base/try.hpp"
#include "media/video_writer.hpp"
#include "tests/support/openvino_ir.hpp"
#include "tests/support/test_models.hpp"
#include "tests/support/test_pictures.hpp"
#include "tests/support/tflite_model.hpp"

namespace {

using namespace osprey;

constexpr int kFrames = 300;
constexpr int kSide = 128;

// A red square that moves to the right and begins again, and a blue one that stands.
Image frame_of(int number) {
  const support::Spot spots[] = {{8 + number % 40, 16, 24, 24, 0}, {80, 88, 24, 24, 2}};
  return support::picture_of(kSide, kSide, spots);
}

Status make(const std::filesystem::path& folder) {
  OSPREY_TRY(support::write_spot_detector(folder / "spots.onnx"));
  support::SpotDetector two_names;
  two_names.names = {"red", "green"};
  OSPREY_TRY(support::write_spot_detector(folder / "two_names.onnx", two_names));
  OSPREY_TRY(support::write_classifier(folder / "classifier.onnx"));
  const std::vector<std::string> names = {"red", "green", "blue"};
  for (const std::string format : {"ir", "tflite"}) {
    std::filesystem::create_directory(folder / format);
    OSPREY_TRY(support::write_metadata_file(folder / format / "metadata.yaml", names));
  }
  support::SpotDetector nameless;
  nameless.names = {};
  OSPREY_TRY(support::write_spot_detector(folder / "nameless.onnx", nameless));
  OSPREY_TRY(support::write_openvino_ir(folder / "nameless.onnx", folder / "ir" / "spots.xml"));
  OSPREY_TRY(support::write_tflite_square_detector(folder / "tflite" / "squares.tflite"));
  std::filesystem::create_directory(folder / "pictures");
  for (const int number : {1, 2, 10}) {
    OSPREY_TRY(support::write_picture(
        frame_of(number), folder / "pictures" / ("img" + std::to_string(number) + ".png")));
  }
  // Too small for the network when the whole picture is shrunk into it; the last two lie across the
  // borders of tiles of 128.
  const support::Spot small[] = {
      {70, 50, 16, 16, 0}, {600, 640, 16, 16, 2}, {120, 300, 16, 16, 1}, {376, 504, 20, 20, 0}};
  OSPREY_TRY(support::write_picture(support::picture_of(768, 768, small), folder / "large.png"));
  auto writer = OSPREY_TRY(media::VideoWriter::create(folder / "video.mp4", kSide, kSide, {}));
  for (int i = 0; i < kFrames; ++i) {
    OSPREY_TRY(writer->write(frame_of(i), Timestamp{std::chrono::milliseconds(40 * i)}));
  }
  return writer->finish();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const auto status = make(argv[1]);
  if (!status) std::fprintf(stderr, "%s\n", status.error().message.c_str());
  return status ? 0 : 1;
}
