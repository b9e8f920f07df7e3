// SPDX-License-Identifier: Apache-2.0
#include "live/streams.hpp"

#include <algorithm>
#include <map>

#include "base/try.hpp"
#include "engine/detect_lane.hpp"

namespace osprey::live {

namespace {

struct LiveFrame final : engine::FrameWork {
  explicit LiveFrame(std::shared_ptr<Camera> owner) : camera(std::move(owner)) {}
  std::shared_ptr<Camera> camera;
};

class CameraSource final : public pipeline::Source {
 public:
  CameraSource(std::shared_ptr<Camera> camera, std::shared_ptr<media::Source> source)
      : camera_(std::move(camera)), source_(std::move(source)) {}

  Result<std::optional<pipeline::Captured>> read() override {
    auto frame = OSPREY_TRY(source_->read());
    if (!frame) return std::optional<pipeline::Captured>();
    auto payload = std::make_unique<LiveFrame>(camera_);
    payload->frame = std::make_shared<Frame>(std::move(*frame));
    return std::optional(pipeline::Captured{std::move(payload), std::nullopt});
  }

  void cancel() override { source_->cancel(); }

 private:
  std::shared_ptr<Camera> camera_;
  std::shared_ptr<media::Source> source_;
};

class LiveStreams final : public Streams, pipeline::Stages {
 public:
  LiveStreams(engine::RunModels models, Receiver& receiver)
      : models_(std::move(models)), receiver_(receiver) {}

  ~LiveStreams() override {
    if (!pipeline_) return;
    pipeline_->interrupt();
    waiter_.reset();
    pipeline_.reset();
  }

  Status launch(const engine::Options& options, base::Clock& clock) {
    OSPREY_TRY(engine::compile(models_));
    rounds_ = OSPREY_TRY(engine::FrameRounds::create(models_, false));
    auto lanes = OSPREY_TRY(engine::make_lanes(models_, options, true));
    pipeline_ = OSPREY_TRY(
        pipeline::Pipeline::start({}, std::move(lanes), *this, clock, pipeline::Until::kTold));
    in_flight_ = static_cast<std::size_t>(options.in_flight);
    waiter_ = clock.start_thread("wait", [this] {
      auto ended = pipeline_->wait();
      const std::lock_guard lock(mutex_);
      failure_ = std::move(ended);
    });
    return {};
  }

  const engine::RunModels& models() const override { return models_; }

  Status prepare(Camera& camera) const override {
    OSPREY_TRY(camera.open());
    const auto info = camera.source()->info();
    return info.width > 0 ? rounds_->check_size(info.width, info.height) : Status();
  }

  Status add(std::shared_ptr<Camera> camera) override {
    pipeline::Stream stream;
    stream.source = std::make_unique<CameraSource>(camera, camera->source());
    stream.options.in_flight = in_flight_;
    if (camera->is_live()) {
      stream.options.admission = pipeline::Admission::kDropOldest;
      stream.options.max_age = std::chrono::duration_cast<Duration>(
          std::chrono::duration<double>(camera->config().max_age));
    }
    // Under the lock: ended() of a stream that ends at once waits for its place here.
    const std::lock_guard lock(mutex_);
    const auto index = OSPREY_TRY(pipeline_->add(std::move(stream)));
    cameras_[index] = std::move(camera);
    return {};
  }

  void end(const Camera& camera) override {
    if (const auto index = index_of(camera)) {
      [[maybe_unused]] const auto told = pipeline_->end(static_cast<std::uint32_t>(*index));
    }
  }

  std::optional<std::size_t> index_of(const Camera& camera) const override {
    const std::lock_guard lock(mutex_);
    for (const auto& [index, other] : cameras_) {
      if (other.get() == &camera) return index;
    }
    return std::nullopt;
  }

  std::vector<std::shared_ptr<Camera>> look_after() override {
    std::vector<std::shared_ptr<Camera>> cameras, over;
    {
      const std::lock_guard lock(mutex_);
      for (const auto& [index, camera] : cameras_) cameras.push_back(camera);
      over.swap(over_);
    }
    for (const auto& camera : cameras) {
      const std::lock_guard telling(telling_);
      for (const auto& event : camera->away()) receiver_.take(*camera, nullptr, event);
    }
    return over;
  }

  pipeline::Stats stats() const override { return pipeline_->snapshot(); }

  Status health() const override {
    const std::lock_guard lock(mutex_);
    return failure_;
  }

 private:
  Result<pipeline::JobPayloads> plan(FrameId id, pipeline::FramePayload& frame) override {
    return rounds_->plan(id.stream, pipeline::payload_cast<LiveFrame>(frame));
  }

  Result<pipeline::JobPayloads> collect(FrameId, pipeline::FramePayload& frame,
                                        std::span<pipeline::Job> jobs) override {
    return rounds_->collect(pipeline::payload_cast<LiveFrame>(frame), jobs);
  }

  Status deliver(pipeline::Delivery delivery) override {
    auto& work = pipeline::payload_cast<LiveFrame>(*delivery.payload);
    auto& camera = *work.camera;
    work.frame->id = delivery.id;
    FrameResult result;
    result.frame = std::move(work.frame);
    if (delivery.status.ok()) {
      result.detections = std::move(work.detections);
    } else {
      result.error = std::move(delivery.status).error();
    }
    const std::lock_guard telling(telling_);
    const auto events = camera.take(result);
    for (const auto& event : events) receiver_.take(camera, &result, event);
    receiver_.take(camera, result);
    return {};
  }

  void ended(std::uint32_t stream) override {
    std::shared_ptr<Camera> camera;
    {
      const std::lock_guard lock(mutex_);
      const auto found = cameras_.find(stream);
      if (found == cameras_.end()) return;
      camera = found->second;
      cameras_.erase(found);
    }
    // Of one that ended by itself, too: its index is free.
    [[maybe_unused]] const auto given_up = pipeline_->end(stream);
    const std::lock_guard telling(telling_);
    for (const auto& event : camera->end()) receiver_.take(*camera, nullptr, event);
    const std::lock_guard lock(mutex_);
    over_.push_back(std::move(camera));
  }

  engine::RunModels models_;
  Receiver& receiver_;
  std::unique_ptr<engine::FrameRounds> rounds_;
  std::size_t in_flight_ = 0;
  std::mutex telling_;        // what a camera did, and telling the receiver, is one step
  mutable std::mutex mutex_;  // guards:
  std::map<std::uint32_t, std::shared_ptr<Camera>> cameras_;
  std::vector<std::shared_ptr<Camera>> over_;  // to be finished, for which no frame waits
  Status failure_;
  std::unique_ptr<pipeline::Pipeline> pipeline_;  // its threads end before what they use
  std::unique_ptr<base::Thread> waiter_;
};

}  // namespace

Result<std::unique_ptr<Streams>> Streams::start(engine::RunModels models,
                                                const engine::Options& options, Receiver& receiver,
                                                base::Clock& clock) {
  auto streams = std::make_unique<LiveStreams>(std::move(models), receiver);
  OSPREY_TRY(streams->launch(options, clock));
  return std::unique_ptr<Streams>(std::move(streams));
}

}  // namespace osprey::live
