// SPDX-License-Identifier: Apache-2.0
// osprey quantize: a network of floats into one of INT8.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "base/for_script.hpp"
#include "base/try.hpp"
#include "commands.hpp"
#include "engine/options.hpp"
#include "engine/quantisation.hpp"
#include "late_file.hpp"
#include "quantize_page.hpp"
#include "summary.hpp"
#include "supervise.hpp"
#include "terminal.hpp"

namespace osprey::cli {

namespace {

namespace fs = std::filesystem;

const std::map<std::string, quantize::Algorithm> kAlgorithms = {
    {"normal", quantize::Algorithm::kNormal},
    {"mmse", quantize::Algorithm::kMmse},
    {"kl_divergence", quantize::Algorithm::kKlDivergence},
    {"percentile", quantize::Algorithm::kPercentile}};

const std::map<std::string, engine::QuantisationTarget> kTargets = {
    {"cpu", engine::QuantisationTarget::kProcessor},
    {"rk3588", engine::QuantisationTarget::kRk3588}};

double megabytes(const std::string& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  return error ? 0 : static_cast<double>(size) / 1e6;
}

struct QuantizeCommand {
  explicit QuantizeCommand(CLI::App& command) {
    command.add_option("model", asked.model, "the network of floats, an ONNX file")->required();
    command
        .add_option("--data", asked.data,
                    "pictures to calibrate with: a folder, a video, or a list (dataset.txt)")
        ->option_text("SOURCE");
    command.add_option("-o,--output", asked.output, "the ONNX file to write")->option_text("FILE");
    command
        .add_option("--algorithm", algorithm,
                    "how a tensor's range is chosen: normal (all values), mmse (least squared "
                    "error), kl_divergence, percentile")
        ->check(CLI::IsMember(kAlgorithms));
    command
        .add_option("--percentile", asked.percentile,
                    "for percentile: so much of the values, 50..100")
        ->check(CLI::Range(50.0, 100.0))
        ->option_text("X");
    command
        .add_option("--target", target,
                    "what it is to run on: a processor, or rk3588 (every tensor INT8, outputs "
                    "before the head decodes them)")
        ->check(CLI::IsMember(kTargets));
    command.add_option("--method", method, "of weights: a scale for each channel, or for a layer")
        ->check(CLI::IsMember({"channel", "layer"}));
    command
        .add_option("--weights", weights,
                    "their steps: symmetric about 0, or asymmetric, from the lowest to the highest")
        ->check(CLI::IsMember({"symmetric", "asymmetric"}));
    command
        .add_option("--rounding", rounding,
                    "of weights: each to the nearest step, or so that the error of the layer's "
                    "outputs is least")
        ->check(CLI::IsMember({"nearest", "error"}));
    command
        .add_option("--activations", tensors,
                    "the steps of tensors: u8, or i8, which x86 processors without VNNI get wrong")
        ->check(CLI::IsMember({"u8", "i8"}));
    command
        .add_option("--pictures", asked.most_pictures, "calibrate with the first so many; 0: all")
        ->check(CLI::Range(0, 1'000'000))
        ->option_text("N");
    command.add_option("--imgsz", asked.imgsz, "of a network of open size: S or H,W")
        ->delimiter(',')
        ->expected(1, 2)
        ->check(CLI::Range(32, 16384));
    command.add_option("--float-layers", float_layers, "names of layers that stay in float")
        ->delimiter(',')
        ->option_text("NAME,...");
    command
        .add_option("--max-drop", asked.max_drop,
                    "leave as few layers in float as it takes to lose no more AP on --labels")
        ->check(CLI::Range(0.0, 1.0))
        ->option_text("X");
    command
        .add_option("--labels", asked.labels,
                    "for --max-drop: COCO's instances.json, a YOLO data.yaml, or a folder of "
                    "Pascal VOC's XML")
        ->option_text("FILE");
    command.add_option("--images", asked.images, "the pictures of --labels")->option_text("DIR");
    command.add_flag("--no-bias-correction", no_bias_correction,
                     "leave in what rounding the weights adds to the means");
    command.add_flag("--equalize", asked.equalise,
                     "make channels of like size from layer to layer; for networks with ReLU");
    command.add_flag("--no-overflow-fix", no_overflow_fix,
                     "pixels in 8 bits, not 7: for processors with VNNI, and NPUs");
    command.add_option("--threads", asked.threads, "of the calibration; 0: all cores")
        ->check(CLI::Range(0, 1024))
        ->option_text("N");
    command
        .add_option("--memory", memory_mb,
                    "MB that tensors of pictures on their way may take; less means more passes")
        ->check(CLI::Range(16, 1 << 20))
        ->option_text("MB");
    command.add_flag("--lint", asked.only_lint,
                     "only say what will hurt; needs no pictures and writes nothing");
    command.add_option("--json", json, "write the report as JSON; - is standard output")
        ->option_text("FILE");
    command.add_option("--html", html, "write a report that a browser shows")->option_text("FILE");
    command.add_flag("--quiet", quiet, "no progress and no summary");
  }

