// SPDX-License-Identifier: Apache-2.0
#include "runtime/rknn/rknn_backend.hpp"

#include <pthread.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>
#include <utility>

#include "base/try.hpp"
#include "runtime/rknn/rknn_library.hpp"

namespace osprey::runtime {

namespace {

constexpr std::array<std::uint32_t, 3> kEveryCore = {RKNN_NPU_CORE_0, RKNN_NPU_CORE_1,
                                                     RKNN_NPU_CORE_2};

/// A context, and the library it is of.
class Context {
 public:
  Context(std::shared_ptr<const RknnLibrary> library, rknn_context handle)
      : library_(std::move(library)), handle_(handle) {}
  Context(Context&& other) noexcept
      : library_(std::move(other.library_)), handle_(std::exchange(other.handle_, 0)) {}
  Context& operator=(Context&&) = delete;
  ~Context() {
    if (handle_ != 0) library_->destroy(handle_);
  }

  const RknnLibrary& library() const { return *library_; }
  rknn_context handle() const { return handle_; }

  template <typename Info>
  Status query(rknn_query_cmd command, Info& info) const {
    const int code = library_->query(handle_, command, &info, sizeof info);
    if (code == RKNN_SUCC) return {};
    return Error{ErrorCode::kInternal,
                 "the NPU's runtime, asked for what the model is, " + rknn_error_text(code)};
  }

  /// `mask`: bit 0 is core 0; 0: whichever is free.
  Status use_cores(std::uint32_t mask) const {
    if (library_->set_core_mask == nullptr) return {};
    const int code = library_->set_core_mask(handle_, static_cast<rknn_core_mask>(mask));
    if (code == RKNN_SUCC) return {};
    return Error{ErrorCode::kUnsupported, "the NPU's runtime, asked for core mask " +
                                              std::to_string(mask) + ", " + rknn_error_text(code)};
  }

  Result<Context> duplicate() const {
    rknn_context from = handle_, to = 0;
    const int code = library_->dup_context(&from, &to);
    if (code == RKNN_SUCC) return Context(library_, to);
    return Error{ErrorCode::kInternal,
                 "the NPU's runtime, asked for another context, " + rknn_error_text(code)};
  }

 private:
  std::shared_ptr<const RknnLibrary> library_;
  rknn_context handle_ = 0;
};

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

std::size_t size_of(const Shape& shape) {
  std::size_t size = 1;
  for (const auto dim : shape) size *= static_cast<std::size_t>(dim);
  return size;
}

Result<model::ModelDescription> describe(const Context& context, const std::string& path) {
  model::ModelDescription description;
  description.path = path;
  description.format = "RKNN";
  rknn_input_output_num count{};
  OSPREY_TRY(context.query(RKNN_QUERY_IN_OUT_NUM, count));
  for (std::uint32_t i = 0; i < count.n_input; ++i) {
    rknn_tensor_attr attributes{};
    attributes.index = i;
    OSPREY_TRY(context.query(RKNN_QUERY_INPUT_ATTR, attributes));
    description.inputs.push_back(tensor_info(attributes));
  }
  bool quantised = false;
  for (std::uint32_t i = 0; i < count.n_output; ++i) {
    rknn_tensor_attr attributes{};
    attributes.index = i;
    OSPREY_TRY(context.query(RKNN_QUERY_OUTPUT_ATTR, attributes));
    description.outputs.push_back(tensor_info(attributes));
    quantised = quantised || attributes.qnt_type != RKNN_TENSOR_QNT_NONE;
  }
  for (const auto& input : description.inputs) {
    quantised = quantised || input.type == ElementType::kInt8;
  }
  description.precision = quantised ? "INT8" : "FP16";
  rknn_custom_string custom{};
  if (context.query(RKNN_QUERY_CUSTOM_STRING, custom).ok()) {  // older runtimes do not know it
    const auto text = text_of(custom.string);
    if (!text.empty()) description.metadata["custom_string"] = text;
  }
  return description;
}

/// A slot: a context with a thread of its own, since the runtime's calls block.
class RknnSlot {
 public:
  RknnSlot(Context context, std::size_t picture_bytes, const std::vector<Shape>& outputs,
           const std::string& name)
      : context_(std::move(context)), picture_(picture_bytes) {
    for (const auto& shape : outputs) {
      auto& values = outputs_.emplace_back(size_of(shape));
      views_.push_back({values.data(), shape});
    }
    thread_ = std::thread([this] { serve(); });
    pthread_setname_np(thread_.native_handle(), name.substr(0, 15).c_str());
  }

  ~RknnSlot() {
    {
      const std::lock_guard lock(mutex_);
      ends_ = true;
    }
    wakes_.notify_one();
    thread_.join();
  }

  std::uint8_t* picture() { return picture_.data(); }
  std::span<const TensorView> views() const { return views_; }

  void start(Completion done) {
    {
      const std::lock_guard lock(mutex_);
      if (!std::exchange(busy_, true)) {
        done_ = std::move(done);
        wakes_.notify_one();
        return;
      }
    }
    done(Error{ErrorCode::kInternal, "inference failed: the slot is running"});
  }

 private:
  void serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
      wakes_.wait(lock, [&] { return ends_ || done_; });
      if (!done_) return;
      const auto done = std::exchange(done_, nullptr);
      lock.unlock();
      auto status = run();
      lock.lock();
      busy_ = false;
      lock.unlock();
      done(std::move(status));
      lock.lock();
    }
  }

