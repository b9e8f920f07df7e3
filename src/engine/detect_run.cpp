// SPDX-License-Identifier: Apache-2.0
#include "engine/detect_run.hpp"

#include <atomic>
#include <mutex>

#include "base/try.hpp"
#include "engine/detect_step.hpp"
#include "engine/frame_cutter.hpp"

namespace osprey::engine {

namespace {

struct FramePayload final : pipeline::FramePayload {
  std::shared_ptr<Frame> frame;
  std::shared_ptr<const FrameCut> cut;
  std::atomic<std::size_t> unprepared = 0;  // jobs that still need the frame's samples
  std::vector<Detection> detections;
};

Region region_of(const tiling::Tile& tile) {
  return {tile.x, tile.y, tile.width, tile.height};
}

struct DetectJob final : pipeline::JobPayload {
  DetectJob(FramePayload& owner, const tiling::Tile& tile) : frame(owner), part(region_of(tile)) {}
  FramePayload& frame;
  Region part;
  std::vector<Detection> detections;
};

class StreamSource final : public pipeline::Source {
 public:
  explicit StreamSource(media::Source& source) : source_(source) {}

  Result<std::optional<pipeline::Captured>> read() override {
    auto frame = OSPREY_TRY(source_.read());
    if (!frame) return std::optional<pipeline::Captured>();
    auto payload = std::make_unique<FramePayload>();
    payload->frame = std::make_shared<Frame>(std::move(*frame));
    return std::optional(pipeline::Captured{std::move(payload), std::nullopt});
  }

  void cancel() override { source_.cancel(); }

 private:
  media::Source& source_;
};

class DetectLane final : public pipeline::LaneRunner {
 public:
  DetectLane(const PreparedModel& model, std::unique_ptr<runtime::Lane> lane, bool keep_pixels)
      : lane_(std::move(lane)), step_(model, *lane_), keep_pixels_(keep_pixels) {}

  Status prepare(std::size_t slot, pipeline::JobPayload& job) override {
    auto& [frame, part, detections] = pipeline::payload_cast<DetectJob>(job);
    auto& image = frame.frame->image;
    step_.prepare(slot, image, part);
    if (--frame.unprepared == 0 && !keep_pixels_) {
      image.planes = {};
      image.owner.reset();
    }
    return {};
  }

  void start(std::size_t slot, Completion done) override { lane_->start(slot, std::move(done)); }

  Status finish(std::size_t slot, pipeline::JobPayload& job) override {
    pipeline::payload_cast<DetectJob>(job).detections = OSPREY_TRY(step_.finish(slot));
    return {};
  }

 private:
  std::unique_ptr<runtime::Lane> lane_;
  DetectStep step_;
  bool keep_pixels_;
};

class DetectStages final : public pipeline::Stages {
 public:
  /// `cutters`: one a stream. `give_tiles`: results say what their frame was cut into.
  DetectStages(std::unique_ptr<sinks::SinkSet> sinks, std::vector<FrameCutter> cutters,
               bool give_tiles, std::size_t classes)
      : sinks_(std::move(sinks)),
        cutters_(std::move(cutters)),
        give_tiles_(give_tiles),
        objects_(classes) {}

  Result<std::vector<std::unique_ptr<pipeline::JobPayload>>> plan(
      FrameId id, pipeline::FramePayload& frame) override {
    auto& payload = pipeline::payload_cast<FramePayload>(frame);
    const auto& image = payload.frame->image;
    payload.cut = OSPREY_TRY(cutters_[id.stream].cut(image.width, image.height));
    std::vector<std::unique_ptr<pipeline::JobPayload>> jobs;
    for (const auto& tile : payload.cut->plan().tiles()) {
      jobs.push_back(std::make_unique<DetectJob>(payload, tile));
    }
    payload.unprepared = jobs.size();
    return jobs;
  }

  Status collect(FrameId, pipeline::FramePayload& frame, std::span<pipeline::Job> jobs) override {
    std::vector<std::vector<Detection>> by_tile;
    for (const auto& job : jobs) {
      by_tile.push_back(std::move(pipeline::payload_cast<DetectJob>(*job.payload).detections));
    }
    auto& payload = pipeline::payload_cast<FramePayload>(frame);
    payload.detections = payload.cut->put_together(by_tile);
    return {};
  }

  Status deliver(pipeline::Delivery delivery) override {
    auto& payload = pipeline::payload_cast<FramePayload>(*delivery.payload);
    FrameResult result;
    result.frame = std::move(payload.frame);
    if (delivery.status.ok()) {
      result.detections = std::move(payload.detections);
      if (give_tiles_) {
        for (const auto& tile : payload.cut->plan().tiles()) {
          result.tiles.push_back(region_of(tile));
        }
      }
    } else {
      result.error = std::move(delivery.status).error();
    }
    count(result);
    auto written = sinks_->write(result);
    sink_failed_ = !written.ok();
    return written;
  }

  /// After the last delivery: whether it was given up over a sink's error.
  bool sink_failed() const { return sink_failed_; }

  Status finish() { return sinks_->finish(); }

  void report(RunReport& report, bool completed) const {
    {
      const std::lock_guard lock(mutex_);
      report.objects = objects_;
      report.first_failure = first_failure_;
    }
    if (!completed) return;
    report.outputs = sinks_->outputs();
    report.notes = sinks_->notes();
  }

