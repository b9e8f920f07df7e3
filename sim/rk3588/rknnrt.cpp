// SPDX-License-Identifier: Apache-2.0
// The virtual RK3588's librknnrt.so: the runtime's C functions.
#include <algorithm>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>
#include <thread>

#include "runtime/rknn/rknn_abi.h"
#include "sim/rk3588/board.hpp"

namespace {

using namespace osprey::sim;

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

void add_dimension(rknn_tensor_attr& attributes, std::uint32_t dimension) {
  attributes.dims[attributes.n_dims++] = dimension;
  attributes.n_elems *= dimension;
}

/// What programs are told of a tensor: in the network's own order, or as it lies in memory.
int describe(const Tensor& tensor, bool native, rknn_tensor_attr& attributes) {
  const auto index = attributes.index;
  attributes = {};
  attributes.index = index;
  attributes.n_elems = 1;
  const auto& dims = tensor.dims;
  if (native && in_blocks(tensor)) {
    attributes.fmt = RKNN_TENSOR_NC1HWC2;
    const std::uint32_t channels = (dims[1] + kBlock - 1) / kBlock;
    for (const auto dim : {dims[0], channels, dims[2], dims[3], kBlock}) {
      add_dimension(attributes, dim);
    }
  } else {
    attributes.fmt = tensor.nhwc        ? RKNN_TENSOR_NHWC
                     : dims.size() == 4 ? RKNN_TENSOR_NCHW
                                        : RKNN_TENSOR_UNDEFINED;
    for (const auto dim : dims) add_dimension(attributes, dim);
  }
  std::strncpy(attributes.name, tensor.name.c_str(), sizeof attributes.name - 1);
  attributes.size = attributes.size_with_stride = attributes.n_elems * bytes_of(tensor.type);
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

int query_tensor(const Model& model, rknn_query_cmd command, void* info, std::uint32_t size) {
  auto* attributes = as<rknn_tensor_attr>(info, size);
  if (attributes == nullptr) return RKNN_ERR_PARAM_INVALID;
  const bool native =
      command == RKNN_QUERY_NATIVE_INPUT_ATTR || command == RKNN_QUERY_NATIVE_OUTPUT_ATTR;
  if (command == RKNN_QUERY_INPUT_ATTR || command == RKNN_QUERY_NATIVE_INPUT_ATTR) {
    if (attributes->index != 0) return RKNN_ERR_PARAM_INVALID;
    return describe(model.input, native, *attributes);
  }
  if (attributes->index >= model.outputs.size()) return RKNN_ERR_PARAM_INVALID;
  return describe(model.outputs[attributes->index], native, *attributes);
}

template <std::size_t kSize>
void put(char (&place)[kSize], const std::string& text) {
  std::memset(place, 0, kSize);
  std::memcpy(place, text.data(), std::min(text.size(), kSize - 1));
}

/// A new context, if the board's faults let it be. Throws what Context throws.
int make_context(std::shared_ptr<const Network> network, rknn_context& handle) {
  for (const auto& fault : Board::get().faults.at_context()) {
    if (fault.kind == FaultKind::kSlowInit) {
      std::this_thread::sleep_for(fault.ms);
    } else {
      say('E', "failed to open the NPU's device");
      return RKNN_ERR_FAIL;
    }
  }
  if (!Board::get().faults.at_allocation().empty()) return RKNN_ERR_MALLOC_FAIL;
  handle = Board::get().add(std::make_shared<Context>(std::move(network)));
  return RKNN_SUCC;
}

/// Runs what throws; `otherwise` is what std::exception means here.
template <typename Body>
int guarded(int otherwise, const Body& body) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return RKNN_ERR_MALLOC_FAIL;
  } catch (const std::exception& e) {
    say('E', e.what());
    return otherwise;
  }
}

int read_network(void* model, std::uint32_t size, std::shared_ptr<const Network>& read) {
  auto bytes = size > 0 ? std::optional(std::string(static_cast<const char*>(model), size))
                        : read_file(static_cast<const char*>(model));
  if (!bytes) {
    say('E', std::string(static_cast<const char*>(model)) + ": cannot be read");
    return RKNN_ERR_MODEL_INVALID;
  }
  auto network = std::make_shared<Network>();
  network->model = from_bytes(*bytes);
  if (network->model.platform != "rk3588") {
    say('E', "the model is for " + network->model.platform + ", the board is an rk3588");
    return RKNN_ERR_TARGET_PLATFORM_UNMATCH;
  }
  network->source = answer_source(network->model);
  read = std::move(network);
  return RKNN_SUCC;
}

