// SPDX-License-Identifier: Apache-2.0
#include "runtime/rknn/rknn_backend.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include "base/try.hpp"
#include "runtime/rknn/rknn_context.hpp"
#include "runtime/rknn/rknn_library.hpp"
#include "runtime/rknn/rknn_slot.hpp"
#include "runtime/rknn/rknn_tensors.hpp"

namespace osprey::runtime {

namespace {

constexpr std::array<std::uint32_t, 3> kEveryCore = {RKNN_NPU_CORE_0, RKNN_NPU_CORE_1,
                                                     RKNN_NPU_CORE_2};

ElementType element_type(rknn_tensor_type type) {
  switch (type) {
    case RKNN_TENSOR_FLOAT32:
      return ElementType::kFloat32;
    case RKNN_TENSOR_FLOAT16:
      return ElementType::kFloat16;
    case RKNN_TENSOR_BFLOAT16:
      return ElementType::kBfloat16;
    case RKNN_TENSOR_INT8:
      return ElementType::kInt8;
    case RKNN_TENSOR_UINT8:
      return ElementType::kUint8;
    case RKNN_TENSOR_INT32:
      return ElementType::kInt32;
    case RKNN_TENSOR_INT64:
      return ElementType::kInt64;
    default:
      return ElementType::kOther;
  }
}

/// Up to its end, also where a runtime forgot to mark it.
template <std::size_t kSize>
std::string text_of(const char (&text)[kSize]) {
  return {text, std::find(text, text + kSize, '\0')};
}

TensorInfo tensor_info(const rknn_tensor_attr& attributes) {
  TensorInfo info;
  info.name = text_of(attributes.name);
  for (std::uint32_t i = 0; i < std::min<std::uint32_t>(attributes.n_dims, RKNN_MAX_DIMS); ++i) {
    info.shape.push_back(attributes.dims[i]);
  }
  info.type = element_type(attributes.type);
  return info;
}

/// A model of several pictures a run is described as of one: `batch` tells how many.
struct Description {
  model::ModelDescription model;
  std::int64_t batch = 1;
};

Status divide(TensorInfo& tensor, std::int64_t batch, const std::string& path) {
  if (!tensor.shape.empty() && tensor.shape[0] % batch == 0) {
    tensor.shape[0] /= batch;
    return {};
  }
  return Error{ErrorCode::kUnsupported, path + ": " + tensor.name + " does not divide into the " +
                                            std::to_string(batch) + " pictures of a run"};
}

Result<Description> describe(const RknnContext& context, const std::string& path) {
  Description description;
  auto& model = description.model;
  model.path = path;
  model.format = "RKNN";
  rknn_input_output_num count{};
  OSPREY_TRY(context.query(RKNN_QUERY_IN_OUT_NUM, count));
  bool quantised = false;
  for (std::uint32_t i = 0; i < count.n_input; ++i) {
    model.inputs.push_back(tensor_info(OSPREY_TRY(context.tensor(RKNN_QUERY_INPUT_ATTR, i))));
    quantised = quantised || model.inputs.back().type == ElementType::kInt8;
  }
  for (std::uint32_t i = 0; i < count.n_output; ++i) {
    const auto attributes = OSPREY_TRY(context.tensor(RKNN_QUERY_OUTPUT_ATTR, i));
    model.outputs.push_back(tensor_info(attributes));
    quantised = quantised || attributes.qnt_type != RKNN_TENSOR_QNT_NONE;
  }
  model.precision = quantised ? "INT8" : "FP16";
  if (count.n_input == 1 && !model.inputs[0].shape.empty()) {
    description.batch = std::max<std::int64_t>(1, model.inputs[0].shape[0]);
    OSPREY_TRY(divide(model.inputs[0], description.batch, path));
    for (auto& output : model.outputs) OSPREY_TRY(divide(output, description.batch, path));
  }
  rknn_custom_string custom{};
  if (context.query(RKNN_QUERY_CUSTOM_STRING, custom).ok()) {  // older runtimes do not know it
    const auto text = text_of(custom.string);
    if (!text.empty()) model.metadata["custom_string"] = text;
  }
  return description;
}

/// Two contexts on the same cores: the second one's run waits inside the driver, so that the core
/// goes on at once while the first one's outputs are read.
class RknnLane final : public Lane {
 public:
  /// `model` outlives the lane.
  static Result<std::unique_ptr<Lane>> create(const RknnContext& model, std::uint32_t mask,
                                              std::shared_ptr<const RknnTensors> tensors) {
    auto lane = std::unique_ptr<RknnLane>(new RknnLane(model, mask, std::move(tensors)));
    OSPREY_TRY(lane->mend());
    return std::unique_ptr<Lane>(std::move(lane));
  }

