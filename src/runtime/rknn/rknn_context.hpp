// SPDX-License-Identifier: Apache-2.0
// A context of Rockchip's runtime, and memory that it shares with the NPU.
#pragma once

#include <osprey/result.hpp>

#include <cstdint>
#include <memory>
#include <string>

#include "runtime/rknn/rknn_library.hpp"

namespace osprey::runtime {

/// What a function of the runtime answered, in words after `doing`. What another context may do
/// better (a time-out, no memory, a core that fails) is kUnavailable.
Status rknn_status(const std::string& doing, int code);

/// Memory of the NPU's. Its context outlives it.
class RknnMemory {
 public:
  RknnMemory(const RknnLibrary& library, rknn_context context, rknn_tensor_mem* memory)
      : library_(&library), context_(context), memory_(memory) {}
  RknnMemory(RknnMemory&& other) noexcept;
  RknnMemory& operator=(RknnMemory&&) = delete;
  ~RknnMemory();

  std::uint8_t* data() const { return static_cast<std::uint8_t*>(memory_->virt_addr); }
  rknn_tensor_mem* handle() const { return memory_; }

 private:
  const RknnLibrary* library_;
  rknn_context context_;
  rknn_tensor_mem* memory_;
};

/// Threads: one at a time.
class RknnContext {
 public:
  RknnContext(std::shared_ptr<const RknnLibrary> library, rknn_context handle)
      : library_(std::move(library)), handle_(handle) {}
  RknnContext(RknnContext&& other) noexcept;
  RknnContext& operator=(RknnContext&&) = delete;
  ~RknnContext();

  const RknnLibrary& library() const { return *library_; }
  rknn_context handle() const { return handle_; }

  template <typename Info>
  Status query(rknn_query_cmd command, Info& info) const {
    return rknn_status("asked for what the model is",
                       library_->query(handle_, command, &info, sizeof info));
  }
  /// The tensor at `index`, as `command` tells it.
  Result<rknn_tensor_attr> tensor(rknn_query_cmd command, std::uint32_t index) const;

  /// Another one of the same network, which shares its weights.
  Result<RknnContext> duplicate() const;
  /// `mask`: bit 0 is core 0; 0: whichever is free.
  Status use_cores(std::uint32_t mask) const;
  Result<RknnMemory> create_memory(std::uint32_t bytes) const;
  /// The tensor is kept there from now on.
  Status use_memory(const RknnMemory& memory, rknn_tensor_attr attributes) const;

 private:
  std::shared_ptr<const RknnLibrary> library_;
  rknn_context handle_ = 0;
};

}  // namespace osprey::runtime