 private:
  void count(const FrameResult& result) {
    const std::lock_guard lock(mutex_);
    for (const auto& detection : result.detections) ++objects_[detection.label_id];
    if (result.error && first_failure_.empty()) first_failure_ = result.error->message;
  }

  std::unique_ptr<sinks::SinkSet> sinks_;
  std::vector<FrameCutter> cutters_;  // each its stream's reader's
  bool give_tiles_;
  bool sink_failed_ = false;  // the release thread's until it has ended
  mutable std::mutex mutex_;
  std::vector<std::uint64_t> objects_;
  std::string first_failure_;
};

class Run final : public DetectRun {
 public:
  Run(RunParts parts, const FrameCutter& cutter, bool give_tiles)
      : sources_(std::move(parts.sources)),
        model_(std::move(parts.model)),
        stages_(std::move(parts.sinks), std::vector(sources_.size(), cutter), give_tiles,
                model_.spec.names.size()) {}

  Status launch(const Options& options, bool keep_pixels, base::Clock& clock) {
    std::vector<pipeline::Stream> streams;
    streams.reserve(sources_.size());
    for (auto& source : sources_) {
      streams.push_back(
          {std::make_unique<StreamSource>(*source),
           {admission_for(options, source->info()), static_cast<std::size_t>(options.in_flight)}});
    }
    std::vector<std::unique_ptr<pipeline::LaneRunner>> lanes;
    lanes.reserve(static_cast<std::size_t>(model_.session->lanes()));
    for (int i = 0; i < model_.session->lanes(); ++i) {
      lanes.push_back(std::make_unique<DetectLane>(
          model_, OSPREY_TRY(model_.session->create_lane()), keep_pixels));
    }
    pipeline_ =
        OSPREY_TRY(pipeline::Pipeline::start(std::move(streams), std::move(lanes), stages_, clock));
    return {};
  }

  void interrupt() override {
    interrupted_ = true;
    pipeline_->interrupt();
  }

  void stop_now() override {
    interrupted_ = true;
    pipeline_->stop_now();
  }

  Status wait() override {
    auto ended = pipeline_->wait();
    if (stages_.sink_failed()) return ended;
    OSPREY_TRY(stages_.finish());
    completed_ = true;
    const bool cancelled = !ended.ok() && ended.error().code == ErrorCode::kCancelled;
    return cancelled ? Status{} : ended;
  }

  bool completed() const override { return completed_; }

  bool interrupted() const override { return interrupted_; }

  RunReport report() const override {
    RunReport report;
    report.stats = pipeline_->snapshot();
    stages_.report(report, completed_);
    for (const auto& source : sources_) {
      // A source's health belongs to its reader until the run has ended.
      report.sources.push_back(
          {source->info(), completed_ ? source->health() : media::SourceHealth{}});
    }
    return report;
  }

  const PreparedModel& model() const override { return model_; }

 private:
  static pipeline::Admission admission_for(const Options& options, const StreamInfo& stream) {
    if (options.policy == "drop_oldest") return pipeline::Admission::kDropOldest;
    if (options.policy == "drop_newest") return pipeline::Admission::kDropNewest;
    if (options.policy.empty() && stream.live) return pipeline::Admission::kDropOldest;
    return pipeline::Admission::kWait;
  }

  // In this order, so that the pipeline's threads end before what they use.
  std::vector<std::unique_ptr<media::Source>> sources_;
  PreparedModel model_;
  DetectStages stages_;
  std::unique_ptr<pipeline::Pipeline> pipeline_;
  std::atomic<bool> interrupted_ = false;
  std::atomic<bool> completed_ = false;
};

}  // namespace

Result<std::unique_ptr<DetectRun>> DetectRun::start(RunParts parts, const Options& options,
                                                    base::Clock& clock) {
  auto cutter = OSPREY_TRY(FrameCutter::create(options, parts.model.spec.input));
  for (const auto& source : parts.sources) {
    const auto& stream = source->info();
    // A plan that does not suit the stream would fail each of its frames alike.
    if (stream.width > 0) OSPREY_TRY(cutter.cut(stream.width, stream.height));
    OSPREY_TRY(parts.sinks->begin(stream));
  }
  const bool keep_pixels = parts.sinks->wants_pixels();
  auto run = std::make_unique<Run>(std::move(parts), cutter, options.draw_tiles);
  OSPREY_TRY(run->launch(options, keep_pixels, clock));
  return std::unique_ptr<DetectRun>(std::move(run));
}

Result<std::vector<std::unique_ptr<media::Source>>> open_sources(const Options& options) {
  OSPREY_TRY(check(options));
  std::vector<std::unique_ptr<media::Source>> sources;
  for (const auto& uri : options.sources) {
    media::SourceOptions source;
    source.vid_stride = options.vid_stride;
    sources.push_back(
        OSPREY_TRY(media::Source::open(uri, static_cast<std::uint32_t>(sources.size()), source)));
  }
  return sources;
}

Result<RunParts> make_parts(std::vector<std::unique_ptr<media::Source>> sources,
                            const Options& options) {
  RunParts parts;
  parts.sources = std::move(sources);
  auto file = OSPREY_TRY(read_model(options));
  auto spec = OSPREY_TRY(understand(file, options));
  parts.sinks = OSPREY_TRY(make_sinks(options, spec.names));
  parts.model = OSPREY_TRY(compile(std::move(file), std::move(spec), options));
  return parts;
}

}  // namespace osprey::engine