  Status run() {
    if (!asked.only_lint && (asked.data.empty() || asked.output.empty())) {
      return Error{ErrorCode::kInvalidArgument,
                   (asked.data.empty() ? "--data: expected pictures to calibrate with"
                                       : "--output: expected the ONNX file to write")};
    }
    asked.algorithm = kAlgorithms.at(algorithm);
    asked.target = kTargets.at(target);
    asked.weights = {method == "channel", weights == "symmetric"};
    asked.rounding = rounding == "error" ? engine::Rounding::kError : engine::Rounding::kNearest;
    asked.signed_tensors = tensors == "i8";
    asked.bias_correction = !no_bias_correction;
    asked.overflow_fix = !no_overflow_fix;
    asked.in_float.insert(float_layers.begin(), float_layers.end());
    asked.memory = static_cast<std::uint64_t>(memory_mb) << 20;
    OSPREY_TRY(engine::check_files({asked.model, asked.data, asked.labels},
                                   {{"output", asked.output}, {"json", json}, {"html", html}}));
    if (asked.max_drop && (asked.labels.empty() || asked.images.empty())) {
      return Error{ErrorCode::kInvalidArgument,
                   "--max-drop: expected --labels and --images, to measure it with"};
    }
    if (!asked.max_drop && !(asked.labels + asked.images).empty()) {
      return Error{ErrorCode::kInvalidArgument, "--labels and --images: need --max-drop"};
    }
    LateFile json_file, html_file;
    OSPREY_TRY(json_file.open(json));
    OSPREY_TRY(html_file.open(html));
    asked.in_detail = !json.empty() || !html.empty();
    hold_interrupts();
    const auto start = std::chrono::steady_clock::now();
    ProgressLine line(quiet);
    asked.progress = [&](double share, const std::string& what) {
      line.update(share, what);
      return !interrupt_is_pending();
    };
    const auto report = engine::quantise(asked);
    line.clear();
    if (!report) return report.error();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    if (!quiet) std::fputs(findings(*report).c_str(), stderr);
    if (asked.only_lint) return {};
    if (!quiet) std::fputs(in_words(*report, took.count()).c_str(), stderr);
    for (const auto& warning : warnings(*report)) {
      std::fprintf(stderr, "warning   %s\n", warning.c_str());
    }
    if (json == "-") std::fputs(as_json(*report).c_str(), stdout);
    if (json_file.is_open()) OSPREY_TRY(json_file.write(as_json(*report)));
    return html_file.is_open() ? html_file.write(as_html(*report)) : Status();
  }

