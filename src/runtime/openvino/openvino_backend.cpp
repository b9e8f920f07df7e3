// SPDX-License-Identifier: Apache-2.0
#include "runtime/openvino/openvino_backend.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <openvino/core/preprocess/pre_post_process.hpp>
#include <openvino/frontend/manager.hpp>
#include <openvino/openvino.hpp>
#include <stdexcept>
#include <utility>

#include "base/try.hpp"
#include "runtime/openvino/batched_graph.hpp"
#include "runtime/openvino/describe_graph.hpp"
#include "runtime/openvino/quantized_outputs.hpp"

namespace osprey::runtime {

namespace {

// OpenVINO reports failures as exceptions whose text opens with lines of its own source code; the
// last line that says something is what a user can act on.
std::string reason_of(const std::exception& e) {
  std::string_view text = e.what();
  std::string last;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    const bool is_noise =
        line.empty() || line.starts_with("Exception from") || line.starts_with("Check '");
    if (!is_noise) {
      if (!last.empty()) last += ' ';
      last += line;
    }
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  }
  return last.empty() ? std::string(e.what()) : last;
}

template <typename Function>
auto guard(const std::string& what, ErrorCode code, Function&& function)
    -> Result<decltype(function())> {
  try {
    return function();
  } catch (const std::exception& e) {
    return Error{code, what + ": " + reason_of(e)};
  }
}

class OpenVinoLane final : public Lane {
 public:
  OpenVinoLane(ov::CompiledModel& model, const model::InputSpec& input, int batch)
      : width_(input.width), height_(input.height), batch_(batch) {
    for (auto& slot : slots_) {
      slot.request = model.create_infer_request();
      slot.input = slot.request.get_input_tensor();
      slot.views.resize(model.outputs().size());
    }
  }

  ~OpenVinoLane() override { wait(); }

  InputBuffer input(std::size_t slot, std::size_t item) override {
    const auto bytes = static_cast<std::size_t>(width_) * static_cast<std::size_t>(height_) * 3;
    return {slots_[slot].input.data<std::uint8_t>() + item * bytes, width_, height_};
  }

  void start(std::size_t slot, Completion done) override {
    auto& request = slots_[slot].request;
    try {
      // Refused while the slot runs, so that this leaves the completion of that run alone.
      request.set_callback([done](std::exception_ptr failure) { done(status_of(failure)); });
      request.start_async();
    } catch (const std::exception& e) {
      done(failure(e));
    }
  }

  Status mend() override {
    wait();
    return {};
  }

  std::span<const TensorView> outputs(std::size_t slot, std::size_t item) override {
    // Shapes of end-to-end heads may depend on the data, and with them the memory.
    auto& s = slots_[slot];
    for (std::size_t i = 0; i < s.views.size(); ++i) {
      s.views[i] = view_of(s.request.get_output_tensor(i), item);
    }
    return s.views;
  }

 private:
  void wait() {
    for (auto& slot : slots_) {
      try {
        slot.request.wait();
      } catch (const std::exception&) {  // already reported through the completion
      }
    }
  }

  struct Slot {
    ov::InferRequest request;
    ov::Tensor input;
    std::vector<TensorView> views;
  };

  TensorView view_of(const ov::Tensor& tensor, std::size_t item) const {
    const auto& all = tensor.get_shape();
    if (tensor.get_size() == 0) return {nullptr, Shape(all.begin(), all.end())};
    Shape shape(all.begin(), all.end());
    const auto batch = static_cast<std::size_t>(batch_);
    if (batch > 1) shape[0] /= batch_;
    return {tensor.data<const float>() + item * (tensor.get_size() / batch), std::move(shape)};
  }

  static Error failure(const std::exception& e) {
    return {ErrorCode::kInternal, "inference failed: " + reason_of(e)};
  }

  static Status status_of(const std::exception_ptr& failure_ptr) {
    if (!failure_ptr) return {};
    try {
      std::rethrow_exception(failure_ptr);
    } catch (const std::exception& e) {
      return failure(e);
    }
  }

