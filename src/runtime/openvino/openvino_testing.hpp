// SPDX-License-Identifier: Apache-2.0
// What the tests of this adapter share: a folder of their own, models compiled, slots filled and
// run.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/file_testing.hpp"
#include "runtime/openvino/openvino_backend.hpp"

namespace osprey::runtime {

using Bytes = std::vector<std::uint8_t>;
using Floats = std::vector<float>;

/// The value; an error ends the test with its message.
template <typename T>
T must(Result<T> result) {
  if (!result.ok()) throw std::runtime_error(result.error().message);
  return std::move(result).value();
}

inline void must(const Status& status) {
  if (!status.ok()) throw std::runtime_error(status.error().message);
}

inline std::size_t size_of(const InputBuffer& buffer) {
  return static_cast<std::size_t>(buffer.width) * static_cast<std::size_t>(buffer.height) * 3;
}

/// Starts the slot; the future has what its completion is called with. `first` runs in there
/// before.
inline std::future<Status> start(
    Lane& lane, std::size_t slot, std::function<void()> first = [] {}) {
  // Shared: the completion may still be about to return when the future's owner has moved on.
  auto ended = std::make_shared<std::promise<Status>>();
  lane.start(slot, [ended, first](Status status) {
    first();
    ended->set_value(std::move(status));
  });
  return ended->get_future();
}

inline void fill(Lane& lane, std::size_t slot, const Bytes& picture, std::size_t item = 0) {
  const auto buffer = lane.input(slot, item);
  ASSERT_EQ(picture.size(), size_of(buffer));
  std::copy(picture.begin(), picture.end(), buffer.data);
}

inline Floats values_of(const TensorView& tensor) {
  return {tensor.data, tensor.data + tensor.size()};
}

/// The first output for this picture.
inline Floats infer(Lane& lane, const Bytes& picture, std::size_t slot = 0) {
  fill(lane, slot, picture);
  must(start(lane, slot).get());
  return values_of(lane.outputs(slot, 0)[0]);
}

/// Bytes that differ from their neighbours, and from those of another `seed`.
inline Bytes pattern(std::size_t size, std::uint32_t seed = 1) {
  Bytes bytes(size);
  std::uint32_t state = seed;
  for (auto& byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<std::uint8_t>(state >> 24);
  }
  return bytes;
}

/// A network that sees the bytes as they are.
inline model::InputSpec plain_input(int width, int height) {
  model::InputSpec input;
  input.width = width;
  input.height = height;
  input.std = {1, 1, 1};
  return input;
}

class OpenVinoTest : public testing::Test {
 protected:
  std::unique_ptr<Session> compile(const std::string& path, const model::InputSpec& input,
                                   const SessionOptions& options = {.lanes = 1}) {
    return must(must(backend_->load(path))->compile(input, options));
  }
  std::unique_ptr<Lane> lane_of(const std::string& path, const model::InputSpec& input) {
    return must(compile(path, input)->create_lane());
  }

  base::TemporaryFolder folder_;
  std::unique_ptr<Backend> backend_ = must(create_openvino_backend());
};

}  // namespace osprey::runtime
