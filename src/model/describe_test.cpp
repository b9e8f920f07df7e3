// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/class_names.hpp"
#include "model/head.hpp"

namespace osprey::model {
namespace {

using testing::HasSubstr;

ModelDescription model_of(Shape input, std::vector<Shape> outputs,
                          std::map<std::string, std::string> metadata = {}) {
  ModelDescription model;
  model.path = "net.onnx";
  model.inputs = {{"images", std::move(input)}};
  for (auto& shape : outputs) {
    model.outputs.push_back({"output" + std::to_string(model.outputs.size()), std::move(shape)});
  }
  model.metadata = std::move(metadata);
  return model;
}

ModelDescription at_640(std::vector<Shape> outputs,
                        std::map<std::string, std::string> metadata = {}) {
  return model_of({1, 3, 640, 640}, std::move(outputs), std::move(metadata));
}

ModelOverrides forced(const std::string& head) {
  ModelOverrides overrides;
  overrides.head = head;
  return overrides;
}

ModelOverrides named(std::size_t count) {
  ModelOverrides overrides;
  for (std::size_t i = 0; i < count; ++i) overrides.names.push_back("n" + std::to_string(i));
  return overrides;
}

std::string names_literal(int count) {
  std::string text = "{";
  for (int i = 0; i < count; ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(i) + ": 'n" + std::to_string(i) + "'";
  }
  return text + "}";
}

ModelSpec described(const ModelDescription& model, const ModelOverrides& overrides = {}) {
  auto spec = describe(model, overrides);
  EXPECT_TRUE(spec.ok()) << spec.error().message;
  return spec.ok() ? *spec : ModelSpec{};
}

std::string fault(const ModelDescription& model, const ModelOverrides& overrides = {}) {
  const auto spec = describe(model, overrides);
  EXPECT_FALSE(spec.ok()) << (spec.ok() ? spec->head.reason : "");
  if (spec.ok()) return "";
  EXPECT_THAT(spec.error().message, HasSubstr("net.onnx"));
  return spec.error().message;
}

// --- Heads by shape --------------------------------------------------------------------------

TEST(describe, knows_channels_first_by_its_shape) {
  const auto spec = described(at_640({{1, 84, 8400}}));
  EXPECT_EQ(spec.head.kind, HeadKind::kChannelsFirst);
  EXPECT_EQ(spec.head.classes, 80);
  EXPECT_FALSE(spec.head.transposed);
  EXPECT_FALSE(spec.head.scores_are_logits);
  EXPECT_TRUE(spec.head.needs_nms());
  EXPECT_EQ(spec.head.reason,
            "output 'output0' [1, 84, 8400] is 8400 locations, one a cell at strides 8, 16, 32, "
            "with a box and 80 class scores each");
  EXPECT_EQ(spec.names, coco80_names());
  EXPECT_EQ(spec.names_source, "COCO-80");
}

TEST(describe, expects_boxes_as_shares_of_the_input_from_tflite_only) {
  auto model = at_640({{1, 84, 8400}});
  EXPECT_FALSE(described(model).head.may_be_relative);
  model.format = "TFLite";
  EXPECT_TRUE(described(model).head.may_be_relative);
}

TEST(describe, knows_channels_first_at_any_size_and_count_of_classes) {
  EXPECT_EQ(described(model_of({1, 3, 64, 64}, {{1, 84, 84}})).head.classes, 80);
  EXPECT_EQ(described(at_640({{1, 5, 8400}})).head.classes, 1);
  EXPECT_EQ(described(at_640({{1, 1207, 8400}})).head.classes, 1203);
  EXPECT_EQ(described(model_of({1, 3, 320, 320}, {{1, 84, 500}})).head.classes, 80);
  EXPECT_EQ(described(model_of({1, 3, 1280, 1280}, {{1, 84, 34000}})).head.classes, 80);
}

TEST(describe, knows_transposed_channels_first_by_the_count_of_names) {
  const auto spec = described(at_640({{1, 8400, 9}}, {{"names", names_literal(5)}}));
  EXPECT_EQ(spec.head.kind, HeadKind::kChannelsFirst);
  EXPECT_TRUE(spec.head.transposed);
  EXPECT_EQ(spec.head.classes, 5);
  EXPECT_TRUE(described(at_640({{1, 8400, 84}})).head.transposed) << "COCO's count is usual";
  EXPECT_TRUE(described(at_640({{1, 8400, 9}}), named(5)).head.transposed);
}

TEST(describe, knows_decoded_rows_by_their_three_anchors_a_cell) {
  const auto spec = described(at_640({{1, 25200, 85}}));
  EXPECT_EQ(spec.head.kind, HeadKind::kRows);
  EXPECT_EQ(spec.head.classes, 80);
  EXPECT_THAT(spec.head.reason, HasSubstr("three a cell"));
  EXPECT_EQ(described(at_640({{1, 25200, 6}})).head.kind, HeadKind::kRows);
  EXPECT_EQ(described(at_640({{1, 25200, 6}})).names, std::vector<std::string>{"class0"});
}

TEST(describe, reads_the_decoded_rows_of_a_training_export) {
  const auto spec = described(
      at_640({{1, 25200, 85}, {1, 3, 80, 80, 85}, {1, 3, 40, 40, 85}, {1, 3, 20, 20, 85}}));
  EXPECT_EQ(spec.head.kind, HeadKind::kRows);
  EXPECT_EQ(spec.head.output, 0);
}

TEST(describe, takes_one_row_a_cell_with_objectness_as_yolox_with_its_input) {
  const auto spec = described(model_of({1, 3, 416, 416}, {{1, 3549, 85}}));
  EXPECT_EQ(spec.head.kind, HeadKind::kYoloxGrid);
  EXPECT_EQ(spec.head.strides, (std::vector<int>{8, 16, 32}));
  EXPECT_EQ(spec.input.width, 416);
  EXPECT_EQ(spec.input.order, ChannelOrder::kBgr);
  EXPECT_EQ(spec.input.std, (std::array<float, 3>{1, 1, 1}));
  EXPECT_EQ(spec.input.mean, (std::array<float, 3>{0, 0, 0}));
  EXPECT_EQ(spec.input.pad, 114);
  EXPECT_EQ(spec.input.align, LetterboxAlign::kTopLeft);
}

TEST(describe, takes_one_row_a_cell_as_decoded_if_the_exporter_of_v6_named_it_or_if_told_so) {
  auto model = at_640({{1, 8400, 85}});
  EXPECT_EQ(described(model).head.kind, HeadKind::kYoloxGrid);
  EXPECT_EQ(described(model, forced("rows")).head.kind, HeadKind::kRows);
  model.outputs[0].name = "outputs";
  const auto spec = described(model);
  EXPECT_EQ(spec.head.kind, HeadKind::kRows);
  EXPECT_EQ(spec.input.order, ChannelOrder::kRgb);
  EXPECT_EQ(described(model, forced("yolox-grid")).head.kind, HeadKind::kYoloxGrid);
}

TEST(describe, knows_end_to_end_by_its_six_columns) {
  const auto spec = described(at_640({{1, 300, 6}}));
  EXPECT_EQ(spec.head.kind, HeadKind::kEndToEnd);
  EXPECT_FALSE(spec.head.needs_nms());
  EXPECT_EQ(spec.head.classes, 80);
  const auto own = described(at_640({{1, 300, 6}}, {{"names", "['cat', 'dog']"}}));
  EXPECT_EQ(own.head.classes, 2);
  EXPECT_EQ(own.names_source, "metadata");
  EXPECT_EQ(described(at_640({{1, 300, 6}}), named(7)).head.classes, 7);
  EXPECT_EQ(described(at_640({{1, 8400, 6}}, {{"end2end", "True"}})).head.kind,
            HeadKind::kEndToEnd);
}

TEST(describe, takes_three_raw_outputs_as_v5s_in_any_order_of_outputs_and_dimensions) {
  const std::vector<std::vector<Shape>> models = {
      {{1, 255, 80, 80}, {1, 255, 40, 40}, {1, 255, 20, 20}},
      {{1, 255, 20, 20}, {1, 255, 80, 80}, {1, 255, 40, 40}},
      {{1, 3, 80, 80, 85}, {1, 3, 40, 40, 85}, {1, 3, 20, 20, 85}},
      {{1, 80, 80, 255}, {1, 40, 40, 255}, {1, 20, 20, 255}}};
  for (const auto& outputs : models) {
    const auto spec = described(at_640(outputs));
    ASSERT_EQ(spec.head.kind, HeadKind::kAnchorGrid);
    EXPECT_EQ(spec.head.classes, 80);
    EXPECT_EQ(spec.head.rule, AnchorRule::kSquare);
    EXPECT_TRUE(spec.head.scores_are_logits);
    EXPECT_EQ(spec.head.strides, (std::vector<int>{8, 16, 32}));
    for (const auto& scale : spec.head.scales) {
      const auto& shape = outputs[static_cast<std::size_t>(scale.output)];
      EXPECT_THAT(shape, testing::Contains(640 / scale.stride));
    }
    EXPECT_EQ(spec.head.scales[2].anchors[0], (std::array<float, 2>{116, 90}));
  }
}

TEST(describe, knows_split_outputs_in_any_order) {
  const auto spec = described(at_640({{1, 80, 20, 20},
                                      {1, 64, 20, 20},
                                      {1, 1, 80, 80},
                                      {1, 64, 80, 80},
                                      {1, 80, 80, 80},
                                      {1, 64, 40, 40},
                                      {1, 80, 40, 40},
                                      {1, 1, 40, 40},
                                      {1, 1, 20, 20}}));
  EXPECT_EQ(spec.head.kind, HeadKind::kSplitDfl);
  EXPECT_EQ(spec.head.classes, 80);
  EXPECT_FALSE(spec.head.scores_are_logits) << "sums are of probabilities";
  ASSERT_EQ(spec.head.splits.size(), 3u);
  EXPECT_EQ(spec.head.splits[0].stride, 8);
  EXPECT_EQ(spec.head.splits[0].box_output, 3);
  EXPECT_EQ(spec.head.splits[0].score_output, 4);
  EXPECT_EQ(spec.head.splits[0].sum_output, 2);
  EXPECT_EQ(spec.head.splits[2].box_output, 1);
  EXPECT_EQ(spec.head.splits[2].score_output, 0);
  EXPECT_EQ(spec.head.splits[2].sum_output, 8);
}

TEST(describe, knows_split_outputs_with_channels_behind_and_with_plain_distances) {
  const auto spec = described(at_640({{1, 80, 80, 4},
                                      {1, 80, 80, 12},
                                      {1, 40, 40, 4},
                                      {1, 40, 40, 12},
                                      {1, 20, 20, 4},
                                      {1, 20, 20, 12}}));
  EXPECT_EQ(spec.head.kind, HeadKind::kSplitDfl);
  EXPECT_EQ(spec.head.classes, 12);
  EXPECT_TRUE(spec.head.scores_are_logits) << "neither sums nor a name speak for sigmoid";
}

TEST(describe, finds_from_sums_and_names_whether_split_scores_are_probabilities) {
  auto model = at_640({{1, 64, 80, 80}, {1, 80, 80, 80}});
  EXPECT_TRUE(described(model).head.scores_are_logits);
  EXPECT_FALSE(described(model, forced("split-sigmoid")).head.scores_are_logits);
  model.outputs[1].name = "/model.22/Sigmoid_output_0";
  EXPECT_FALSE(described(model).head.scores_are_logits);
  EXPECT_TRUE(described(model, forced("split-logits")).head.scores_are_logits);
  model.metadata["osprey.head"] = R"({"kind":"split_dfl","scores":"logits"})";
  EXPECT_TRUE(described(model).head.scores_are_logits);
}

TEST(describe, tells_boxes_from_scores_of_equal_channels_by_names_and_order) {
  const auto by_order = described(at_640({{1, 64, 80, 80}, {1, 64, 80, 80}}));
  EXPECT_EQ(by_order.head.splits[0].box_output, 0);
  const auto by_name = described(at_640({{1, 64, 80, 80}, {1, 40, 80, 80}}), named(64));
  EXPECT_EQ(by_name.head.splits[0].score_output, 0);
  const auto one_class = described(at_640({{1, 64, 80, 80}, {1, 1, 80, 80}, {1, 1, 80, 80}}));
  EXPECT_EQ(one_class.head.classes, 1);
  EXPECT_EQ(one_class.head.splits[0].score_output, 1);
  EXPECT_EQ(one_class.head.splits[0].sum_output, 2);
}

// --- Heads by name and metadata ----------------------------------------------------------------

TEST(describe, gives_well_known_anchors_when_told_to) {
  const auto raw = model_of({1, 3, 416, 416}, {{1, 255, 13, 13}, {1, 255, 26, 26}});
  const auto tiny = described(raw, forced("anchors-v3-tiny"));
  EXPECT_EQ(tiny.head.rule, AnchorRule::kExp);
  ASSERT_EQ(tiny.head.scales.size(), 2u);
  EXPECT_EQ(tiny.head.scales[0].stride, 16);
  EXPECT_EQ(tiny.head.scales[0].output, 1);
  EXPECT_EQ(tiny.head.scales[0].anchors[0], (std::array<float, 2>{10, 14}));
  EXPECT_EQ(tiny.head.scales[1].anchors[2], (std::array<float, 2>{344, 319}));
  const auto v4_tiny = described(raw, forced("anchors-v4-tiny"));
  EXPECT_EQ(v4_tiny.head.scales[0].anchors[0], (std::array<float, 2>{23, 27}));
  EXPECT_FLOAT_EQ(v4_tiny.head.scales[0].scale_xy, 1.05f);

  const auto full = at_640({{1, 255, 80, 80}, {1, 255, 40, 40}, {1, 255, 20, 20}});
  EXPECT_EQ(described(full, forced("anchors-v3")).head.rule, AnchorRule::kExp);
  EXPECT_FLOAT_EQ(described(full, forced("anchors-v4")).head.scales[0].scale_xy, 1.2f);
  EXPECT_EQ(described(full, forced("anchors-v7")).head.scales[2].anchors[2],
            (std::array<float, 2>{459, 401}));
  EXPECT_FALSE(described(full, forced("anchors-v5-sigmoid")).head.scores_are_logits);
  EXPECT_THAT(fault(full, forced("anchors-v3-tiny")), HasSubstr("[1, 3*(5+C), 40, 40]"));
  EXPECT_THAT(fault(raw), HasSubstr("anchors-"));
}

TEST(describe, reads_anchors_from_metadata) {
  const auto model = model_of({1, 3, 416, 416}, {{1, 36, 13, 13}, {1, 18, 26, 26}},
                              {{"osprey.head", R"({"kind":"anchor_grid","rule":"exp","scales":[
      {"output":"output0","stride":32,"anchors":[[81,82],[135,169],[344,319],[9,9.5],[1,2],[3,4]],
       "scale_xy":1.05},
      {"output":1,"stride":16,"anchors":[[10,14],[23,27],[37,58]]}]})"}});
  const auto spec = described(model);
  EXPECT_EQ(spec.head.kind, HeadKind::kAnchorGrid);
  EXPECT_EQ(spec.head.classes, 1);
  EXPECT_TRUE(spec.head.scores_are_logits);
  EXPECT_EQ(spec.head.strides, (std::vector<int>{16, 32}));
  EXPECT_EQ(spec.head.scales[0].output, 1);
  EXPECT_EQ(spec.head.scales[1].anchors.size(), 6u);
  EXPECT_EQ(spec.head.scales[1].anchors[3], (std::array<float, 2>{9, 9.5f}));
  EXPECT_FLOAT_EQ(spec.head.scales[1].scale_xy, 1.05f);
  EXPECT_FLOAT_EQ(spec.head.scales[0].scale_xy, 1.0f);
  EXPECT_THAT(spec.head.reason, HasSubstr("osprey.head"));
}

TEST(describe, reads_other_heads_from_metadata_and_obeys_the_user_more) {
  auto model = at_640({{1, 8400, 85}}, {{"osprey.head", R"({"kind":"rows"})"}});
  EXPECT_EQ(described(model).head.kind, HeadKind::kRows);
  EXPECT_EQ(described(model, forced("yolox-grid")).head.kind, HeadKind::kYoloxGrid);
  model.metadata["osprey.head"] = R"({"kind":"yolox_grid","scores":"logits"})";
  EXPECT_TRUE(described(model).head.scores_are_logits);
}

TEST(describe, names_what_is_wrong_in_metadata) {
  const std::pair<const char*, const char*> broken[] = {
      {"", "JSON object"},
      {"[]", "JSON object"},
      {R"({"kind":"v8"})", "kind"},
      {R"({"scores":"logits"})", "kind"},
      {R"({"kind":"rows","sores":"logits"})", "sores"},
      {R"({"kind":"rows","scores":"raw"})", "scores"},
      {R"({"kind":"rows","rule":"exp"})", "rule"},
      {R"({"kind":"anchor_grid"})", "scales"},
      {R"({"kind":"anchor_grid","scales":[]})", "scales"},
      {R"({"kind":"anchor_grid","rule":"x","scales":[{}]})", "rule"},
      {R"({"kind":"anchor_grid","scales":[{"output":"none","stride":8,"anchors":[[1,1]]}]})",
       "none"},
      {R"({"kind":"anchor_grid","scales":[{"output":1,"stride":8,"anchors":[[1,1]]}]})", "below 1"},
      {R"({"kind":"anchor_grid","scales":[{"output":0,"stride":0,"anchors":[[1,1]]}]})", "stride"},
      {R"({"kind":"anchor_grid","scales":[{"output":0,"stride":8,"anchors":[]}]})", "anchors"},
      {R"({"kind":"anchor_grid","scales":[{"output":0,"stride":8,"anchors":[[1]]}]})", "anchors"},
      {R"({"kind":"anchor_grid","scales":[{"output":0,"stride":8,"anchors":[[1,0]]}]})", "anchors"},
      {R"({"kind":"anchor_grid","scales":[{"output":0,"stride":8,"anchors":[[1,1]],"x":1}]})", "x"},
      {R"({"kind":"anchor_grid","rule":"square",
           "scales":[{"output":0,"stride":8,"anchors":[[1,1]],"scale_xy":1}]})",
       "scale_xy"},
      {R"({"kind":"anchor_grid","scales":[{"output":0,"stride":8,"anchors":[[1,1]]}]})",
       "anchors * (5 + classes)"}};
  for (const auto& [json, word] : broken) {
    EXPECT_THAT(fault(at_640({{1, 84, 8400}}, {{"osprey.head", json}})), HasSubstr(word)) << json;
  }
}

