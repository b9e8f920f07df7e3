// SPDX-License-Identifier: Apache-2.0
#include <osprey/pipeline.hpp>

#include <mutex>

#include "base/try.hpp"
#include "engine/detect_run.hpp"
#include "engine/public_options.hpp"

namespace osprey {

namespace {

/// Hands results to the owner's function.
class CallbackSink final : public sinks::Sink {
 public:
  CallbackSink(std::function<Status(const StreamFrame&)> on_frame, bool wants_pixels)
      : on_frame_(std::move(on_frame)), wants_pixels_(wants_pixels) {}

  bool wants_pixels() const override { return wants_pixels_; }
  Status begin(const StreamInfo&) override { return {}; }

  Status write(const FrameResult& result) override {
    const auto& from = *result.frame;
    StreamFrame frame;
    frame.stream = from.id.stream;
    frame.sequence = from.id.sequence;
    frame.timestamp_ns = from.timestamp.since_origin.count();
    frame.width = from.image.width;
    frame.height = from.image.height;
    frame.path = from.path;
    frame.image = wants_pixels_ ? &from.image : nullptr;
    frame.detections = result.detections;
    frame.error = result.error;
    return on_frame_(frame);
  }

  Status finish() override { return {}; }
  std::vector<std::string> outputs() const override { return {}; }

 private:
  std::function<Status(const StreamFrame&)> on_frame_;
  bool wants_pixels_;
};

}  // namespace

struct Pipeline::State {
  base::RealClock clock;
  engine::Options options;
  bool keep_pixels = false;
  engine::RunParts parts;
  std::vector<std::string> names;
  std::vector<std::string> model_names;
  PipelineCounts counts;

  std::mutex mutex;
  bool started = false;
  bool stopped = false;
  std::unique_ptr<engine::DetectRun> run;
};

Pipeline::Pipeline(std::unique_ptr<State> state) : state_(std::move(state)) {}
Pipeline::Pipeline(Pipeline&&) noexcept = default;
Pipeline& Pipeline::operator=(Pipeline&&) noexcept = default;
Pipeline::~Pipeline() = default;

Result<Pipeline> Pipeline::create(const PipelineOptions& options) {
  auto state = std::make_unique<State>();
  state->options = OSPREY_TRY(engine::from_public(options));
  state->keep_pixels = options.keep_pixels;
  auto sources = OSPREY_TRY(engine::open_sources(state->options, state->clock));
  state->parts = OSPREY_TRY(engine::make_parts(std::move(sources), state->options));
  state->names = state->parts.models.labels.names;
  for (const auto& model : state->parts.models.models) {
    state->model_names.push_back(model.options.name);
  }
  return Pipeline(std::move(state));
}

Status Pipeline::run(std::function<Status(const StreamFrame&)> on_frame) {
  auto& state = *state_;
  {
    const std::lock_guard lock(state.mutex);
    if (std::exchange(state.started, true)) {
      return Error{ErrorCode::kInvalidArgument, "run: a pipeline runs once; create another"};
    }
    state.parts.sinks->add("run",
                           std::make_unique<CallbackSink>(std::move(on_frame), state.keep_pixels));
    state.run =
        OSPREY_TRY(engine::DetectRun::start(std::move(state.parts), state.options, state.clock));
    if (state.stopped) state.run->interrupt();
  }
  auto ended = state.run->wait();
  for (const auto& stream : state.run->report().stats.streams) {
    state.counts.captured += stream.captured;
    state.counts.delivered += stream.delivered;
    state.counts.dropped += stream.dropped();
    state.counts.failed += stream.failed;
  }
  return ended;
}

void Pipeline::stop() {
  const std::lock_guard lock(state_->mutex);
  state_->stopped = true;
  if (state_->run) state_->run->interrupt();
}

PipelineCounts Pipeline::counts() const {
  return state_->counts;
}

const std::vector<std::string>& Pipeline::names() const {
  return state_->names;
}

const std::vector<std::string>& Pipeline::model_names() const {
  return state_->model_names;
}

}  // namespace osprey
