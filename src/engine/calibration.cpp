// SPDX-License-Identifier: Apache-2.0
#include "engine/calibration.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include "base/scratch_folder.hpp"
#include "base/try.hpp"
#include "engine/detect_step.hpp"
#include "engine/picture_stream.hpp"
#include "engine/run_once.hpp"
#include "runtime/openvino/openvino_backend.hpp"

namespace osprey::engine {

namespace {

/// Bytes of a tensor of float32; 0 where the network does not tell its size.
std::uint64_t bytes_of(const std::map<std::string, Shape>& shapes, const std::string& tensor) {
  const auto shape = shapes.find(tensor);
  if (shape == shapes.end()) return 0;
  std::uint64_t bytes = sizeof(float);
  for (const auto dim : shape->second)
    bytes *= static_cast<std::uint64_t>(std::max<std::int64_t>(dim, 0));
  return bytes;
}

/// The bytes of a network's input as it sees them: [1, 3, H, W].
void to_floats(const runtime::InputBuffer& buffer, const model::InputSpec& input,
               std::vector<float>& floats) {
  const auto pixels =
      static_cast<std::size_t>(buffer.width) * static_cast<std::size_t>(buffer.height);
  floats.resize(3 * pixels);
  for (std::size_t c = 0; c < 3; ++c) {
    const float mean = input.mean[c], std = input.std[c];
    for (std::size_t i = 0; i < pixels; ++i) {
      floats[c * pixels + i] = (static_cast<float>(buffer.data[3 * i + c]) - mean) / std;
    }
  }
}

constexpr std::size_t kInput = static_cast<std::size_t>(-1);

}  // namespace

/// The network compiled with tensors as outputs.
struct Calibrator::Shown {
  std::unique_ptr<runtime::Session> session;
  std::vector<std::unique_ptr<runtime::Lane>> lanes;
  std::vector<std::size_t> places;  // of tensors: among the outputs, or kInput
};

/// One pass over the pictures, with some of the tensors.
class Calibrator::Pass {
 public:
  Pass(const Shown& shown, const model::InputSpec& input, const std::vector<std::string>& tensors,
       PictureStream& pictures, const CalibrationOptions& options,
       const std::function<bool(double)>& progress)
      : shown_(shown),
        input_(input),
        tensors_(tensors),
        pictures_(pictures),
        options_(options),
        progress_(progress) {}

  Status run(Calibration& gathered) {
    std::vector<Gathered> of_lane(shown_.lanes.size());
    for (auto& lane : of_lane) {
      lane.tensors.resize(tensors_.size());
      for (const auto& tensor : tensors_) {
        const auto spreads = options_.spreads.find(tensor);
        if (spreads != options_.spreads.end()) lane.spreads.insert(*spreads);
      }
    }
    std::vector<std::thread> workers;
    for (std::size_t i = 0; i < of_lane.size(); ++i) {
      workers.emplace_back([this, &lane = *shown_.lanes[i], &mine = of_lane[i]] {
        const Status status = work(lane, mine);
        if (!status) stop(status);
      });
    }
    for (auto& worker : workers) worker.join();
    OSPREY_TRY(std::move(failure_));
    for (auto& lane : of_lane) {
      for (std::size_t i = 0; i < tensors_.size(); ++i) {
        gathered.tensors[tensors_[i]].merge(lane.tensors[i]);
      }
      for (auto& [tensor, spreads] : lane.spreads) {
        const auto [all, is_first] = gathered.spreads.try_emplace(tensor, std::move(spreads));
        if (is_first) continue;
        for (std::size_t i = 0; i < spreads.size(); ++i) all->second[i].merge(spreads[i]);
      }
    }
    return {};
  }

 private:
  /// By one lane.
  struct Gathered {
    std::vector<quantize::TensorStatistics> tensors;
    InputSpreads spreads;
  };

  Status work(runtime::Lane& lane, Gathered& gathered) {
    vision::LetterboxScratch scratch;
    std::vector<float> seen_by_network;
    while (!stopped_) {
      const auto image = OSPREY_TRY(pictures_.next());
      if (!image) return {};
      const auto buffer = lane.input(0, 0);
      put_in(*image, Region{0, 0, image->width, image->height}, input_, buffer, scratch);
      for (std::size_t i = 0; i < tensors_.size(); ++i) {
        if (shown_.places[i] != kInput) continue;
        to_floats(buffer, input_, seen_by_network);
        gather({seen_by_network.data(), {1, 3, buffer.height, buffer.width}}, i, gathered);
      }
      OSPREY_TRY(run_once(lane));
      const auto outputs = lane.outputs(0, 0);
      for (std::size_t i = 0; i < tensors_.size(); ++i) {
        if (shown_.places[i] != kInput) gather(outputs[shown_.places[i]], i, gathered);
      }
      tell();
    }
    return {};
  }

  void gather(const TensorView& view, std::size_t tensor, Gathered& gathered) const {
    if (!options_.spreads.empty()) {
      for (auto& spread : gathered.spreads[tensors_[tensor]]) spread.add(view);
      return;
    }
    const auto scale = options_.rounding.find(tensors_[tensor]);
    if (scale == options_.rounding.end()) {
      return gathered.tensors[tensor].add(view, options_.with_ranges.contains(tensors_[tensor]));
    }
    gathered.tensors[tensor].add_rounding(view, scale->second);
  }

