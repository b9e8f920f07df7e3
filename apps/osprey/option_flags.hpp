// SPDX-License-Identifier: Apache-2.0
// The engine's option table as flags of a subcommand.
#pragma once

#include <osprey/result.hpp>

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "engine/options.hpp"

namespace CLI {
class App;
}

namespace osprey::cli {

/// Flags of some groups of the table, and --config. The command's flags win over the file's.
class OptionFlags {
 public:
  OptionFlags(CLI::App& command, std::initializer_list<engine::OptionGroup> groups);

  /// Sets in `options` what file and flags said. Errors: unknown flags, with a suggestion; values
  /// out of range.
  Status apply(engine::Options& options) const;

 private:
  CLI::App& command_;
  std::vector<std::string_view> known_;
  std::string config_;
  std::vector<std::pair<const engine::OptionSpec*, std::string>> given_;
};

}  // namespace osprey::cli
