// SPDX-License-Identifier: Apache-2.0
#include "model/input_spec.hpp"

#include <gtest/gtest.h>

namespace osprey::model {
namespace {

TEST(input_json, sets_the_fields_it_names_and_no_others) {
  InputSpec spec;
  spec.width = 416;
  ASSERT_TRUE(apply_input_json(R"({"order":"bgr","mean":[1,2.5,3],"std":[58.4,57.1,57.4],
                                   "pad":128,"align":"top_left"})",
                               spec)
                  .ok());
  EXPECT_EQ(spec.order, ChannelOrder::kBgr);
  EXPECT_EQ(spec.mean, (std::array<float, 3>{1, 2.5f, 3}));
  EXPECT_EQ(spec.std, (std::array<float, 3>{58.4f, 57.1f, 57.4f}));
  EXPECT_EQ(spec.pad, 128);
  EXPECT_EQ(spec.align, LetterboxAlign::kTopLeft);
  EXPECT_EQ(spec.width, 416);

  ASSERT_TRUE(apply_input_json(R"({"align":"center"})", spec).ok());
  EXPECT_EQ(spec.align, LetterboxAlign::kCenter);
  EXPECT_EQ(spec.pad, 128);
  EXPECT_TRUE(apply_input_json("{}", spec).ok());
}

TEST(input_json, that_is_wrong_changes_nothing_and_names_the_key) {
  const std::pair<const char*, const char*> broken[] = {
      {"", "JSON object"},
      {"[1]", "JSON object"},
      {R"({"order":"bgr","oder":"rgb"})", "oder"},
      {R"({"order":"gbr"})", "order"},
      {R"({"order":"bgr","mean":[1,2]})", "mean"},
      {R"({"order":"bgr","mean":[1,2,"3"]})", "mean"},
      {R"({"order":"bgr","mean":[1,2,1e60]})", "mean"},
      {R"({"order":"bgr","std":[1,0,1]})", "std"},
      {R"({"order":"bgr","std":[1,-1,1]})", "std"},
      {R"({"order":"bgr","pad":256})", "pad"},
      {R"({"order":"bgr","pad":1.5})", "pad"},
      {R"({"order":"bgr","pad":-1})", "pad"},
      {R"({"align":"left","order":"bgr"})", "align"}};
  for (const auto& [json, word] : broken) {
    InputSpec spec;
    const auto status = apply_input_json(json, spec);
    ASSERT_FALSE(status.ok()) << json;
    EXPECT_EQ(status.error().code, ErrorCode::kCorrupt);
    EXPECT_NE(status.error().message.find(word), std::string::npos) << status.error().message;
    EXPECT_EQ(spec.order, ChannelOrder::kRgb) << json;
  }
}

}  // namespace
}  // namespace osprey::model
