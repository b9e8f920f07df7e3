// SPDX-License-Identifier: Apache-2.0
// osprey sim-model: a network for the virtual RK3588.
#include <CLI/CLI.hpp>

#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "base/atomic_file.hpp"
#include "base/read_file.hpp"
#include "base/try.hpp"
#include "commands.hpp"
#include "engine/calibration.hpp"
#include "engine/metadata_file.hpp"
#include "engine/prepared_model.hpp"
#include "onnx/model.hpp"
#include "sim/rk3588/container.hpp"
#include "sim/rk3588/estimate.hpp"
#include "terminal.hpp"

namespace osprey::cli {

namespace {

struct Cost {
  double ms = 0;
  std::string source;
};

/// Frames a second of one core of an RK3588, INT8, 640x640, as rknn_model_zoo publishes them.
constexpr std::array<std::pair<const char*, double>, 10> kPublished = {{{"yolov8n", 73.5},
                                                                        {"yolov8s", 38.0},
                                                                        {"yolov8m", 16.2},
                                                                        {"yolov5s", 48.4},
                                                                        {"yolov5n", 82.5},
                                                                        {"yolov6n", 106.4},
                                                                        {"yolo11n", 60.0},
                                                                        {"yolov10n", 61.2},
                                                                        {"yolox_s", 37.1},
                                                                        {"ppyoloe_s", 32.5}}};

Cost cost_of(const std::string& file, const model::ModelDescription& description,
             const model::InputSpec& input, bool fused_silu) {
  const auto stem = std::filesystem::path(file).stem().string();
  for (const auto& [name, fps] : kPublished) {
    // "yolov8n.int8" and "yolov8n_640" are; "yolov8nano" is not.
    const std::size_t length = std::char_traits<char>::length(name);
    const bool same =
        stem.compare(0, length, name) == 0 &&
        (stem.size() == length || std::isalnum(static_cast<unsigned char>(stem[length])) == 0);
    if (same && fused_silu && input.width == 640 && input.height == 640) {
      return {1000 / fps, "published for " + std::string(name)};
    }
  }
  return {sim::estimate_core_ms(description.layers, fused_silu),
          format("estimated from %zu layers of %.1f GFLOPs", description.layers.size(),
                 description.gflops)};
}

struct SimModelCommand {
  explicit SimModelCommand(CLI::App& command) {
    command.add_option("model", model, "the network, an ONNX file of fixed size")->required();
    command.add_option("-o,--output", output, "the .rknn file to write")
        ->required()
        ->option_text("FILE");
    command.add_option("--platform", platform, "the board; rk3588")
        ->check(CLI::IsMember({"rk3588"}));
    command
        .add_option("--core-ms", core_ms,
                    "what an inference takes on one core; default: as published, else estimated")
        ->check(CLI::Range(0.0, 60000.0))
        ->option_text("MS");
    command
        .add_option("--silu", silu,
                    "for an estimate: x * sigmoid(x) is part of the convolution before it (fused), "
                    "or two layers of its own (separate)")
        ->check(CLI::IsMember({"fused", "separate"}));
    command
        .add_option("--parallel", parallel,
                    "share of it that several cores divide among them, 0..1")
        ->check(CLI::Range(0.0, 1.0))
        ->option_text("X");
    command.add_option("--rknn-batch-size", batch, "pictures that one run takes, 1..64")
        ->check(CLI::Range(1, 64))
        ->option_text("N");
    command
        .add_option(
            "--dataset", dataset,
            "pictures: outputs are INT8, scaled to what the network gives for at most 64 of "
            "them; default: floats")
        ->option_text("SOURCE");
  }

  Status run() const {
    OSPREY_TRY(engine::check_files({model}, {{"output", output}}));
    const auto [file, spec] = OSPREY_TRY(engine::read_onnx_detector(model));
    sim::Model made;
    made.platform = platform;
    made.name = std::filesystem::path(model).stem().string();
    made.onnx = OSPREY_TRY(base::read_file(model, "a model"));
    made.mean.assign(spec.input.mean.begin(), spec.input.mean.end());
    made.std.assign(spec.input.std.begin(), spec.input.std.end());
    made.bgr = spec.input.order == model::ChannelOrder::kBgr;
    made.parallel = parallel;
    made.custom_string = engine::custom_string(file.description.metadata);
    const auto pictures = static_cast<std::uint32_t>(batch);
    // As the toolkit makes them: bytes in, shifted to signed ones.
    made.input = {file.description.inputs.front().name,
                  {pictures, static_cast<std::uint32_t>(spec.input.height),
                   static_cast<std::uint32_t>(spec.input.width), 3},
                  true,
                  sim::Type::kInt8,
                  1.f / 255,
                  -128};
    for (const auto& tensor : file.description.outputs) {
      auto& made_output = made.outputs.emplace_back();
      made_output.name = tensor.name;
      for (const auto dim : tensor.shape) {
        if (dim < 1) {
          return Error{ErrorCode::kUnsupported,
                       model + ": output " + tensor.name +
                           " is of no fixed size; expected one: yolo export dynamic=False"};
        }
        made_output.dims.push_back(static_cast<std::uint32_t>(dim));
      }
      made_output.dims[0] *= pictures;
    }
    if (!dataset.empty()) OSPREY_TRY(quantise(file, spec, made));
    auto cost = cost_of(model, file.description, spec.input, silu == "fused");
    if (core_ms >= 0) cost = {core_ms, "as told"};
    made.core_ms = cost.ms;
    auto written = OSPREY_TRY(base::AtomicFile::create(output));
    OSPREY_TRY(written.write(sim::to_bytes(made)));
    OSPREY_TRY(written.commit());
    std::fprintf(stderr, "core      %.1f ms an inference, %s\nwrote     %s\n", cost.ms,
                 cost.source.c_str(), output.c_str());
    return {};
  }

  /// As a toolkit does it: 256 steps over what was seen, one of them zero.
  Status quantise(const engine::ModelFile& file, const model::ModelSpec& spec,
                  sim::Model& made) const {
    engine::CalibrationOptions calibrating;
    calibrating.data = dataset;
    calibrating.most_pictures = 64;
    std::vector<std::string> outputs;
    for (const auto& tensor : file.description.outputs) outputs.push_back(tensor.name);
    engine::Calibrator calibrator(OSPREY_TRY(onnx::Model::read(model)), spec.input, outputs);
    const auto seen = OSPREY_TRY(calibrator.run(calibrating));
    for (auto& tensor : made.outputs) {
      const auto& values = seen.tensors.at(tensor.name).histogram();
      const float lowest = std::min(values.lowest(), 0.f),
                  highest = std::max(values.highest(), 0.f);
      tensor.type = sim::Type::kInt8;
      tensor.scale = std::max((highest - lowest) / 255, 1e-12f);
      tensor.zero_point =
          static_cast<std::int32_t>(std::lround(-128 - static_cast<double>(lowest / tensor.scale)));
    }
    return {};
  }

  std::string model, output, dataset, platform = "rk3588", silu = "fused";
  int batch = 1;
  double core_ms = -1;
  double parallel = 0.3;
};

}  // namespace

void add_sim_model(CLI::App& app, int& exit_code) {
  auto* command =
      app.add_subcommand("sim-model", "turn an ONNX model into one for the virtual RK3588");
  auto self = std::make_shared<SimModelCommand>(*command);
  command->callback([self, &exit_code] {
    const auto status = self->run();
    exit_code = status ? kSuccess : fail(status.error());
  });
}

}  // namespace osprey::cli
