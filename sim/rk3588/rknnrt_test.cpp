// SPDX-License-Identifier: Apache-2.0
// The runtime as a program sees it: its C functions, out of the library that it opens.
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "runtime/rknn/rknn_abi.h"
#include "sim/rk3588/container.hpp"

namespace osprey::sim {
namespace {

class Runtime : public testing::Test {
 protected:
  Runtime() {
    setenv("OSPREY_SIM_ANSWERS", "none", 1);
    model_.input = {"images", {1, 8, 8, 3}, true, Type::kInt8, 1.f / 255, -128};
    model_.outputs = {{"output0", {1, 7, 4}}};
  }
  ~Runtime() override {
    for (const auto context : contexts_) call<decltype(rknn_destroy)>("rknn_destroy")(context);
    unsetenv("OSPREY_SIM_CLOCK");
    unsetenv("OSPREY_SIM_LOAD");
  }

  template <typename Function>
  Function* call(const char* name) const {
    auto* function = reinterpret_cast<Function*>(dlsym(library_, name));
    if (function == nullptr) throw std::runtime_error(std::string("no function ") + name);
    return function;
  }

  rknn_context context(rknn_core_mask mask) {
    auto bytes = to_bytes(model_);
    rknn_context made = 0;
    const auto size = static_cast<std::uint32_t>(bytes.size());
    EXPECT_EQ(call<decltype(rknn_init)>("rknn_init")(&made, bytes.data(), size, 0, nullptr),
              RKNN_SUCC);
    contexts_.push_back(made);
    EXPECT_EQ(call<decltype(rknn_set_core_mask)>("rknn_set_core_mask")(made, mask), RKNN_SUCC);
    std::vector<std::uint8_t> picture(std::size_t{8} * 8 * 3);
    rknn_input input{};
    input.buf = picture.data();
    input.size = static_cast<std::uint32_t>(picture.size());
    input.type = RKNN_TENSOR_UINT8;
    input.fmt = RKNN_TENSOR_NHWC;
    EXPECT_EQ(call<decltype(rknn_inputs_set)>("rknn_inputs_set")(made, 1, &input), RKNN_SUCC);
    return made;
  }

  int run(rknn_context context) const {
    return call<decltype(rknn_run)>("rknn_run")(context, nullptr);
  }

  /// A run, and what the runtime says that it took.
  std::chrono::microseconds timed_run(rknn_context context) const {
    EXPECT_EQ(run(context), RKNN_SUCC);
    rknn_perf_run perf{};
    EXPECT_EQ(
        call<decltype(rknn_query)>("rknn_query")(context, RKNN_QUERY_PERF_RUN, &perf, sizeof perf),
        RKNN_SUCC);
    return std::chrono::microseconds(perf.run_duration);
  }

  void* library_ = dlopen(VIRTUAL_RKNNRT, RTLD_NOW | RTLD_LOCAL);
  Model model_;
  std::vector<rknn_context> contexts_;
};

using std::chrono::hours;

TEST_F(Runtime, on_a_simulated_clock_hours_take_no_time_and_add_up_exactly) {
  setenv("OSPREY_SIM_CLOCK", "simulated", 1);
  model_.core_ms = 3'600'000;
  model_.parallel = 0.5;
  const auto first = context(RKNN_NPU_CORE_0), second = context(RKNN_NPU_CORE_0);
  EXPECT_EQ(timed_run(first), hours(1));
  EXPECT_EQ(timed_run(second), hours(2));  // behind the first one's
  EXPECT_EQ(timed_run(first), hours(2));   // from its own first hour's end, behind the second
  const auto other = context(RKNN_NPU_CORE_1);
  EXPECT_EQ(timed_run(other), hours(1));
  EXPECT_EQ(timed_run(other), hours(1));
  const auto pair = context(RKNN_NPU_CORE_0_1);
  EXPECT_EQ(timed_run(pair), hours(3) + std::chrono::minutes(45));  // core 0 is free after three
}

TEST_F(Runtime, writes_the_load_as_the_driver_does_while_there_are_contexts) {
  const auto path =
      std::filesystem::path(testing::TempDir()) / ("osprey_load_" + std::to_string(getpid()));
  setenv("OSPREY_SIM_LOAD", path.c_str(), 1);
  const auto load = [&] {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  };
  model_.core_ms = 200;  // what a busy machine leaves between two runs is little beside them
  const auto busy = context(RKNN_NPU_CORE_1);
  const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  const auto told =
      testing::MatchesRegex("NPU load:  Core0:  0%, Core1: (9[0-9]|100)%, Core2:  0%,\n");
  auto text = load();
  while (!testing::Value(text, told) && std::chrono::steady_clock::now() < patience) {
    ASSERT_EQ(run(busy), RKNN_SUCC);
    text = load();
  }
  EXPECT_THAT(text, told);
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace osprey::sim