/// The tensor of that name is kept in `memory` from now on.
int use_memory(Context& context, const SharedMemory& memory, std::uint8_t* data,
               const rknn_tensor_attr& attributes) {
  const auto& model = context.network().model;
  const auto batch = static_cast<std::size_t>(context.network().batch());
  const std::string name(attributes.name, strnlen(attributes.name, sizeof attributes.name));
  if (name == model.input.name) {
    const bool bytes = attributes.type == RKNN_TENSOR_UINT8 && attributes.fmt == RKNN_TENSOR_NHWC;
    if (!bytes || memory.size() < batch * context.network().picture_bytes()) {
      say('E', "rknn_set_io_mem: expected an input of UINT8 and NHWC, and memory for all of it");
      return RKNN_ERR_INPUT_INVALID;
    }
    context.use_input(data);
    context.has_input = true;
    return RKNN_SUCC;
  }
  for (std::size_t i = 0; i < model.outputs.size(); ++i) {
    if (name != model.outputs[i].name) continue;
    rknn_tensor_attr native{};
    describe(model.outputs[i], true, native);
    if (attributes.fmt != native.fmt || attributes.type != native.type ||
        memory.size() < native.size_with_stride) {
      say('E', "rknn_set_io_mem: expected " + name + " in its native layout, and memory for it");
      return RKNN_ERR_OUTPUT_INVALID;
    }
    context.use_output(i, data);
    return RKNN_SUCC;
  }
  return RKNN_ERR_PARAM_INVALID;
}

/// Into the program's memory, in the network's own order.
void write_output(Context& context, std::size_t i, bool want_float, void* buffer) {
  const auto& tensor = context.network().model.outputs[i];
  const auto count = value_count(tensor);
  for (int item = 0; item < context.network().batch(); ++item) {
    const auto place = static_cast<std::size_t>(item);
    const auto* native = context.output(i) + place * native_bytes(tensor);
    if (want_float || tensor.type == Type::kFloat32) {
      to_floats(native, tensor, static_cast<float*>(buffer) + place * count);
    } else {
      to_steps(native, tensor, static_cast<std::int8_t*>(buffer) + place * count);
    }
  }
}

}  // namespace

#define OSPREY_SIM_API extern "C" __attribute__((visibility("default")))

OSPREY_SIM_API int rknn_init(rknn_context* handle, void* model, uint32_t size, uint32_t,
                             rknn_init_extend*) {
  if (handle == nullptr || model == nullptr) return RKNN_ERR_PARAM_INVALID;
  return guarded(RKNN_ERR_MODEL_INVALID, [&] {
    std::shared_ptr<const Network> network;
    const int read = read_network(model, size, network);
    return read == RKNN_SUCC ? make_context(std::move(network), *handle) : read;
  });
}

OSPREY_SIM_API int rknn_dup_context(rknn_context* from, rknn_context* to) {
  if (from == nullptr || to == nullptr) return RKNN_ERR_PARAM_INVALID;
  const auto context = Board::get().find(*from);
  if (context == nullptr) return RKNN_ERR_CTX_INVALID;
  return guarded(RKNN_ERR_FAIL, [&] { return make_context(context->shared_network(), *to); });
}

OSPREY_SIM_API int rknn_destroy(rknn_context handle) {
  return Board::get().remove(handle) ? RKNN_SUCC : RKNN_ERR_CTX_INVALID;
}

OSPREY_SIM_API int rknn_query(rknn_context handle, rknn_query_cmd command, void* info,
                              uint32_t size) {
  const auto context = Board::get().find(handle);
  if (context == nullptr) return RKNN_ERR_CTX_INVALID;
  const auto& model = context->network().model;
  switch (command) {
    case RKNN_QUERY_IN_OUT_NUM:
      if (auto* count = as<rknn_input_output_num>(info, size)) {
        *count = {1, static_cast<std::uint32_t>(model.outputs.size())};
        return RKNN_SUCC;
      }
      break;
    case RKNN_QUERY_INPUT_ATTR:
    case RKNN_QUERY_NATIVE_INPUT_ATTR:
    case RKNN_QUERY_OUTPUT_ATTR:
    case RKNN_QUERY_NATIVE_OUTPUT_ATTR:
      return query_tensor(model, command, info, size);
    case RKNN_QUERY_PERF_RUN:
      if (auto* perf = as<rknn_perf_run>(info, size)) {
        perf->run_duration = context->run_us();
        return RKNN_SUCC;
      }
      break;
    case RKNN_QUERY_SDK_VERSION:
      if (auto* version = as<rknn_sdk_version>(info, size)) {
        put(version->api_version, "2.3.2 (virtual RK3588 of Osprey)");
        put(version->drv_version, "0.9.8");
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
        put(custom->string, model.custom_string);
        return RKNN_SUCC;
      }
      break;
    default:
      break;
  }
  return RKNN_ERR_PARAM_INVALID;
}

