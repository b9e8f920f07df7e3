// SPDX-License-Identifier: Apache-2.0
// osprey eval: how good a model, or a file of detections, is.
#include <osprey/evaluate.hpp>
#include <osprey/evaluate_tracks.hpp>

#include <CLI/CLI.hpp>

#include <cstdio>
#include <filesystem>
#include <mutex>
#include <optional>
#include <utility>

#include "base/scratch_folder.hpp"
#include "base/try.hpp"
#include "commands.hpp"
#include "engine/detect_run.hpp"
#include "engine/evaluation.hpp"
#include "late_file.hpp"
#include "option_flags.hpp"
#include "summary.hpp"
#include "supervise.hpp"
#include "terminal.hpp"

namespace osprey::cli {

namespace {

namespace fs = std::filesystem;

constexpr int kPictureSide = 960;  // of the report's pictures, pixels
constexpr double kL2Limit = 10;    // pixels

struct EvalCommand {
  explicit EvalCommand(CLI::App& command)
      : flags(command, {engine::OptionGroup::kModel, engine::OptionGroup::kTiles,
                        engine::OptionGroup::kModels, engine::OptionGroup::kRun}) {
    command
        .add_option(
            "--data", asked.data,
            "labels: COCO's instances.json, a YOLO data.yaml, or a folder of Pascal VOC's XML")
        ->option_text("FILE");
    command
        .add_option(
            "--mot", tracks.ground_truth,
            "labels of tracks, in place of --data: MOTChallenge's gt.txt, or a folder of it")
        ->option_text("FILE");
    command.add_option("--tracks", tracks.tracks, "with --mot: tracks, as --save-mot writes them")
        ->option_text("FILE");
    command
        .add_option("--mot-rules", track_rules,
                    "labels that count: all, or as MOTChallenge has it: mot17, mot20")
        ->check(CLI::IsMember({"all", "mot17", "mot20"}));
    command.add_option("--split", asked.split, "of a data.yaml: val, test or train")
        ->option_text("NAME");
    command.add_option("--images", images, "the pictures; with --model, or for --html")
        ->option_text("DIR");
    command.add_option("--detections", detections, "COCO results, in place of --model")
        ->option_text("FILE");
    command
        .add_option("--compare", compared,
                    "COCO results of several, side by side; each against the first, or the model")
        ->option_text("FILE...");
    command
        .add_option("--count-conf", asked.conf,
                    "score from which detections are counted, 0..1; default: where F1 is highest")
        ->check(CLI::Range(0.0, 1.0))
        ->option_text("X");
    command
        .add_option("--rule", rule,
                    "when a label is found: iou, or l2: the box's sides are off by less pixels")
        ->check(CLI::IsMember({"iou", "l2"}));
    command.add_option("--rule-limit", limit, "of the rule, above 0; default: IoU 0.5, 10 pixels")
        ->option_text("X");
    command.add_flag("--only-coco", asked.only_coco, "COCO's numbers and nothing else");
    command.add_option("--samples", comparison.samples, "of the bootstrap behind a comparison")
        ->check(CLI::Range(1, 1'000'000))
        ->option_text("N");
    command.add_option("--seed", comparison.seed, "of the bootstrap")->option_text("N");
    command.add_option("--coco", coco, "keep what the model found, as COCO results")
        ->option_text("FILE");
    command.add_option("--json", json, "write everything as JSON; - is standard output")
        ->option_text("FILE");
    command.add_flag("--quiet", quiet, "no progress and no summary of the run");
    command.add_option("--html", html, "write a report that a browser shows")->option_text("FILE");
  }

