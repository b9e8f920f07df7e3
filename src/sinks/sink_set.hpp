// SPDX-License-Identifier: Apache-2.0
// Several sinks that look like one.
#pragma once

#include <osprey/result.hpp>

#include <memory>
#include <string>
#include <vector>

#include "sinks/sink.hpp"

namespace osprey::sinks {

/// Hands every call to every sink, in the order they were added. write() and begin() stop at the
/// first failure; finish() finishes all of them and returns the first failure.
class SinkSet final : public Sink {
 public:
  SinkSet() = default;
  SinkSet(const SinkSet&) = delete;
  SinkSet& operator=(const SinkSet&) = delete;
  ~SinkSet() override;

  void add(std::unique_ptr<Sink> sink) { sinks_.push_back(std::move(sink)); }

  bool wants_pixels() const override;
  Status begin(const StreamInfo& stream) override;
  Status write(const FrameResult& result) override;
  Status finish() override;
  std::vector<std::string> outputs() const override;
  std::vector<std::string> notes() const override;

 private:
  std::vector<std::unique_ptr<Sink>> sinks_;
};

}  // namespace osprey::sinks
