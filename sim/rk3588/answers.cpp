// SPDX-License-Identifier: Apache-2.0
#include "sim/rk3588/answers.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <mutex>
#include <openvino/core/preprocess/pre_post_process.hpp>
#include <openvino/openvino.hpp>
#include <stdexcept>

#include "sim/rk3588/native.hpp"

namespace osprey::sim {

namespace {

class Nothing final : public AnswerSource {
 public:
  explicit Nothing(const Model& model) : model_(model) {}

  std::unique_ptr<Answers> answers() override {
    struct Zeros final : Answers {
      explicit Zeros(const Model& of) : model(of) {}
      void run(std::span<const std::uint8_t>, std::span<std::uint8_t* const> outputs) override {
        // Steps of zero are not values of zero; nobody reads them.
        for (std::size_t i = 0; i < outputs.size(); ++i) {
          std::memset(outputs[i], 0, native_bytes(model.outputs[i]));
        }
      }
      const Model& model;
    };
    return std::make_unique<Zeros>(model_);
  }

 private:
  const Model& model_;
};

class Computed final : public AnswerSource {
 public:
  explicit Computed(const Model& model) : model_(model) {
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
    return std::make_unique<Request>(model_, compiled_.create_infer_request());
  }

 private:
  class Request final : public Answers {
   public:
    Request(const Model& model, ov::InferRequest request)
        : model_(model), request_(std::move(request)) {}

    void run(std::span<const std::uint8_t> picture,
             std::span<std::uint8_t* const> outputs) override {
      auto input = request_.get_input_tensor();
      std::copy(picture.begin(), picture.end(), input.data<std::uint8_t>());
      request_.infer();
      for (std::size_t i = 0; i < outputs.size(); ++i) {
        to_native(request_.get_output_tensor(i).data<float>(), model_.outputs[i], outputs[i]);
      }
    }

   private:
    const Model& model_;
    ov::InferRequest request_;
  };

  const Model& model_;
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
  explicit Recorded(const Model& model)
      : model_(model), source_(model), file_(recording(), std::ios::binary) {
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

    void run(std::span<const std::uint8_t> picture,
             std::span<std::uint8_t* const> outputs) override {
      answers_->run(picture, outputs);
      const std::lock_guard lock(owner_.mutex_);
      for (std::size_t i = 0; i < outputs.size(); ++i) {
        owner_.file_.write(reinterpret_cast<const char*>(outputs[i]),
                           static_cast<std::streamsize>(native_bytes(owner_.model_.outputs[i])));
      }
      if (!owner_.file_.flush()) throw std::runtime_error(recording() + ": cannot be written");
    }

   private:
    Recorded& owner_;
    std::unique_ptr<Answers> answers_;
  };

  const Model& model_;
  Computed source_;
  std::mutex mutex_;
  std::ofstream file_;
};

/// Read anew each time: kept in memory, the answers would outweigh the program that is measured.
class Replayed final : public AnswerSource {
 public:
  explicit Replayed(const Model& model)
      : model_(model), file_(open(recording().c_str(), O_RDONLY)) {
    for (const auto& output : model.outputs) size_ += native_bytes(output);
    struct stat status {};
    if (file_ >= 0 && fstat(file_, &status) == 0) {
      count_ = static_cast<std::size_t>(status.st_size) / size_;
    }
    if (count_ > 0) return;
    if (file_ >= 0) close(file_);
    throw std::runtime_error(recording() + ": holds no answers of this model");
  }
  ~Replayed() override { close(file_); }
  Replayed(const Replayed&) = delete;
  Replayed& operator=(const Replayed&) = delete;

  std::unique_ptr<Answers> answers() override {
    struct Next final : Answers {
      explicit Next(Replayed& from) : owner(from) {}
      void run(std::span<const std::uint8_t>, std::span<std::uint8_t* const> outputs) override {
        owner.read(owner.next_++ % owner.count_, outputs);
      }
      Replayed& owner;
    };
    return std::make_unique<Next>(*this);
  }

 private:
  void read(std::size_t answer, std::span<std::uint8_t* const> outputs) const {
    auto at = static_cast<off_t>(answer * size_);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const auto bytes = native_bytes(model_.outputs[i]);
      if (pread(file_, outputs[i], bytes, at) != static_cast<ssize_t>(bytes)) {
        throw std::runtime_error(recording() + ": cannot be read");
      }
      at += static_cast<off_t>(bytes);
    }
  }

  const Model& model_;
  int file_ = -1;
  std::size_t size_ = 0, count_ = 0;  // bytes of an answer, answers
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