  int width_, height_, batch_;
  std::array<Slot, kSlots> slots_;
};

class OpenVinoSession final : public Session {
 public:
  OpenVinoSession(ov::CompiledModel model, const model::InputSpec& input, int batch,
                  std::string device, bool fast_bf16)
      : model_(std::move(model)),
        input_(input),
        batch_(batch),
        device_(std::move(device)),
        fast_bf16_(fast_bf16) {
    lanes_ = model_.get_property(ov::num_streams).num;
    precision_ = model_.get_property(ov::hint::inference_precision).to_string();
  }

  int lanes() const override { return lanes_; }
  int batch() const override { return batch_; }
  std::string device() const override { return device_; }
  std::string precision() const override { return precision_; }
  bool has_fast_bf16() const override { return fast_bf16_; }
  bool shares_cores() const override { return false; }

  Result<std::unique_ptr<Lane>> create_lane() override {
    return guard("cannot make a lane", ErrorCode::kInternal, [&]() -> std::unique_ptr<Lane> {
      return std::make_unique<OpenVinoLane>(model_, input_, batch_);
    });
  }

 private:
  ov::CompiledModel model_;
  model::InputSpec input_;
  int batch_;
  std::string device_;
  std::string precision_;
  bool fast_bf16_;
  int lanes_ = 1;
};

// Where the channels of the model's only input lie.
ov::Layout layout_of(const ov::PartialShape& shape) {
  return ov::Layout(shape[1].is_static() && shape[1].get_length() == 3 ? "NCHW" : "NHWC");
}

// Pictures go in as interleaved bytes; conversion and scaling become part of the network, where the
// compiler folds them into its first convolution.
std::shared_ptr<ov::Model> with_preprocessing(const std::shared_ptr<ov::Model>& original,
                                              const model::InputSpec& input, int batch) {
  const auto model = original->clone();
  dequantize_outputs(*model);
  const auto layout = layout_of(model->input().get_partial_shape());
  const auto height = static_cast<std::int64_t>(input.height);
  const auto width = static_cast<std::int64_t>(input.width);
  model->reshape(layout == ov::Layout("NCHW") ? ov::PartialShape{1, 3, height, width}
                                              : ov::PartialShape{1, height, width, 3});
  if (batch > 1) make_batched(*model, static_cast<std::size_t>(batch));

  const auto wanted = model->input().get_element_type();
  ov::preprocess::PrePostProcessor steps(model);
  steps.input().tensor().set_element_type(ov::element::u8).set_layout("NHWC");
  steps.input().model().set_layout(layout);
  auto& convert = steps.input().preprocess();
  const auto differs = [](const std::array<float, 3>& values, float neutral) {
    return values != std::array<float, 3>{neutral, neutral, neutral};
  };
  // An input of whole numbers is a quantised one: it takes the bytes as they are.
  if (wanted == ov::element::i8) {
    convert.convert_element_type(ov::element::f32).mean(128).convert_element_type(ov::element::i8);
  } else if (wanted.is_real()) {
    convert.convert_element_type(ov::element::f32);
    if (differs(input.mean, 0)) convert.mean({input.mean[0], input.mean[1], input.mean[2]});
    if (differs(input.std, 1)) {
      if (input.std[0] == input.std[1] && input.std[1] == input.std[2]) {
        convert.scale(input.std[0]);
      } else {
        convert.scale({input.std[0], input.std[1], input.std[2]});
      }
    }
  }
  for (std::size_t i = 0; i < model->outputs().size(); ++i) {
    steps.output(i).tensor().set_element_type(ov::element::f32);
  }
  return steps.build();
}

ov::AnyMap compile_settings(const SessionOptions& options) {
  ov::AnyMap settings;
  if (options.lanes == 0) {
    settings.insert(ov::hint::performance_mode(ov::hint::PerformanceMode::THROUGHPUT));
  } else if (options.lanes == 1) {
    settings.insert(ov::hint::performance_mode(ov::hint::PerformanceMode::LATENCY));
    settings.insert(ov::num_streams(1));
  } else {
    settings.insert(ov::num_streams(options.lanes));
  }
  if (options.beside_others) settings.insert(ov::hint::enable_cpu_pinning(false));
  if (options.threads > 0) settings.insert(ov::inference_num_threads(options.threads));
  if (options.precision == Precision::kFp32) {
    settings.insert(ov::hint::inference_precision(ov::element::f32));
  } else if (options.precision == Precision::kBf16) {
    settings.insert(ov::hint::inference_precision(ov::element::bf16));
  }
  if (!options.cache_dir.empty()) settings.insert(ov::cache_dir(options.cache_dir));
  return settings;
}

bool computes_bf16(ov::Core& core) {
  const auto abilities = core.get_property("CPU", ov::device::capabilities);
  return std::find(abilities.begin(), abilities.end(), ov::device::capability::BF16) !=
         abilities.end();
}

class OpenVinoModel final : public LoadedModel {
 public:
  OpenVinoModel(ov::Core& core, std::shared_ptr<ov::Model> model,
                model::ModelDescription description)
      : core_(core), model_(std::move(model)), description_(std::move(description)) {}