TEST(describe, offers_every_head_name_and_refuses_others) {
  const auto names = head_names();
  EXPECT_THAT(names, testing::IsSupersetOf({"channels-first", "rows", "yolox-grid", "end-to-end",
                                            "split-sigmoid", "split-logits", "anchors-v3"}));
  const auto classifier = at_640({{1, 1000}});
  for (const auto& name : names) {
    EXPECT_THAT(fault(classifier, forced(name)), HasSubstr("'" + name + "'"));
  }
  const auto unknown = describe(at_640({{1, 84, 8400}}), forced("v8"));
  ASSERT_FALSE(unknown.ok());
  EXPECT_THAT(unknown.error().message, HasSubstr("channels-first"));
}

TEST(describe, refuses_a_forced_head_that_does_not_fit) {
  EXPECT_THAT(fault(at_640({{1, 84, 8400}}), forced("end-to-end")), HasSubstr("[1, N, 6]"));
  EXPECT_THAT(fault(at_640({{1, 25200, 85}}), forced("yolox-grid")), HasSubstr("[1, 8400, 5+C]"));
  EXPECT_THAT(fault(at_640({{1, 84, 8400}}), forced("split-logits")), HasSubstr("[1, 84, 8400]"));
}

// --- What is no detector -------------------------------------------------------------------------

