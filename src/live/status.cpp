// SPDX-License-Identifier: Apache-2.0
#include "live/status.hpp"

#include <algorithm>
#include <cstdio>

#include "engine/source_rates.hpp"
#include "media/secrets.hpp"

namespace osprey::live {

namespace {

double seconds_of(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

std::string with_decimals(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

void put_shapes(serve::StreamStatus& status, const Camera& camera) {
  const auto counts = camera.counts();
  for (const auto& zone : counts.zones) {
    status.zones.push_back({zone.name, zone.inside, zone.entered, zone.longest_dwell});
  }
  for (const auto& line : counts.lines) status.lines.push_back({line.name, line.in, line.out});
}

void put_reading(serve::StreamStatus& status, const media::SourceReading& reading) {
  status.state = media::to_string(reading.state);
  if (reading.state != media::SourceState::kRunning) status.problem = reading.problem;
  status.decoder = reading.decoder;
  status.width = reading.width;
  status.height = reading.height;
  status.declared_fps = reading.declared_fps;
  status.delivered_fps = reading.delivered_fps;
  status.decoded_fps = reading.decoded_fps;
  status.reconnects = reading.reconnects;
  status.damaged = reading.damaged;
}

serve::Distribution distribution_of(const pipeline::Buckets& buckets) {
  serve::Distribution distribution;
  for (const auto bound : pipeline::Buckets::kBounds) {
    distribution.bounds.push_back(seconds_of(bound));
  }
  distribution.counts.assign(buckets.counts.begin(), buckets.counts.end());
  distribution.sum = seconds_of(buckets.sum);
  return distribution;
}

void put_ledger(serve::StreamStatus& status, const pipeline::StreamStats& stats) {
  status.age_p50 = seconds_of(stats.recent.p50);
  status.age_p99 = seconds_of(stats.recent.p99);
  status.age = distribution_of(stats.latencies);
  status.captured = stats.captured;
  status.delivered = stats.delivered - stats.failed;
  status.failed = stats.failed;
  status.in_flight = stats.in_flight;
  for (std::size_t i = 0; i < pipeline::kDropReasons; ++i) {
    status.dropped.emplace_back(pipeline::to_string(static_cast<pipeline::DropReason>(i)),
                                stats.dropped_by[i]);
  }
}

pipeline::SourceRates rates_of(const Camera& camera) {
  const auto reading = camera.reading();
  auto rates = engine::rates_of(reading, 0, camera.is_live());
  rates.file = camera.is_file();
  rates.connected = rates.file || reading.state == media::SourceState::kRunning;
  return rates;
}

serve::LaneStatus lane_status(std::size_t index, const pipeline::LaneStats& stats,
                              const Window& window) {
  serve::LaneStatus lane;
  lane.name = "lane-" + std::to_string(index);
  lane.busy_seconds = seconds_of(stats.busy);
  lane.resting_seconds = seconds_of(stats.resting);
  lane.load = window.load(index);
  lane.jobs = stats.jobs;
  lane.failures = stats.failures;
  lane.faults = stats.faults;
  lane.last_fault = stats.last_fault;
  return lane;
}

}  // namespace

void put_streams(serve::ServiceStatus& status, const std::vector<std::shared_ptr<Camera>>& cameras,
                 const Streams* streams, const Window& window) {
  pipeline::Stats stats;
  if (streams != nullptr) {
    stats = streams->stats();
    for (const auto& model : streams->models().models) status.models.push_back(model.options.name);
  }
  pipeline::Buckets runs;
  for (std::size_t i = 0; i < stats.lanes.size(); ++i) {
    const auto& lane = stats.lanes[i];
    status.lanes.push_back(lane_status(i, lane, window));
    for (std::size_t k = 0; k < runs.counts.size(); ++k) runs.counts[k] += lane.runs.counts[k];
    runs.sum += lane.runs.sum;
  }
  status.inference = distribution_of(runs);
  for (const auto& camera : cameras) {
    auto& stream = status.streams.emplace_back();
    stream.name = camera->name();
    stream.source = media::without_secrets(camera->config().source);
    put_reading(stream, camera->reading());
    if (stream.problem.empty()) stream.problem = camera->output_problem();
    put_shapes(stream, *camera);
    stream.hls = camera->config().hls;
    const auto index = streams != nullptr ? streams->index_of(*camera) : std::nullopt;
    if (!index || *index >= stats.streams.size()) continue;
    put_ledger(stream, stats.streams[*index]);
    stream.results_fps = window.results_fps(*index);
    if (!window.empty()) {
      auto diagnosis = pipeline::diagnose(*index, window.first(), stats, rates_of(*camera),
                                          window.slowest_sink());
      stream.limit = pipeline::to_string(diagnosis.limit);
      stream.diagnosis = std::move(diagnosis.sentence);
    }
  }
}

std::string as_line(const serve::ServiceStatus& status) {
  double given = 0, made = 0, load = 0, oldest = 0;
  std::size_t away = 0;
  for (const auto& stream : status.streams) {
    given += stream.decoded_fps;
    made += stream.results_fps;
    oldest = std::max(oldest, stream.age_p99);
    away += stream.state == "running" ? 0 : 1;
  }
  for (const auto& lane : status.lanes)
    load += lane.load / static_cast<double>(status.lanes.size());
  auto line = std::to_string(status.streams.size()) + " streams, " + with_decimals(made, 1) +
              " of " + with_decimals(given, 1) + " fps, lanes " + with_decimals(100 * load, 0) +
              " %, frames up to " + with_decimals(oldest, 2) + " s old";
  if (away > 0) line += ", " + std::to_string(away) + " not running";
  return line;
}

std::string as_summary(const serve::ServiceStatus& status) {
  std::string text;
  for (const auto& stream : status.streams) {
    std::uint64_t dropped = 0;
    std::string reasons;
    for (const auto& [reason, frames] : stream.dropped) {
      dropped += frames;
      if (frames > 0) {
        reasons += (reasons.empty() ? ": " : ", ") + std::to_string(frames) + " " + reason;
      }
    }
    text += stream.name + "  " + std::to_string(stream.captured) + " frames, " +
            std::to_string(stream.delivered) + " results, " + std::to_string(dropped) + " dropped" +
            reasons + ", " + std::to_string(stream.reconnects) + " reconnects\n";
    if (!stream.diagnosis.empty()) text += "  " + stream.diagnosis + "\n";
  }
  for (const auto& sink : status.sinks) {
    text += sink.name + "  " + std::to_string(sink.delivered) + " delivered, " +
            std::to_string(sink.waiting) + " kept for later, " + std::to_string(sink.discarded) +
            " discarded\n";
  }
  return text;
}

}  // namespace osprey::live