  Result<int> run() {
    engine::Options options;
    // As Ultralytics and COCO's servers evaluate: nearly every box counts.
    options.conf = 0.001f;
    options.iou = 0.7f;
    options.quiet = quiet;
    OSPREY_TRY(flags.apply(options));
    if (!tracks.ground_truth.empty() || !tracks.tracks.empty()) return run_tracks(options);
    const bool has_model = !options.model.empty() || !options.models.empty();
    OSPREY_TRY(check(options, has_model));
    if (rule == "l2") asked.rule = MatchRule::kL2;
    asked.limit = limit ? *limit : rule == "l2" ? kL2Limit : asked.limit;

    std::vector<std::string> files;
    if (!detections.empty()) files.push_back(detections);
    files.insert(files.end(), compared.begin(), compared.end());
    OSPREY_TRY(json_file.open(json));
    OSPREY_TRY(html_file.open(html));
    hold_interrupts();
    std::optional<base::ScratchFolder> scratch;
    Evaluation::Speed speed;
    if (has_model) {
      scratch.emplace(OSPREY_TRY(base::ScratchFolder::create()));
      const auto name = options.model.empty() ? std::string("models") : options.model;
      const auto made = coco.empty() ? *scratch / fs::path(name).filename().string() : coco;
      const int code = OSPREY_TRY(run_model(options, *scratch / "labels.json", made, speed));
      if (code != kSuccess) return code;
      files.insert(files.begin(), made);
    }
    auto result = OSPREY_TRY(compare_files(files));
    result.evaluations.front().speed = speed;
    if (!absent.empty()) result.evaluations.front().warnings.push_back(absent);
    OSPREY_TRY(write(result));
    return kSuccess;
  }

  Result<int> run_tracks(const engine::Options& options) {
    const auto wrong = [](const std::string& what) {
      return Error{ErrorCode::kInvalidArgument, what};
    };
    if (tracks.ground_truth.empty()) return wrong("--tracks: needs --mot FILE");
    if (tracks.tracks.empty()) return wrong("--mot: needs --tracks FILE");
    const bool has_others = !asked.data.empty() || !options.model.empty() || !detections.empty() ||
                            !compared.empty() || !html.empty() || !coco.empty();
    if (has_others) {
      return wrong("--mot: expected --tracks and, if wanted, --mot-rules and --json; no other");
    }
    OSPREY_TRY(engine::check_files({tracks.ground_truth, tracks.tracks}, {{"json", json}}));
    if (track_rules == "mot17") tracks.rules = TrackRules::kMot17;
    if (track_rules == "mot20") tracks.rules = TrackRules::kMot20;
    OSPREY_TRY(json_file.open(json));
    const auto result = OSPREY_TRY(evaluate_tracks(tracks));
    std::fputs((json == "-" ? to_json(result) : to_text(result)).c_str(), stdout);
    if (json_file.is_open()) OSPREY_TRY(json_file.write(to_json(result)));
    return kSuccess;
  }

  /// What no single option shows.
  Status check(const engine::Options& options, bool has_model) const {
    const auto wrong = [](const std::string& what) {
      return Error{ErrorCode::kInvalidArgument, what};
    };
    if (asked.data.empty()) return wrong("--data: expected a file of labels, or --mot FILE");
    const bool has_files = !detections.empty() || !compared.empty();
    if (has_model ? !detections.empty() : !has_files) {
      return wrong("expected --model with --images, or --detections, or --compare");
    }
    if (has_model && images.empty()) {
      return wrong("--model: expected --images DIR, the pictures of " + asked.data);
    }
    if (!has_model && !coco.empty()) return wrong("--coco: needs --model");
    if (asked.only_coco && !html.empty()) return wrong("--html: not with --only-coco");
    if (limit && !(*limit > 0 && (rule == "l2" || *limit <= 1))) {
      return wrong("--rule-limit: expected above 0, of iou at most 1");
    }
    auto inputs = compared;
    inputs.insert(inputs.end(), {asked.data, detections});
    if (has_model) {
      for (const auto& model : OSPREY_TRY(engine::each_model(options))) {
        inputs.insert(inputs.end(), {model.model, model.names});
      }
    }
    return engine::check_files(inputs, {{"json", json}, {"html", html}, {"coco", coco}});
  }