OSPREY_SIM_API int rknn_inputs_set(rknn_context handle, uint32_t count, rknn_input inputs[]) {
  const auto context = Board::get().find(handle);
  if (context == nullptr) return RKNN_ERR_CTX_INVALID;
  const auto& network = context->network();
  const auto bytes = static_cast<std::size_t>(network.batch()) * network.picture_bytes();
  if (count != 1 || inputs == nullptr || inputs[0].index != 0 || inputs[0].buf == nullptr ||
      inputs[0].type != RKNN_TENSOR_UINT8 || inputs[0].fmt != RKNN_TENSOR_NHWC ||
      inputs[0].size != bytes) {
    say('E', "rknn_inputs_set: expected pictures of " + std::to_string(bytes) +
                 " bytes, UINT8 and NHWC");
    return RKNN_ERR_INPUT_INVALID;
  }
  std::memcpy(context->input(), inputs[0].buf, bytes);
  context->has_input = true;
  return RKNN_SUCC;
}

OSPREY_SIM_API int rknn_run(rknn_context handle, rknn_run_extend*) {
  const auto context = Board::get().find(handle);
  if (context == nullptr) return RKNN_ERR_CTX_INVALID;
  if (!context->has_input) return RKNN_ERR_INPUT_INVALID;
  return guarded(RKNN_ERR_FAIL, [&] { return context->run(); });
}

OSPREY_SIM_API int rknn_outputs_get(rknn_context handle, uint32_t count, rknn_output outputs[],
                                    rknn_output_extend*) {
  const auto context = Board::get().find(handle);
  if (context == nullptr) return RKNN_ERR_CTX_INVALID;
  const auto& network = context->network();
  const auto& tensors = network.model.outputs;
  if (!context->has_outputs || outputs == nullptr || count != tensors.size()) {
    return RKNN_ERR_OUTPUT_INVALID;
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    auto& output = outputs[i];
    if (output.index >= tensors.size()) return RKNN_ERR_OUTPUT_INVALID;
    const auto& tensor = tensors[output.index];
    const auto values = value_count(tensor) * static_cast<std::size_t>(network.batch());
    const auto size =
        static_cast<std::uint32_t>(values * (output.want_float ? 4 : bytes_of(tensor.type)));
    if (!output.is_prealloc) {
      output.buf = std::malloc(size);
      output.size = size;
    }
    if (output.buf == nullptr) return RKNN_ERR_MALLOC_FAIL;
    if (output.size < size) return RKNN_ERR_OUTPUT_INVALID;
    write_output(*context, output.index, output.want_float != 0, output.buf);
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
  const auto context = Board::get().find(handle);
  if (context == nullptr) return RKNN_ERR_CTX_INVALID;
  switch (mask) {
    case RKNN_NPU_CORE_0:
    case RKNN_NPU_CORE_1:
    case RKNN_NPU_CORE_2:
      if (const int batch = context->network().batch(); batch > 1) {
        say('W', "core mask = " + std::to_string(mask) + " is invalid for batch size: " +
                     std::to_string(batch) + ", fall back to CORE_AUTO mode");
        context->mask = RKNN_NPU_CORE_AUTO;
        return RKNN_SUCC;
      }
      [[fallthrough]];
    case RKNN_NPU_CORE_AUTO:
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

OSPREY_SIM_API int rknn_set_batch_core_num(rknn_context handle, int core_num) {
  const auto context = Board::get().find(handle);
  if (context == nullptr) return RKNN_ERR_CTX_INVALID;
  if (context->network().batch() == 1 || core_num < 1 || core_num > 3) {
    return RKNN_ERR_PARAM_INVALID;
  }
  context->auto_cores = core_num;
  return RKNN_SUCC;
}

OSPREY_SIM_API rknn_tensor_mem* rknn_create_mem(rknn_context handle, uint32_t size) {
  if (Board::get().find(handle) == nullptr) return nullptr;
  rknn_tensor_mem* made = nullptr;
  guarded(RKNN_ERR_FAIL, [&] {
    if (!Board::get().faults.at_allocation().empty()) return RKNN_ERR_MALLOC_FAIL;
    auto memory = SharedMemory::create(size);
    if (memory == nullptr) return RKNN_ERR_MALLOC_FAIL;
    made = memory.release()->handle();
    return RKNN_SUCC;
  });
  return made;
}

OSPREY_SIM_API int rknn_destroy_mem(rknn_context, rknn_tensor_mem* memory) {
  if (memory == nullptr) return RKNN_ERR_PARAM_INVALID;
  delete static_cast<SharedMemory*>(memory->priv_data);
  return RKNN_SUCC;
}

OSPREY_SIM_API int rknn_set_io_mem(rknn_context handle, rknn_tensor_mem* memory,
                                   rknn_tensor_attr* attributes) {
  const auto context = Board::get().find(handle);
  if (context == nullptr) return RKNN_ERR_CTX_INVALID;
  if (memory == nullptr || attributes == nullptr) return RKNN_ERR_PARAM_INVALID;
  return guarded(RKNN_ERR_FAIL, [&]() -> int {
    if (!Board::get().faults.at_sharing().empty()) return RKNN_ERR_PARAM_INVALID;
    auto& shared = *static_cast<SharedMemory*>(memory->priv_data);
    return use_memory(*context, shared, shared.data(), *attributes);
  });
}