  InputBuffer input(std::size_t slot, std::size_t item) override {
    return {slots_[slot]->picture(item), tensors_->width, tensors_->height};
  }
  void start(std::size_t slot, Completion done) override {
    if (slots_[slot] != nullptr) return slots_[slot]->start(std::move(done));
    done(Error{ErrorCode::kUnavailable, "the lane is out of use"});
  }
  std::span<const TensorView> outputs(std::size_t slot, std::size_t item) override {
    return slots_[slot]->outputs(item);
  }
  Duration overhead() const override {
    Duration longest{0};
    for (const auto& slot : slots_) {
      if (slot != nullptr) longest = std::max(longest, slot->overhead());
    }
    return longest;
  }

  /// New contexts: what one that failed is worth, nobody knows.
  Status mend() override {
    for (auto& slot : slots_) slot.reset();
    for (auto& slot : slots_) {
      slot = OSPREY_TRY(RknnSlot::create(model_, mask_, tensors_, "npu-" + std::to_string(mask_)));
    }
    return {};
  }

 private:
  RknnLane(const RknnContext& model, std::uint32_t mask, std::shared_ptr<const RknnTensors> tensors)
      : model_(model), mask_(mask), tensors_(std::move(tensors)) {}

  const RknnContext& model_;
  std::uint32_t mask_;
  std::shared_ptr<const RknnTensors> tensors_;
  std::array<std::unique_ptr<RknnSlot>, kSlots> slots_;
};

class RknnSession final : public Session {
 public:
  RknnSession(RknnContext context, RknnTensors tensors, std::string precision,
              const SessionOptions& options, std::vector<std::uint32_t> masks)
      : context_(std::move(context)),
        tensors_(std::make_shared<const RknnTensors>(std::move(tensors))),
        precision_(std::move(precision)),
        run_timeout_(options.run_timeout),
        masks_(std::move(masks)) {}

  int lanes() const override { return static_cast<int>(masks_.size()); }
  int batch() const override { return static_cast<int>(tensors_->batch); }
  std::string device() const override { return "Rockchip NPU"; }
  std::string precision() const override { return precision_; }
  bool has_fast_bf16() const override { return false; }
  bool shares_cores() const override { return true; }
  std::chrono::milliseconds run_timeout() const override { return run_timeout_; }

  Result<std::unique_ptr<Lane>> create_lane() override {
    return RknnLane::create(context_, masks_[next_++ % masks_.size()], tensors_);
  }

 private:
  RknnContext context_;
  std::shared_ptr<const RknnTensors> tensors_;
  std::string precision_;
  std::chrono::milliseconds run_timeout_;
  std::vector<std::uint32_t> masks_;
  std::size_t next_ = 0;
};

/// A run of several pictures is for the driver to place: it refuses single cores for them, and
/// three lanes that it may place keep three cores busy.
std::vector<std::uint32_t> masks_of(const SessionOptions& options, bool several_pictures) {
  auto masks = options.core_masks;
  if (masks.empty()) {
    const std::size_t lanes =
        options.lanes > 0 ? static_cast<std::size_t>(options.lanes) : kEveryCore.size();
    for (std::size_t i = 0; i < lanes; ++i) masks.push_back(kEveryCore[i % kEveryCore.size()]);
    if (several_pictures) std::fill(masks.begin(), masks.end(), RKNN_NPU_CORE_AUTO);
  }
  return masks;
}

class RknnModel final : public LoadedModel {
 public:
  RknnModel(RknnContext context, Description description)
      : context_(std::move(context)), description_(std::move(description)) {}

