// SPDX-License-Identifier: Apache-2.0
#include "summary.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <numeric>

namespace osprey::cli {

namespace {

struct Totals {
  std::uint64_t captured = 0, delivered = 0, failed = 0, dropped = 0;
};

Totals totals(const pipeline::Stats& stats) {
  Totals sum;
  for (const auto& stream : stats.streams) {
    sum.captured += stream.captured;
    sum.delivered += stream.delivered;
    sum.failed += stream.failed;
    sum.dropped += stream.dropped();
  }
  return sum;
}

double seconds(Duration d) {
  return std::chrono::duration<double>(d).count();
}
double milliseconds(Duration d) {
  return 1e3 * seconds(d);
}

double rate(std::uint64_t frames, const pipeline::Stats& stats) {
  const double elapsed = seconds(stats.elapsed);
  return elapsed > 0 ? static_cast<double>(frames) / elapsed : 0;
}

// Frames that all sources will give together, or -1 if one of them cannot tell.
std::int64_t frames_to_come(const engine::RunReport& report) {
  std::int64_t sum = 0;
  for (const auto& source : report.sources) {
    if (source.info.frame_count < 0) return -1;
    sum += source.info.frame_count;
  }
  return sum;
}

// "objects   120: 80 person, 40 car".
std::string counts_line(const std::string& title, const std::vector<std::uint64_t>& counts,
                        const std::vector<std::string>& names) {
  constexpr std::size_t kNamed = 5;
  std::vector<std::size_t> order(counts.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return counts[a] > counts[b]; });
  std::uint64_t total = 0, others = 0;
  std::string classes;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto count = counts[order[i]];
    total += count;
    if (i < kNamed && count > 0) {
      classes += (classes.empty() ? "" : ", ") + std::to_string(count) + " " + names[order[i]];
    } else {
      others += count;
    }
  }
  if (others > 0) classes += ", " + std::to_string(others) + " others";
  return title + std::to_string(total) + (classes.empty() ? "" : ": " + classes) + "\n";
}

std::string advice(const pipeline::BoundBy& by, const runtime::Session& session) {
  switch (by.bound) {
    case pipeline::Bound::kSource:
      return "the lanes waited for frames: reading and decoding set the pace; a video of a simpler "
             "codec or smaller size, or several sources at once, fill them";
    case pipeline::Bound::kPreparation:
      return "scaling pictures in and reading boxes out set the pace: more --lanes overlap more of "
             "it, a higher --conf leaves fewer boxes";
    case pipeline::Bound::kInference:
      if (session.has_fast_bf16() && session.precision() == "f32") {
        return "the network sets the pace: --precision bf16 is faster on this processor and moves "
               "boxes by a few pixels; a smaller model or --imgsz, or INT8, help too";
      }
      return "the network sets the pace: a smaller model or --imgsz, INT8, or more cores make it "
             "faster";
    case pipeline::Bound::kOutput:
      return "writing results sets the pace: leave out --save, or write to a faster place";
  }
  return {};
}

// What limits each camera.
std::string live_lines(const engine::RunReport& report) {
  const auto cameras =
      std::count_if(report.sources.begin(), report.sources.end(),
                    [](const engine::SourceReport& each) { return each.info.live; });
  std::string text;
  for (const auto& source : report.sources) {
    if (!source.info.live) continue;
    text += "          " + (cameras > 1 ? source.info.uri + ": " : "") + source.limited_by + "\n";
  }
  return text;
}

std::string bound_line(const engine::RunReport& report, const runtime::Session& session) {
  const auto by = pipeline::bound_by(report.stats);
  const auto lines = live_lines(report);
  return format(
             "bound by  %s (the lanes' time: %.0f %% inference, %.0f %% preparation, %.0f %% "
             "waiting for the source, %.0f %% for output)\n",
             pipeline::to_string(by.bound), 100 * by.inference, 100 * by.preparation,
             100 * by.source, 100 * by.output) +
         lines +
         (lines.empty() || by.bound == pipeline::Bound::kInference
              ? "          " + advice(by, session) + "\n"
              : "");
}

// Of a model that looks at parts of frames, or one of several.
std::string model_lines(const engine::RunReport& report, const engine::RunModels& models,
                        const Totals& sum) {
  std::string text;
  for (std::size_t i = 0; i < report.models.size(); ++i) {
    const auto& model = report.models[i];
    const auto batch = models.models[i].prepared.batch_note;
    if (!batch.empty()) {
      text += "batch     " + (models.several() ? model.name + ": " : "") + batch + "\n";
    }
    if (!model.left_out.empty()) {
      text += "left out  " + model.left_out + "\n";
      continue;
    }
    if (models.several() || model.inferences > sum.captured) {
      text += models.several() ? "model     " + model.name + ": " : "tiles     ";
      text += format("%llu %s, %.1f a frame: %.1f a second\n",
                     static_cast<unsigned long long>(model.inferences),
                     models.several() ? "inferences" : "in all",
                     static_cast<double>(model.inferences) / static_cast<double>(sum.captured),
                     rate(model.inferences, report.stats));
    }
    if (model.failed > 0) {
      text += format("failed    %s in %llu frames, which went on without it, first: %s\n",
                     model.name.c_str(), static_cast<unsigned long long>(model.failed),
                     model.first_failure.c_str());
    }
  }
  return text;
}

std::string lanes_line(const pipeline::Stats& stats) {
  std::string text = "lanes    ";
  for (std::size_t i = 0; i < stats.lanes.size(); ++i) {
    const auto& lane = stats.lanes[i];
    const double load = stats.elapsed.count() > 0 ? seconds(lane.busy) / seconds(stats.elapsed) : 0;
    text += format(" %zu: %.0f %% busy, %llu jobs%s", i, 100 * load,
                   static_cast<unsigned long long>(lane.jobs),
                   i + 1 < stats.lanes.size() ? "  " : "\n");
  }
  return text;
}

