// SPDX-License-Identifier: Apache-2.0
#include "runtime/rknn/rknn_tensors.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "base/try.hpp"

namespace osprey::runtime {

namespace {

std::size_t size_of(const Shape& shape) {
  std::size_t size = 1;
  for (const auto dim : shape) size *= static_cast<std::size_t>(dim);
  return size;
}

/// Outputs as floats, for all pictures of a run.
class FloatOutputs {
 public:
  explicit FloatOutputs(const RknnTensors& tensors) {
    for (const auto& shape : tensors.outputs) {
      values_.emplace_back(tensors.batch * size_of(shape));
      views_.push_back({nullptr, shape});
    }
  }
  std::size_t bytes(std::size_t i) const { return values_[i].size() * sizeof(float); }
  float* data(std::size_t i) { return values_[i].data(); }
  std::span<const TensorView> views(std::size_t item) {
    for (std::size_t i = 0; i < views_.size(); ++i) {
      views_[i].data = values_[i].data() + item * views_[i].size();
    }
    return views_;
  }

 private:
  std::vector<std::vector<float>> values_;
  std::vector<TensorView> views_;
};

/// The runtime copies the input, and turns outputs into floats in the network's order.
class CopiedIo final : public RknnIo {
 public:
  CopiedIo(const RknnContext& context, const RknnTensors& tensors)
      : context_(context), input_(tensors.batch * tensors.picture_bytes()), outputs_(tensors) {
    for (std::uint32_t i = 0; i < tensors.outputs.size(); ++i) {
      auto& output = asked_.emplace_back();
      output.want_float = output.is_prealloc = 1;
      output.index = i;
      output.buf = outputs_.data(i);
      output.size = static_cast<std::uint32_t>(outputs_.bytes(i));
    }
  }

  std::uint8_t* input() override { return input_.data(); }

  Status hand_in() override {
    rknn_input input{};
    input.buf = input_.data();
    input.size = static_cast<std::uint32_t>(input_.size());
    input.type = RKNN_TENSOR_UINT8;
    input.fmt = RKNN_TENSOR_NHWC;
    return rknn_status("given a picture",
                       context_.library().inputs_set(context_.handle(), 1, &input));
  }

  Status fetch() override {
    const auto& library = context_.library();
    const auto count = static_cast<std::uint32_t>(asked_.size());
    OSPREY_TRY(rknn_status("asked for outputs",
                           library.outputs_get(context_.handle(), count, asked_.data(), nullptr)));
    return rknn_status("given outputs back",
                       library.outputs_release(context_.handle(), count, asked_.data()));
  }

  std::span<const TensorView> outputs(std::size_t item) override { return outputs_.views(item); }

 private:
  const RknnContext& context_;
  std::vector<std::uint8_t> input_;
  FloatOutputs outputs_;
  std::vector<rknn_output> asked_;
};

float from_half(std::uint16_t half) {
  const std::uint32_t sign = (half & 0x8000u) << 16;
  const std::uint32_t exponent = half >> 10 & 0x1f;
  const std::uint32_t fraction = half & 0x3ffu;
  if (exponent == 0) {  // zero, or too small for a leading one
    const float value = static_cast<float>(fraction) * 0x1p-24f;
    return sign != 0 ? -value : value;
  }
  const std::uint32_t wide = exponent == 0x1f ? 0xffu : exponent + 112;
  return std::bit_cast<float>(sign | wide << 23 | fraction << 13);
}

/// How an output lies in the NPU's memory.
struct Layout {
  rknn_tensor_type type = RKNN_TENSOR_FLOAT32;
  std::int64_t block = 1;  ///< channels that lie together; 1: rows
  std::size_t bytes = 0;   ///< of a picture
  std::size_t values = 0;  ///< of a picture, in rows
  std::size_t area = 1;    ///< values of a channel, in blocks
  float scale = 1;
  std::int32_t zero_point = 0;

  /// The NPU's value as a number.
  template <typename Stored>
  float number(Stored stored) const {
    if constexpr (std::is_same_v<Stored, float>) return stored;
    if constexpr (std::is_same_v<Stored, std::uint16_t>) return from_half(stored);
    return static_cast<float>(static_cast<int>(stored) - zero_point) * scale;
  }

  template <typename Stored>
  void to_floats(const std::uint8_t* memory, float* out) const {
    const auto* from = reinterpret_cast<const Stored*>(memory);
    if (block == 1) {
      for (std::size_t i = 0; i < values; ++i) out[i] = number(from[i]);
      return;
    }
    const auto width = static_cast<std::size_t>(block);
    for (std::size_t channel = 0; channel < values / area; ++channel) {
      const auto* at = from + channel / width * width * area + channel % width;
      for (std::size_t i = 0; i < area; ++i) out[channel * area + i] = number(at[i * width]);
    }
  }

