// SPDX-License-Identifier: Apache-2.0
#include "sim/rk3588/answers.hpp"

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <openvino/core/preprocess/pre_post_process.hpp>
#include <openvino/openvino.hpp>
#include <stdexcept>

namespace osprey::sim {

namespace {

std::size_t count_of(const Tensor& tensor) {
  std::size_t count = 1;
  for (const auto dim : tensor.dims) count *= dim;
  return count;
}

Outputs zeros(const Model& model) {
  Outputs outputs;
  for (const auto& output : model.outputs) outputs.emplace_back(count_of(output), 0.f);
  return outputs;
}

class Nothing final : public AnswerSource {
 public:
  explicit Nothing(const Model& model) : zeros_(zeros(model)) {}

  std::unique_ptr<Answers> answers() override {
    struct Same final : Answers {
      explicit Same(const Outputs& outputs) : zeros(outputs) {}
      const Outputs& run(std::span<const std::uint8_t>) override { return zeros; }
      const Outputs& zeros;
    };
    return std::make_unique<Same>(zeros_);
  }

 private:
  Outputs zeros_;
};

class Computed final : public AnswerSource {
 public:
  explicit Computed(const Model& model) {
    ov::preprocess::PrePostProcessor steps(core_.read_model(model.onnx, ov::Tensor()));
    steps.input().tensor().set_element_type(ov::element::u8).set_layout("NHWC");
    steps.input().model().set_layout("NCHW");
    steps.input()
        .preprocess()
        .convert_element_type(ov::element::f32)
        .mean(model.mean)
        .scale(model.std);
    auto network = steps.build();
    if (network->outputs().size() != model.outputs.size()) {
      throw std::runtime_error("the file says other outputs than the network has");
    }
    for (std::size_t i = 0; i < network->outputs().size(); ++i) {
      if (network->output(i).get_element_type() != ov::element::f32) {
        throw std::runtime_error("output " + std::to_string(i) + " is not float");
      }
    }
    compiled_ = core_.compile_model(network, "CPU", ov::num_streams(3),
                                    ov::hint::inference_precision(ov::element::f32),
                                    ov::hint::enable_cpu_pinning(false));
  }

  std::unique_ptr<Answers> answers() override {
    return std::make_unique<Request>(compiled_.create_infer_request());
  }

 private:
  class Request final : public Answers {
   public:
    explicit Request(ov::InferRequest request) : request_(std::move(request)) {}

    const Outputs& run(std::span<const std::uint8_t> picture) override {
      auto input = request_.get_input_tensor();
      std::copy(picture.begin(), picture.end(), input.data<std::uint8_t>());
      request_.infer();
      outputs_.resize(request_.get_compiled_model().outputs().size());
      for (std::size_t i = 0; i < outputs_.size(); ++i) {
        const auto output = request_.get_output_tensor(i);
        outputs_[i].assign(output.data<float>(), output.data<float>() + output.get_size());
      }
      return outputs_;
    }

   private:
    ov::InferRequest request_;
    Outputs outputs_;
  };

  ov::Core core_;
  ov::CompiledModel compiled_;
};

std::string recording() {
  const char* path = std::getenv("OSPREY_SIM_RECORDING");
  if (path == nullptr) throw std::runtime_error("OSPREY_SIM_RECORDING names no file");
  return path;
}

class Recorded final : public AnswerSource {
 public:
  explicit Recorded(const Model& model) : source_(model), file_(recording(), std::ios::binary) {
    if (!file_) throw std::runtime_error(recording() + ": cannot be written");
  }

  std::unique_ptr<Answers> answers() override {
    return std::make_unique<Writer>(*this, source_.answers());
  }

 private:
  class Writer final : public Answers {
   public:
    Writer(Recorded& owner, std::unique_ptr<Answers> answers)
        : owner_(owner), answers_(std::move(answers)) {}

    const Outputs& run(std::span<const std::uint8_t> picture) override {
      const auto& outputs = answers_->run(picture);
      const std::lock_guard lock(owner_.mutex_);
      for (const auto& output : outputs) {
        owner_.file_.write(reinterpret_cast<const char*>(output.data()),
                           static_cast<std::streamsize>(output.size() * sizeof(float)));
      }
      if (!owner_.file_.flush()) throw std::runtime_error(recording() + ": cannot be written");
      return outputs;
    }

   private:
    Recorded& owner_;
    std::unique_ptr<Answers> answers_;
  };

  Computed source_;
  std::mutex mutex_;
  std::ofstream file_;
};

class Replayed final : public AnswerSource {
 public:
  explicit Replayed(const Model& model) {
    std::ifstream file(recording(), std::ios::binary);
    for (;;) {
      auto outputs = zeros(model);
      for (auto& output : outputs) {
        file.read(reinterpret_cast<char*>(output.data()),
                  static_cast<std::streamsize>(output.size() * sizeof(float)));
      }
      if (!file) break;
      all_.push_back(std::move(outputs));
    }
    if (all_.empty()) throw std::runtime_error(recording() + ": holds no answers of this model");
  }

  std::unique_ptr<Answers> answers() override {
    struct Next final : Answers {
      explicit Next(Replayed& from) : owner(from) {}
      const Outputs& run(std::span<const std::uint8_t>) override {
        return owner.all_[owner.next_++ % owner.all_.size()];
      }
      Replayed& owner;
    };
    return std::make_unique<Next>(*this);
  }

 private:
  std::vector<Outputs> all_;
  std::atomic<std::size_t> next_ = 0;
};

}  // namespace

std::unique_ptr<AnswerSource> answer_source(const Model& model) {
  const char* asked = std::getenv("OSPREY_SIM_ANSWERS");
  const std::string mode = asked == nullptr ? "compute" : asked;
  try {
    if (mode == "compute") return std::make_unique<Computed>(model);
    if (mode == "record") return std::make_unique<Recorded>(model);
    if (mode == "replay") return std::make_unique<Replayed>(model);
    if (mode == "none") return std::make_unique<Nothing>(model);
  } catch (const ov::Exception& e) {
    throw std::runtime_error(std::string("the network cannot be computed: ") + e.what());
  }
  throw std::runtime_error("OSPREY_SIM_ANSWERS: '" + mode +
                           "' is not valid; expected compute, record, replay or none");
}

}  // namespace osprey::sim
