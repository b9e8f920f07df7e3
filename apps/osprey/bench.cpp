// SPDX-License-Identifier: Apache-2.0
// osprey bench: how a model scales with lanes on this machine.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <random>
#include <thread>
#include <utility>

#include "base/try.hpp"
#include "commands.hpp"
#include "core/packed_image.hpp"
#include "engine/batch_check.hpp"
#include "engine/detect_run.hpp"
#include "option_flags.hpp"
#include "supervise.hpp"
#include "terminal.hpp"

namespace osprey::cli {

namespace {

/// The same picture again and again, for a while.
class RepeatedPicture final : public media::Source {
 public:
  RepeatedPicture(Image image, base::Clock& clock, Duration length)
      : image_(std::move(image)), clock_(clock), length_(length) {
    info_.uri = "bench";
    info_.width = image_.width;
    info_.height = image_.height;
  }

  const StreamInfo& info() const override { return info_; }

  Result<std::optional<Frame>> read() override {
    const auto now = clock_.now();
    if (!begun_) begun_ = now;
    if (cancelled_ || now - *begun_ >= length_) return std::optional<Frame>();
    Frame frame;
    frame.id = {0, next_++};
    frame.image = image_;
    return std::optional(std::move(frame));
  }

  media::SourceHealth health() const override { return {}; }
  void cancel() override { cancelled_ = true; }

 private:
  Image image_;
  base::Clock& clock_;
  Duration length_;
  StreamInfo info_;
  std::optional<base::Instant> begun_;
  std::uint64_t next_ = 0;
  std::atomic<bool> cancelled_ = false;
};

// Noise: no picture is kinder to a network's arithmetic than another, and nothing is found in it.
Image noise(int width, int height) {
  auto bytes = std::make_shared<std::vector<std::uint8_t>>(static_cast<std::size_t>(width) *
                                                           static_cast<std::size_t>(height) * 3);
  std::minstd_rand random(1);
  std::generate(bytes->begin(), bytes->end(),
                [&] { return static_cast<std::uint8_t>(random() >> 8); });
  return packed_bgr(std::move(bytes), width, height);
}

struct Measurement {
  double fps = 0;
  pipeline::LatencyStats latency;
  double utilisation = 0;
  int batch = 1;
  bool interrupted = false;
};

/// A row of the NPU's table.
struct Layout {
  std::string model, cores;
  Measurement measured;
};

double ms(Duration d) {
  return std::chrono::duration<double, std::milli>(d).count();
}

/// What to do with the table, in words.
std::string advice(const std::vector<Layout>& layouts, bool of_several) {
  const auto most = std::max_element(
      layouts.begin(), layouts.end(),
      [](const Layout& a, const Layout& b) { return a.measured.fps < b.measured.fps; });
  const auto soonest =
      std::min_element(layouts.begin(), layouts.end(), [](const Layout& a, const Layout& b) {
        return a.measured.latency.p50 < b.measured.latency.p50;
      });
  const auto name = [&](const Layout& layout) {
    return (of_several ? layout.model + " " : "") + "--cores " + layout.cores;
  };
  std::string text = format("fastest: %s, %.1f fps\n", name(*most).c_str(), most->measured.fps);
  if (soonest->measured.latency.p50 < 0.9 * most->measured.latency.p50) {
    text += format("shortest way of a frame: %s, p50 %.1f ms, at %.0f %% of the frames\n",
                   name(*soonest).c_str(), ms(soonest->measured.latency.p50),
                   100 * soonest->measured.fps / most->measured.fps);
  }
  return text;
}

struct BenchCommand {
  explicit BenchCommand(CLI::App& command)
      : flags(command, {engine::OptionGroup::kModel, engine::OptionGroup::kRun}) {
    command.add_option("file", files, "model file; of .rknn, several are compared in one table")
        ->option_text("MODEL...");
    command.add_option("--seconds", seconds, "time for each line of the table, 0.1..3600")
        ->check(CLI::Range(0.1, 3600.0))
        ->option_text("S");
  }

  Result<Measurement> measure(engine::Options options, int lanes, int in_flight,
                              ProgressLine& line) const {
    options.lanes = lanes;
    options.in_flight = in_flight;
    base::RealClock clock;
    engine::RunParts parts;
    parts.models = OSPREY_TRY(engine::read_models(options));
    const auto& input = parts.models.models[0].prepared.spec.input;
    const auto length =
        std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
    parts.sources.push_back(
        std::make_unique<RepeatedPicture>(noise(input.width, input.height), clock, length));
    parts.sinks = std::make_unique<sinks::SinkSet>();
    OSPREY_TRY(engine::compile(parts.models));
    const auto run = OSPREY_TRY(engine::DetectRun::start(std::move(parts), options, clock));
    OSPREY_TRY(supervise(*run, clock, line.interval(), [&] {
      const auto stats = run->report().stats;
      const auto elapsed = std::chrono::duration<double>(stats.elapsed).count();
      line.update(elapsed / seconds,
                  format("%d lanes, %llu frames", lanes,
                         static_cast<unsigned long long>(stats.streams[0].delivered)));
    }));
    line.clear();
    const auto stats = run->report().stats;
    return Measurement{static_cast<double>(stats.streams[0].delivered) /
                           std::chrono::duration<double>(stats.elapsed).count(),
                       stats.latency, stats.utilisation(),
                       run->models().first().prepared.session->batch(), run->interrupted()};
  }