  const model::ModelDescription& description() const override { return description_; }

  Result<std::unique_ptr<Session>> compile(const model::InputSpec& input,
                                           const SessionOptions& options) override {
    return guard(description_.path, ErrorCode::kUnsupported, [&]() -> std::unique_ptr<Session> {
      auto compiled = core_.compile_model(with_preprocessing(model_, input, options.batch), "CPU",
                                          compile_settings(options));
      return std::make_unique<OpenVinoSession>(std::move(compiled), input, options.batch,
                                               core_.get_property("CPU", ov::device::full_name),
                                               computes_bf16(core_));
    });
  }

 private:
  ov::Core core_;  // shares its state with the backend's
  std::shared_ptr<ov::Model> model_;
  model::ModelDescription description_;
};

Status check_file(const std::string& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) {
    return Error{ErrorCode::kNotFound, path + ": no such model file"};
  }
  if (std::filesystem::is_directory(status)) {
    return Error{ErrorCode::kInvalidArgument,
                 path + ": is a folder; expected a model file (.onnx, .xml or .tflite)"};
  }
  if (std::filesystem::file_size(path, error) == 0) {
    return Error{ErrorCode::kCorrupt, path + ": the model file is empty"};
  }
  return {};
}

struct Format {
  std::string name;
  std::string reader;  // OpenVINO's name of the frontend
};

Result<Format> format_of(const std::string& path) {
  const auto extension = std::filesystem::path(path).extension().string();
  if (extension == ".onnx") return Format{"ONNX", "onnx"};
  if (extension == ".xml") return Format{"OpenVINO IR", "ir"};
  if (extension == ".tflite") return Format{"TFLite", "tflite"};
  const std::string hint = extension == ".pt" ? "; export it first: yolo export format=onnx"
                           : extension == ".weights" || extension == ".cfg"
                               ? "; bring it to ONNX first: osprey import"
                               : "";
  return Error{ErrorCode::kUnsupported,
               path +
                   ": not a model format known here; expected .onnx, .xml (OpenVINO IR) or "
                   ".tflite" +
                   hint};
}

// Only with the reader of that format: ov::Core tries all of them on a file that none knows, and
// one prints.
std::shared_ptr<ov::Model> read_graph(const std::string& path, const Format& format) {
  const auto reader = ov::frontend::FrontEndManager().load_by_framework(format.reader);
  if (!reader->supported(path)) throw std::runtime_error("the file does not begin as one");
  return reader->convert(reader->load(path));
}

class OpenVinoBackend final : public Backend {
 public:
  std::string name() const override { return "OpenVINO"; }

  Result<std::unique_ptr<LoadedModel>> load(const std::string& path) override {
    OSPREY_TRY(check_file(path));
    auto format = OSPREY_TRY(format_of(path));
    return guard(path + ": not a readable " + format.name + " model", ErrorCode::kCorrupt,
                 [&]() -> std::unique_ptr<LoadedModel> {
                   auto graph = read_graph(path, format);
                   auto description = describe_graph(*graph, path, format.name);
                   return std::make_unique<OpenVinoModel>(core_, std::move(graph),
                                                          std::move(description));
                 });
  }

 private:
  ov::Core core_;
};

}  // namespace

Result<std::unique_ptr<Backend>> create_openvino_backend() {
  return guard("OpenVINO", ErrorCode::kInternal,
               []() -> std::unique_ptr<Backend> { return std::make_unique<OpenVinoBackend>(); });
}

}  // namespace osprey::runtime
