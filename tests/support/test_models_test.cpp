// SPDX-License-Identifier: Apache-2.0
// The known answers that test_models.hpp promises, in OpenVINO.
#include "tests/support/test_models.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <openvino/openvino.hpp>
#include <random>

#include "onnx/model.hpp"
#include "tests/support/test_pictures.hpp"

namespace osprey::support {
namespace {

namespace fs = std::filesystem;

constexpr float kCandidate = 0.1f;  // scores below are background
constexpr float kFound = 0.7f;

cv::Mat mat_of(const Image& picture) {
  return cv::Mat(picture.height, picture.width, CV_8UC3,
                 const_cast<std::uint8_t*>(picture.planes[0].data),
                 static_cast<std::size_t>(picture.planes[0].stride))
      .clone();
}

class SpotDetectorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    path_ = (fs::path(::testing::TempDir()) / (std::string("osprey_") + info->name() + ".onnx"))
                .string();
  }
  void TearDown() override { fs::remove(path_); }

  void load(const SpotDetector& options) {
    const Status written = write_spot_detector(path_, options);
    ASSERT_TRUE(written.ok()) << written.error().message;
    head_ = options.head;
    auto model = core_.read_model(path_);
    if (options.dynamic) {
      EXPECT_TRUE(model->input().get_partial_shape()[2].is_dynamic());
      model->reshape({1, 3, options.height, options.width});
    }
    request_ = core_.compile_model(model, "CPU", ov::hint::inference_precision(ov::element::f32))
                   .create_infer_request();
  }

  /// All candidates above kCandidate in the picture, which is of the input's size.
  std::vector<Detection> detect(const cv::Mat& bgr) {
    ov::Tensor input = request_.get_input_tensor();
    const auto plane = static_cast<std::size_t>(bgr.total());
    float* data = input.data<float>();
    for (int y = 0; y < bgr.rows; ++y) {
      for (int x = 0; x < bgr.cols; ++x) {
        const auto& pixel = bgr.at<cv::Vec3b>(y, x);
        const auto at = static_cast<std::size_t>(y * bgr.cols + x);
        for (int c = 0; c < 3; ++c) {
          data[static_cast<std::size_t>(c) * plane + at] = static_cast<float>(pixel[2 - c]) / 255;
        }
      }
    }
    request_.infer();
    return candidates(request_.get_output_tensor());
  }
  std::vector<Detection> detect(const Image& picture) { return detect(mat_of(picture)); }

  std::vector<Detection> candidates(const ov::Tensor& output) const {
    const ov::Shape shape = output.get_shape();
    const float* data = output.data<const float>();
    const bool columns = head_ == SpotHead::kChannelsFirst;
    const std::size_t count = shape[columns ? 2 : 1], numbers = shape[columns ? 1 : 2];
    std::vector<Detection> found;
    for (std::size_t i = 0; i < count; ++i) {
      const auto at = [&](std::size_t k) {
        return columns ? data[k * count + i] : data[i * numbers + k];
      };
      if (head_ == SpotHead::kEndToEnd) {
        if (at(4) > kCandidate) {
          found.push_back({{at(0), at(1), at(2), at(3)}, at(4), static_cast<int>(at(5))});
        }
        continue;
      }
      const std::size_t first = columns ? 4 : 5;
      for (std::size_t c = 0; c < 3; ++c) {
        const float score = at(first + c) * (columns ? 1 : at(4));
        if (score <= kCandidate) continue;
        found.push_back(
            {{at(0) - at(2) / 2, at(1) - at(3) / 2, at(0) + at(2) / 2, at(1) + at(3) / 2},
             score,
             static_cast<int>(c)});
      }
    }
    return found;
  }