  /// What is wrong with the places of a batch, in words; nothing if all give the same.
  static Result<std::string> batch_warning(const engine::Options& options) {
    auto models = OSPREY_TRY(engine::read_models(options));
    OSPREY_TRY(engine::compile(models));
    const auto differ = OSPREY_TRY(engine::places_that_differ(*models.models[0].prepared.session));
    std::string places;
    for (const auto place : differ) places += (places.empty() ? "" : ", ") + std::to_string(place);
    if (places.empty()) return places;
    return options.model + ": in a run of several pictures, place " + places +
           " (from 0) answers otherwise than place 0 does for the same picture. Take a model of "
           "one picture a run\n";
  }

  /// Every way to lay lanes over the cores of an NPU, or the one that was asked for.
  Result<int> compare_layouts(const engine::Options& options, ProgressLine& line) const {
    const auto* cores = engine::find_option("cores");
    const std::vector<std::string> each = {"0",     "0,1",  "0,1,2",         "0_1",
                                           "0_1_2", "auto", "auto,auto,auto"};
    const auto asked = options.cores.empty() ? each : std::vector<std::string>{cores->get(options)};
    const auto models = files.empty() ? std::vector<std::string>{options.model} : files;
    engine::Options own = options;
    // A wrong one is told before the first takes its time.
    for (std::size_t i = 1; i < models.size(); ++i) {
      own.model = models[i];
      OSPREY_TRY(engine::read_models(own));
    }
    std::vector<Layout> layouts;
    std::string warnings;
    for (const auto& model : models) {
      own.model = model;
      bool checked = false;
      for (const auto& layout : asked) {
        OSPREY_TRY(cores->set(own, layout));
        const auto lanes = static_cast<int>(own.cores.size());
        auto measured = measure(own, lanes, 0, line);
        if (!measured) {
          // A run of several pictures has no core of its own.
          if (measured.error().code != ErrorCode::kUnsupported || asked.size() == 1) {
            return std::move(measured).error();
          }
          continue;
        }
        if (layouts.empty()) {
          std::printf(
              "model                    batch  cores            lanes      fps   p50 ms   p95 ms   "
              "busy\n");
        }
        const auto& m = *measured;
        std::printf("%-24s %5d  %-16s %5d %8.1f %8.2f %8.2f  %3.0f %%\n",
                    std::filesystem::path(model).filename().c_str(), m.batch, layout.c_str(), lanes,
                    m.fps, ms(m.latency.p50), ms(m.latency.p95), 100 * m.utilisation);
        std::fflush(stdout);
        layouts.push_back({model, layout, m});
        if (m.interrupted) return kInterrupted;
        if (m.batch > 1 && !std::exchange(checked, true)) {
          warnings += OSPREY_TRY(batch_warning(own));
        }
      }
    }
    if (layouts.empty()) {
      return Error{ErrorCode::kUnsupported, options.model + ": no layout of cores takes it"};
    }
    std::printf("\n%s%s", advice(layouts, models.size() > 1).c_str(), warnings.c_str());
    return kSuccess;
  }

  Result<int> run() const {
    engine::Options options;
    OSPREY_TRY(flags.apply(options));
    if (!files.empty()) {
      options.model = files.front();
      options.models.clear();
    }
    if (options.model.empty() && options.models.empty()) {
      return Error{ErrorCode::kInvalidArgument, "no model given; expected osprey bench MODEL"};
    }
    const bool on_npu = std::filesystem::path(options.model).extension() == ".rknn";
    if (files.size() > 1 && !on_npu) {
      return Error{ErrorCode::kInvalidArgument,
                   files[1] + ": expected one model; only .rknn are compared in one table"};
    }
    hold_interrupts();
    ProgressLine line(options.quiet);
    if (on_npu) return compare_layouts(options, line);
    const int most =
        options.lanes > 0 ? options.lanes : static_cast<int>(std::thread::hardware_concurrency());

    const auto alone = OSPREY_TRY(measure(options, 1, 1, line));
    std::printf("one frame at a time: p50 %.2f ms, p95 %.2f ms, %.1f fps\n\n",
                ms(alone.latency.p50), ms(alone.latency.p95), alone.fps);
    std::printf("lanes      fps  speed-up   p50 ms   p95 ms   busy\n");
    double single = 0, best = 0;
    int best_lanes = 1;
    bool interrupted = alone.interrupted;
    for (int lanes = 1; lanes <= most && !interrupted; ++lanes) {
      const auto result = OSPREY_TRY(measure(options, lanes, 0, line));
      if (lanes == 1) single = result.fps;
      if (result.fps > best) {
        best = result.fps;
        best_lanes = lanes;
      }
      std::printf("%5d %8.1f  %7.2fx %8.2f %8.2f  %3.0f %%\n", lanes, result.fps,
                  result.fps / single, ms(result.latency.p50), ms(result.latency.p95),
                  100 * result.utilisation);
      std::fflush(stdout);
      interrupted = result.interrupted;
    }
    if (interrupted) return kInterrupted;
    std::printf("\nfastest: %d lane%s, %.1f fps\n", best_lanes, best_lanes == 1 ? "" : "s", best);
    return kSuccess;
  }

  std::vector<std::string> files;
  double seconds = 5;
  OptionFlags flags;
};

}  // namespace

void add_bench(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("bench", "measure a model's throughput and latency by lanes");
  auto self = std::make_shared<BenchCommand>(*command);
  command->callback([self, &exit_code] {
    const auto result = self->run();
    exit_code = result ? *result : fail(result.error());
  });
}

}  // namespace osprey::cli
