// SPDX-License-Identifier: Apache-2.0
// Darknet's .cfg files: sections of key=value lines.
#pragma once

#include <osprey/result.hpp>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace osprey::onnx::darknet {

/// One section. Errors of its functions name the file, the line and the key.
class Section {
 public:
  Section(std::string file, std::string kind, int line)
      : file_(std::move(file)), kind_(std::move(kind)), line_(line) {}

  const std::string& kind() const { return kind_; }  ///< "convolutional" of [convolutional]
  int line() const { return line_; }                 ///< of the section's head, from 1

  /// The first value given for a key counts, as in Darknet.
  void add(const std::string& key, const std::string& value, int line);
  bool has(const std::string& key) const { return values_.contains(key); }

  std::string text(const std::string& key, const std::string& otherwise) const;
  /// A whole number within [lowest, highest]; `otherwise` where the key is absent.
  Result<int> number(const std::string& key, int otherwise, int lowest, int highest) const;
  /// A finite number.
  Result<double> real(const std::string& key, double otherwise) const;
  /// Comma-separated finite numbers, or whole ones; empty where the key is absent.
  Result<std::vector<double>> reals(const std::string& key) const;
  Result<std::vector<int>> numbers(const std::string& key) const;

  /// "<file>:<line>: [<kind>] <what>", the line being the key's or, without one, the section's.
  Error error(ErrorCode code, const std::string& what, const std::string& key = "") const;

 private:
  struct Value {
    std::string text;
    int line;
  };
  std::string file_, kind_;
  int line_;
  std::map<std::string, Value> values_;
};

/// Sections in the file's order; comments (# and ;) and all white space are dropped, [net] and
/// [network] are one. `name` is what errors call the file. Errors: a line that is neither a section
/// nor key=value, a key before the first section, a first section other than [net].
Result<std::vector<Section>> parse_cfg(std::string_view text, const std::string& name);

}  // namespace osprey::onnx::darknet