// What a camera delivered, at the end.
std::string camera_lines(const engine::RunReport& report) {
  std::string text;
  for (const auto& source : report.sources) {
    const auto& reading = source.reading;
    if (!source.info.live || reading.packets == 0) continue;
    text += format("camera    %s: %.1f frames a second", source.info.uri.c_str(),
                   reading.delivered_fps);
    if (reading.declared_fps > 0) text += format(" of %.1f it declares", reading.declared_fps);
    text += format(", %.0f kbit/s, %s, %.1f ms a frame", reading.bytes_per_second * 8 / 1000,
                   reading.decoder.c_str(), 1e3 * reading.decode_seconds);
    if (reading.reconnects > 0) {
      text += format("; connected again %llu times, last: %s",
                     static_cast<unsigned long long>(reading.reconnects), reading.problem.c_str());
    }
    if (reading.skipped > 0) {
      text += format("; %llu left out, as decoding was late",
                     static_cast<unsigned long long>(reading.skipped));
    }
    text += "\n";
  }
  return text;
}

std::string troubles(const engine::RunReport& report, const Totals& sum) {
  std::string text;
  for (const auto& source : report.sources) {
    if (source.health.damaged > 0) {
      text += format("damaged   %s: %llu, first: %s\n", source.info.uri.c_str(),
                     static_cast<unsigned long long>(source.health.damaged),
                     source.health.first_damage.c_str());
    }
    if (source.health.passed_over > 0) {
      text += format("passed    %s: %llu files that are no pictures\n", source.info.uri.c_str(),
                     static_cast<unsigned long long>(source.health.passed_over));
    }
  }
  if (sum.failed > 0) {
    text += format("failed    %llu frames, first: %s\n",
                   static_cast<unsigned long long>(sum.failed), report.first_failure.c_str());
  }
  if (sum.dropped > 0) {
    text += format("dropped   %llu of %llu frames:", static_cast<unsigned long long>(sum.dropped),
                   static_cast<unsigned long long>(sum.captured));
    for (std::size_t reason = 0; reason < pipeline::kDropReasons; ++reason) {
      std::uint64_t count = 0;
      for (const auto& stream : report.stats.streams) count += stream.dropped_by[reason];
      if (count > 0) {
        text += format(" %llu %s", static_cast<unsigned long long>(count),
                       pipeline::to_string(static_cast<pipeline::DropReason>(reason)));
      }
    }
    text += "\n";
  }
  for (std::size_t i = 0; i < report.stats.lanes.size(); ++i) {
    const auto& lane = report.stats.lanes[i];
    if (lane.faults == 0) continue;
    text += format("out       lane %zu was out of use %llu times, %.1f s in all, last: %s\n", i,
                   static_cast<unsigned long long>(lane.faults), seconds(lane.resting),
                   lane.last_fault.c_str());
  }
  for (const auto& note : report.notes) text += "note      " + note + "\n";
  return text;
}

}  // namespace

double peak_memory_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

void show_progress(ProgressLine& line, const engine::RunReport& report) {
  const auto sum = totals(report.stats);
  const double fps = rate(sum.delivered, report.stats);
  const auto objects =
      std::accumulate(report.objects.begin(), report.objects.end(), std::uint64_t{0});
  auto text =
      format("%llu frames  %.1f fps  %llu objects", static_cast<unsigned long long>(sum.delivered),
             fps, static_cast<unsigned long long>(objects));
  for (const auto& source : report.sources) {
    if (source.reading.state != media::SourceState::kWaiting) continue;
    text += "  waiting for a camera: " + source.reading.problem;
    break;
  }
  std::optional<double> fraction;
  const auto expected = frames_to_come(report);
  if (expected > 0) {
    const auto done = static_cast<double>(sum.delivered + sum.dropped);
    fraction = done / static_cast<double>(expected);
    if (done > 0) {
      const double left =
          (static_cast<double>(expected) - done) * seconds(report.stats.elapsed) / done;
      text += "  " + clock_text(left) + " left";
    }
  }
  line.update(fraction, text);
}

std::string summary(const engine::RunReport& report, const engine::RunModels& models,
                    bool interrupted) {
  const auto& session = *models.first().prepared.session;
  const auto sum = totals(report.stats);
  std::string text;
  if (interrupted) text += "interrupted: the results so far are complete\n";
  text +=
      format("frames    %llu in %.1f s: %.1f fps\n", static_cast<unsigned long long>(sum.delivered),
             seconds(report.stats.elapsed), rate(sum.delivered, report.stats));
  text += model_lines(report, models, sum);
  text += counts_line("objects   ", report.objects, models.labels.names);
  if (!report.tracks.empty()) {
    text += counts_line("followed  ", report.tracks, models.labels.names);
  }
  const auto& latency = report.stats.latency;
  text += format("latency   p50 %.1f ms  p95 %.1f ms  p99 %.1f ms, from captured to delivered\n",
                 milliseconds(latency.p50), milliseconds(latency.p95), milliseconds(latency.p99));
  text += lanes_line(report.stats);
  text += format("memory    %.0f MB at most\n", peak_memory_mb());
  text += "device    " + session.device() + ", " + session.precision() + "\n";
  text += bound_line(report, session);
  text += camera_lines(report);
  text += troubles(report, sum);
  for (const auto& path : report.outputs) text += "wrote     " + path + "\n";
  return text;
}

}  // namespace osprey::cli