  std::string findings(const engine::QuantisationReport& report) const {
    constexpr std::size_t kShown = 8;
    std::string text;
    const auto shown = asked.only_lint ? report.findings.size() : kShown;
    for (std::size_t i = 0; i < std::min(shown, report.findings.size()); ++i) {
      const auto& [where, what, weight] = report.findings[i];
      text += "lint      " + where + ": " + what + "\n";
    }
    if (report.findings.size() > shown) {
      text +=
          format("lint      %zu more: osprey quantize --lint\n", report.findings.size() - shown);
    }
    if (asked.only_lint && text.empty()) text = "lint      nothing stands out\n";
    return text;
  }

  std::string in_words(const engine::QuantisationReport& report, double seconds) const {
    std::string text = format("pictures  %zu of %s", report.pictures, asked.data.c_str());
    if (report.passes > 1) text += format(", in %d passes for --memory", report.passes);
    text += "\n";
    std::size_t groups = 0;
    for (const auto& tensor : report.tensors) groups = std::max(groups, tensor.group + 1);
    text += format("INT8      %zu layers, scales by %s; %zu tensors with %zu scales, by %s\n",
                   report.layers, method.c_str(), report.tensors.size(), groups, algorithm.c_str());
    if (!report.outputs.empty()) {
      text += format("outputs   %zu, of the last layers: what decodes them is left to osprey\n",
                     report.outputs.size());
    }
    for (const auto& [layer, why] : report.in_float) {
      text += "float     " + layer + ": " + why + "\n";
    }
    if (const auto& mixed = report.mixed) {
      text += format("AP        %.4f of the floats, %.4f with all layers in INT8", mixed->float_ap,
                     mixed->int8_ap);
      if (!mixed->in_float.empty()) {
        text += format(", %.4f with %zu in float", mixed->ap, mixed->in_float.size());
      }
      text += "\n";
    }
    for (const auto& one : report.agreement) {
      text += format("agrees    %s: cosine %.4f with the floats, signal to noise %.1f dB\n",
                     one.output.c_str(), one.cosine, one.snr_db);
    }
    const auto worst =
        std::min_element(report.tensors.begin(), report.tensors.end(),
                         [](const auto& a, const auto& b) { return a.snr_db < b.snr_db; });
    if (worst != report.tensors.end()) {
      text += format("coarsest  %s: %.1f dB, values %.4g to %.4g in steps of %.4g\n",
                     worst->name.c_str(), worst->snr_db, static_cast<double>(worst->lowest),
                     static_cast<double>(worst->highest), static_cast<double>(worst->scale.scale));
    }
    text +=
        format("wrote     %s, %.1f MB of %.1f MB, in %.1f s with %.0f MB\n", asked.output.c_str(),
               megabytes(asked.output), megabytes(asked.model), seconds, peak_memory_mb());
    return text;
  }

  std::vector<std::string> warnings(const engine::QuantisationReport& report) const {
    std::vector<std::string> all;
    if (report.damaged + report.passed_over > 0) {
      const auto count = [](std::uint64_t n) { return std::to_string(n); };
      all.push_back(count(report.damaged + report.passed_over) + " files of " + asked.data +
                    " were left out: " + count(report.damaged) + " damaged, " +
                    count(report.passed_over) + " no pictures" +
                    (report.first_damage.empty() ? "" : " (" + report.first_damage + ")"));
    }
    for (const auto& tensor : report.tensors) {
      if (tensor.not_numbers == 0) continue;
      all.push_back(format("%s held %llu values that are no numbers, or infinite",
                           tensor.name.c_str(),
                           static_cast<unsigned long long>(tensor.not_numbers)));
    }
    if (report.colours.looks_swapped()) {
      all.push_back(format(
          "colours look swapped: with red and blue exchanged the network finds more in %zu of %zu "
          "pictures, and scores rise from %.1f to %.1f; see osprey info for the order it is fed",
          report.colours.better_swapped, report.colours.pictures, report.colours.as_told,
          report.colours.swapped));
    }
    for (const auto& one : report.agreement) {
      if (one.cosine >= engine::kPoorCosine) continue;
      all.push_back(format("%s of %s is not what the floats give on this machine: cosine %.3f",
                           one.output.c_str(), asked.output.c_str(), one.cosine));
    }
    return all;
  }

