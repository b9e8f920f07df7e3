// SPDX-License-Identifier: Apache-2.0
// From floats to INT8 and back to boxes.
#include "engine/quantisation.hpp"

#include <gmock/gmock.h>
#include <osprey/detector.hpp>

#include <fstream>

#include "base/file_testing.hpp"
#include "engine/calibration.hpp"
#include "engine/prepared_model.hpp"
#include "onnx/wiring.hpp"
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

TEST_F(Quantising, weights_rounded_by_error_find_the_same_whatever_the_memory_and_threads) {
  asked_.rounding = Rounding::kError;
  asked_.threads = 1;
  ASSERT_TRUE(quantise(asked_).ok());
  expect_spots();
  const auto whole = base::read_text(asked_.output);
  asked_.threads = 2;
  asked_.memory = 1 << 17;
  ASSERT_TRUE(quantise(asked_).ok());
  EXPECT_EQ(base::read_text(asked_.output), whole);
  asked_.rounding = Rounding::kNearest;
  ASSERT_TRUE(quantise(asked_).ok());
  EXPECT_NE(base::read_text(asked_.output), whole);
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
  const auto seen = Calibrator(network.copy(), input, {"images", "sum", "out"}, 2).run(options);
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

TEST_F(Quantising, tells_in_detail_how_errors_add_up) {
  asked_.in_detail = true;
  const auto report = quantise(asked_);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->weights.size(), report->layers);
  std::size_t within = 0;
  for (const auto& tensor : report->tensors) {
    EXPECT_FALSE(tensor.histogram.empty()) << tensor.name;
    EXPECT_GT(tensor.cosine, 0.99) << tensor.name;
    if (tensor.name == "images") continue;
    ASSERT_TRUE(tensor.accumulated) << tensor.name;
    EXPECT_GT(tensor.accumulated->cosine, 0.95) << tensor.name;
    ++within;
  }
  EXPECT_GT(within, 0u);
}

TEST_F(Quantising, int8_is_compared_with_its_own_floats) {
  ASSERT_TRUE(quantise(asked_).ok());
  Options understanding;
  understanding.model = asked_.output;
  const auto file = read_model(understanding);
  ASSERT_TRUE(file.ok());
  const auto spec = understand(*file, understanding);
  ASSERT_TRUE(spec.ok());
  const auto pictures = pictures_of(asked_.data, 2);
  ASSERT_TRUE(pictures.ok());
  const auto found = agreement_with_floats(asked_.output, *spec, *pictures);
  ASSERT_TRUE(found.ok()) << found.error().message;
  ASSERT_EQ(found->size(), 2u);
  EXPECT_LT((*found)[0].snr_db, 80);
  for (const auto& one : *found) EXPECT_GT(one.cosine, 0.98) << one.output;
  const auto none = agreement_with_floats(asked_.model, *spec, *pictures);
  ASSERT_FALSE(none.ok());
  EXPECT_THAT(none.error().message, HasSubstr("rounds no tensor"));
}

TEST_F(Quantising, for_an_npu_every_tensor_before_the_head_is_rounded) {
  asked_.target = QuantisationTarget::kRk3588;
  const auto report = quantise(asked_);
  ASSERT_TRUE(report.ok()) << report.error().message;
  const auto made = onnx::Model::read(asked_.output);
  ASSERT_TRUE(made.ok());
  const onnx::Wiring wiring(*made);
  int layers = 0;
  for (std::size_t i = 0; i < made->nodes().size(); ++i) {
    const auto& node = wiring.nodes()[i];
    if (node.op != "Conv") continue;
    ++layers;
    const auto& readers = wiring.readers(node.outputs.front());
    ASSERT_EQ(readers.size(), 1u) << node.name;
    EXPECT_EQ(wiring.nodes()[readers[0].first].op, "QuantizeLinear") << node.name;
  }
  EXPECT_EQ(layers, 3);
}