  /// Writes what the model finds to `made`, and the labels, as its sink takes them, to `labels`.
  Result<int> run_model(engine::Options options, const std::string& labels, const std::string& made,
                        Evaluation::Speed& speed) {
    const auto pictures =
        OSPREY_TRY(engine::write_coco_labels(asked.data, asked.split, images, labels));
    if (pictures.absent > 0) {
      absent = format("%zu of %zu pictures of %s are not in %s: what they show counts as missed",
                      pictures.absent, pictures.all, asked.data.c_str(), images.c_str());
      if (pictures.absent == pictures.all) return Error{ErrorCode::kNotFound, absent};
    }
    options.sources = {images};
    options.coco = made;
    options.coco_gt = labels;
    base::RealClock clock;
    auto opened = OSPREY_TRY(engine::open_sources(options, clock));
    auto parts = OSPREY_TRY(engine::make_parts(std::move(opened), options));
    const auto run = OSPREY_TRY(engine::DetectRun::start(std::move(parts), options, clock));
    ProgressLine line(options.quiet);
    OSPREY_TRY(
        supervise(*run, clock, line.interval(), [&] { show_progress(line, run->report()); }));
    line.clear();
    const auto report = run->report();
    if (!options.quiet)
      std::fputs(summary(report, run->models(), run->interrupted()).c_str(), stderr);
    if (run->interrupted()) return kInterrupted;
    if (report.all_failed()) {
      return Error{ErrorCode::kInternal, "every picture failed: " + report.first_failure};
    }
    const auto ms = [](Duration d) { return std::chrono::duration<double, std::milli>(d).count(); };
    speed.model = options.model;
    speed.device = run->models().first().prepared.session->device();
    speed.fps =
        1000 * static_cast<double>(report.stats.streams[0].delivered) / ms(report.stats.elapsed);
    speed.latency_p50_ms = ms(report.stats.latency.p50);
    speed.latency_p95_ms = ms(report.stats.latency.p95);
    speed.memory_mb = peak_memory_mb();
    return kSuccess;
  }

  Result<Comparison> compare_files(const std::vector<std::string>& files) {
    ProgressLine line(quiet);
    std::mutex mutex;
    auto with_progress = comparison;
    with_progress.progress = [&](double share) {
      const std::lock_guard lock(mutex);
      line.update(share, "comparing");
      return !interrupt_is_pending();
    };
    auto result = compare(asked, files, with_progress);
    line.clear();
    return result;
  }

  Status write(const Comparison& result) {
    const auto as_json = [&] {
      return result.evaluations.size() == 1 ? to_json(result.evaluations[0]) : to_json(result);
    };
    if (json == "-") {
      std::fputs(as_json().c_str(), stdout);
    } else {
      std::fputs(to_text(result).c_str(), stdout);
      if (json_file.is_open()) OSPREY_TRY(json_file.write(as_json()));
    }
    if (!html_file.is_open()) return {};
    const auto picture = [&](const std::string& name) {
      return images.empty() ? std::string()
                            : engine::small_picture(fs::path(images) / name, kPictureSide);
    };
    return html_file.write(to_html(result, picture));
  }

  EvaluationOptions asked;
  ComparisonOptions comparison;
  std::string images, detections, rule = "iou", coco, json, html, absent;
  std::vector<std::string> compared;
  TrackEvaluationOptions tracks;
  std::string track_rules = "all";
  std::optional<double> limit;
  LateFile json_file, html_file;
  bool quiet = false;
  OptionFlags flags;
};

}  // namespace

void add_eval(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("eval", "say how good a model or its detections are");
  auto self = std::make_shared<EvalCommand>(*command);
  command->callback([self, &exit_code] {
    const auto result = self->run();
    exit_code = result ? *result : fail(result.error());
  });
}

}  // namespace osprey::cli