  Status run() {
    const auto& library = context_.library();
    rknn_input input{};
    input.buf = picture_.data();
    input.size = static_cast<std::uint32_t>(picture_.size());
    input.type = RKNN_TENSOR_UINT8;
    input.fmt = RKNN_TENSOR_NHWC;
    OSPREY_TRY(said(library.inputs_set(context_.handle(), 1, &input)));
    OSPREY_TRY(said(library.run(context_.handle(), nullptr)));
    std::vector<rknn_output> outputs(outputs_.size());
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      outputs[i].want_float = outputs[i].is_prealloc = 1;
      outputs[i].index = static_cast<std::uint32_t>(i);
      outputs[i].buf = outputs_[i].data();
      outputs[i].size = static_cast<std::uint32_t>(outputs_[i].size() * sizeof(float));
    }
    const auto count = static_cast<std::uint32_t>(outputs.size());
    OSPREY_TRY(said(library.outputs_get(context_.handle(), count, outputs.data(), nullptr)));
    return said(library.outputs_release(context_.handle(), count, outputs.data()));
  }

  static Status said(int code) {
    if (code == RKNN_SUCC) return {};
    const auto kind = code == RKNN_ERR_TIMEOUT ? ErrorCode::kTimeout : ErrorCode::kInternal;
    return Error{kind, "inference failed: the NPU's runtime " + rknn_error_text(code)};
  }

  Context context_;
  std::vector<std::uint8_t> picture_;
  std::vector<std::vector<float>> outputs_;
  std::vector<TensorView> views_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable wakes_;
  Completion done_;    // of the run that waits for the thread
  bool busy_ = false;  // until it has ended
  bool ends_ = false;
  std::thread thread_;
};

/// Two contexts on the same cores: the second one's run waits inside the driver, so that the core
/// goes on at once while the first one's outputs are copied.
class RknnLane final : public Lane {
 public:
  RknnLane(int width, int height) : width_(width), height_(height) {}

  void add_slot(std::unique_ptr<RknnSlot> slot) { slots_.push_back(std::move(slot)); }

  InputBuffer input(std::size_t slot, std::size_t) override {
    return {slots_[slot]->picture(), width_, height_};
  }
  void start(std::size_t slot, Completion done) override { slots_[slot]->start(std::move(done)); }
  std::span<const TensorView> outputs(std::size_t slot, std::size_t) override {
    return slots_[slot]->views();
  }

 private:
  int width_, height_;
  std::vector<std::unique_ptr<RknnSlot>> slots_;
};

class RknnSession final : public Session {
 public:
  RknnSession(Context context, int width, int height, const model::ModelDescription& description,
              std::vector<std::uint32_t> masks)
      : context_(std::move(context)),
        width_(width),
        height_(height),
        precision_(description.precision == "INT8" ? "int8" : "f16"),
        masks_(std::move(masks)) {
    for (const auto& output : description.outputs) outputs_.push_back(output.shape);
  }

  int lanes() const override { return static_cast<int>(masks_.size()); }
  int batch() const override { return 1; }
  std::string device() const override { return "Rockchip NPU"; }
  std::string precision() const override { return precision_; }
  bool has_fast_bf16() const override { return false; }
  bool shares_cores() const override { return true; }

  Result<std::unique_ptr<Lane>> create_lane() override {
    const auto mask = masks_[next_++ % masks_.size()];
    const auto bytes = static_cast<std::size_t>(width_) * static_cast<std::size_t>(height_) * 3;
    auto lane = std::make_unique<RknnLane>(width_, height_);
    for (std::size_t slot = 0; slot < Lane::kSlots; ++slot) {
      auto context = OSPREY_TRY(context_.duplicate());
      OSPREY_TRY(context.use_cores(mask));
      lane->add_slot(std::make_unique<RknnSlot>(std::move(context), bytes, outputs_,
                                                "npu-" + std::to_string(mask)));
    }
    return std::unique_ptr<Lane>(std::move(lane));
  }

 private:
  Context context_;
  int width_, height_;
  std::string precision_;
  std::vector<std::uint32_t> masks_;
  std::vector<Shape> outputs_;
  std::size_t next_ = 0;
};

class RknnModel final : public LoadedModel {
 public:
  RknnModel(Context context, model::ModelDescription description)
      : context_(std::move(context)), description_(std::move(description)) {}

  const model::ModelDescription& description() const override { return description_; }

  Result<std::unique_ptr<Session>> compile(const model::InputSpec& input,
                                           const SessionOptions& options) override {
    const Shape expected = {1, input.height, input.width, 3};
    if (description_.inputs.size() != 1 || description_.inputs[0].shape != expected) {
      return Error{ErrorCode::kUnsupported, description_.path + ": expected one input of [1, " +
                                                std::to_string(input.height) + ", " +
                                                std::to_string(input.width) + ", 3]"};
    }
    if (options.batch > 1) {
      return Error{ErrorCode::kUnsupported,
                   description_.path + ": takes one picture at a time; expected a batch of 1"};
    }
    auto masks = options.core_masks;
    if (masks.empty()) {
      const std::size_t lanes =
          options.lanes > 0 ? static_cast<std::size_t>(options.lanes) : kEveryCore.size();
      for (std::size_t i = 0; i < lanes; ++i) masks.push_back(kEveryCore[i % kEveryCore.size()]);
    }
    auto context = OSPREY_TRY(context_.duplicate());
    return std::unique_ptr<Session>(std::make_unique<RknnSession>(
        std::move(context), input.width, input.height, description_, std::move(masks)));
  }

 private:
  Context context_;
  model::ModelDescription description_;
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
      return Error{ErrorCode::kUnsupported, path + ": the NPU's runtime " + rknn_error_text(code)};
    }
    Context context(library_, handle);
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
