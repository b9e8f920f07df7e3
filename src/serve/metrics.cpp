// SPDX-License-Identifier: Apache-2.0
#include "serve/metrics.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <limits>
#include <utility>
#include <vector>

namespace osprey::serve {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

class Families {
 public:
  // What is added next belongs to this one.
  void begin(const char* name, const char* help, MetricType type) {
    MetricFamily family;
    family.name = name;
    family.help = help;
    family.type = type;
    families_.push_back(std::move(family));
  }

  void add(Labels labels, double value) {
    ClientMetric metric;
    metric.label = std::move(labels);
    if (families_.back().type == MetricType::Counter) {
      metric.counter.value = value;
    } else {
      metric.gauge.value = value;
    }
    families_.back().metric.push_back(std::move(metric));
  }

  void add(Labels labels, const Distribution& distribution) {
    ClientMetric metric;
    metric.label = std::move(labels);
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < distribution.counts.size(); ++i) {
      total += distribution.counts[i];
      const bool last = i >= distribution.bounds.size();
      metric.histogram.bucket.push_back(
          {total, last ? std::numeric_limits<double>::infinity() : distribution.bounds[i]});
      if (last) break;
    }
    if (metric.histogram.bucket.size() <= distribution.bounds.size()) {
      metric.histogram.bucket.push_back({total, std::numeric_limits<double>::infinity()});
    }
    metric.histogram.sample_count = total;
    metric.histogram.sample_sum = distribution.sum;
    families_.back().metric.push_back(std::move(metric));
  }

  // Those without values say nothing.
  std::string text() {
    std::erase_if(families_, [](const MetricFamily& family) { return family.metric.empty(); });
    return prometheus::TextSerializer().Serialize(families_);
  }

 private:
  std::vector<MetricFamily> families_;
};

// One metric of every stream, lane or sink.
template <typename Item, typename Value>
void add_each(Families& families, const char* label, const std::vector<Item>& items,
              const char* name, const char* help, MetricType type, Value value) {
  families.begin(name, help, type);
  for (const Item& item : items) {
    families.add(Labels{{label, item.name}}, static_cast<double>(value(item)));
  }
}

void add_frames(Families& families, const std::vector<StreamStatus>& streams) {
  const auto each = [&](const char* name, const char* help, MetricType type, auto value) {
    add_each(families, "stream", streams, name, help, type, value);
  };
  using S = StreamStatus;
  each("osprey_stream_up", "1: pictures come.", MetricType::Gauge,
       [](const S& s) { return s.state == "running" ? 1 : 0; });
  each("osprey_stream_reconnects_total", "Times the source was connected to again.",
       MetricType::Counter, [](const S& s) { return s.reconnects; });
  each("osprey_frames_captured_total", "Frames that were decoded.", MetricType::Counter,
       [](const S& s) { return s.captured; });
  each("osprey_frames_delivered_total", "Frames whose results reached the sinks.",
       MetricType::Counter, [](const S& s) { return s.delivered; });
  each("osprey_frames_failed_total", "Frames whose inference failed.", MetricType::Counter,
       [](const S& s) { return s.failed; });
  each("osprey_frames_damaged_total", "Frames the decoder found damaged.", MetricType::Counter,
       [](const S& s) { return s.damaged; });
  each("osprey_frames_in_flight", "Frames between capture and result.", MetricType::Gauge,
       [](const S& s) { return s.in_flight; });
  families.begin("osprey_frames_dropped_total", "Frames that were given up, by reason.",
                 MetricType::Counter);
  for (const S& stream : streams) {
    for (const auto& [reason, count] : stream.dropped) {
      families.add({{"stream", stream.name}, {"reason", reason}}, static_cast<double>(count));
    }
  }
  families.begin(
      "osprey_stream_fps",
      "Frames a second: what the source declares, delivers, what is decoded, and results.",
      MetricType::Gauge);
  for (const S& stream : streams) {
    families.add({{"stream", stream.name}, {"at", "declared"}}, stream.declared_fps);
    families.add({{"stream", stream.name}, {"at", "delivered"}}, stream.delivered_fps);
    families.add({{"stream", stream.name}, {"at", "decoded"}}, stream.decoded_fps);
    families.add({{"stream", stream.name}, {"at", "results"}}, stream.results_fps);
  }
  families.begin("osprey_frame_age_seconds", "From a frame's capture to its result.",
                 MetricType::Histogram);
  for (const S& stream : streams) families.add(Labels{{"stream", stream.name}}, stream.age);
}