  void tell() {
    const std::lock_guard lock(mutex_);
    ++done_;
    const auto all = pictures_.expected();
    if (progress_ &&
        !progress_(all > 0 ? static_cast<double>(done_) / static_cast<double>(all) : 0)) {
      stopped_ = true;
      failure_ = Error{ErrorCode::kCancelled, "interrupted"};
    }
  }

  void stop(const Status& why) {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    if (failure_) failure_ = why;
  }

  const Shown& shown_;
  const model::InputSpec& input_;
  const std::vector<std::string>& tensors_;
  PictureStream& pictures_;
  const CalibrationOptions& options_;
  const std::function<bool(double)>& progress_;
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;  // guards:
  std::size_t done_ = 0;
  Status failure_;
};

namespace {

/// Tensors in groups that need no more than `memory` together.
std::vector<std::vector<std::string>> in_groups(const std::vector<std::string>& tensors,
                                                const std::map<std::string, Shape>& shapes,
                                                std::uint64_t memory) {
  std::vector<std::vector<std::string>> groups(1);
  std::uint64_t used = 0;
  for (const auto& tensor : tensors) {
    const auto bytes = bytes_of(shapes, tensor);
    if (used + bytes > memory && !groups.back().empty()) {
      groups.emplace_back();
      used = 0;
    }
    used += bytes;
    groups.back().push_back(tensor);
  }
  return groups;
}

}  // namespace

Calibrator::Calibrator(onnx::Model network, model::InputSpec input,
                       const std::vector<std::string>& tensors, int threads, std::uint64_t memory)
    : network_(std::move(network)), input_(input) {
  threads_ =
      threads > 0 ? threads : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  const auto shapes = network_.infer_shapes(1);
  std::uint64_t all = 1;
  for (const auto& tensor : tensors) all += bytes_of(shapes, tensor);
  // As many lanes as may hold all tensors at once; several passes if not even one may.
  const auto lanes =
      std::clamp<std::uint64_t>(memory / all, 1, static_cast<std::uint64_t>(threads_));
  lanes_ = static_cast<int>(lanes);
  groups_ = in_groups(tensors, shapes, memory / lanes);
}

Calibrator::~Calibrator() = default;

Result<std::unique_ptr<Calibrator::Shown>> Calibrator::show(
    const std::vector<std::string>& tensors) const {
  auto network = network_.copy();
  auto shown = std::make_unique<Shown>();
  std::vector<std::string> outputs;
  for (const auto& output : network.outputs()) outputs.push_back(output.name);
  const auto input = network.inputs().front().name;
  for (const auto& tensor : tensors) {
    if (tensor == input) {
      shown->places.push_back(kInput);
      continue;
    }
    auto found = std::find(outputs.begin(), outputs.end(), tensor);
    if (found == outputs.end()) {
      network.show_tensor(tensor);
      found = outputs.insert(outputs.end(), tensor);
    }
    shown->places.push_back(static_cast<std::size_t>(found - outputs.begin()));
  }
  const auto scratch = OSPREY_TRY(base::ScratchFolder::create());
  OSPREY_TRY(network.write(scratch / "network.onnx"));
  const auto backend = OSPREY_TRY(runtime::create_openvino_backend());
  const auto loaded = OSPREY_TRY(backend->load(scratch / "network.onnx"));
  runtime::SessionOptions options;
  options.lanes = lanes_;
  options.threads = threads_;
  shown->session = OSPREY_TRY(loaded->compile(input_, options));
  for (int i = 0; i < shown->session->lanes(); ++i) {
    shown->lanes.push_back(OSPREY_TRY(shown->session->create_lane()));
  }
  return shown;
}

Result<Calibration> Calibrator::run(const CalibrationOptions& options) {
  Calibration calibration;
  calibration.passes = static_cast<int>(groups_.size());
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    const auto pictures = OSPREY_TRY(PictureStream::open(options.data, options.most_pictures));
    const std::function<bool(double)> progress = [&](double share_of_pass) {
      const double done = static_cast<double>(i) + share_of_pass;
      return !options.progress || options.progress(done / static_cast<double>(groups_.size()));
    };
    // Of several groups none is kept: they were made because memory is short.
    if (!shown_ || groups_.size() > 1) {
      shown_.reset();
      shown_ = OSPREY_TRY(show(groups_[i]));
    }
    Pass pass(*shown_, input_, groups_[i], *pictures, options, progress);
    OSPREY_TRY(pass.run(calibration));
    calibration.pictures = pictures->given();
    calibration.health = pictures->health();
    if (calibration.pictures > 0) continue;
    return Error{ErrorCode::kInvalidArgument,
                 options.data + ": holds no picture that can be read" +
                     (calibration.health.first_damage.empty()
                          ? ""
                          : " (" + calibration.health.first_damage + ")")};
  }
  return calibration;
}

}  // namespace osprey::engine
