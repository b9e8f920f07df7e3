// SPDX-License-Identifier: Apache-2.0
// The virtual RK3588's librknnrt.so: the runtime's C functions, over three cores that exist in time
// only.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <sstream>
#include <thread>

#include "runtime/rknn/rknn_abi.h"
#include "sim/rk3588/answers.hpp"
#include "sim/rk3588/container.hpp"
#include "sim/rk3588/cores.hpp"

namespace {

using osprey::sim::Answers;
using osprey::sim::AnswerSource;
using osprey::sim::Cores;
using osprey::sim::Model;
using osprey::sim::Outputs;
using osprey::sim::Tensor;
using osprey::sim::Type;

/// What contexts that were duplicated share.
struct Network {
  Model model;
  std::unique_ptr<AnswerSource> source;
};

struct Context {
  std::shared_ptr<const Network> network;
  std::unique_ptr<Answers> answers;
  std::uint32_t mask = RKNN_NPU_CORE_AUTO;
  std::vector<std::uint8_t> picture;
  bool picture_is_set = false;
  const Outputs* outputs = nullptr;  ///< of the last run
  std::int64_t run_us = 0;
};

class Board {
 public:
  static Board& get() {
    static Board board;
    return board;
  }

  rknn_context add(std::unique_ptr<Context> context) {
    const std::lock_guard lock(mutex_);
    contexts_[++last_] = std::move(context);
    return last_;
  }
  /// Null if there is no such context. A context is its owner's to use by one thread at a time.
  Context* find(rknn_context handle) {
    const std::lock_guard lock(mutex_);
    const auto found = contexts_.find(handle);
    return found == contexts_.end() ? nullptr : found->second.get();
  }
  bool remove(rknn_context handle) {
    const std::lock_guard lock(mutex_);
    return contexts_.erase(handle) > 0;
  }

  Cores cores;

