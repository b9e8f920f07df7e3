// SPDX-License-Identifier: Apache-2.0
// osprey info: what a model is and how Osprey reads it.
#include <CLI/CLI.hpp>

#include <array>
#include <cstdio>
#include <map>

#include "base/try.hpp"
#include "commands.hpp"
#include "engine/agreement.hpp"
#include "engine/optimisation.hpp"
#include "engine/prepared_model.hpp"
#include "option_flags.hpp"
#include "terminal.hpp"

namespace osprey::cli {

namespace {

const char* type_name(ElementType type) {
  switch (type) {
    case ElementType::kFloat32:
      return "f32";
    case ElementType::kFloat16:
      return "f16";
    case ElementType::kBfloat16:
      return "bf16";
    case ElementType::kInt8:
      return "i8";
    case ElementType::kUint8:
      return "u8";
    case ElementType::kInt32:
      return "i32";
    case ElementType::kInt64:
      return "i64";
    case ElementType::kOther:
      return "other";
  }
  return "";
}

std::string tensors(const char* title, const std::vector<TensorInfo>& infos) {
  std::string text;
  for (const auto& info : infos) {
    std::string shape;
    for (const auto d : info.shape) {
      shape += (shape.empty() ? "" : ",") + (d < 0 ? std::string("?") : std::to_string(d));
    }
    text +=
        format("%-11s %s [%s] %s\n", title, info.name.c_str(), shape.c_str(), type_name(info.type));
  }
  return text;
}

std::string input_line(const model::InputSpec& input) {
  const bool bgr = input.order == model::ChannelOrder::kBgr;
  return format("feeds       %dx%d %s, (value - [%g %g %g]) / [%g %g %g], %s, padding %d\n",
                input.width, input.height, bgr ? "BGR" : "RGB", input.mean[0], input.mean[1],
                input.mean[2], input.std[0], input.std[1], input.std[2],
                input.align == LetterboxAlign::kCenter ? "centred" : "top left", input.pad);
}

std::string head_text(model::HeadKind kind) {
  switch (kind) {
    case model::HeadKind::kChannelsFirst:
      return "channels-first [1, 4+C, N]";
    case model::HeadKind::kRows:
      return "rows [1, N, 5+C]";
    case model::HeadKind::kAnchorGrid:
      return "raw anchors per stride";
    case model::HeadKind::kYoloxGrid:
      return "undecoded grid [1, N, 5+C]";
    case model::HeadKind::kEndToEnd:
      return "end-to-end [1, N, 6]";
    case model::HeadKind::kSplitDfl:
      return "split outputs per stride";
  }
  return "";
}

std::string class_line(const model::ModelSpec& spec) {
  constexpr std::size_t kShown = 8;
  std::string text = format("classes     %zu (%s): ", spec.names.size(), spec.names_source.c_str());
  for (std::size_t i = 0; i < spec.names.size() && i < kShown; ++i) {
    text += (i == 0 ? "" : ", ") + spec.names[i];
  }
  return text + (spec.names.size() > kShown ? ", ...\n" : "\n");
}

struct InfoCommand {
  explicit InfoCommand(CLI::App& command) : flags(command, {engine::OptionGroup::kModel}) {
    command.add_option("file", file, "model file")->option_text("MODEL");
    command.add_flag("--fusion", fusion,
                     "of an ONNX file: which steps runtimes can join, and what is in their way");
    command.add_flag("--verify", verify,
                     "of an ONNX file of INT8: compare it with its own floats on this machine");
    command.add_option("--data", data, "for --verify: pictures; default: a few made-up ones")
        ->option_text("SOURCE");
  }

  Status run() const {
    engine::Options options;
    OSPREY_TRY(flags.apply(options));
    if (!file.empty()) options.model = file;
    if (options.model.empty()) {
      return Error{ErrorCode::kInvalidArgument, "no model given; expected osprey info MODEL"};
    }
    const auto model = OSPREY_TRY(engine::read_model(options));
    const auto& description = model.description;
    std::string text = "model       " + description.path + "\n";
    text += "format      " + description.format + ", " + description.precision + "\n";
    text += format("parameters  %.2f million\n", static_cast<double>(description.parameters) / 1e6);
    text += tensors("input", description.inputs) + tensors("output", description.outputs);
    const auto spec = engine::understand(model, options);
    if (spec) {
      text += input_line(spec->input);
      text += "head        " + head_text(spec->head.kind) + ": " + spec->head.reason + "\n";
      text += class_line(*spec);
    }
    if (description.gflops > 0)
      text += format("compute     %.2f GFLOPs a picture\n", description.gflops);
    std::fputs(text.c_str(), stdout);
    if (!spec) return spec.error();
    if (fusion) OSPREY_TRY(tell_fusions(options.model));
    return verify ? compare_with_floats(options.model, *spec) : Status();
  }

  static Status tell_fusions(const std::string& model) {
    std::map<std::string, std::array<int, 3>> counts;  // possible, joined here, blocked
    std::string blocked;
    for (const auto& one : OSPREY_TRY(engine::fusions(model))) {
      auto& [possible, joined, in_the_way] = counts[one.kind];
      ++(one.blocked.empty() ? possible : in_the_way);
      joined += one.joined ? 1 : 0;
      if (one.blocked.empty()) continue;
      blocked += "blocked     " + one.kind + " of " + one.layer + ": " + one.blocked + "\n";
    }
    for (const auto& [kind, count] : counts) {
      const auto& [possible, joined, in_the_way] = count;
      std::printf("fusion      %s: %d can join the layer before, OpenVINO does so with %d here",
                  kind.c_str(), possible, joined);
      std::printf(in_the_way > 0 ? "; %d blocked\n" : "\n", in_the_way);
    }
    if (counts.empty()) std::puts("fusion      nothing follows a layer that could join it");
    std::fputs(blocked.c_str(), stdout);
    return {};
  }

  Status compare_with_floats(const std::string& model, const model::ModelSpec& spec) const {
    engine::Pictures pictures = engine::made_up_pictures(spec.input, 4);
    if (!data.empty()) pictures = OSPREY_TRY(engine::pictures_of(data, 8));
    std::string wrong;
    for (const auto& one : OSPREY_TRY(engine::agreement_with_floats(model, spec, pictures))) {
      std::printf("verify      %s: cosine %.4f with its own floats, signal to noise %.1f dB\n",
                  one.output.c_str(), one.cosine, one.snr_db);
      if (one.cosine < engine::kPoorCosine) wrong = one.output;
    }
    if (wrong.empty()) return {};
    return Error{ErrorCode::kInvalidArgument,
                 model + ": " + wrong + " is not what the model's floats give on this machine"};
  }

  std::string file, data;
  bool fusion = false, verify = false;
  OptionFlags flags;
};

}  // namespace

void add_info(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("info", "say what a model is and how its outputs are read");
  auto self = std::make_shared<InfoCommand>(*command);
  command->callback([self, &exit_code] {
    const auto status = self->run();
    exit_code = status ? kSuccess : fail(status.error());
  });
}

}  // namespace osprey::cli
