// SPDX-License-Identifier: Apache-2.0
#include "sinks/staging_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sinks/sinks_testing.hpp"

namespace osprey::sinks {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(StagingFolder, moves_all_files_at_commit_over_those_of_an_earlier_run) {
  const TemporaryFolder folder;
  write_text(folder / "a", "earlier");
  write_text(folder / "b", "outdated");
  write_text(folder / "c", "not ours");
  auto files = StagingFolder::create(folder.path());
  ASSERT_TRUE(files.ok()) << files.error().message;
  ASSERT_TRUE(files->write("a", "new").ok());
  files->remove("b");
  files->remove("never was there");
  EXPECT_EQ(read_text(folder / "a"), "earlier");
  EXPECT_EQ(read_text(folder / "b"), "outdated");
  ASSERT_TRUE(files->commit().ok());
  EXPECT_THAT(folder.entries(), ElementsAre("a", "c"));
  EXPECT_EQ(read_text(folder / "a"), "new");
}

TEST(StagingFolder, leaves_nothing_behind_when_abandoned) {
  const TemporaryFolder folder;
  {
    auto files = StagingFolder::create(folder / "x/y");
    ASSERT_TRUE(files.ok()) << files.error().message;
    ASSERT_TRUE(files->write("a", "new").ok());
  }
  EXPECT_THAT(folder.entries(), IsEmpty());
}

TEST(StagingFolder, names_the_final_file_when_there_is_no_room) {
  const TemporaryFolder folder;
  auto files = StagingFolder::create(folder.path());
  const FileSizeLimit limit(10);
  const Status status = files->write("a.txt", "more than ten bytes");
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message, folder / "a.txt: File too large");
}

TEST(StagingFolder, finds_out_at_once_that_a_folder_cannot_be_written_to) {
  const auto files = StagingFolder::create("/proc/self");
  ASSERT_FALSE(files.ok());
  EXPECT_EQ(files.error().code, ErrorCode::kIo);
  EXPECT_THAT(files.error().message, HasSubstr("/proc/self: cannot write there: "));
}

}  // namespace
}  // namespace osprey::sinks