 private:
  std::mutex mutex_;
  std::map<rknn_context, std::unique_ptr<Context>> contexts_;
  rknn_context last_ = 0;
};

/// As the real one does: on standard error, with its letter for the level.
void complain(const std::string& what) {
  std::fprintf(stderr, "E RKNN: [virtual RK3588] %s\n", what.c_str());
}

std::unique_ptr<Context> context_of(std::shared_ptr<const Network> network) {
  auto context = std::make_unique<Context>();
  context->answers = network->source->answers();
  const auto& dims = network->model.input.dims;
  context->picture.resize(std::size_t{dims[1]} * dims[2] * dims[3]);
  context->network = std::move(network);
  return context;
}

std::optional<std::string> read_file(const char* path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

std::uint32_t bytes_of(Type type) {
  return type == Type::kFloat32 ? 4 : 1;
}

int describe(const Tensor& tensor, rknn_tensor_attr& attributes) {
  const auto index = attributes.index;
  attributes = {};
  attributes.index = index;
  attributes.n_dims = static_cast<std::uint32_t>(tensor.dims.size());
  attributes.n_elems = 1;
  for (std::size_t i = 0; i < tensor.dims.size(); ++i) {
    attributes.dims[i] = tensor.dims[i];
    attributes.n_elems *= tensor.dims[i];
  }
  std::strncpy(attributes.name, tensor.name.c_str(), sizeof attributes.name - 1);
  attributes.size = attributes.size_with_stride = attributes.n_elems * bytes_of(tensor.type);
  attributes.fmt = tensor.nhwc               ? RKNN_TENSOR_NHWC
                   : tensor.dims.size() == 4 ? RKNN_TENSOR_NCHW
                                             : RKNN_TENSOR_UNDEFINED;
  attributes.type = tensor.type == Type::kInt8 ? RKNN_TENSOR_INT8 : RKNN_TENSOR_FLOAT32;
  attributes.qnt_type =
      tensor.type == Type::kInt8 ? RKNN_TENSOR_QNT_AFFINE_ASYMMETRIC : RKNN_TENSOR_QNT_NONE;
  attributes.zp = tensor.zero_point;
  attributes.scale = tensor.scale;
  return RKNN_SUCC;
}

template <typename Info>
Info* as(void* info, std::uint32_t size) {
  return size == sizeof(Info) && info != nullptr ? static_cast<Info*>(info) : nullptr;
}

std::int8_t quantized(float value, const Tensor& tensor) {
  const float steps = std::nearbyint(value / tensor.scale) + static_cast<float>(tensor.zero_point);
  return static_cast<std::int8_t>(std::clamp(steps, -128.f, 127.f));
}

/// Into the caller's buffer: as floats, which went through the tensor's own type, or as that.
void write_output(const std::vector<float>& values, const Tensor& tensor, bool want_float,
                  void* buffer) {
  if (tensor.type != Type::kInt8) {
    std::memcpy(buffer, values.data(), values.size() * sizeof(float));
    return;
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto number = quantized(values[i], tensor);
    if (want_float) {
      static_cast<float*>(buffer)[i] =
          static_cast<float>(number - tensor.zero_point) * tensor.scale;
    } else {
      static_cast<std::int8_t*>(buffer)[i] = number;
    }
  }
}

}  // namespace

#define OSPREY_SIM_API extern "C" __attribute__((visibility("default")))

OSPREY_SIM_API int rknn_init(rknn_context* handle, void* model, uint32_t size, uint32_t,
                             rknn_init_extend*) {
  if (handle == nullptr || model == nullptr) return RKNN_ERR_PARAM_INVALID;
  try {
    auto bytes = size > 0 ? std::optional(std::string(static_cast<const char*>(model), size))
                          : read_file(static_cast<const char*>(model));
    if (!bytes) {
      complain(std::string(static_cast<const char*>(model)) + ": cannot be read");
      return RKNN_ERR_MODEL_INVALID;
    }
    auto network = std::make_shared<Network>();
    network->model = osprey::sim::from_bytes(*bytes);
    if (network->model.platform != "rk3588") {
      complain("the model is for " + network->model.platform + ", the board is an rk3588");
      return RKNN_ERR_TARGET_PLATFORM_UNMATCH;
    }
    network->source = osprey::sim::answer_source(network->model);
    *handle = Board::get().add(context_of(std::move(network)));
    return RKNN_SUCC;
  } catch (const std::bad_alloc&) {
    return RKNN_ERR_MALLOC_FAIL;
  } catch (const std::exception& e) {
    complain(e.what());
    return RKNN_ERR_MODEL_INVALID;
  }
}

OSPREY_SIM_API int rknn_dup_context(rknn_context* from, rknn_context* to) {
  if (from == nullptr || to == nullptr) return RKNN_ERR_PARAM_INVALID;
  auto* context = Board::get().find(*from);
  if (context == nullptr) return RKNN_ERR_CTX_INVALID;
  try {
    *to = Board::get().add(context_of(context->network));
    return RKNN_SUCC;
  } catch (const std::exception& e) {
    complain(e.what());
    return RKNN_ERR_FAIL;
  }
}

OSPREY_SIM_API int rknn_destroy(rknn_context handle) {
  return Board::get().remove(handle) ? RKNN_SUCC : RKNN_ERR_CTX_INVALID;
}

OSPREY_SIM_API int rknn_query(rknn_context handle, rknn_query_cmd command, void* info,
                              uint32_t size) {
  auto* context = Board::get().find(handle);
  if (context == nullptr) return RKNN_ERR_CTX_INVALID;
  const auto& model = context->network->model;
  switch (command) {
    case RKNN_QUERY_IN_OUT_NUM:
      if (auto* count = as<rknn_input_output_num>(info, size)) {
        *count = {1, static_cast<std::uint32_t>(model.outputs.size())};
        return RKNN_SUCC;
      }
      break;
    case RKNN_QUERY_INPUT_ATTR:
      if (auto* attributes = as<rknn_tensor_attr>(info, size);
          attributes && attributes->index == 0) {
        return describe(model.input, *attributes);
      }
      break;
    case RKNN_QUERY_OUTPUT_ATTR:
      if (auto* attributes = as<rknn_tensor_attr>(info, size);
          attributes && attributes->index < model.outputs.size()) {
        return describe(model.outputs[attributes->index], *attributes);
      }
      break;
    case RKNN_QUERY_PERF_RUN:
      if (auto* perf = as<rknn_perf_run>(info, size)) {
        perf->run_duration = context->run_us;
        return RKNN_SUCC;
      }
      break;
    case RKNN_QUERY_SDK_VERSION:
      if (auto* version = as<rknn_sdk_version>(info, size)) {
        *version = {};
        std::strcpy(version->api_version, "2.3.2 (virtual RK3588 of Osprey)");
        std::strcpy(version->drv_version, "0.9.8");
        return RKNN_SUCC;
      }
      break;
    case RKNN_QUERY_MEM_SIZE:
      if (auto* memory = as<rknn_mem_size>(info, size)) {
        *memory = {};
        memory->total_weight_size = static_cast<std::uint32_t>(model.onnx.size());
        return RKNN_SUCC;
      }
      break;
    case RKNN_QUERY_CUSTOM_STRING:
      if (auto* custom = as<rknn_custom_string>(info, size)) {
        *custom = {};
        std::strncpy(custom->string, model.custom_string.c_str(), sizeof custom->string - 1);
        return RKNN_SUCC;
      }
      break;
    default:
      break;
  }
  return RKNN_ERR_PARAM_INVALID;
}

OSPREY_SIM_API int rknn_inputs_set(rknn_context handle, uint32_t count, rknn_input inputs[]) {
  auto* context = Board::get().find(handle);
  if (context == nullptr) return RKNN_ERR_CTX_INVALID;
  if (count != 1 || inputs == nullptr || inputs[0].index != 0 || inputs[0].buf == nullptr ||
      inputs[0].type != RKNN_TENSOR_UINT8 || inputs[0].fmt != RKNN_TENSOR_NHWC ||
      inputs[0].size != context->picture.size()) {
    complain("rknn_inputs_set: expected one picture of " + std::to_string(context->picture.size()) +
             " bytes, UINT8 and NHWC");
    return RKNN_ERR_INPUT_INVALID;
  }
  std::memcpy(context->picture.data(), inputs[0].buf, inputs[0].size);
  context->picture_is_set = true;
  return RKNN_SUCC;
}

OSPREY_SIM_API int rknn_run(rknn_context handle, rknn_run_extend*) {
  auto* context = Board::get().find(handle);
  if (context == nullptr) return RKNN_ERR_CTX_INVALID;
  if (!context->picture_is_set) return RKNN_ERR_INPUT_INVALID;
  const auto& model = context->network->model;
  try {
    const auto begun = Cores::Clock::now();
    const auto alone = std::chrono::duration_cast<Cores::Clock::duration>(
        std::chrono::duration<double, std::milli>(model.core_ms));
    const auto run = Board::get().cores.book(context->mask, alone, model.parallel);
    context->outputs = &context->answers->run(context->picture);
    std::this_thread::sleep_until(run.end);
    context->run_us =
        std::chrono::duration_cast<std::chrono::microseconds>(Cores::Clock::now() - begun).count();
    return RKNN_SUCC;
  } catch (const std::exception& e) {
    complain(e.what());
    return RKNN_ERR_FAIL;
  }
}

OSPREY_SIM_API int rknn_outputs_get(rknn_context handle, uint32_t count, rknn_output outputs[],
                                    rknn_output_extend*) {
  auto* context = Board::get().find(handle);
  if (context == nullptr) return RKNN_ERR_CTX_INVALID;
  const auto& tensors = context->network->model.outputs;
  if (context->outputs == nullptr || outputs == nullptr || count != tensors.size()) {
    return RKNN_ERR_OUTPUT_INVALID;
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    auto& output = outputs[i];
    if (output.index >= tensors.size()) return RKNN_ERR_OUTPUT_INVALID;
    const auto& tensor = tensors[output.index];
    const auto& values = (*context->outputs)[output.index];
    const auto size =
        static_cast<std::uint32_t>(values.size() * (output.want_float ? 4 : bytes_of(tensor.type)));
    if (!output.is_prealloc) {
      output.buf = std::malloc(size);
      output.size = size;
    }
    if (output.buf == nullptr) return RKNN_ERR_MALLOC_FAIL;
    if (output.size < size) return RKNN_ERR_OUTPUT_INVALID;
    write_output(values, tensor, output.want_float != 0, output.buf);
  }
  return RKNN_SUCC;
}

OSPREY_SIM_API int rknn_outputs_release(rknn_context handle, uint32_t count,
                                        rknn_output outputs[]) {
  if (Board::get().find(handle) == nullptr) return RKNN_ERR_CTX_INVALID;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (outputs[i].is_prealloc) continue;
    std::free(outputs[i].buf);
    outputs[i].buf = nullptr;
  }
  return RKNN_SUCC;
}

OSPREY_SIM_API int rknn_set_core_mask(rknn_context handle, rknn_core_mask mask) {
  auto* context = Board::get().find(handle);
  if (context == nullptr) return RKNN_ERR_CTX_INVALID;
  switch (mask) {
    case RKNN_NPU_CORE_AUTO:
    case RKNN_NPU_CORE_0:
    case RKNN_NPU_CORE_1:
    case RKNN_NPU_CORE_2:
    case RKNN_NPU_CORE_0_1:
    case RKNN_NPU_CORE_0_1_2:
      context->mask = mask;
      return RKNN_SUCC;
    case RKNN_NPU_CORE_ALL:
      context->mask = RKNN_NPU_CORE_0_1_2;
      return RKNN_SUCC;
    default:
      return RKNN_ERR_PARAM_INVALID;
  }
}
