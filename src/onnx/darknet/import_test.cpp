// SPDX-License-Identifier: Apache-2.0
#include "onnx/darknet/import.hpp"

#include <gmock/gmock.h>

#include <array>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <opencv2/dnn.hpp>
#include <ostream>
#include <random>

#include "base/file_testing.hpp"

namespace osprey::onnx {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int kWidth = 96;
constexpr int kHeight = 64;
constexpr int kClasses = 2;
constexpr double kTolerance = 1e-4;

const std::string kNet = "[net]\nbatch=1\nwidth=96\nheight=64\nchannels=3\n";

struct Conv {
  int filters, size, stride;
  std::string activation;
  bool normalised = true;
  int in;  ///< channels, for the count of weights
};

std::string cfg_of(const Conv& conv) {
  return "\n[convolutional]\n" + std::string(conv.normalised ? "batch_normalize=1\n" : "") +
         "filters=" + std::to_string(conv.filters) + "\nsize=" + std::to_string(conv.size) +
         "\nstride=" + std::to_string(conv.stride) + "\npad=1\nactivation=" + conv.activation +
         "\n";
}

/// A cfg that grows together with random weights for it, so that tests need not count them.
struct Network {
  std::string cfg = kNet;
  std::string weights = header();
  std::mt19937 random{1};  // NOLINT: the same numbers each run

  Network& add(const Conv& conv) {
    cfg += cfg_of(conv);
    const float spread = 1.5f / std::sqrt(static_cast<float>(conv.in * conv.size * conv.size));
    numbers(conv.filters, -0.3f, 0.3f);  // biases
    if (conv.normalised) {
      numbers(conv.filters, 0.5f, 1.5f);   // scales
      numbers(conv.filters, -0.3f, 0.3f);  // means
      numbers(conv.filters, 0.2f, 2.0f);   // variances
    }
    numbers(conv.filters * conv.in * conv.size * conv.size, -spread, spread);
    return *this;
  }
  Network& add(const std::string& section) {
    cfg += section;
    return *this;
  }

  /// Version 0.2.0, the first with 64 bits for the count of pictures seen.
  static std::string header() {
    const std::int32_t version[] = {0, 2, 0};
    const std::int64_t seen = 32013312;
    std::string bytes(sizeof version + sizeof seen, '\0');
    std::memcpy(bytes.data(), version, sizeof version);
    std::memcpy(bytes.data() + sizeof version, &seen, sizeof seen);
    return bytes;
  }