  std::string as_json(const engine::QuantisationReport& report) const {
    nlohmann::ordered_json all = {{"model", asked.model},
                                  {"output", asked.output},
                                  {"algorithm", algorithm},
                                  {"method", method},
                                  {"pictures", report.pictures},
                                  {"damaged", report.damaged},
                                  {"passed_over", report.passed_over},
                                  {"passes", report.passes},
                                  {"int8_layers", report.layers}};
    all["rounding"] = rounding;
    all["colours"] = {{"pictures", report.colours.pictures},
                      {"better_swapped", report.colours.better_swapped},
                      {"scores", report.colours.as_told},
                      {"scores_swapped", report.colours.swapped}};
    all["float_layers"] = nlohmann::ordered_json::array();
    for (const auto& [layer, why] : report.in_float) {
      all["float_layers"].push_back({{"name", layer}, {"why", why}});
    }
    if (const auto& mixed = report.mixed) {
      all["max_drop"] = {{"limit", *asked.max_drop},
                         {"float_ap", mixed->float_ap},
                         {"int8_ap", mixed->int8_ap},
                         {"ap", mixed->ap}};
      for (const auto& one : mixed->sensitivities) {
        all["max_drop"]["sensitivities"].push_back({{"layer", one.layer}, {"noise", one.noise}});
      }
    }
    all["agreement"] = nlohmann::ordered_json::array();
    for (const auto& one : report.agreement) {
      all["agreement"].push_back(
          {{"output", one.output}, {"cosine", one.cosine}, {"snr_db", one.snr_db}});
    }
    all["lint"] = nlohmann::ordered_json::array();
    for (const auto& one : report.findings) {
      all["lint"].push_back({{"where", one.where}, {"what", one.what}});
    }
    all["tensors"] = nlohmann::ordered_json::array();
    for (const auto& tensor : report.tensors) {
      all["tensors"].push_back({{"name", tensor.name},
                                {"group", tensor.group},
                                {"lowest", tensor.lowest},
                                {"highest", tensor.highest},
                                {"scale", tensor.scale.scale},
                                {"zero_point", tensor.scale.zero_point},
                                {"clipped", tensor.clipped},
                                {"snr_db", tensor.snr_db},
                                {"cosine", tensor.cosine}});
      auto& told = all["tensors"].back();
      if (!tensor.scale.channels.empty()) told["channel_scales"] = tensor.scale.channels;
      if (tensor.accumulated) {
        told["accumulated"] = {{"snr_db", tensor.accumulated->snr_db},
                               {"cosine", tensor.accumulated->cosine}};
      }
      told["histogram"] = tensor.histogram;
    }
    all["layers"] = nlohmann::ordered_json::array();
    for (const auto& layer : report.weights) {
      all["layers"].push_back({{"name", layer.name},
                               {"op", layer.op},
                               {"input", layer.input},
                               {"largest_weight", layer.largest},
                               {"weights_snr_db", layer.snr_db}});
    }
    all["warnings"] = warnings(report);
    return all.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  }

  std::string as_html(const engine::QuantisationReport& report) const {
    std::string page(kQuantizePage);
    const std::string place = "/*data*/null";
    return page.replace(page.find(place), place.size(), base::for_script(as_json(report)));
  }

  engine::QuantisationOptions asked;
  std::string algorithm = "percentile", method = "channel", target = "cpu", json, html;
  std::string weights = "symmetric", tensors = "u8", rounding = "nearest";
  std::vector<std::string> float_layers;
  int memory_mb = 1200;
  bool no_bias_correction = false, no_overflow_fix = false, quiet = false;
};

}  // namespace

void add_quantize(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("quantize", "turn an ONNX model into one of INT8");
  auto self = std::make_shared<QuantizeCommand>(*command);
  command->callback([self, &exit_code] {
    const auto status = self->run();
    exit_code = status ? kSuccess : fail(status.error());
  });
}

}  // namespace osprey::cli