TEST(describe, refuses_other_tasks_by_name) {
  const auto of_task = [](const char* task) {
    return fault(at_640({{1, 116, 8400}, {1, 32, 160, 160}}, {{"task", task}}));
  };
  EXPECT_THAT(of_task("segment"), HasSubstr("a segmentation model"));
  EXPECT_THAT(of_task("pose"), HasSubstr("a pose model"));
  EXPECT_THAT(of_task("classify"), HasSubstr("a classification model"));
  EXPECT_THAT(of_task("obb"), HasSubstr("rotated boxes"));
  EXPECT_THAT(of_task("depth"), HasSubstr("depth"));
  EXPECT_TRUE(describe(at_640({{1, 84, 8400}}, {{"task", "detect"}}), {}).ok());
}

TEST(describe, refuses_unknown_outputs_saying_what_was_seen_and_what_is_known) {
  const auto classifier = fault(model_of({1, 3, 224, 224}, {{1, 1000}}));
  EXPECT_THAT(classifier, HasSubstr("'output0' [1, 1000]"));
  EXPECT_THAT(classifier, HasSubstr("[1, 4+C, N]"));
  fault(at_640({}));
  fault(at_640({{1, 116, 8400}, {1, 32, 160, 160}}));  // segmentation without metadata
  fault(at_640({{1, 300, 84}}));                       // RT-DETR
  fault(at_640({{1, 512, 768}}));
  fault(at_640({{2, 84, 8400}}));
  fault(at_640({{1, 85, 80, 80}, {1, 85, 40, 40}, {1, 85, 20, 20}}));
  fault(at_640({{1, 64, 80, 80}, {1, 80, 80, 80}, {1, 64, 40, 40}, {1, 81, 40, 40}}));
}

