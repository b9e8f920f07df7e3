// SPDX-License-Identifier: Apache-2.0
#include "engine/detect_run.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>

#include "base/try.hpp"
#include "engine/detect_lane.hpp"
#include "engine/frame_rounds.hpp"
#include "engine/slowest_sink.hpp"
#include "engine/source_rates.hpp"
#include "engine/stream_tracks.hpp"
#include "media/live_source.hpp"
#include "pipeline/diagnosis.hpp"

namespace osprey::engine {

namespace {

class StreamSource final : public pipeline::Source {
 public:
  explicit StreamSource(media::Source& source) : source_(source) {}

  Result<std::optional<pipeline::Captured>> read() override {
    auto frame = OSPREY_TRY(source_.read());
    if (!frame) return std::optional<pipeline::Captured>();
    auto payload = std::make_unique<FrameWork>();
    payload->frame = std::make_shared<Frame>(std::move(*frame));
    return std::optional(pipeline::Captured{std::move(payload), std::nullopt});
  }

  void cancel() override { source_.cancel(); }

 private:
  media::Source& source_;
};

class DetectStages final : public pipeline::Stages {
 public:
  DetectStages(std::unique_ptr<sinks::SinkSet> sinks, std::unique_ptr<FrameRounds> rounds,
               std::optional<StreamTracks> tracks, std::size_t classes)
      : sinks_(std::move(sinks)),
        rounds_(std::move(rounds)),
        tracks_(std::move(tracks)),
        objects_(classes) {}

  Result<pipeline::JobPayloads> plan(FrameId id, pipeline::FramePayload& frame) override {
    return rounds_->plan(id.stream, pipeline::payload_cast<FrameWork>(frame));
  }

  Result<pipeline::JobPayloads> collect(FrameId, pipeline::FramePayload& frame,
                                        std::span<pipeline::Job> jobs) override {
    return rounds_->collect(pipeline::payload_cast<FrameWork>(frame), jobs);
  }