 private:
  void numbers(int count, float lowest, float highest) {
    std::uniform_real_distribution<float> distribution(lowest, highest);
    for (int i = 0; i < count; ++i) {
      const float number = distribution(random);
      weights.append(reinterpret_cast<const char*>(&number), sizeof number);
    }
  }
};

constexpr const char* kAnchors = "anchors=10,14, 23,27, 37,58, 81,82\nnum=4\nclasses=2\n";

/// Every kind of section, two heads, coarse one first as Darknet has them.
Network everything() {
  Network net;
  net.add(Conv{8, 3, 1, "leaky", true, 3});                                 // 0
  net.add("\n[maxpool]\nsize=2\nstride=2\n");                               // 1: 48x32
  net.add(Conv{16, 3, 1, "mish", true, 8});                                 // 2
  net.add("\n[route]\nlayers=-1\ngroups=2\ngroup_id=1\n");                  // 3: 8 channels
  net.add(Conv{16, 3, 1, "swish", true, 8});                                // 4
  net.add("\n[shortcut]\nfrom=-3\nactivation=linear\n");                    // 5: + layer 2
  net.add(Conv{16, 3, 2, "relu", true, 16});                                // 6: 24x16
  net.add("\n[maxpool]\nsize=2\nstride=2\n");                               // 7: 12x8
  net.add(Conv{12, 3, 2, "leaky", true, 16});                               // 8: 6x4
  net.add("\n[maxpool]\nsize=2\nstride=1\n");                               // 9: the same size
  net.add("\n[maxpool]\nstride=1\nsize=5\n");                               // 10
  net.add("\n[route]\nlayers=-1,-2\n");                                     // 11: 24 channels
  net.add("\n[dropout]\nprobability=.5\n");                                 // 12
  net.add(Conv{14, 1, 1, "linear", false, 24});                             // 13
  net.add("\n[yolo]\nmask=2,3\n" + std::string(kAnchors));                  // 14: stride 16
  net.add("\n[route]\nlayers=-3\n");                                        // 15
  net.add(Conv{8, 1, 1, "logistic", false, 24});                            // 16
  net.add("\n[upsample]\nstride=2\n");                                      // 17
  net.add("\n[route]\nlayers=-1, 7\n");                                     // 18: 24 channels
  net.add(Conv{14, 1, 1, "linear", false, 24});                             // 19
  net.add("\n[yolo]\nmask=0,1\nscale_x_y=1.05\n" + std::string(kAnchors));  // 20: stride 8
  return net;
}

/// One head on one convolution. `tail` adds to the [yolo] section.
Network smallest(const std::string& activation = "linear", const std::string& tail = "") {
  Network net;
  net.add(Conv{14, 3, 8, activation, false, 3});
  net.add("\n[yolo]\nmask=0,1\n" + std::string(kAnchors) + tail);
  return net;
}

Result<Model> convert(const Network& net, const DarknetImportOptions& options = {}) {
  return convert_darknet({"net.cfg", net.cfg}, {"net.weights", net.weights}, std::nullopt, options);
}

class DarknetImport : public ::testing::Test {
 protected:
  std::string file(const std::string& name) const { return folder_ / name; }
  std::string file_of(const std::string& name, const std::string& bytes) const {
    base::write_text(file(name), bytes);
    return file(name);
  }

  /// Outputs of our model in OpenCV's ONNX reader, in the model's order.
  std::vector<cv::Mat> run(const Model& model, const cv::Mat& picture) const {
    EXPECT_TRUE(model.write(file("net.onnx")).ok());
    cv::dnn::Net net = cv::dnn::readNetFromONNX(file("net.onnx"));
    net.setPreferableBackend(cv::dnn::DNN_BACKEND_OPENCV);
    net.setInput(picture);
    std::vector<cv::String> names;
    for (const auto& output : model.outputs()) names.push_back(output.name);
    std::vector<cv::Mat> outputs;
    net.forward(outputs, names);
    return outputs;
  }

  /// Layers of the cfg, by OpenCV's names, in OpenCV's Darknet reader.
  static std::vector<cv::Mat> run_darknet(const Network& source, const cv::Mat& picture,
                                          const std::vector<cv::String>& layers) {
    cv::dnn::Net net = cv::dnn::readNetFromDarknet(source.cfg.data(), source.cfg.size(),
                                                   source.weights.data(), source.weights.size());
    net.setPreferableBackend(cv::dnn::DNN_BACKEND_OPENCV);
    net.setInput(picture);
    std::vector<cv::Mat> outputs;
    net.forward(outputs, layers);
    return outputs;
  }

  static cv::Mat picture() {
    const int shape[] = {1, 3, kHeight, kWidth};
    cv::Mat blob(4, shape, CV_32F);
    cv::RNG(7).fill(blob, cv::RNG::UNIFORM, 0.0, 1.0);
    return blob;
  }