TEST(describe, refuses_inputs_that_are_no_single_picture) {
  EXPECT_THAT(fault(model_of({1, 1, 640, 640}, {{1, 84, 8400}})), HasSubstr("[1, 1, 640, 640]"));
  fault(model_of({4, 3, 640, 640}, {{1, 84, 8400}}));
  fault(model_of({1, 3, 640}, {{1, 84, 8400}}));
  fault(model_of({1, 3, 0, 640}, {{1, 84, 8400}}));
  auto two = at_640({{1, 84, 8400}});
  two.inputs.push_back({"scale_factor", {1, 2}});
  EXPECT_THAT(fault(two), HasSubstr("scale_factor"));
}

// --- Input ---------------------------------------------------------------------------------------

TEST(describe, reads_the_size_from_either_order_of_dimensions) {
  const auto planar = described(model_of({1, 3, 384, 640}, {{1, 84, 5040}}));
  EXPECT_EQ(planar.input.width, 640);
  EXPECT_EQ(planar.input.height, 384);
  const auto packed = described(model_of({1, 384, 640, 3}, {{1, 84, 5040}}));
  EXPECT_EQ(packed.input.width, 640);
  EXPECT_EQ(packed.input.height, 384);
}

TEST(describe, fills_an_open_size_from_the_user_then_metadata_then_640) {
  auto model = model_of({-1, 3, -1, -1}, {{-1, 84, -1}});
  EXPECT_EQ(described(model).input.width, 640);
  model.metadata["imgsz"] = "[480, 800]";
  EXPECT_EQ(described(model).input.height, 480);
  EXPECT_EQ(described(model).input.width, 800);
  ModelOverrides overrides;
  overrides.imgsz_width = 320;
  overrides.imgsz_height = 256;
  EXPECT_EQ(described(model, overrides).input.width, 320);
  EXPECT_EQ(described(model, overrides).input.height, 256);
  overrides.imgsz_width = 321;
  EXPECT_THAT(fault(model, overrides), HasSubstr("multiple of 32"));
  overrides.imgsz_width = 1 << 20;
  fault(model, overrides);
}

