// SPDX-License-Identifier: Apache-2.0
#include "runtime/rknn/rknn_context.hpp"

#include <utility>

#include "base/try.hpp"

namespace osprey::runtime {

Status rknn_status(const std::string& doing, int code) {
  if (code == RKNN_SUCC) return {};
  const bool another_may = code == RKNN_ERR_FAIL || code == RKNN_ERR_TIMEOUT ||
                           code == RKNN_ERR_DEVICE_UNAVAILABLE || code == RKNN_ERR_MALLOC_FAIL ||
                           code == RKNN_ERR_CTX_INVALID;
  return Error{another_may ? ErrorCode::kUnavailable : ErrorCode::kInternal,
               "the NPU's runtime, " + doing + ", " + rknn_error_text(code)};
}

RknnMemory::RknnMemory(RknnMemory&& other) noexcept
    : library_(other.library_),
      context_(other.context_),
      memory_(std::exchange(other.memory_, nullptr)) {}

RknnMemory::~RknnMemory() {
  if (memory_ != nullptr) library_->destroy_mem(context_, memory_);
}

RknnContext::RknnContext(RknnContext&& other) noexcept
    : library_(std::move(other.library_)), handle_(std::exchange(other.handle_, 0)) {}

RknnContext::~RknnContext() {
  if (handle_ != 0) library_->destroy(handle_);
}

Result<rknn_tensor_attr> RknnContext::tensor(rknn_query_cmd command, std::uint32_t index) const {
  rknn_tensor_attr attributes{};
  attributes.index = index;
  OSPREY_TRY(query(command, attributes));
  return attributes;
}

Result<RknnContext> RknnContext::duplicate() const {
  rknn_context from = handle_, to = 0;
  OSPREY_TRY(rknn_status("asked for another context", library_->dup_context(&from, &to)));
  return RknnContext(library_, to);
}

Status RknnContext::use_cores(std::uint32_t mask) const {
  if (library_->set_core_mask == nullptr) return {};
  return rknn_status("asked for core mask " + std::to_string(mask),
                     library_->set_core_mask(handle_, static_cast<rknn_core_mask>(mask)));
}

Result<RknnMemory> RknnContext::create_memory(std::uint32_t bytes) const {
  auto* memory = library_->create_mem(handle_, bytes);
  if (memory == nullptr) {
    return Error{ErrorCode::kUnavailable,
                 "the NPU's runtime has no memory of " + std::to_string(bytes) +
                     " bytes left, or no file descriptor for it (ulimit -n)"};
  }
  return RknnMemory(*library_, handle_, memory);
}

Status RknnContext::use_memory(const RknnMemory& memory, rknn_tensor_attr attributes) const {
  return rknn_status("told where a tensor lies",
                     library_->set_io_mem(handle_, memory.handle(), &attributes));
}

}  // namespace osprey::runtime
