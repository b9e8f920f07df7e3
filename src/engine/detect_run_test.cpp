// SPDX-License-Identifier: Apache-2.0
#include "engine/detect_run.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/file_testing.hpp"
#include "base/try.hpp"
#include "tests/support/test_models.hpp"
#include "tests/support/test_pictures.hpp"

namespace osprey::engine {
namespace {

using ::testing::HasSubstr;

/// Gives `frames` pictures; then it ends, or fails with "cable pulled".
class ShortSource final : public media::Source {
 public:
  ShortSource(std::uint32_t stream, std::uint64_t frames, bool fails)
      : frames_(frames), fails_(fails) {
    info_.index = stream;
    info_.uri = "camera-" + std::to_string(stream);
    info_.width = info_.height = 128;
  }

  const StreamInfo& info() const override { return info_; }

  Result<std::optional<Frame>> read() override {
    if (next_ == frames_) {
      if (fails_) return Error{ErrorCode::kIo, info_.uri + ": cable pulled"};
      return std::optional<Frame>();
    }
    const support::Spot red[] = {{8, 16, 24, 24, 0}};
    Frame frame;
    frame.id = {info_.index, next_++};
    frame.image = support::picture_of(128, 128, red);
    return std::optional(std::move(frame));
  }

  media::SourceHealth health() const override { return {}; }
  void cancel() override {}

 private:
  StreamInfo info_;
  std::uint64_t frames_;
  std::uint64_t next_ = 0;
  bool fails_;
};

/// Takes what it is given until it fails at a frame.
class FailingSink final : public sinks::Sink {
 public:
  bool wants_pixels() const override { return false; }
  Status begin(const StreamInfo&) override { return {}; }
  Status write(const FrameResult& result) override {
    if (result.frame->id.sequence < 5) return {};
    return Error{ErrorCode::kIo, "disk full"};
  }
  Status finish() override { return {}; }
  std::vector<std::string> outputs() const override { return {}; }
};

class Running : public testing::Test {
 protected:
  Running() {
    options_.model = folder_ / "spots.onnx";
    options_.json = folder_ / "o.jsonl";
    EXPECT_TRUE(support::write_spot_detector(options_.model).ok());
  }

  RunParts parts(std::vector<std::unique_ptr<media::Source>> sources) {
    auto made = make_parts(std::move(sources), options_);
    EXPECT_TRUE(made.ok()) << made.error().message;
    return *std::move(made);
  }

  std::unique_ptr<DetectRun> start(RunParts parts) {
    auto run = DetectRun::start(std::move(parts), options_, clock_);
    EXPECT_TRUE(run.ok()) << run.error().message;
    return *std::move(run);
  }

  std::size_t lines() const {
    std::ifstream file(options_.json);
    std::string line;
    std::size_t count = 0;
    while (std::getline(file, line)) count += line.find("\"label\":\"red\"") != std::string::npos;
    return count;
  }

  base::RealClock clock_;
  base::TemporaryFolder folder_;
  Options options_;
};

TEST_F(Running, a_source_that_fails_is_named_and_the_results_until_then_are_kept) {
  std::vector<std::unique_ptr<media::Source>> sources;
  sources.push_back(std::make_unique<ShortSource>(0, 7, true));
  sources.push_back(std::make_unique<ShortSource>(1, 40, false));
  const auto run = start(parts(std::move(sources)));
  const auto ended = run->wait();
  ASSERT_FALSE(ended.ok());
  EXPECT_EQ(ended.error().message, "camera-0: cable pulled");
  EXPECT_TRUE(run->completed());
  EXPECT_EQ(lines(), 47u);
  EXPECT_EQ(run->report().objects[0], 47u);
}

TEST_F(Running, a_sink_that_fails_leaves_no_file) {
  std::vector<std::unique_ptr<media::Source>> sources;
  sources.push_back(std::make_unique<ShortSource>(0, 40, false));
  auto made = parts(std::move(sources));
  made.sinks->add("failing", std::make_unique<FailingSink>());
  {
    const auto run = start(std::move(made));
    const auto ended = run->wait();
    ASSERT_FALSE(ended.ok());
    EXPECT_THAT(ended.error().message, HasSubstr("disk full"));
    EXPECT_FALSE(run->completed());
  }
  EXPECT_FALSE(std::filesystem::exists(options_.json));
}

}  // namespace
}  // namespace osprey::engine