TEST(describe, refuses_to_change_a_fixed_size) {
  ModelOverrides overrides;
  overrides.imgsz_width = 320;
  overrides.imgsz_height = 320;
  const auto message = fault(at_640({{1, 84, 8400}}), overrides);
  EXPECT_THAT(message, HasSubstr("'images'"));
  EXPECT_THAT(message, HasSubstr("640"));
  EXPECT_THAT(message, HasSubstr("320"));
  overrides.imgsz_width = overrides.imgsz_height = 640;
  EXPECT_TRUE(describe(at_640({{1, 84, 8400}}), overrides).ok());
}

TEST(describe, tells_open_rows_apart_by_the_count_of_names) {
  const auto kind = [](std::int64_t columns, int names) {
    return described(
               model_of({1, 3, -1, -1}, {{1, -1, columns}}, {{"names", names_literal(names)}}))
        .head.kind;
  };
  EXPECT_EQ(kind(9, 5), HeadKind::kChannelsFirst);
  EXPECT_EQ(kind(9, 4), HeadKind::kRows);
  EXPECT_EQ(kind(6, 1), HeadKind::kRows);
  EXPECT_EQ(kind(6, 2), HeadKind::kChannelsFirst);
  EXPECT_EQ(kind(6, 3), HeadKind::kEndToEnd);
}