  void to_floats(const std::uint8_t* memory, float* out) const {
    switch (type) {
      case RKNN_TENSOR_INT8:
        return to_floats<std::int8_t>(memory, out);
      case RKNN_TENSOR_UINT8:
        return to_floats<std::uint8_t>(memory, out);
      case RKNN_TENSOR_FLOAT16:
        return to_floats<std::uint16_t>(memory, out);
      default:
        return to_floats<float>(memory, out);
    }
  }
};

std::size_t bytes_of(rknn_tensor_type type) {
  return type == RKNN_TENSOR_FLOAT32 ? 4 : type == RKNN_TENSOR_FLOAT16 ? 2 : 1;
}

/// Of an output of `shape`, a picture's. Error: nothing here reads it so.
Result<Layout> layout_of(const rknn_tensor_attr& native, const Shape& shape, std::size_t batch) {
  Layout layout;
  layout.type = native.type;
  layout.scale = native.scale;
  layout.zero_point = native.zp;
  layout.values = size_of(shape);
  layout.bytes = native.size_with_stride / batch;
  std::size_t held = layout.values;
  if (native.fmt == RKNN_TENSOR_NC1HWC2 && native.n_dims == 5 && shape.size() == 4) {
    layout.block = native.dims[4];
    layout.area = static_cast<std::size_t>(shape[2] * shape[3]);
    held = std::size_t{native.dims[1]} * native.dims[4] * layout.area;
  }
  const std::array known = {RKNN_TENSOR_INT8, RKNN_TENSOR_UINT8, RKNN_TENSOR_FLOAT16,
                            RKNN_TENSOR_FLOAT32};
  const bool type_known = std::find(known.begin(), known.end(), native.type) != known.end();
  const bool whole = held >= layout.values && held * bytes_of(native.type) == layout.bytes;
  if (type_known && whole && layout.block > 0) return layout;
  return Error{ErrorCode::kUnsupported, "an output's layout is not known"};
}

/// The NPU reads the input and writes the outputs in place.
class SharedIo final : public RknnIo {
 public:
  static Result<std::unique_ptr<RknnIo>> create(const RknnContext& context,
                                                const RknnTensors& tensors) {
    auto io = std::unique_ptr<SharedIo>(new SharedIo(tensors));
    auto input = OSPREY_TRY(context.tensor(RKNN_QUERY_INPUT_ATTR, 0));
    const auto bytes = static_cast<std::uint32_t>(tensors.batch * tensors.picture_bytes());
    const auto width = static_cast<std::uint32_t>(tensors.width);
    if (input.w_stride != 0 && input.w_stride != width) {
      return Error{ErrorCode::kUnsupported, "the input's rows have gaps"};
    }
    input.type = RKNN_TENSOR_UINT8;
    input.fmt = RKNN_TENSOR_NHWC;
    input.pass_through = 0;
    io->memory_.reserve(1 + tensors.outputs.size());
    OSPREY_TRY(io->add(context, input, std::max(bytes, input.size_with_stride)));
    for (std::uint32_t i = 0; i < tensors.outputs.size(); ++i) {
      const auto native = OSPREY_TRY(context.tensor(RKNN_QUERY_NATIVE_OUTPUT_ATTR, i));
      io->layouts_.push_back(OSPREY_TRY(layout_of(native, tensors.outputs[i], tensors.batch)));
      OSPREY_TRY(io->add(context, native, native.size_with_stride));
      const auto& layout = io->layouts_.back();
      const bool in_place = layout.type == RKNN_TENSOR_FLOAT32 && layout.block == 1;
      const bool steps = tensors.keep_steps && layout.type == RKNN_TENSOR_INT8 && layout.block > 1;
      io->floats_.emplace_back(in_place || steps ? 0 : tensors.batch * layout.values);
      auto& view = io->views_.emplace_back();
      view.shape = tensors.outputs[i];
      if (!steps) continue;
      view.scale = layout.scale;
      view.zero_point = layout.zero_point;
      view.block = layout.block;
    }
    return std::unique_ptr<RknnIo>(std::move(io));
  }

  std::uint8_t* input() override { return memory_[0].data(); }
  Status hand_in() override { return {}; }

  Status fetch() override {
    for (std::size_t i = 0; i < layouts_.size(); ++i) {
      if (floats_[i].empty()) continue;
      for (std::size_t item = 0; item < batch_; ++item) {
        layouts_[i].to_floats(memory_at(i, item), floats_[i].data() + item * layouts_[i].values);
      }
    }
    return {};
  }

  std::span<const TensorView> outputs(std::size_t item) override {
    for (std::size_t i = 0; i < views_.size(); ++i) {
      if (!floats_[i].empty()) {
        views_[i].data = floats_[i].data() + item * layouts_[i].values;
      } else if (layouts_[i].type == RKNN_TENSOR_FLOAT32) {
        views_[i].data = reinterpret_cast<const float*>(memory_at(i, item));
      } else {
        views_[i].steps = reinterpret_cast<const std::int8_t*>(memory_at(i, item));
      }
    }
    return views_;
  }

 private:
  explicit SharedIo(const RknnTensors& tensors) : batch_(tensors.batch) {}

  Status add(const RknnContext& context, const rknn_tensor_attr& attributes, std::uint32_t bytes) {
    memory_.push_back(OSPREY_TRY(context.create_memory(bytes)));
    return context.use_memory(memory_.back(), attributes);
  }

  const std::uint8_t* memory_at(std::size_t output, std::size_t item) const {
    return memory_[1 + output].data() + item * layouts_[output].bytes;
  }

  std::size_t batch_;
  std::vector<RknnMemory> memory_;  // the input's, then the outputs'
  std::vector<Layout> layouts_;
  std::vector<std::vector<float>> floats_;  // empty: read in place
  std::vector<TensorView> views_;
};

}  // namespace

Result<std::unique_ptr<RknnIo>> create_rknn_io(const RknnContext& context,
                                               const RknnTensors& tensors, bool zero_copy) {
  const auto& library = context.library();
  const bool can = library.create_mem != nullptr && library.destroy_mem != nullptr &&
                   library.set_io_mem != nullptr;
  if (can && zero_copy) return SharedIo::create(context, tensors);
  return std::unique_ptr<RknnIo>(std::make_unique<CopiedIo>(context, tensors));
}

}  // namespace osprey::runtime