void add_shapes(Families& families, const std::vector<StreamStatus>& streams) {
  const auto zones = [&](auto value) {
    for (const StreamStatus& stream : streams) {
      for (const ZoneCount& zone : stream.zones) {
        for (const auto& [label, count] : zone.*value) {
          families.add({{"stream", stream.name}, {"zone", zone.name}, {"label", label}},
                       static_cast<double>(count));
        }
      }
    }
  };
  families.begin("osprey_zone_objects", "Objects that are in a zone.", MetricType::Gauge);
  zones(&ZoneCount::inside);
  families.begin("osprey_zone_entered_total", "Objects that came into a zone.",
                 MetricType::Counter);
  zones(&ZoneCount::entered);
  families.begin("osprey_line_crossings_total", "Objects that went over a line.",
                 MetricType::Counter);
  for (const StreamStatus& stream : streams) {
    for (const LineCount& line : stream.lines) {
      const auto add = [&](const char* direction, const auto& counts) {
        for (const auto& [label, count] : counts) {
          families.add({{"stream", stream.name},
                        {"line", line.name},
                        {"label", label},
                        {"direction", direction}},
                       static_cast<double>(count));
        }
      };
      add("in", line.in);
      add("out", line.out);
    }
  }
}

void add_lanes(Families& families, const std::vector<LaneStatus>& lanes) {
  const auto each = [&](const char* name, const char* help, MetricType type, auto value) {
    add_each(families, "lane", lanes, name, help, type, value);
  };
  using L = LaneStatus;
  each("osprey_lane_busy_seconds_total", "Time a lane computed.", MetricType::Counter,
       [](const L& l) { return l.busy_seconds; });
  each("osprey_lane_resting_seconds_total", "Time a lane rested after a fault.",
       MetricType::Counter, [](const L& l) { return l.resting_seconds; });
  each("osprey_lane_load", "Share of the last seconds a lane computed.", MetricType::Gauge,
       [](const L& l) { return l.load; });
  each("osprey_lane_jobs_total", "Inferences.", MetricType::Counter,
       [](const L& l) { return l.jobs; });
  each("osprey_lane_failures_total", "Inferences that failed.", MetricType::Counter,
       [](const L& l) { return l.failures; });
  each("osprey_lane_faults_total", "Times a lane failed or hung.", MetricType::Counter,
       [](const L& l) { return l.faults; });
}

void add_sinks(Families& families, const std::vector<SinkStatus>& sinks) {
  const auto each = [&](const char* name, const char* help, MetricType type, auto value) {
    add_each(families, "sink", sinks, name, help, type, value);
  };
  using S = SinkStatus;
  each("osprey_sink_connected", "1: its receiver can be reached.", MetricType::Gauge,
       [](const S& s) { return s.connected ? 1 : 0; });
  each("osprey_sink_delivered_total", "What its receiver has taken.", MetricType::Counter,
       [](const S& s) { return s.delivered; });
  each("osprey_sink_waiting", "What is kept until it can be sent.", MetricType::Gauge,
       [](const S& s) { return s.waiting; });
  each("osprey_sink_discarded_total", "What was thrown away for space.", MetricType::Counter,
       [](const S& s) { return s.discarded; });
}

}  // namespace

std::string metrics_text(const ServiceStatus& status) {
  Families families;
  families.begin("osprey_build_info", "1, with what runs.", MetricType::Gauge);
  families.add(Labels{{"version", status.version}}, 1);
  families.begin("osprey_uptime_seconds", "Since the start.", MetricType::Gauge);
  families.add({}, status.uptime);
  families.begin("osprey_ready", "1: models are compiled and streams started.", MetricType::Gauge);
  families.add({}, status.ready ? 1 : 0);
  add_frames(families, status.streams);
  add_lanes(families, status.lanes);
  families.begin("osprey_inference_seconds", "How long an inference runs.", MetricType::Histogram);
  families.add({}, status.inference);
  add_sinks(families, status.sinks);
  add_shapes(families, status.streams);
  return families.text();
}

}  // namespace osprey::serve