TEST(describe, applies_the_input_that_metadata_gives) {
  const auto spec = described(at_640({{1, 84, 8400}}, {{"osprey.input", R"({"order":"bgr"})"}}));
  EXPECT_EQ(spec.input.order, ChannelOrder::kBgr);
  EXPECT_EQ(spec.input.std, (std::array<float, 3>{255, 255, 255}));
  EXPECT_THAT(fault(at_640({{1, 84, 8400}}, {{"osprey.input", "{"}})), HasSubstr("osprey.input"));
}

// --- Names ---------------------------------------------------------------------------------------

TEST(describe, takes_names_from_the_file_then_metadata_and_else_numbers_them) {
  const auto model = at_640({{1, 6, 8400}}, {{"names", "{0: 'cat', 1: 'dog'}"}});
  EXPECT_EQ(described(model).names, (std::vector<std::string>{"cat", "dog"}));
  EXPECT_EQ(described(model).names_source, "metadata");
  EXPECT_EQ(described(model, named(2)).names, (std::vector<std::string>{"n0", "n1"}));
  EXPECT_EQ(described(model, named(2)).names_source, "names file");
  const auto bare = described(at_640({{1, 7, 8400}}));
  EXPECT_EQ(bare.names, (std::vector<std::string>{"class0", "class1", "class2"}));
  EXPECT_EQ(bare.names_source, "numbered");
}

TEST(describe, refuses_a_wrong_count_of_names_with_both_numbers) {
  const auto by_file = fault(at_640({{1, 84, 8400}}), named(79));
  EXPECT_THAT(by_file, HasSubstr("names file"));
  EXPECT_THAT(by_file, HasSubstr("79"));
  EXPECT_THAT(by_file, HasSubstr("80"));
  EXPECT_THAT(fault(at_640({{1, 84, 8400}}, {{"names", "['a']"}})), HasSubstr("metadata"));
  EXPECT_THAT(fault(at_640({{1, 84, 8400}}, {{"names", "a b"}})), HasSubstr("metadata names"));
}

}  // namespace
}  // namespace osprey::model