  const model::ModelDescription& description() const override { return description_.model; }

  Result<std::unique_ptr<Session>> compile(const model::InputSpec& input,
                                           const SessionOptions& options) override {
    const auto& path = description_.model.path;
    const auto& inputs = description_.model.inputs;
    const Shape expected = {1, input.height, input.width, 3};
    if (inputs.size() != 1 || inputs[0].shape != expected) {
      return Error{ErrorCode::kUnsupported, path + ": expected one input of [1, " +
                                                std::to_string(input.height) + ", " +
                                                std::to_string(input.width) + ", 3]"};
    }
    const auto batch = std::to_string(description_.batch);
    if (options.batch > 1 && options.batch != description_.batch) {
      return Error{ErrorCode::kUnsupported,
                   path + ": takes " + batch + " pictures a run; expected a batch of " + batch};
    }
    auto masks = masks_of(options, description_.batch > 1);
    const auto single = [](std::uint32_t mask) { return mask != 0 && (mask & (mask - 1)) == 0; };
    if (description_.batch > 1 && std::any_of(masks.begin(), masks.end(), single)) {
      return Error{ErrorCode::kUnsupported,
                   path + ": takes " + batch +
                       " pictures a run, for which the NPU's runtime leaves no single core to "
                       "choose (\"core mask is invalid for batch size\"); expected --cores auto or "
                       "0_1_2"};
    }
    RknnTensors tensors;
    tensors.width = input.width;
    tensors.height = input.height;
    tensors.batch = static_cast<std::size_t>(description_.batch);
    for (const auto& output : description_.model.outputs) tensors.outputs.push_back(output.shape);
    tensors.zero_copy = options.zero_copy;
    tensors.keep_steps = options.keep_steps;
    auto context = OSPREY_TRY(context_.duplicate());
    return std::unique_ptr<Session>(std::make_unique<RknnSession>(
        std::move(context), std::move(tensors),
        description_.model.precision == "INT8" ? "int8" : "f16", options, std::move(masks)));
  }

 private:
  RknnContext context_;
  Description description_;
};

class RknnBackend final : public Backend {
 public:
  explicit RknnBackend(RknnLibrary library)
      : library_(std::make_shared<const RknnLibrary>(std::move(library))) {}

  std::string name() const override { return "RKNN"; }

  Result<std::unique_ptr<LoadedModel>> load(const std::string& path) override {
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error)) {
      return Error{ErrorCode::kNotFound, path + ": no such model file"};
    }
    rknn_context handle = 0;
    std::string name = path;
    const int code = library_->init(&handle, name.data(), 0, 0, nullptr);
    if (code != RKNN_SUCC) {
      // What it also says where it cannot open the device.
      const std::string hint = code == RKNN_ERR_FAIL
                                   ? ": is this an RK3588 with its NPU's driver (rknpu), and may "
                                     "this user open /dev/dri/renderD*? osprey doctor tells"
                                   : "";
      return Error{ErrorCode::kUnsupported,
                   path + ": the NPU's runtime " + rknn_error_text(code) + hint};
    }
    RknnContext context(library_, handle);
    auto description = OSPREY_TRY(describe(context, path));
    return std::unique_ptr<LoadedModel>(
        std::make_unique<RknnModel>(std::move(context), std::move(description)));
  }

 private:
  std::shared_ptr<const RknnLibrary> library_;
};

}  // namespace

Result<std::unique_ptr<Backend>> create_rknn_backend(const std::string& library) {
  auto opened = OSPREY_TRY(RknnLibrary::open(library));
  return std::unique_ptr<Backend>(std::make_unique<RknnBackend>(std::move(opened)));
}

}  // namespace osprey::runtime