  Status deliver(pipeline::Delivery delivery) override {
    auto& work = pipeline::payload_cast<FrameWork>(*delivery.payload);
    FrameResult result;
    result.frame = std::move(work.frame);
    if (delivery.status.ok()) {
      result.detections = std::move(work.detections);
      if (tracks_) follow(*result.frame, result.detections);
      result.parts = std::move(work.parts);
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

  pipeline::SlowestSink slowest_sink(Duration delivering) const {
    return slowest_of({}, sinks_->times(), delivering);
  }

  void report(RunReport& report, bool completed) const {
    {
      const std::lock_guard lock(mutex_);
      report.objects = objects_;
      if (tracks_) report.tracks = tracks_->numbered();
      report.first_failure = first_failure_;
    }
    report.models = rounds_->report();
    if (!completed) return;
    report.outputs = sinks_->outputs();
    report.notes = sinks_->notes();
  }

 private:
  void follow(const Frame& frame, std::vector<Detection>& detections) {
    const std::lock_guard lock(mutex_);
    tracks_->follow(frame, detections);
  }

  void count(const FrameResult& result) {
    const std::lock_guard lock(mutex_);
    for (const auto& detection : result.detections) ++objects_[detection.label_id];
    if (result.error && first_failure_.empty()) first_failure_ = result.error->message;
  }

  std::unique_ptr<sinks::SinkSet> sinks_;
  std::unique_ptr<FrameRounds> rounds_;
  bool sink_failed_ = false;  // the release thread's until it has ended
  mutable std::mutex mutex_;
  std::optional<StreamTracks> tracks_;
  std::vector<std::uint64_t> objects_;
  std::string first_failure_;
};

class Run final : public DetectRun {
 public:
  explicit Run(RunParts parts)
      : sources_(std::move(parts.sources)),
        models_(std::move(parts.models)),
        sinks_(std::move(parts.sinks)) {}

  Status launch(const Options& options, base::Clock& clock) {
    auto rounds = OSPREY_TRY(FrameRounds::create(models_, options.draw_tiles));
    std::optional<StreamTracks> tracks;
    if (options.track) tracks.emplace(OSPREY_TRY(StreamTracks::create(options, models_)));
    for (const auto& source : sources_) {
      const auto& stream = source->info();
      if (tracks) OSPREY_TRY(tracks->begin(stream));
      // A plan that does not suit the stream would fail each of its frames alike.
      if (stream.width > 0) OSPREY_TRY(rounds->check_size(stream.width, stream.height));
      OSPREY_TRY(sinks_->begin(stream));
    }
    sinks_->measure(clock);
    const bool keep_pixels = sinks_->wants_pixels();
    stages_.emplace(std::move(sinks_), std::move(rounds), std::move(tracks),
                    models_.labels.names.size());

    auto lanes = OSPREY_TRY(make_lanes(models_, options, keep_pixels));
    std::vector<pipeline::Stream> streams;
    streams.reserve(sources_.size());
    for (auto& source : sources_) {
      streams.push_back(
          {std::make_unique<StreamSource>(*source),
           {admission_for(options, source->info()), static_cast<std::size_t>(options.in_flight)}});
    }
    pipeline_ = OSPREY_TRY(
        pipeline::Pipeline::start(std::move(streams), std::move(lanes), *stages_, clock));
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
    if (stages_->sink_failed()) return ended;
    OSPREY_TRY(stages_->finish());
    completed_ = true;
    const bool cancelled = !ended.ok() && ended.error().code == ErrorCode::kCancelled;
    return cancelled ? Status{} : ended;
  }

  bool completed() const override { return completed_; }

  bool interrupted() const override { return interrupted_; }

  RunReport report() const override {
    RunReport report;
    report.stats = pipeline_->snapshot();
    stages_->report(report, completed_);
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      const auto& source = *sources_[i];
      // A source's health belongs to its reader until the run has ended.
      SourceReport& each = report.sources.emplace_back(SourceReport{
          source.info(), completed_ ? source.health() : media::SourceHealth{}, source.meter(), {}});
      each.limited_by =
          pipeline::diagnose(i, {}, report.stats,
                             rates_of(each.reading, each.info.frame_rate, each.info.live),
                             stages_->slowest_sink(report.stats.delivering))
              .sentence;
    }
    return report;
  }

  const RunModels& models() const override { return models_; }

 private:
  static pipeline::Admission admission_for(const Options& options, const StreamInfo& stream) {
    if (options.policy == "drop_oldest") return pipeline::Admission::kDropOldest;
    if (options.policy == "drop_newest") return pipeline::Admission::kDropNewest;
    if (options.policy.empty() && stream.live) return pipeline::Admission::kDropOldest;
    return pipeline::Admission::kWait;
  }

  // In this order, so that the pipeline's threads end before what they use.
  std::vector<std::unique_ptr<media::Source>> sources_;
  RunModels models_;
  std::unique_ptr<sinks::SinkSet> sinks_;  // until it starts
  std::optional<DetectStages> stages_;
  std::unique_ptr<pipeline::Pipeline> pipeline_;
  std::atomic<bool> interrupted_ = false;
  std::atomic<bool> completed_ = false;
};

}  // namespace

bool RunReport::all_failed() const {
  std::uint64_t delivered = 0, failed = 0;
  for (const auto& stream : stats.streams) {
    delivered += stream.delivered;
    failed += stream.failed;
  }
  return failed > 0 && failed == delivered;
}

Result<std::unique_ptr<DetectRun>> DetectRun::start(RunParts parts, const Options& options,
                                                    base::Clock& clock) {
  auto run = std::make_unique<Run>(std::move(parts));
  OSPREY_TRY(run->launch(options, clock));
  return std::unique_ptr<DetectRun>(std::move(run));
}

namespace {

media::LiveSourceOptions live_options(const Options& options) {
  media::LiveSourceOptions live;
  live.source.vid_stride = options.vid_stride;
  live.source.decoder = options.decoder;
  live.source.transport = options.transport;
  // Who waits for each frame wants each.
  live.source.max_age = std::chrono::milliseconds(options.policy == "wait" ? 0 : options.max_lag);
  live.stall = std::chrono::milliseconds(options.stall);
  live.reconnect = options.reconnect;
  live.loop = options.loop;
  live.realtime = options.realtime;
  return live;
}

}  // namespace

Result<std::vector<std::unique_ptr<media::Source>>> open_sources(const Options& options,
                                                                 base::Clock& clock) {
  OSPREY_TRY(check(options));
  std::vector<std::unique_ptr<media::Source>> sources;
  for (const auto& uri : options.sources) {
    sources.push_back(OSPREY_TRY(media::LiveSource::open(
        uri, static_cast<std::uint32_t>(sources.size()), live_options(options), clock)));
  }
  return sources;
}

Result<RunParts> make_parts(std::vector<std::unique_ptr<media::Source>> sources,
                            const Options& options) {
  RunParts parts;
  parts.sources = std::move(sources);
  parts.models = OSPREY_TRY(read_models(options));
  parts.sinks = OSPREY_TRY(make_sinks(options, parts.models));
  OSPREY_TRY(compile(parts.models));
  return parts;
}

}  // namespace osprey::engine
