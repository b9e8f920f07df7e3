// SPDX-License-Identifier: Apache-2.0
// A context at work: with a thread of its own, since the runtime's calls block.
#pragma once

#include <osprey/result.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <thread>

#include "runtime/backend.hpp"
#include "runtime/rknn/rknn_tensors.hpp"

namespace osprey::runtime {

/// Threads: one owner; completions come on the slot's thread.
class RknnSlot {
 public:
  /// A context like `model`'s on the cores of `mask`. `name`: its thread's. `tensors` outlives all
  /// slots, also a run that hangs, hence shared.
  static Result<std::unique_ptr<RknnSlot>> create(const RknnContext& model, std::uint32_t mask,
                                                  std::shared_ptr<const RknnTensors> tensors,
                                                  const std::string& name);
  /// Waits for a run, but not for one that hangs: that keeps its thread, its context and its
  /// memory, and its completion is not called any more.
  ~RknnSlot();

  std::uint8_t* picture(std::size_t item);
  std::span<const TensorView> outputs(std::size_t item);
  void start(Completion done);
  /// As Lane::overhead().
  Duration overhead() const;

 private:
  struct Work;
  explicit RknnSlot(std::shared_ptr<Work> work) : work_(std::move(work)) {}

  std::shared_ptr<Work> work_;  // the thread holds it too
  std::thread thread_;
};

}  // namespace osprey::runtime
