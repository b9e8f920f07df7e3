// SPDX-License-Identifier: Apache-2.0
#include "sinks/rotating_json_lines.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "sinks/sinks_testing.hpp"

namespace osprey::sinks {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::unique_ptr<Sink> open_lines(const std::string& path, RotationOptions options = {}) {
  auto sink = create_rotating_json_lines(path, {"person"}, options);
  EXPECT_TRUE(sink.ok()) << sink.error().message;
  EXPECT_TRUE((*sink)->begin(stream_info(0, "door")).ok());
  return *std::move(sink);
}

FrameResult frame(std::uint64_t sequence) {
  return result_of({0, sequence}, 100, 50, {{{10, 5, 60, 25.5F}, 0.875F, 0}});
}

/// Sequence numbers of a file's lines.
std::vector<int> sequences(const std::string& path) {
  std::istringstream text(read_text(path));
  std::vector<int> numbers;
  for (std::string line; std::getline(text, line);) {
    numbers.push_back(nlohmann::json::parse(line).at("sequence"));
  }
  return numbers;
}

TEST(RotatingJsonLines, a_line_can_be_read_at_once_and_is_that_of_json_lines) {
  const TemporaryFolder folder;
  const auto sink = open_lines(folder / "made/out.jsonl");
  ASSERT_TRUE(sink->write(frame(1)).ok());
  EXPECT_THAT(sequences(folder / "made/out.jsonl"), ElementsAre(1));
  EXPECT_THAT(read_text(folder / "made/out.jsonl"), HasSubstr(R"("label":"person")"));
  ASSERT_TRUE(sink->write(frame(2)).ok());
  EXPECT_THAT(sequences(folder / "made/out.jsonl"), ElementsAre(1, 2));
}

TEST(RotatingJsonLines, full_files_move_on_and_the_oldest_goes) {
  const TemporaryFolder folder;
  RotationOptions options;
  options.max_bytes = 4096;
  options.keep = 2;
  const auto sink = open_lines(folder / "o", options);
  for (std::uint64_t i = 0; i < 100; ++i) ASSERT_TRUE(sink->write(frame(i)).ok());
  EXPECT_THAT(folder.entries(), ElementsAre("o", "o.1", "o.2"));
  std::vector<int> all;
  for (const char* name : {"o.2", "o.1", "o"}) {
    EXPECT_LE(std::filesystem::file_size(folder / name), 4096U);
    const auto some = sequences(folder / name);
    all.insert(all.end(), some.begin(), some.end());
  }
  ASSERT_GT(all.size(), 20U);
  ASSERT_LT(all.size(), 100U);
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i], static_cast<int>(100 - all.size() + i));
  }
}

TEST(RotatingJsonLines, without_old_files_the_file_begins_anew) {
  const TemporaryFolder folder;
  RotationOptions options;
  options.max_bytes = 4096;
  options.keep = 0;
  const auto sink = open_lines(folder / "o", options);
  for (std::uint64_t i = 0; i < 50; ++i) ASSERT_TRUE(sink->write(frame(i)).ok());
  EXPECT_THAT(folder.entries(), ElementsAre("o"));
  EXPECT_EQ(sequences(folder / "o").back(), 49);
}

TEST(RotatingJsonLines, goes_on_with_a_file_and_takes_a_half_written_line_away) {
  const TemporaryFolder folder;
  { ASSERT_TRUE(open_lines(folder / "o")->write(frame(1)).ok()); }
  const std::string whole = read_text(folder / "o");
  for (const std::size_t length : {std::size_t{1}, whole.size() - 1, std::size_t{9000}}) {
    write_text(folder / "o", whole + std::string(length, 'x'));
    ASSERT_TRUE(open_lines(folder / "o")->write(frame(2)).ok());
    EXPECT_THAT(sequences(folder / "o"), ElementsAre(1, 2));
    write_text(folder / "o", std::string(length, 'x'));
    ASSERT_TRUE(open_lines(folder / "o")->write(frame(3)).ok());
    EXPECT_THAT(sequences(folder / "o"), ElementsAre(3));
  }
}

TEST(RotatingJsonLines, a_full_disk_leaves_no_part_of_a_line_and_does_not_end_it) {
  const TemporaryFolder folder;
  const auto sink = open_lines(folder / "o");
  ASSERT_TRUE(sink->write(frame(1)).ok());
  {
    const FileSizeLimit full(std::filesystem::file_size(folder / "o") + 10);
    const Status written = sink->write(frame(2));
    ASSERT_FALSE(written.ok());
    EXPECT_EQ(written.error().code, ErrorCode::kIo);
    EXPECT_THAT(written.error().message, HasSubstr(folder / "o"));
  }
  EXPECT_THAT(sequences(folder / "o"), ElementsAre(1));
  ASSERT_TRUE(sink->write(frame(3)).ok());
  EXPECT_THAT(sequences(folder / "o"), ElementsAre(1, 3));
}

TEST(RotatingJsonLines, what_cannot_be_rotated_is_refused_before_anything_runs) {
  const TemporaryFolder folder;
  RotationOptions options;
  const auto code = [&](const std::string& path) {
    return create_rotating_json_lines(path, {}, options).error().code;
  };
  EXPECT_EQ(code("/dev/null"), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(folder.path().string()), ErrorCode::kIo);
  options.max_bytes = 100;
  EXPECT_EQ(code(folder / "o"), ErrorCode::kInvalidArgument);
  options = {};
  options.keep = -1;
  EXPECT_EQ(code(folder / "o"), ErrorCode::kInvalidArgument);
  EXPECT_THAT(folder.entries(), testing::IsEmpty());
}

}  // namespace
}  // namespace osprey::sinks