  base::TemporaryFolder folder_;
};

nlohmann::json head_of(const Model& model) {
  return nlohmann::json::parse(model.metadata().at("osprey.head"));
}

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

struct DecodedRow {
  std::array<double, 4> box;                ///< cx, cy, w, h, relative to the picture
  std::array<double, kClasses> confidence;  ///< objectness * class score
};

/// Boxes in the order of OpenCV's [yolo] layer, decoded from a raw map by what the metadata says.
std::vector<DecodedRow> decode(const cv::Mat& map, const nlohmann::json& scale, bool square) {
  std::vector<DecodedRow> rows;
  const double s = scale["scale_xy"], stride = scale["stride"];
  const auto place = [&](double v) {
    return square ? 2 * sigmoid(v) - 0.5 : s * sigmoid(v) - (s - 1) / 2;
  };
  const auto size = [&](double v, double anchor) {
    return anchor * (square ? std::pow(2 * sigmoid(v), 2) : std::exp(v));
  };
  for (int y = 0; y < map.size[2]; ++y) {
    for (int x = 0; x < map.size[3]; ++x) {
      for (std::size_t a = 0; a < scale["anchors"].size(); ++a) {
        const auto t = [&](int k) {
          const int index[] = {0, static_cast<int>(a) * (5 + kClasses) + k, y, x};
          return static_cast<double>(map.at<float>(index));
        };
        const auto& anchor = scale["anchors"][a];
        DecodedRow row;
        row.box = {(x + place(t(0))) * stride / kWidth, (y + place(t(1))) * stride / kHeight,
                   size(t(2), anchor[0]) / kWidth, size(t(3), anchor[1]) / kHeight};
        for (int c = 0; c < kClasses; ++c) {
          row.confidence[static_cast<std::size_t>(c)] = sigmoid(t(4)) * sigmoid(t(5 + c));
        }
        rows.push_back(row);
      }
    }
  }
  return rows;
}

/// Rows of `theirs`: box, objectness (which nothing reads with new_coords), confidences, 0 where
/// OpenCV's own threshold or suppression took them out.
void expect_same_boxes(const std::vector<DecodedRow>& ours, const cv::Mat& theirs) {
  ASSERT_EQ(static_cast<int>(ours.size()), theirs.rows);
  int confident = 0;
  for (int row = 0; row < theirs.rows; ++row) {
    const DecodedRow& mine = ours[static_cast<std::size_t>(row)];
    for (int k = 0; k < 4; ++k) {
      const double expected = theirs.at<float>(row, k);
      ASSERT_NEAR(mine.box[static_cast<std::size_t>(k)], expected,
                  kTolerance * std::max(1.0, std::abs(expected)))
          << "box " << row << ", number " << k;
    }
    for (int c = 0; c < kClasses; ++c) {
      const double expected = theirs.at<float>(row, 5 + c);
      if (expected == 0) continue;
      ++confident;
      ASSERT_NEAR(mine.confidence[static_cast<std::size_t>(c)], expected, kTolerance)
          << "box " << row << ", class " << c;
    }
  }
  EXPECT_GT(confident, theirs.rows / 4) << "the comparison would mean little";
}

TEST_F(DarknetImport, every_layer_computes_what_opencvs_darknet_reader_computes) {
  const Network net = everything();
  const auto model = convert(net);
  ASSERT_TRUE(model.ok()) << model.error().message;
  const auto ours = run(*model, picture());
  const auto theirs = run_darknet(net, picture(), {"conv_19", "conv_13"});  // finest first
  ASSERT_EQ(ours.size(), 2u);
  for (std::size_t i = 0; i < ours.size(); ++i) {
    ASSERT_EQ(ours[i].size, theirs[i].size);
    double lowest = 0, highest = 0;
    cv::minMaxIdx(theirs[i].reshape(1, 1), &lowest, &highest);
    ASSERT_GT(highest - lowest, 0.1) << "the comparison would mean nothing";
    EXPECT_LT(cv::norm(ours[i], theirs[i], cv::NORM_INF), kTolerance) << "output " << i;
  }
}

TEST_F(DarknetImport, the_metadata_decodes_to_the_boxes_of_opencvs_yolo_layer) {
  const Network net = everything();
  const auto model = convert(net);
  ASSERT_TRUE(model.ok()) << model.error().message;
  const auto ours = run(*model, picture());
  const auto theirs = run_darknet(net, picture(), {"yolo_20", "yolo_14"});
  const auto head = head_of(*model);
  EXPECT_EQ(head["kind"], "anchor_grid");
  EXPECT_EQ(head["rule"], "exp");
  for (std::size_t i = 0; i < ours.size(); ++i) {
    EXPECT_EQ(head["scales"][i]["output"], model->outputs()[i].name);
    expect_same_boxes(decode(ours[i], head["scales"][i], false), theirs[i]);
  }
}

TEST_F(DarknetImport, new_coordinates_become_the_square_rule_exactly) {
  const Network net = smallest("logistic", "new_coords=1\nscale_x_y=2.0\n");
  const auto model = convert(net);
  ASSERT_TRUE(model.ok()) << model.error().message;
  const auto head = head_of(*model);
  EXPECT_EQ(head["rule"], "square");
  for (const auto& node : model->nodes()) EXPECT_NE(node.op, "Sigmoid");
  expect_same_boxes(decode(run(*model, picture())[0], head["scales"][0], true),
                    run_darknet(net, picture(), {"yolo_1"})[0]);
}

TEST_F(DarknetImport, the_metadata_is_what_decoders_are_promised) {
  const auto model = convert(everything());
  ASSERT_TRUE(model.ok()) << model.error().message;
  EXPECT_EQ(head_of(*model), nlohmann::json::parse(R"({"kind":"anchor_grid","rule":"exp","scales":[
      {"output":"yolo_8","stride":8,"anchors":[[10,14],[23,27]],"scale_xy":1.05},
      {"output":"yolo_16","stride":16,"anchors":[[37,58],[81,82]],"scale_xy":1.0}]})"));
  EXPECT_EQ(nlohmann::json::parse(model->metadata().at("osprey.input")),
            nlohmann::json::parse(R"({"order":"rgb","mean":[0,0,0],"std":[255,255,255],"pad":127,
                                      "align":"center"})"));
  ASSERT_EQ(model->inputs().size(), 1u);
  EXPECT_EQ(model->inputs()[0].shape, (Shape{1, 3, kHeight, kWidth}));
  ASSERT_EQ(model->outputs().size(), 2u);
  EXPECT_EQ(model->outputs()[0].shape, (Shape{1, 14, 8, 12}));
  EXPECT_EQ(model->outputs()[1].shape, (Shape{1, 14, 4, 6}));
}