  /// Every candidate is one of the spots and every spot is found.
  static void expect_spots(const std::vector<Detection>& found, const std::vector<Spot>& spots,
                           float tolerance) {
    std::vector<float> best(spots.size(), 0.f);
    for (const auto& detection : found) {
      const auto spot = std::ranges::find_if(spots, [&](const Spot& s) {
        const Box box = s.box();
        return s.label == detection.label_id && std::abs(box.x1 - detection.box.x1) <= tolerance &&
               std::abs(box.y1 - detection.box.y1) <= tolerance &&
               std::abs(box.x2 - detection.box.x2) <= tolerance &&
               std::abs(box.y2 - detection.box.y2) <= tolerance;
      });
      ASSERT_NE(spot, spots.end()) << "label " << detection.label_id << " " << detection.confidence
                                   << ": " << detection.box.x1 << " " << detection.box.y1 << " "
                                   << detection.box.x2 << " " << detection.box.y2;
      float& mine = best[static_cast<std::size_t>(spot - spots.begin())];
      mine = std::max(mine, detection.confidence);
    }
    for (std::size_t i = 0; i < spots.size(); ++i) {
      EXPECT_GT(best[i], kFound) << "at " << spots[i].x << ", " << spots[i].y;
    }
  }

  std::string path_;
  SpotHead head_ = SpotHead::kChannelsFirst;
  ov::Core core_;
  ov::InferRequest request_;
};

TEST_F(SpotDetectorTest, finds_a_rectangle_of_any_promised_size_anywhere) {
  load({});
  std::mt19937 random(3);  // NOLINT: the same in each run
  const auto between = [&](int lowest, int highest) {
    return std::uniform_int_distribution<int>(lowest, highest)(random);
  };
  for (int i = 0; i < 200; ++i) {
    const int width = between(6, 48), height = between(6, 48);
    const Spot spot{between(0, 128 - width), between(0, 128 - height), width, height, i % 3};
    SCOPED_TRACE(std::to_string(width) + "x" + std::to_string(height) + " at " +
                 std::to_string(spot.x) + ", " + std::to_string(spot.y));
    expect_spots(detect(picture_of(128, 128, {&spot, 1})), {spot}, 0.1f);
    if (HasFailure()) return;
  }
}

TEST_F(SpotDetectorTest, only_neighbours_at_a_border_report_the_same_rectangle) {
  load({});
  const Spot middle{50, 50, 20, 20, 0};  // centre 60, 60: the middle of a cell
  EXPECT_EQ(detect(picture_of(128, 128, {&middle, 1})).size(), 1u);
  const Spot border{54, 50, 20, 20, 0};  // centre 64, 60: between two
  EXPECT_EQ(detect(picture_of(128, 128, {&border, 1})).size(), 2u);
}

TEST_F(SpotDetectorTest, tells_colours_apart_that_lie_close_together) {
  load({});
  const std::vector<Spot> spots = {{10, 10, 20, 16, 0}, {34, 10, 20, 16, 1}, {10, 30, 12, 30, 2},
                                   {90, 90, 30, 30, 0}, {84, 20, 10, 40, 1}, {60, 100, 20, 20, 2}};
  expect_spots(detect(picture_of(128, 128, spots)), spots, 0.1f);
}

TEST_F(SpotDetectorTest, sees_nothing_in_what_is_no_pure_colour) {
  load({});
  const cv::Scalar kOthers[] = {{0, 0, 0},     {128, 128, 128}, {255, 255, 255},
                                {0, 255, 255}, {255, 255, 0},   {255, 0, 255}};
  for (const auto& colour : kOthers) {
    cv::Mat picture(128, 128, CV_8UC3, cv::Scalar(16, 16, 16));
    cv::rectangle(picture, cv::Rect(40, 40, 24, 24), colour, cv::FILLED);
    EXPECT_TRUE(detect(picture).empty()) << colour;
    for (std::size_t i = 4 * 256; i < 7 * 256; ++i) {
      ASSERT_LT(request_.get_output_tensor().data<const float>()[i], 0.01f) << colour;
    }
  }
}

TEST_F(SpotDetectorTest, finds_rectangles_after_scaling_and_compression) {
  load({});
  const std::vector<Spot> spots = {
      {80, 40, 80, 60, 0}, {328, 200, 60, 100, 1}, {60, 328, 92, 92, 2}};
  cv::Mat small;
  cv::resize(mat_of(picture_of(512, 512, spots)), small, {128, 128}, 0, 0, cv::INTER_LINEAR);
  std::vector<std::uint8_t> jpeg;
  cv::imencode(".jpg", small, jpeg, {cv::IMWRITE_JPEG_QUALITY, 90});
  std::vector<Spot> expected;
  for (const auto& s : spots) {
    expected.push_back({s.x / 4, s.y / 4, s.width / 4, s.height / 4, s.label});
  }
  expect_spots(detect(cv::imdecode(jpeg, cv::IMREAD_COLOR)), expected, 1.5f);
}

