// SPDX-License-Identifier: Apache-2.0
// From floats to INT8 and back to boxes.
#include "engine/quantisation.hpp"

#include <gmock/gmock.h>
#include <osprey/detector.hpp>

#include <fstream>

#include "base/file_testing.hpp"
#include "engine/calibration.hpp"
#include "tests/support/test_models.hpp"
#include "tests/support/test_pictures.hpp"

namespace osprey::engine {
namespace {

using ::testing::HasSubstr;

constexpr int kPictures = 6;

Image picture(int number) {
  const support::Spot spots[] = {{8 + 4 * number, 16, 24, 24, number % 3}, {80, 88, 24, 24, 2}};
  return support::picture_of(128, 128, spots);
}

class Quantising : public testing::Test {
 protected:
  Quantising() {
    std::filesystem::create_directory(folder_ / "pictures");
    for (int i = 0; i < kPictures; ++i) {
      const auto name = "pictures/" + std::to_string(i) + ".png";
      EXPECT_TRUE(support::write_picture(picture(i), folder_ / name).ok());
    }
    write_model({});
    asked_.model = folder_ / "spots.onnx";
    asked_.data = folder_ / "pictures";
    asked_.output = folder_ / "spots.int8.onnx";
  }

  void write_model(const support::SpotDetector& options) {
    ASSERT_TRUE(support::write_spot_detector(folder_ / "spots.onnx", options).ok());
  }
  void write_text(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
  }

  void expect_spots() {
    DetectorOptions options;
    options.model = asked_.output;
    options.conf = 0.4f;
    auto detector = Detector::create(options);
    ASSERT_TRUE(detector.ok()) << detector.error().message;
    for (int i = 0; i < kPictures; ++i) {
      const auto found = detector->detect(picture(i));
      ASSERT_TRUE(found.ok()) << found.error().message;
      EXPECT_EQ(found->size(), 2u) << "picture " << i;
    }
  }

  base::TemporaryFolder folder_;
  QuantisationOptions asked_;
};

TEST_F(Quantising, int8_finds_what_floats_find) {
  for (const auto algorithm : {quantize::Algorithm::kNormal, quantize::Algorithm::kMmse,
                               quantize::Algorithm::kPercentile}) {
    asked_.algorithm = algorithm;
    const auto report = quantise(asked_);
    ASSERT_TRUE(report.ok()) << report.error().message;
    EXPECT_EQ(report->pictures, static_cast<std::size_t>(kPictures));
    EXPECT_EQ(report->damaged, 0u);
    EXPECT_GT(report->layers, 0u);
    ASSERT_EQ(report->agreement.size(), 2u);
    EXPECT_EQ(report->agreement[0].output, "output0 boxes");
    for (const auto& one : report->agreement) EXPECT_GT(one.cosine, 0.98) << one.output;
    expect_spots();
  }
}

TEST_F(Quantising, a_network_of_open_size_stays_one) {
  write_model({.dynamic = true});
  asked_.imgsz = {128};
  const auto report = quantise(asked_);
  ASSERT_TRUE(report.ok()) << report.error().message;
  for (const auto& one : report->agreement) EXPECT_GT(one.cosine, 0.98) << one.output;
  const auto made = onnx::Model::read(asked_.output);
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(made->inputs().at(0).shape, (Shape{-1, 3, -1, -1}));
}

TEST_F(Quantising, little_memory_means_more_passes_and_the_same_file) {
  ASSERT_TRUE(quantise(asked_).ok());
  std::ifstream first(asked_.output, std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(first)), {});
  asked_.memory = 1 << 17;
  const auto report = quantise(asked_);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_GT(report->passes, 1);
  std::ifstream second(asked_.output, std::ios::binary);
  EXPECT_EQ(std::string((std::istreambuf_iterator<char>(second)), {}), whole);
}

TEST_F(Quantising, a_list_gives_its_pictures_and_counts_what_is_none) {
  write_text("pictures/broken.png", "no picture");
  write_text("pictures/dataset.txt", "0.png\r\n\nbroken.png\nabsent.png\n1.png\n");
  asked_.data = folder_ / "pictures/dataset.txt";
  const auto report = quantise(asked_);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->pictures, 2u);
  EXPECT_EQ(report->damaged, 2u);
  EXPECT_THAT(report->first_damage, HasSubstr("broken.png"));
}

TEST_F(Quantising, no_picture_is_an_error_and_leaves_no_file) {
  write_text("empty.txt", "absent.png\n");
  asked_.data = folder_ / "empty.txt";
  const auto report = quantise(asked_);
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(report.error().message, HasSubstr("empty.txt: holds no picture that can be read"));
  EXPECT_FALSE(std::filesystem::exists(asked_.output));
}

TEST_F(Quantising, stops_when_told) {
  asked_.progress = [](double, const std::string&) { return false; };
  const auto report = quantise(asked_);
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code, ErrorCode::kCancelled);
  EXPECT_FALSE(std::filesystem::exists(asked_.output));
}

TEST_F(Quantising, calibration_sees_what_the_network_sees) {
  auto network = onnx::Model::create("sums");
  network.add_input({"images", {1, 3, 128, 128}});
  const std::vector<float> weights = {1, 1, 1};
  network.add_constant("w", {1, 3, 1, 1}, std::span<const float>(weights));
  network.add_node({"Conv", {"images", "w"}, {"sum"}});
  network.add_node({"Relu", {"sum"}, {"out"}});
  network.add_output({"out", {1, 1, 128, 128}});
  model::InputSpec input;
  input.width = input.height = 128;
  CalibrationOptions options;
  options.data = folder_ / "pictures";
  options.threads = 2;
  const auto seen = calibrate(network, input, {"images", "sum", "out"}, options);
  ASSERT_TRUE(seen.ok()) << seen.error().message;
  const auto& images = seen->tensors.at("images").histogram();
  EXPECT_EQ(images.count(), 3u * 128 * 128 * kPictures);
  EXPECT_EQ(images.highest(), 1);
  const auto means = seen->tensors.at("images").channel_means();
  ASSERT_EQ(means.size(), 3u);
  const auto sum = seen->tensors.at("sum").channel_means();
  ASSERT_EQ(sum.size(), 1u);
  EXPECT_NEAR(sum[0], means[0] + means[1] + means[2], 1e-4);
  EXPECT_GT(means[2], means[1]);  // blue spots are the most
}

}  // namespace
}  // namespace osprey::engine