TEST_F(DarknetImport, the_reference_shape_inference_agrees_with_the_planned_sizes) {
  const auto model = convert(everything());
  ASSERT_TRUE(model.ok()) << model.error().message;
  const auto shapes = model->infer_shapes();
  for (const auto& node : model->nodes()) EXPECT_TRUE(shapes.contains(node.outputs[0]));
  for (const auto& output : model->outputs()) EXPECT_EQ(shapes.at(output.name), output.shape);
}

TEST_F(DarknetImport, a_mask_can_be_replaced_for_one_head) {
  DarknetImportOptions options;
  options.masks[1] = {1, 2};
  const auto model = convert(everything(), options);
  ASSERT_TRUE(model.ok()) << model.error().message;
  const auto scales = head_of(*model)["scales"];
  EXPECT_EQ(scales[0]["anchors"], nlohmann::json::parse("[[23,27],[37,58]]"));
  EXPECT_EQ(scales[1]["anchors"], nlohmann::json::parse("[[37,58],[81,82]]"));
}

TEST_F(DarknetImport, masks_that_do_not_fit_are_refused) {
  const auto message = [](int head, std::vector<int> mask) {
    DarknetImportOptions options;
    options.masks[head] = std::move(mask);
    const auto model = convert(everything(), options);
    return model.ok() ? "" : model.error().message;
  };
  EXPECT_THAT(message(0, {1, 2, 3}), HasSubstr("3 anchors, expected 2"));
  EXPECT_THAT(message(0, {1, 4}), HasSubstr("no anchor 4 among 4"));
  EXPECT_THAT(message(0, {-1, 0}), HasSubstr("no anchor -1"));
  EXPECT_THAT(message(2, {0, 1}), HasSubstr("no [yolo] section 2"));
  EXPECT_THAT(message(-1, {0, 1}), HasSubstr("no [yolo] section -1"));
}

