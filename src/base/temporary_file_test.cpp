// SPDX-License-Identifier: Apache-2.0
#include "base/temporary_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "base/file_testing.hpp"

namespace osprey::base {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(TemporaryFile, gets_its_name_at_commit_whoever_wrote_it) {
  const TemporaryFolder folder;
  auto file = TemporaryFile::create(folder / "v.mp4", "the video");
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_EQ(file->path(), part_path(folder.path(), "v.mp4", 0));
  EXPECT_THAT(folder.entries(), ElementsAre(file->path().filename().string()));
  write_text(file->path(), "frames");
  TemporaryFile moved = *std::move(file);
  ASSERT_TRUE(moved.commit().ok());
  EXPECT_THAT(folder.entries(), ElementsAre("v.mp4"));
  EXPECT_EQ(read_text(folder / "v.mp4"), "frames");
}

TEST(TemporaryFile, goes_away_unless_committed) {
  const TemporaryFolder folder;
  { const auto file = TemporaryFile::create(folder / "v.mp4", "the video"); }
  EXPECT_THAT(folder.entries(), IsEmpty());
}

TEST(TemporaryFile, leaves_alone_what_another_program_of_this_number_left_behind) {
  const TemporaryFolder folder;
  const auto left_behind = part_path(folder.path(), "v.mp4", 0);
  write_text(left_behind, "half a video");
  const auto file = TemporaryFile::create(folder / "v.mp4", "the video");
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_EQ(file->path(), part_path(folder.path(), "v.mp4", 1));
  EXPECT_EQ(read_text(left_behind), "half a video");
}

TEST(TemporaryFile, is_made_where_a_link_leads_to) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "far");
  write_text(folder / "far/v.mp4", "before");
  std::filesystem::create_symlink("far/v.mp4", folder / "link.mp4");
  auto file = TemporaryFile::create(folder / "link.mp4", "the video");
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_EQ(file->path().parent_path(), folder / "far");
  ASSERT_TRUE(file->commit().ok());
  EXPECT_THAT(folder.entries(), ElementsAre("far", "far/v.mp4", "link.mp4"));
  EXPECT_EQ(read_text(folder / "link.mp4"), "");
}

TEST(TemporaryFile, of_a_device_is_the_device) {
  auto file = TemporaryFile::create("/dev/null", "nothing");
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_TRUE(file->is_direct());
  EXPECT_EQ(file->path(), "/dev/null");
  EXPECT_TRUE(file->commit().ok());
  { const TemporaryFile gone = *std::move(file); }
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

TEST(TemporaryFile, makes_no_folder_and_is_called_as_it_was_told) {
  const TemporaryFolder folder;
  const auto file = TemporaryFile::create(folder / "none/v.mp4", "the video");
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(file.error().code, ErrorCode::kIo);
  EXPECT_EQ(file.error().message, "the video: No such file or directory");
  EXPECT_THAT(folder.entries(), IsEmpty());
}

}  // namespace
}  // namespace osprey::base
