// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <osprey/detector.hpp>
#include <osprey/pipeline.hpp>

#include <algorithm>
#include <cmath>

#include "base/file_testing.hpp"
#include "media/video_writer.hpp"
#include "tests/support/openvino_ir.hpp"
#include "tests/support/test_models.hpp"
#include "tests/support/test_pictures.hpp"
#include "tests/support/tflite_model.hpp"

namespace osprey {
namespace {

constexpr int kFrames = 60;

Image frame_of(int number) {
  const support::Spot spots[] = {{8 + number, 16, 24, 24, 0}, {80, 88, 24, 24, 2}};
  return support::picture_of(128, 128, spots);
}

bool near(const Box& a, const Box& b, float tolerance) {
  return std::abs(a.x1 - b.x1) <= tolerance && std::abs(a.y1 - b.y1) <= tolerance &&
         std::abs(a.x2 - b.x2) <= tolerance && std::abs(a.y2 - b.y2) <= tolerance;
}

class Detecting : public testing::Test {
 protected:
  std::string model(const support::SpotDetector& options = {}) {
    auto path = folder_ / "spots.onnx";
    const auto status = support::write_spot_detector(path, options);
    EXPECT_TRUE(status.ok());
    return path;
  }

  std::string video() {
    auto path = folder_ / "video.mp4";
    auto writer = media::VideoWriter::create(path, 128, 128, {});
    EXPECT_TRUE(writer.ok());
    for (int i = 0; i < kFrames; ++i) {
      EXPECT_TRUE((*writer)->write(frame_of(i), {std::chrono::milliseconds(40 * i)}).ok());
    }
    EXPECT_TRUE((*writer)->finish().ok());
    return path;
  }

  /// Both squares of a frame, under the first and the last name.
  static void expect_squares(const DetectorOptions& options, const std::vector<std::string>& names,
                             int number = 0) {
    auto detector = Detector::create(options);
    ASSERT_TRUE(detector.ok()) << detector.error().message;
    EXPECT_EQ(detector->names(), names);
    const auto found = detector->detect(frame_of(number));
    ASSERT_TRUE(found.ok()) << found.error().message;
    ASSERT_EQ(found->size(), 2u);
    const auto& red = (*found)[(*found)[0].label_id == 0 ? 0 : 1];
    const auto& blue = (*found)[(*found)[0].label_id == 0 ? 1 : 0];
    EXPECT_EQ(red.label_id, 0);
    EXPECT_EQ(blue.label_id, 2);
    const auto x = static_cast<float>(8 + number);
    EXPECT_TRUE(near(red.box, {x, 16, x + 24, 40}, 0.2f));
    EXPECT_TRUE(near(blue.box, {80, 88, 104, 112}, 0.2f));
  }

