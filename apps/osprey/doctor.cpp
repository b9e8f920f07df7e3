// SPDX-License-Identifier: Apache-2.0
// osprey doctor: what this machine can run, what is wrong and how to mend it.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "commands.hpp"
#include "engine/doctor.hpp"
#include "terminal.hpp"

namespace osprey::cli {

namespace {

std::string as_table(const std::vector<engine::Finding>& findings) {
  std::string text, section;
  for (const auto& finding : findings) {
    if (finding.section != section) {
      text += (section.empty() ? "" : "\n") + finding.section + "\n";
      section = finding.section;
    }
    text += format("  %-4s  %-10s  %s\n", engine::to_string(finding.mark), finding.subject.c_str(),
                   finding.text.c_str());
    if (!finding.mend.empty()) text += format("        %-10s  -> %s\n", "", finding.mend.c_str());
  }
  return text;
}

std::string as_json(const std::vector<engine::Finding>& findings, bool works) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const auto& finding : findings) {
    auto& entry = list.emplace_back();
    entry["section"] = finding.section;
    entry["subject"] = finding.subject;
    entry["mark"] = engine::to_string(finding.mark);
    entry["text"] = finding.text;
    if (!finding.mend.empty()) entry["mend"] = finding.mend;
  }
  nlohmann::ordered_json all;
  all["osprey"] = OSPREY_VERSION;
  all["works"] = works;
  all["findings"] = std::move(list);
  return all.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

/// The whole in a sentence.
std::string verdict(const std::vector<engine::Finding>& findings) {
  const auto count = [&](engine::Mark mark) {
    return std::count_if(findings.begin(), findings.end(),
                         [&](const auto& finding) { return finding.mark == mark; });
  };
  const auto failed = count(engine::Mark::kFail), warned = count(engine::Mark::kWarn);
  if (failed > 0) return format("\n%td of these do not work.\n", failed);
  if (warned == 0) return "\nNothing is wrong.\n";
  return format("\nModels run; %td thing%s could be better.\n", warned, warned == 1 ? "" : "s");
}

struct DoctorCommand {
  explicit DoctorCommand(CLI::App& command) {
    command.add_flag("--json", json, "print the findings as JSON");
    command.add_option("--rknn-library", rknn_library, "Rockchip's runtime, which must work then")
        ->option_text("FILE");
  }

  int run() const {
    engine::Examination what;
    what.needs_rknn = !rknn_library.empty();
    if (what.needs_rknn) what.rknn_library = rknn_library;
    const auto findings = engine::examine(board::KernelFiles::of_this_machine(), what);
    const bool works = std::none_of(findings.begin(), findings.end(), [](const auto& finding) {
      return finding.mark == engine::Mark::kFail;
    });
    const auto text = json ? as_json(findings, works) : as_table(findings) + verdict(findings);
    std::fputs(text.c_str(), stdout);
    return works ? kSuccess : kFailure;
  }

  bool json = false;
  std::string rknn_library;
};

}  // namespace

void add_doctor(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand(
      "doctor", "say what this machine can run, what is wrong and how to mend it");
  auto self = std::make_shared<DoctorCommand>(*command);
  command->callback([self, &exit_code] { exit_code = self->run(); });
}

}  // namespace osprey::cli