TEST_F(DarknetImport, size_and_batch_can_be_chosen) {
  DarknetImportOptions options;
  options.width = 160;
  options.height = 32;
  options.batch = 3;
  const auto model = convert(everything(), options);
  ASSERT_TRUE(model.ok()) << model.error().message;
  EXPECT_EQ(model->inputs()[0].shape, (Shape{3, 3, 32, 160}));
  EXPECT_EQ(model->outputs()[1].shape, (Shape{3, 14, 2, 10}));

  options.width = 100;
  const auto uneven = convert(everything(), options);
  ASSERT_FALSE(uneven.ok());
  EXPECT_THAT(uneven.error().message, HasSubstr("multiples of the stride"));
  options.width = 0;
  EXPECT_THAT(convert(everything(), options).error().message, HasSubstr("width: 0: expected"));
  options.width = 160;
  options.batch = 0;
  EXPECT_THAT(convert(everything(), options).error().message, HasSubstr("batch: 0: expected"));
}

TEST_F(DarknetImport, old_headers_count_pictures_in_32_bits) {
  Network net = smallest();
  const std::int32_t old[] = {0, 1, 0, 32013312};
  net.weights = std::string(reinterpret_cast<const char*>(old), sizeof old) +
                net.weights.substr(Network::header().size());
  const auto model = convert(net);
  EXPECT_TRUE(model.ok()) << model.error().message;
}