TEST_F(SpotDetectorTest, every_head_says_the_same) {
  const std::vector<Spot> spots = {{10, 10, 20, 16, 0}, {40, 10, 21, 16, 1}, {11, 36, 12, 20, 2}};
  for (const auto head : {SpotHead::kRows, SpotHead::kEndToEnd}) {
    for (const bool dynamic : {false, true}) {
      load({.width = 96, .height = 80, .head = head, .dynamic = dynamic});
      expect_spots(detect(picture_of(96, 80, spots)), spots, 0.1f);
    }
  }
}

TEST_F(SpotDetectorTest, end_to_end_rows_are_sorted_and_without_doubles) {
  load({.head = SpotHead::kEndToEnd});
  EXPECT_EQ(request_.get_output_tensor().get_shape(), (ov::Shape{1, 100, 6}));
  const std::vector<Spot> spots = {{10, 10, 20, 16, 0}, {43, 10, 21, 18, 1}};
  const auto found = detect(picture_of(128, 128, spots));
  ASSERT_EQ(found.size(), 2u);
  EXPECT_GE(found[0].confidence, found[1].confidence);
}

TEST_F(SpotDetectorTest, takes_any_size_when_dynamic) {
  const Spot spot{100, 20, 30, 30, 1};
  load({.width = 256, .height = 64, .dynamic = true});
  expect_spots(detect(picture_of(256, 64, {&spot, 1})), {spot}, 0.1f);
}

TEST_F(SpotDetectorTest, declares_what_it_is) {
  load({.width = 64, .names = {"one", "two"}});
  auto model = onnx::Model::read(path_);
  ASSERT_TRUE(model.ok());
  EXPECT_EQ(model->metadata().at("names"), "{0: 'one', 1: 'two'}");
  EXPECT_EQ(model->metadata().at("task"), "detect");
  EXPECT_EQ(model->inputs()[0].shape, (Shape{1, 3, 128, 64}));
  EXPECT_EQ(model->outputs()[0].shape, (Shape{1, 7, 128}));
  EXPECT_EQ(request_.get_output_tensor().get_shape(), (ov::Shape{1, 7, 128}));
  EXPECT_FALSE(write_spot_detector(path_, {.width = 60}).ok());

  ASSERT_TRUE(write_spot_detector(path_, {.names = {}}).ok());
  EXPECT_FALSE(onnx::Model::read(path_)->metadata().contains("names"));
}

TEST_F(SpotDetectorTest, the_classifier_is_none_of_these) {
  ASSERT_TRUE(write_classifier(path_, "classify").ok());
  auto request = core_.compile_model(path_, "CPU").create_infer_request();
  request.infer();
  EXPECT_EQ(request.get_output_tensor().get_shape(), (ov::Shape{1, 1000}));
  EXPECT_EQ(onnx::Model::read(path_)->metadata().at("task"), "classify");
}

TEST(TestPictures, a_written_picture_reads_as_it_was) {
  const Spot spots[] = {{-5, 3, 10, 4, 0}, {12, 8, 10, 10, 2}};
  const Image picture = picture_of(20, 12, spots);
  const std::string path = (fs::path(::testing::TempDir()) / "osprey_picture.png").string();
  ASSERT_TRUE(write_picture(picture, path).ok());
  const cv::Mat read = cv::imread(path, cv::IMREAD_COLOR);
  fs::remove(path);
  EXPECT_EQ(cv::norm(read, mat_of(picture), cv::NORM_INF), 0);
  EXPECT_EQ(read.at<cv::Vec3b>(3, 4), cv::Vec3b(0, 0, 255));
  EXPECT_EQ(read.at<cv::Vec3b>(3, 5), cv::Vec3b(16, 16, 16));
  EXPECT_EQ(read.at<cv::Vec3b>(11, 19), cv::Vec3b(255, 0, 0));
  EXPECT_FALSE(write_picture(picture, path + ".no_such_format").ok());
}

}  // namespace
}  // namespace osprey::support
