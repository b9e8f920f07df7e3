// SPDX-License-Identifier: Apache-2.0
// A JSON file that is one long list, in pieces that can be parsed each by itself.
#pragma once

#include <osprey/result.hpp>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace osprey::evaluation {

/// Threads: any, but for open().
class JsonList {
 public:
  /// Errors: the file cannot be read; it does not begin with [ and end with ].
  static Result<JsonList> open(const std::string& path);

  /// Where it is cut: between elements, unless a text within an element looks like the end of one.
  /// Then a piece is no JSON, and join() makes it one piece.
  std::size_t pieces() const { return cuts_.size() - 1; }
  void join() { cuts_ = {cuts_.front(), cuts_.back()}; }

  /// A piece as a list of its own, with `padding` bytes behind it that belong to the buffer.
  Status read(std::size_t piece, std::size_t padding, std::string& buffer) const;

 private:
  JsonList() = default;
  Status find_ends(std::int64_t size);
  Status find_cuts();
  Status read_at(std::int64_t at, char* into, std::size_t bytes) const;

  std::string path_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_{nullptr, &std::fclose};
  std::vector<std::int64_t> cuts_;  // where pieces begin, and the end of the last; commas between
};

}  // namespace osprey::evaluation
