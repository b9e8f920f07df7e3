// SPDX-License-Identifier: Apache-2.0
#include "sim/rk3588/container.hpp"

#include <gtest/gtest.h>

namespace osprey::sim {
namespace {

Model example() {
  Model model;
  model.name = "yolo";
  model.core_ms = 13.6;
  model.parallel = 0.25;
  model.mean = {1, 2, 3};
  model.std = {4, 5, 6};
  model.bgr = true;
  model.custom_string = "made by a test";
  model.input = {"images", {1, 64, 96, 3}, true, Type::kInt8, 1.f / 255, -128};
  model.outputs = {{"boxes", {1, 64, 8, 12}},
                   {"scores", {1, 80, 8, 12}, false, Type::kInt8, 0.01f, -7}};
  model.onnx = std::string("any\0bytes\n", 10);
  return model;
}

std::string error_of(const std::string& bytes) {
  try {
    from_bytes(bytes);
  } catch (const std::runtime_error& e) {
    return e.what();
  }
  return {};
}

TEST(Container, gives_back_what_was_put_in) {
  const auto model = from_bytes(to_bytes(example()));
  EXPECT_EQ(model.name, "yolo");
  EXPECT_EQ(model.platform, "rk3588");
  EXPECT_EQ(model.core_ms, 13.6);
  EXPECT_EQ(model.parallel, 0.25);
  EXPECT_EQ(model.mean, example().mean);
  EXPECT_EQ(model.std, example().std);
  EXPECT_TRUE(model.bgr);
  EXPECT_EQ(model.custom_string, "made by a test");
  EXPECT_EQ(model.input.dims, example().input.dims);
  EXPECT_EQ(model.input.zero_point, -128);
  ASSERT_EQ(model.outputs.size(), 2u);
  EXPECT_EQ(model.outputs[1].type, Type::kInt8);
  EXPECT_EQ(model.outputs[1].scale, 0.01f);
  EXPECT_EQ(model.onnx, example().onnx);
}

TEST(Container, that_is_cut_or_damaged_is_refused_with_a_reason) {
  const auto whole = to_bytes(example());
  EXPECT_NE(error_of("RKNN and so on"), "");
  EXPECT_NE(error_of(""), "");
  const auto head = whole.size() - example().onnx.size();
  for (std::size_t size = 0; size < head; ++size)
    EXPECT_NE(error_of(whole.substr(0, size)), "") << size;
  for (std::size_t at = 0; at < head; ++at) {
    auto damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x15);
    error_of(damaged);  // it may still be one, but nothing else than runtime_error comes out
  }
  auto model = example();
  model.input.dims = {1, 2};
  EXPECT_NE(error_of(to_bytes(model)), "");
  model = example();
  model.parallel = 2;
  EXPECT_NE(error_of(to_bytes(model)), "");
}

}  // namespace
}  // namespace osprey::sim