/// The pictures with their labels, as COCO has them.
class MixedPrecisions : public Quantising {
 protected:
  MixedPrecisions() {
    std::string images, labels;
    for (int i = 0; i < kPictures; ++i) {
      const auto id = std::to_string(i + 1);
      images += std::string(i > 0 ? "," : "") + R"({"id":)" + id + R"(,"file_name":")" +
                std::to_string(i) + R"(.png","width":128,"height":128})";
      const auto label = [&](int x, int y, int kind) {
        labels += std::string(labels.empty() ? "" : ",") + R"({"id":)" +
                  std::to_string(labels.size() + 1) + R"(,"image_id":)" + id +
                  R"(,"category_id":)" + std::to_string(kind) + R"(,"iscrowd":0,"area":576,)" +
                  R"("bbox":[)" + std::to_string(x) + "," + std::to_string(y) + ",24,24]}";
      };
      label(8 + 4 * i, 16, i % 3);
      label(80, 88, 2);
    }
    write_text("labels.json", R"({"images":[)" + images + R"(],"annotations":[)" + labels +
                                  R"(],"categories":[{"id":0,"name":"red"},)" +
                                  R"({"id":1,"name":"green"},{"id":2,"name":"blue"}]})");
    asked_.labels = folder_ / "labels.json";
    asked_.images = folder_ / "pictures";
    asked_.max_drop = 0.02;
  }
};

TEST_F(MixedPrecisions, nothing_stays_in_float_where_int8_holds) {
  asked_.max_drop = 0.3;
  const auto report = quantise(asked_);
  ASSERT_TRUE(report.ok()) << report.error().message;
  ASSERT_TRUE(report->mixed);
  EXPECT_GT(report->mixed->float_ap, 0.9);
  EXPECT_TRUE(report->mixed->in_float.empty());
  EXPECT_TRUE(report->mixed->sensitivities.empty());
}

TEST_F(MixedPrecisions, the_layer_that_ruins_the_scores_stays_in_float_and_no_other) {
  // Boxes and scores come from the last layer: with one scale for its weights, the scores' are 0.
  asked_.weights.per_channel = false;
  const auto report = quantise(asked_);
  ASSERT_TRUE(report.ok()) << report.error().message;
  ASSERT_TRUE(report->mixed);
  EXPECT_LT(report->mixed->int8_ap, 0.5);
  EXPECT_GE(report->mixed->ap, report->mixed->float_ap - 0.02);
  EXPECT_EQ(report->mixed->in_float.size(), 1u);
  EXPECT_EQ(report->mixed->sensitivities.size(), 3u);
  EXPECT_EQ(report->layers, 2u);
  for (const auto& one : report->agreement) EXPECT_GT(one.cosine, 0.98) << one.output;
}

TEST(ColourEvidence, needs_more_than_chance) {
  ColourEvidence found;
  EXPECT_FALSE(found.looks_swapped());
  found.pictures = 32;
  found.as_told = 100;
  found.swapped = 120;
  found.better_swapped = 17;
  EXPECT_FALSE(found.looks_swapped());
  EXPECT_FALSE(found.looks_right());
  found.better_swapped = 23;
  EXPECT_TRUE(found.looks_swapped());
  found.better_swapped = 9;
  EXPECT_FALSE(found.looks_swapped());
  std::swap(found.as_told, found.swapped);
  found.squares = 100;
  EXPECT_FALSE(found.looks_right());
  found.squares = 40;
  EXPECT_TRUE(found.looks_right());
  found.pictures = found.better_swapped = 7;
  EXPECT_FALSE(found.looks_swapped());
}

TEST_F(Quantising, a_network_that_finds_any_colour_raises_no_alarm) {
  const auto report = quantise(asked_);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->colours.pictures, static_cast<std::size_t>(kPictures));
  EXPECT_FALSE(report->colours.looks_swapped());
}

}  // namespace
}  // namespace osprey::engine