TEST_F(DarknetImport, weights_must_be_exactly_as_many_as_the_layers_take) {
  // smallest() has 14 * 3 * 3 * 3 + 14 numbers in its only layer.
  Network net = smallest();
  net.weights.resize(net.weights.size() - 4);
  auto model = convert(net);
  ASSERT_FALSE(model.ok());
  EXPECT_EQ(model.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(model.error().message, AllOf(HasSubstr("net.weights: expected 1568 bytes"),
                                           HasSubstr("found 1564"), HasSubstr("line 7")));

  net.weights.append(8, '\0');
  model = convert(net);
  ASSERT_FALSE(model.ok());
  EXPECT_THAT(model.error().message, AllOf(HasSubstr("expected 1568"), HasSubstr("found 1572")));

  net.weights.resize(10);
  model = convert(net);
  ASSERT_FALSE(model.ok());
  EXPECT_THAT(model.error().message, HasSubstr("header is cut off (10 bytes)"));
}

TEST_F(DarknetImport, weights_that_are_not_finite_are_refused) {
  Network net;
  net.add(Conv{14, 1, 8, "linear", true, 3});
  net.add("\n[yolo]\nmask=0,1\n" + std::string(kAnchors));
  const float negative_variance = -1;
  const std::size_t first_variance = Network::header().size() + 3 * 14 * sizeof(float);
  std::memcpy(net.weights.data() + first_variance, &negative_variance, sizeof(float));
  const auto model = convert(net);
  ASSERT_FALSE(model.ok());
  EXPECT_THAT(model.error().message,
              AllOf(HasSubstr("net.weights"), HasSubstr("line 7"), HasSubstr("not finite")));
}

TEST_F(DarknetImport, names_go_along_and_must_be_as_many_as_the_classes) {
  const Network net = smallest();
  const auto with = [&](std::string_view names) {
    return convert_darknet({"net.cfg", net.cfg}, {"net.weights", net.weights},
                           DarknetFile{"net.names", names}, {});
  };
  const auto model = with("person\r\n traffic light \n\n");
  ASSERT_TRUE(model.ok()) << model.error().message;
  EXPECT_EQ(model->metadata().at("names"), R"(["person","traffic light"])");
  EXPECT_FALSE(convert(net)->metadata().contains("names"));

  const auto few = with("person\n");
  ASSERT_FALSE(few.ok());
  EXPECT_THAT(few.error().message, HasSubstr("net.names: has 1 names, expected 2"));
}

struct BadCfg {
  std::string name, find, replace, message;
};

void PrintTo(const BadCfg& bad, std::ostream* out) {
  *out << bad.name;
}

class BadDarknetCfg : public ::testing::TestWithParam<BadCfg> {};

TEST_P(BadDarknetCfg, is_refused_with_the_line_and_the_reason) {
  Network net = everything();
  const std::size_t at = net.cfg.find(GetParam().find);
  ASSERT_NE(at, std::string::npos);
  net.cfg.replace(at, GetParam().find.size(), GetParam().replace);
  const auto model = convert(net);
  ASSERT_FALSE(model.ok());
  EXPECT_THAT(model.error().message, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadDarknetCfg,
    ::testing::Values(
        BadCfg{"unknown_section", "[dropout]", "[lstm]", "net.cfg:75: [lstm] cannot be imported"},
        BadCfg{"no_net", "[net]", "[maxpool]", "net.cfg:1: expected [net] as the first section"},
        BadCfg{"no_width", "width=96", "", "net.cfg:1: [net] has no width"},
        BadCfg{"gray", "channels=3", "channels=1", "net.cfg:5: [net] channels=1: expected 3"},
        BadCfg{"stray_text", "batch=1", "hello", "net.cfg:2: expected key=value"},
        BadCfg{"open_bracket", "[dropout]", "[dropout", "expected [section]"},
        BadCfg{"word_for_number", "filters=8", "filters=many",
               "net.cfg:9: [convolutional] filters=many: expected a whole number from 1 to"},
        BadCfg{"no_filters", "filters=8", "filters=0", "filters=0: expected"},
        BadCfg{"number_with_tail", "filters=8", "filters=8x", "filters=8x: expected"},
        BadCfg{"number_too_large", "filters=8", "filters=99999999999", "expected a whole number"},
        BadCfg{"unknown_activation", "activation=mish", "activation=selu",
               "activation=selu: expected"},
        BadCfg{"dilation", "stride=1\npad=1", "stride=1\ndilation=2\npad=1",
               "dilation=2: expected"},
        BadCfg{"xnor", "pad=1", "xnor=1\npad=1", "xnor=1 cannot be imported"},
        BadCfg{"odd_groups", "pad=1", "groups=2\npad=1", "groups=2: expected a divisor of 3"},
        BadCfg{"route_to_the_future", "layers=-3", "layers=15", "no layer 15 before this one"},
        BadCfg{"route_before_the_start", "layers=-3", "layers=-16", "no layer -16"},
        BadCfg{"route_to_boxes", "layers=-3", "layers=-1", "reads layer 14, a [yolo]"},
        BadCfg{"route_of_nothing", "layers=-3", "x=1", "[route] has no layers"},
        BadCfg{"route_of_sizes_that_differ", "layers=-1, 7", "layers=-1, 0", "differ in size"},
        BadCfg{"shortcut_of_sizes_that_differ", "from=-3", "from=0", "expected 16x32x48"},
        BadCfg{"weighted_shortcut", "from=-3", "from=-3\nweights_type=per_channel",
               "weights_type=per_channel cannot be imported"},
        BadCfg{"scaled_upsample", "[upsample]", "[upsample]\nscale=2", "scale: only 1"},
        BadCfg{"wrong_classes", "classes=2", "classes=3", "expected a map of 16 channels"},
        BadCfg{"wrong_num", "num=4", "num=3", "expected 6 numbers for num=3, found 8"},
        BadCfg{"no_such_anchor", "mask=2,3", "mask=2,4", "no anchor 4 among 4"},
        BadCfg{"word_in_list", "mask=2,3", "mask=2,x", "expected whole numbers"},
        BadCfg{"anchor_of_no_size", "37,58", "37,0", "expected sizes above 0"},
        BadCfg{"new_coordinates_without_logistic", "mask=2,3", "mask=2,3\nnew_coords=1",
               "new_coords=1 can be imported only with"},
        BadCfg{"a_map_too_large", "[upsample]\nstride=2",
               "[upsample]\nstride=128\n[upsample]\nstride=128", "too large"}),
    [](const auto& test) { return test.param.name; });

TEST_F(DarknetImport, a_cfg_without_a_head_is_no_detector) {
  Network net;
  net.add(Conv{14, 3, 8, "linear", false, 3});
  const auto model = convert(net);
  ASSERT_FALSE(model.ok());
  EXPECT_THAT(model.error().message, HasSubstr("has no [yolo] section"));
}

TEST_F(DarknetImport, heads_must_agree_on_their_classes) {
  Network net;
  net.add(Conv{7, 3, 8, "linear", false, 3});
  net.add("[yolo]\nanchors=1,1\nnum=1\nclasses=2\n[route]\nlayers=0\n");
  net.add(Conv{6, 1, 1, "linear", false, 7});
  net.add("[yolo]\nanchors=1,1\nnum=1\nclasses=1\n");
  const auto model = convert(net);
  ASSERT_FALSE(model.ok());
  EXPECT_THAT(model.error().message, HasSubstr("classes and new_coords as in the first [yolo]"));
}

TEST_F(DarknetImport, a_map_left_before_its_sigmoid_is_for_its_head_only) {
  Network net = smallest("logistic", "new_coords=1\nscale_x_y=2\n");
  net.add("[route]\nlayers=0\n");
  const auto model = convert(net);
  ASSERT_FALSE(model.ok());
  EXPECT_THAT(model.error().message, HasSubstr("whose logistic activation is left"));
}

TEST_F(DarknetImport, comments_spaces_and_repeated_keys_are_read_as_darknet_reads_them) {
  Network net = smallest();
  net.cfg = "# a comment\r\n; another\n" + net.cfg;
  net.cfg.replace(net.cfg.find("width=96"), 8, " width \t = 9 6 # px\nwidth=7");
  const auto model = convert(net);
  ASSERT_TRUE(model.ok()) << model.error().message;
  EXPECT_EQ(model->inputs()[0].shape, (Shape{1, 3, kHeight, kWidth}));
}

TEST_F(DarknetImport, files_become_a_file) {
  const Network net = everything();
  const Status status =
      import_darknet(file_of("net.cfg", net.cfg), file_of("net.weights", net.weights),
                     file_of("net.names", "a\nb\n"), file("out.onnx"), {});
  ASSERT_TRUE(status.ok()) << status.error().message;
  const auto model = Model::read(file("out.onnx"));
  ASSERT_TRUE(model.ok()) << model.error().message;
  EXPECT_EQ(model->metadata().at("names"), R"(["a","b"])");
}

TEST_F(DarknetImport, a_failed_import_names_the_file_and_writes_nothing) {
  const Network net = smallest();
  const std::string cfg = file_of("net.cfg", net.cfg);
  const std::string weights = file_of("net.weights", net.weights);
  const auto error = [&](const std::string& c, const std::string& w, const std::string& n) {
    const Status status = import_darknet(c, w, n, file("out.onnx"), {});
    EXPECT_FALSE(fs::exists(file("out.onnx")));
    return status.ok() ? Error{} : status.error();
  };
  EXPECT_THAT(error(file("none.cfg"), weights, "").message, HasSubstr("none.cfg: no such file"));
  EXPECT_THAT(error(cfg, file("none.weights"), "").message,
              HasSubstr("none.weights: no such file"));
  EXPECT_THAT(error(cfg, weights, file("none.names")).message,
              HasSubstr("none.names: no such file"));
  EXPECT_THAT(error(cfg, file_of("empty", ""), "").message, HasSubstr("empty: is empty"));
  EXPECT_THAT(error(weights, cfg, "").message, HasSubstr("net.weights:1: expected"));
  EXPECT_THAT(error(cfg, cfg, "").message, HasSubstr("net.cfg: expected 1568 bytes of weights"));
}

}  // namespace
}  // namespace osprey::onnx
