// SPDX-License-Identifier: Apache-2.0
// Models of every format, loaded and run; files that are none; what is kept between runs.
#include <gmock/gmock.h>

#include <chrono>
#include <filesystem>
#include <optional>

#include "runtime/openvino/openvino_testing.hpp"
#include "tests/support/openvino_ir.hpp"
#include "tests/support/test_models.hpp"
#include "tests/support/test_pictures.hpp"
#include "tests/support/tflite_model.hpp"

namespace osprey::runtime {
namespace {

namespace fs = std::filesystem;
using support::TfliteNumbers;
using testing::FloatNear;
using testing::HasSubstr;
using testing::Not;
using testing::Pointwise;
using testing::StartsWith;

constexpr int kSide = 128;
constexpr int kCell = 8;
constexpr int kCells = kSide / kCell * (kSide / kCell);
constexpr int kClasses = 3;

/// A picture as a network gets it.
Bytes rgb_of(const Image& picture) {
  const auto& plane = picture.planes[0];
  Bytes bytes;
  for (std::ptrdiff_t y = 0; y < picture.height; ++y) {
    const auto* row = plane.data + y * plane.stride;
    for (int x = 0; x < picture.width; ++x, row += 3) {
      bytes.insert(bytes.end(), {row[2], row[1], row[0]});
    }
  }
  return bytes;
}

/// What the detectors of tests/support see: 0..1.
model::InputSpec detector_input(int width = kSide, int height = kSide) {
  model::InputSpec input;
  input.width = width;
  input.height = height;
  return input;
}

constexpr support::Spot kSpots[] = {{10, 14, 20, 16, 0}, {88, 6, 24, 24, 1}, {41, 90, 30, 22, 2}};

/// Of a class of [1, 4+C, N]: cx, cy, w, h, score of its likeliest candidate.
Floats best_of(const Floats& output, int label) {
  const auto count = static_cast<std::ptrdiff_t>(output.size()) / (4 + kClasses);
  const auto scores = output.begin() + (4 + label) * count;
  const auto best = std::max_element(scores, scores + count) - scores;
  Floats candidate;
  for (std::ptrdiff_t i : {0, 1, 2, 3, 4 + label}) candidate.push_back(output[i * count + best]);
  return candidate;
}

void expect_spots(const Floats& output, float tolerance) {
  for (const auto& spot : kSpots) {
    const auto found = best_of(output, spot.label);
    const auto box = spot.box();
    const Floats expected = {(box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2, box.width(),
                             box.height()};
    EXPECT_GT(found[4], 0.7f) << spot.label;
    EXPECT_THAT(Floats(found.begin(), found.begin() + 4), Pointwise(FloatNear(tolerance), expected))
        << spot.label;
  }
}

/// What write_tflite_square_detector promises, computed the plain way.
Floats squares_expected(const Bytes& rgb) {
  constexpr int kReach = 12;
  Floats output(static_cast<std::size_t>(kCells) * (4 + kClasses));
  for (int cell = 0; cell < kCells; ++cell) {
    const int x = cell % (kSide / kCell) * kCell + kCell / 2;
    const int y = cell / (kSide / kCell) * kCell + kCell / 2;
    Floats values = {static_cast<float>(x), static_cast<float>(y), 2 * kReach, 2 * kReach};
    for (int label = 0; label < kClasses; ++label) {
      int sum = 0;
      for (int v = std::max(0, y - kReach); v < std::min(kSide, y + kReach); ++v) {
        for (int u = std::max(0, x - kReach); u < std::min(kSide, x + kReach); ++u) {
          const auto* pixel = &rgb[static_cast<std::size_t>(v * kSide + u) * 3];
          sum += 2 * pixel[label] - pixel[0] - pixel[1] - pixel[2];
        }
      }
      values.push_back(std::max(0.f, static_cast<float>(sum) / (255 * 4 * kReach * kReach)));
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
      output[i * kCells + static_cast<std::size_t>(cell)] = values[i];
    }
  }
  return output;
}

/// While it lives, what is printed is kept; then nothing must have been.
class Silence {
 public:
  Silence() {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
  }
  ~Silence() {
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
    EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;
};

class OpenVinoBackendTest : public OpenVinoTest {
 protected:
  std::string write(const std::string& name, const std::string& content) const {
    base::write_text(folder_ / name, content);
    return folder_ / name;
  }
  std::string onnx(const support::SpotDetector& options = {}) const {
    auto path = folder_ / "spots.onnx";
    must(support::write_spot_detector(path, options));
    return path;
  }
  std::string ir(const std::string& name = "spots.xml", bool half = false) const {
    must(support::write_openvino_ir(onnx(), folder_ / name, half));
    return folder_ / name;
  }
  std::string tflite(TfliteNumbers numbers = TfliteNumbers::kFloat32) const {
    auto path = folder_ / ("squares" + std::to_string(static_cast<int>(numbers)) + ".tflite");
    must(support::write_tflite_square_detector(path, {.numbers = numbers}));
    return path;
  }
};

TEST_F(OpenVinoBackendTest, every_format_says_what_it_is) {
  const Shape planes = {1, 3, kSide, kSide}, pixels = {1, kSide, kSide, 3};
  const std::string names = "{0: 'red', 1: 'green', 2: 'blue'}";
  const struct {
    std::string path, format, precision;
    Shape input;
    ElementType type;
    std::optional<std::string> names;
  } cases[] = {
      {onnx(), "ONNX", "FP32", planes, ElementType::kFloat32, names},
      {ir(), "OpenVINO IR", "FP32", planes, ElementType::kFloat32, names},
      {ir("half.xml", true), "OpenVINO IR", "FP16", planes, ElementType::kFloat32, names},
      {tflite(), "TFLite", "FP32", pixels, ElementType::kFloat32, {}},
      {tflite(TfliteNumbers::kInt8), "TFLite", "INT8", pixels, ElementType::kInt8, {}},
      {tflite(TfliteNumbers::kUint8), "TFLite", "INT8", pixels, ElementType::kUint8, {}},
  };
  for (const auto& expected : cases) {
    SCOPED_TRACE(expected.path);
    const auto loaded = must(backend_->load(expected.path));
    const auto& said = loaded->description();
    EXPECT_EQ(said.path, expected.path);
    EXPECT_EQ(said.format, expected.format);
    EXPECT_EQ(said.precision, expected.precision);
    ASSERT_EQ(said.inputs.size(), 1u);
    EXPECT_EQ(said.inputs[0].name, "images");
    EXPECT_EQ(said.inputs[0].shape, expected.input);
    EXPECT_EQ(said.inputs[0].type, expected.type);
    ASSERT_EQ(said.outputs.size(), 1u);
    EXPECT_EQ(said.outputs[0].name, "output0");
    EXPECT_EQ(said.outputs[0].shape, (Shape{1, 4 + kClasses, kCells}));
    EXPECT_EQ(said.outputs[0].type, expected.type);
    const auto found = said.metadata.find("names");
    EXPECT_EQ(found == said.metadata.end() ? std::nullopt : std::optional(found->second),
              expected.names);
  }
}

TEST_F(OpenVinoBackendTest, onnx_and_ir_files_give_the_known_answers) {
  const auto picture = rgb_of(support::picture_of(kSide, kSide, kSpots));
  expect_spots(infer(*lane_of(onnx(), detector_input()), picture), 0.1f);
  expect_spots(infer(*lane_of(ir(), detector_input()), picture), 0.1f);
  expect_spots(infer(*lane_of(ir("half.xml", true), detector_input()), picture), 0.5f);
}

TEST_F(OpenVinoBackendTest, tflite_files_give_the_known_answers) {
  const auto picture = rgb_of(support::picture_of(kSide, kSide, kSpots));
  const auto expected = squares_expected(picture);
  ASSERT_GT(best_of(expected, 1)[4], 0.7f);
  for (const auto numbers :
       {TfliteNumbers::kFloat32, TfliteNumbers::kInt8, TfliteNumbers::kUint8}) {
    SCOPED_TRACE(static_cast<int>(numbers));
    // Half a step by the last rounding, and what comes of the rounding of the scores before it.
    const float tolerance =
        numbers == TfliteNumbers::kFloat32 ? 1e-4f : support::kTfliteOutputStep / 2 + 1.f / 255;
    const auto lane = lane_of(tflite(numbers), detector_input());
    EXPECT_THAT(infer(*lane, picture), Pointwise(FloatNear(tolerance), expected));
  }
}

TEST_F(OpenVinoBackendTest, an_int8_onnx_file_says_so_and_is_right_within_a_step) {
  constexpr int kWidth = 8, kHeight = 4;
  const auto path = folder_ / "differences.onnx";
  must(support::write_quantized_differences(path, kWidth, kHeight));
  const auto loaded = must(backend_->load(path));
  EXPECT_EQ(loaded->description().precision, "INT8");
  EXPECT_EQ(loaded->description().inputs[0].type, ElementType::kFloat32);
  EXPECT_EQ(loaded->description().outputs[0].type, ElementType::kFloat32);
  EXPECT_EQ(loaded->description().parameters, 9);

  const auto picture = pattern(std::size_t{3} * kWidth * kHeight);
  const auto session = must(loaded->compile(detector_input(kWidth, kHeight), {.lanes = 1}));
  const auto output = infer(*must(session->create_lane()), picture);
  Floats expected;
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t i = 0; i < picture.size(); i += 3) {
      expected.push_back(static_cast<float>(picture[i + c] - picture[i + (c + 1) % 3]) / 255);
    }
  }
  EXPECT_THAT(output, Pointwise(FloatNear(support::kDifferenceStep), expected));
}

TEST_F(OpenVinoBackendTest, an_open_size_becomes_that_of_the_input) {
  const auto path = onnx({.dynamic = true});
  const auto loaded = must(backend_->load(path));
  EXPECT_EQ(loaded->description().inputs[0].shape, (Shape{-1, 3, -1, -1}));
  EXPECT_EQ(loaded->description().outputs[0].shape, (Shape{-1, 7, -1}));
  constexpr int kWidth = 160, kHeight = 128;  // 20 x 16 cells
  const auto session = must(loaded->compile(detector_input(kWidth, kHeight), {.lanes = 1}));
  const auto lane = must(session->create_lane());
  expect_spots(infer(*lane, rgb_of(support::picture_of(kWidth, kHeight, kSpots))), 0.1f);
  EXPECT_EQ(lane->outputs(0, 0)[0].shape, (Shape{1, 7, 320}));
}

TEST_F(OpenVinoBackendTest, every_precision_gives_the_known_answers_or_an_error) {
  const auto picture = rgb_of(support::picture_of(kSide, kSide, kSpots));
  const auto loaded = must(backend_->load(onnx()));
  for (const auto precision : {Precision::kFp32, Precision::kAuto, Precision::kBf16}) {
    const auto session = loaded->compile(detector_input(), {.lanes = 1, .precision = precision});
    if (!session.ok()) {
      EXPECT_EQ(precision, Precision::kBf16);
      EXPECT_THAT(session.error().message, StartsWith(folder_ / "spots.onnx"));
      continue;
    }
    const auto& computes = *session.value();
    const auto said = computes.precision();
    if (precision == Precision::kFp32) {
      EXPECT_EQ(said, "f32");
    } else if (computes.has_fast_bf16()) {
      EXPECT_EQ(said, "bf16");
    } else {
      EXPECT_THAT(said, testing::AnyOf("f32", "f16"));  // ARM's processors have the latter
    }
    const bool exact = said == "f32";
    EXPECT_NE(computes.device(), "");
    expect_spots(infer(*must(session.value()->create_lane()), picture), exact ? 0.1f : 4.f);
  }
}

TEST_F(OpenVinoBackendTest, nothing_is_printed_on_the_way_from_a_file_to_its_answers) {
  for (const auto& path : {onnx(), ir(), tflite(), tflite(TfliteNumbers::kInt8)}) {
    const Silence silence;
    const auto lane = lane_of(path, detector_input());
    infer(*lane, Bytes(std::size_t{3} * kSide * kSide, 128));
  }
}

TEST_F(OpenVinoBackendTest, files_that_are_no_models_are_errors_that_name_them) {
  const auto whole = [&](const std::string& path, std::size_t percent) {
    const auto content = base::read_text(path);
    return content.substr(0, content.size() * percent / 100);
  };
  const auto with_weights = [&](const std::string& name, const std::string& content) {
    fs::copy(folder_ / "spots.bin", folder_ / name + ".bin");
    return write(name + ".xml", content);
  };
  const auto xml = ir(), flat = tflite(), proto = onnx();
  fs::create_directory(folder_ / "folder.onnx");
  const struct {
    std::string path;
    ErrorCode code;
    std::string says;
  } cases[] = {
      {folder_ / "absent.onnx", ErrorCode::kNotFound, "no such"},
      {proto + "/below_a_file.onnx", ErrorCode::kNotFound, "no such"},
      {folder_ / "folder.onnx", ErrorCode::kInvalidArgument, "folder"},
      {write("empty.onnx", ""), ErrorCode::kCorrupt, "empty"},
      {write("empty.xml", ""), ErrorCode::kCorrupt, "empty"},
      {write("empty.tflite", ""), ErrorCode::kCorrupt, "empty"},
      {write("text.onnx", "hello\n"), ErrorCode::kCorrupt, "ONNX"},
      // Begins as the first number of an ONNX file does.
      {write("tag.onnx", "\x08 and what else people write"), ErrorCode::kCorrupt, "ONNX"},
      {write("text.xml", "hello\n"), ErrorCode::kCorrupt, "OpenVINO IR"},
      {write("page.xml", "<?xml version=\"1.0\"?><html></html>"), ErrorCode::kCorrupt,
       "OpenVINO IR"},
      {write("text.tflite", "hello, and more than a header"), ErrorCode::kCorrupt, "TFLite"},
      {write("half.onnx", whole(proto, 50)), ErrorCode::kCorrupt, "ONNX"},
      {write("most.onnx", whole(proto, 99)), ErrorCode::kCorrupt, "ONNX"},
      {with_weights("half", whole(xml, 50)), ErrorCode::kCorrupt, "OpenVINO IR"},
      {with_weights("most", whole(xml, 99)), ErrorCode::kCorrupt, "OpenVINO IR"},
      {write("half.tflite", whole(flat, 50)), ErrorCode::kCorrupt, "TFLite"},
      {write("most.tflite", whole(flat, 99)), ErrorCode::kCorrupt, "TFLite"},
      {write("no_weights.xml", whole(xml, 100)), ErrorCode::kCorrupt, "bin file"},
      {write("other.tflite", whole(proto, 100)), ErrorCode::kCorrupt, "TFLite"},
      {write("other.onnx", whole(flat, 100)), ErrorCode::kCorrupt, "ONNX"},
      {write("model.pt", "x"), ErrorCode::kUnsupported, "yolo export format=onnx"},
      {write("model.weights", "x"), ErrorCode::kUnsupported, "osprey import"},
      {write("model", "x"), ErrorCode::kUnsupported, "expected .onnx"},
  };
  for (const auto& expected : cases) {
    SCOPED_TRACE(expected.path);
    const auto loaded = [&] {
      const Silence silence;
      return backend_->load(expected.path);
    }();
    ASSERT_FALSE(loaded.ok());
    EXPECT_EQ(loaded.error().code, expected.code);
    EXPECT_THAT(loaded.error().message, StartsWith(expected.path + ": "));
    EXPECT_THAT(loaded.error().message, HasSubstr(expected.says));
    EXPECT_THAT(loaded.error().message, Not(HasSubstr("\n")));
  }
}

TEST_F(OpenVinoBackendTest, a_cache_folder_spares_the_second_compilation) {
  const auto picture = rgb_of(support::picture_of(kSide, kSide, kSpots));
  const auto cache = folder_ / "new/cache";
  const auto path = onnx();
  const SessionOptions options{.lanes = 1, .cache_dir = cache};
  expect_spots(infer(*must(compile(path, detector_input(), options)->create_lane()), picture),
               0.1f);
  const std::vector<fs::path> kept(fs::directory_iterator(cache), fs::directory_iterator{});
  ASSERT_EQ(kept.size(), 1u);

  // What is compiled anew is written anew.
  const auto long_ago = fs::last_write_time(kept[0]) - std::chrono::hours(1);
  fs::last_write_time(kept[0], long_ago);
  const auto lane = must(compile(path, detector_input(), options)->create_lane());
  EXPECT_EQ(fs::last_write_time(kept[0]), long_ago);
  EXPECT_EQ(std::distance(fs::directory_iterator(cache), fs::directory_iterator{}), 1);
  expect_spots(infer(*lane, picture), 0.1f);

  write("new/cache/" + kept[0].filename().string(), "damaged");
  const auto again = must(compile(path, detector_input(), options)->create_lane());
  expect_spots(infer(*again, picture), 0.1f);
  EXPECT_GT(fs::file_size(kept[0]), 7u);
}

TEST_F(OpenVinoBackendTest, a_cache_folder_that_cannot_be_made_is_an_error_that_names_it) {
  const auto loaded = must(backend_->load(onnx()));
  const auto cache = folder_ / "spots.onnx" + "/cache";
  const Silence silence;
  const auto session = loaded->compile(detector_input(), {.lanes = 1, .cache_dir = cache});
  ASSERT_FALSE(session.ok());
  EXPECT_THAT(session.error().message, HasSubstr(cache));
}

}  // namespace
}  // namespace osprey::runtime