  base::TemporaryFolder folder_;
};

class EveryHead : public Detecting, public testing::WithParamInterface<support::SpotHead> {};

TEST_P(EveryHead, finds_the_squares_where_they_are) {
  support::SpotDetector options;
  options.head = GetParam();
  DetectorOptions detecting;
  detecting.model = model(options);
  detecting.conf = 0.5f;
  expect_squares(detecting, {"red", "green", "blue"}, 5);
}

INSTANTIATE_TEST_SUITE_P(Heads, EveryHead,
                         testing::Values(support::SpotHead::kChannelsFirst,
                                         support::SpotHead::kRows, support::SpotHead::kEndToEnd));

TEST_F(Detecting, an_ir_file_gets_its_names_from_the_metadata_file_beside_it) {
  DetectorOptions options;
  options.model = folder_ / "spots.xml";
  options.conf = 0.5f;
  support::SpotDetector nameless;
  nameless.names = {};
  ASSERT_TRUE(support::write_openvino_ir(model(nameless), options.model).ok());
  expect_squares(options, {"class0", "class1", "class2"});
  ASSERT_TRUE(
      support::write_metadata_file(folder_ / "metadata.yaml", {"ruby", "jade", "sky"}).ok());
  expect_squares(options, {"ruby", "jade", "sky"});
}

TEST_F(Detecting, tflite_files_find_the_squares_quantised_or_not) {
  DetectorOptions options;
  options.model = folder_ / "squares.tflite";
  options.conf = 0.75f;
  ASSERT_TRUE(
      support::write_metadata_file(folder_ / "metadata.yaml", {"red", "green", "blue"}).ok());
  using support::TfliteNumbers;
  for (const auto numbers :
       {TfliteNumbers::kFloat32, TfliteNumbers::kInt8, TfliteNumbers::kUint8}) {
    SCOPED_TRACE(static_cast<int>(numbers));
    ASSERT_TRUE(support::write_tflite_square_detector(options.model, {.numbers = numbers}).ok());
    expect_squares(options, {"red", "green", "blue"});
  }
}

TEST_F(Detecting, keeps_only_the_classes_asked_for) {
  DetectorOptions options;
  options.model = model();
  options.classes = {"blue"};
  auto detector = Detector::create(options);
  ASSERT_TRUE(detector.ok()) << detector.error().message;
  const auto found = detector->detect(frame_of(0));
  ASSERT_TRUE(found.ok());
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ((*found)[0].label_id, 2);
}

TEST_F(Detecting, an_empty_image_is_an_error) {
  DetectorOptions options;
  options.model = model();
  auto detector = Detector::create(options);
  ASSERT_TRUE(detector.ok());
  EXPECT_FALSE(detector->detect(Image{}).ok());
}

TEST_F(Detecting, a_model_with_the_wrong_count_of_names_is_refused_with_both_counts) {
  support::SpotDetector two;
  two.names = {"red", "green"};
  DetectorOptions options;
  options.model = model(two);
  const auto detector = Detector::create(options);
  ASSERT_FALSE(detector.ok());
  EXPECT_NE(detector.error().message.find('2'), std::string::npos);
  EXPECT_NE(detector.error().message.find('3'), std::string::npos);
}

TEST_F(Detecting, a_classifier_is_refused) {
  DetectorOptions options;
  options.model = folder_ / "classifier.onnx";
  ASSERT_TRUE(support::write_classifier(options.model).ok());
  const auto detector = Detector::create(options);
  ASSERT_FALSE(detector.ok());
  EXPECT_NE(detector.error().message.find("1000"), std::string::npos);
}

TEST_F(Detecting, options_out_of_range_are_refused) {
  DetectorOptions options;
  options.model = model();
  options.conf = 2;
  EXPECT_FALSE(Detector::create(options).ok());
}

TEST_F(Detecting, every_frame_of_a_stream_comes_once_in_order_with_its_boxes) {
  for (const int lanes : {1, 3}) {
    PipelineOptions options;
    options.detector.model = model();
    options.sources = {video(), video()};
    options.lanes = lanes;
    auto pipeline = Pipeline::create(options);
    ASSERT_TRUE(pipeline.ok()) << pipeline.error().message;
    std::vector<std::uint64_t> next(2, 0);
    const auto status = pipeline->run([&](const StreamFrame& frame) -> Status {
      EXPECT_EQ(frame.sequence, next[frame.stream]++);
      EXPECT_EQ(frame.timestamp_ns, static_cast<std::int64_t>(frame.sequence) * 40'000'000);
      EXPECT_EQ(frame.detections.size(), 2u);
      const float x = 8 + static_cast<float>(frame.sequence);
      EXPECT_TRUE(
          std::any_of(frame.detections.begin(), frame.detections.end(), [&](const Detection& d) {
            return near(d.box, {x, 16, x + 24, 40}, 1.5f);
          }));
      EXPECT_EQ(frame.image, nullptr);
      return {};
    });
    ASSERT_TRUE(status.ok()) << status.error().message;
    EXPECT_EQ(pipeline->counts().captured, 2u * kFrames);
    EXPECT_EQ(pipeline->counts().delivered, 2u * kFrames);
    EXPECT_EQ(pipeline->counts().dropped, 0u);
  }
}

TEST_F(Detecting, tiles_find_what_is_too_small_in_the_whole_picture) {
  const support::Spot small[] = {{70, 50, 16, 16, 0}, {376, 504, 20, 20, 0}, {600, 640, 16, 16, 2}};
  const Image picture = support::picture_of(768, 768, small);
  DetectorOptions options;
  options.model = model();
  options.conf = 0.5f;
  EXPECT_TRUE(Detector::create(options)->detect(picture)->empty());
  options.tiles = "128";
  options.overlap = 0.25f;
  options.with_frame = true;
  const auto found = *Detector::create(options)->detect(picture);
  ASSERT_EQ(found.size(), std::size(small));
  for (const auto& spot : small) {
    EXPECT_TRUE(std::any_of(found.begin(), found.end(), [&](const Detection& d) {
      return d.label_id == spot.label && near(d.box, spot.box(), 1.5f);
    }));
  }
  options.overlap = 2;
  EXPECT_FALSE(Detector::create(options).ok());
}

TEST_F(Detecting, a_plan_runs_several_models_whose_results_say_which_is_whose) {
  PipelineOptions options;
  options.sources = {video()};
  options.plan = folder_ / "plan.yaml";
  base::write_text(options.plan, "conf: 0.5\nmodels:\n- {model: " + model() +
                                     ", name: warm, classes: red}\n- {model: " + model() +
                                     ", name: cold, classes: blue, map: {blue: ice}}\n");
  auto pipeline = Pipeline::create(options);
  ASSERT_TRUE(pipeline.ok()) << pipeline.error().message;
  EXPECT_EQ(pipeline->model_names(), (std::vector<std::string>{"warm", "cold"}));
  EXPECT_EQ(pipeline->names(), (std::vector<std::string>{"red", "green", "blue", "ice"}));
  const auto status = pipeline->run([&](const StreamFrame& frame) -> Status {
    EXPECT_EQ(frame.detections.size(), 2u);
    for (const auto& found : frame.detections) EXPECT_EQ(found.label_id, found.model == 0 ? 0 : 3);
    return {};
  });
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(pipeline->counts().delivered, static_cast<std::uint64_t>(kFrames));
}

TEST_F(Detecting, an_error_from_the_callback_ends_the_run) {
  PipelineOptions options;
  options.detector.model = model();
  options.sources = {video()};
  options.keep_pixels = true;
  auto pipeline = Pipeline::create(options);
  ASSERT_TRUE(pipeline.ok());
  const auto status = pipeline->run([](const StreamFrame& frame) -> Status {
    EXPECT_NE(frame.image, nullptr);
    if (frame.sequence == 7) return Error{ErrorCode::kIo, "enough"};
    return {};
  });
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message, "enough");
  const auto counts = pipeline->counts();
  EXPECT_EQ(counts.captured, counts.delivered + counts.dropped);
}

TEST_F(Detecting, stopping_from_the_callback_is_a_success_and_nothing_is_lost) {
  PipelineOptions options;
  options.detector.model = model();
  options.sources = {video()};
  auto pipeline = Pipeline::create(options);
  ASSERT_TRUE(pipeline.ok());
  std::uint64_t seen = 0;
  const auto status = pipeline->run([&](const StreamFrame&) -> Status {
    if (++seen == 5) pipeline->stop();
    return {};
  });
  ASSERT_TRUE(status.ok()) << status.error().message;
  EXPECT_EQ(pipeline->counts().delivered, seen);
  EXPECT_EQ(pipeline->counts().captured, seen);
  EXPECT_FALSE(pipeline->run([](const StreamFrame&) -> Status { return {}; }).ok());
}

}  // namespace
}  // namespace osprey
