// SPDX-License-Identifier: Apache-2.0
#include "base/atomic_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>
#include <thread>

#include "base/file_testing.hpp"

namespace osprey::base {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(AtomicFile, appears_under_its_name_at_commit_and_not_before) {
  const TemporaryFolder folder;
  auto file = AtomicFile::create(folder / "out.json");
  ASSERT_TRUE(file.ok()) << file.error().message;
  ASSERT_TRUE(file->write(std::string(200'000, 'x')).ok());
  EXPECT_FALSE(std::filesystem::exists(folder / "out.json"));
  ASSERT_TRUE(file->commit().ok());
  EXPECT_THAT(folder.entries(), ElementsAre("out.json"));
  EXPECT_EQ(read_text(folder / "out.json"), std::string(200'000, 'x'));
}

TEST(AtomicFile, leaves_nothing_behind_when_abandoned_not_even_the_folders_it_made) {
  const TemporaryFolder folder;
  {
    auto file = AtomicFile::create(folder / "a/b/out.json");
    ASSERT_TRUE(file.ok()) << file.error().message;
    ASSERT_TRUE(file->write("half").ok());
    EXPECT_TRUE(std::filesystem::is_directory(folder / "a/b"));
  }
  EXPECT_THAT(folder.entries(), IsEmpty());
}

TEST(AtomicFile, keeps_folders_that_somebody_else_began_to_use) {
  const TemporaryFolder folder;
  {
    auto file = AtomicFile::create(folder / "a/out.json");
    ASSERT_TRUE(file.ok()) << file.error().message;
    write_text(folder / "a/other", "kept");
  }
  EXPECT_THAT(folder.entries(), ElementsAre("a", "a/other"));
}

TEST(AtomicFile, keeps_the_file_that_was_there_until_commit) {
  const TemporaryFolder folder;
  write_text(folder / "out.json", "before");
  {
    auto abandoned = AtomicFile::create(folder / "out.json");
    ASSERT_TRUE(abandoned->write("half").ok());
  }
  EXPECT_EQ(read_text(folder / "out.json"), "before");
  auto file = AtomicFile::create(folder / "out.json");
  ASSERT_TRUE(file->write("after").ok());
  ASSERT_TRUE(file->commit().ok());
  EXPECT_EQ(read_text(folder / "out.json"), "after");
}

TEST(AtomicFile, replaces_what_a_link_leads_to_and_keeps_the_link) {
  const TemporaryFolder folder;
  write_text(folder / "real.json", "before");
  std::filesystem::create_symlink(folder / "real.json", folder / "link.json");
  auto file = AtomicFile::create(folder / "link.json");
  ASSERT_TRUE(file->write("after").ok());
  ASSERT_TRUE(file->commit().ok());
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link.json"));
  EXPECT_EQ(read_text(folder / "real.json"), "after");
}

TEST(AtomicFile, two_writers_of_one_name_do_not_disturb_each_other) {
  const TemporaryFolder folder;
  auto first = AtomicFile::create(folder / "out.json");
  auto second = AtomicFile::create(folder / "out.json");
  ASSERT_TRUE(first.ok() && second.ok());
  ASSERT_TRUE(first->write("first").ok());
  ASSERT_TRUE(second->write("second").ok());
  ASSERT_TRUE(first->commit().ok());
  ASSERT_TRUE(second->commit().ok());
  EXPECT_EQ(read_text(folder / "out.json"), "second");
}

TEST(AtomicFile, takes_the_longest_name_a_file_may_have) {
  const TemporaryFolder folder;
  const std::string name(255, 'n');
  auto file = AtomicFile::create(folder / name);
  ASSERT_TRUE(file.ok()) << file.error().message;
  ASSERT_TRUE(file->commit().ok());
  EXPECT_THAT(folder.entries(), ElementsAre(name));
}

TEST(AtomicFile, says_which_file_could_not_be_written_when_the_disk_has_no_room) {
  const TemporaryFolder folder;
  {
    auto file = AtomicFile::create(folder / "out.json");
    ASSERT_TRUE(file.ok()) << file.error().message;
    const FileSizeLimit limit(100'000);
    const Status status = file->write(std::string(200'000, 'x'));
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code, ErrorCode::kIo);
    EXPECT_EQ(status.error().message, folder / "out.json: File too large");
  }
  EXPECT_THAT(folder.entries(), IsEmpty());
}

TEST(AtomicFile, reports_at_commit_what_was_still_in_the_buffer_and_found_no_room) {
  const TemporaryFolder folder;
  {
    auto file = AtomicFile::create(folder / "out.json");
    ASSERT_TRUE(file->write("fits the buffer, not the disk").ok());
    const FileSizeLimit limit(10);
    const Status status = file->commit();
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().message, folder / "out.json: File too large");
  }
  EXPECT_THAT(folder.entries(), IsEmpty());
}

TEST(AtomicFile, writes_to_a_device_directly) {
  auto file = AtomicFile::create("/dev/full");
  ASSERT_TRUE(file.ok()) << file.error().message;
  const Status status = file->write("x");
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kIo);
  EXPECT_EQ(status.error().message, "/dev/full: No space left on device");
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/full"));
}

TEST(AtomicFile, writes_to_a_pipe_at_once) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  std::string line;
  std::thread reader([&] {
    std::ifstream pipe(folder / "pipe");
    std::getline(pipe, line);
  });
  auto file = AtomicFile::create(folder / "pipe");
  ASSERT_TRUE(file.ok()) << file.error().message;
  ASSERT_TRUE(file->write("a line\n").ok());
  reader.join();  // before commit()
  EXPECT_EQ(line, "a line");
}

TEST(AtomicFile, refuses_names_that_are_no_files) {
  const TemporaryFolder folder;
  for (const std::string& path : {std::string(), folder.path().string(), folder / ""}) {
    const auto file = AtomicFile::create(path);
    ASSERT_FALSE(file.ok()) << path;
    EXPECT_EQ(file.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(file.error().message, HasSubstr("\"" + path + "\""));
  }
}

TEST(AtomicFile, names_the_folder_that_cannot_be_made) {
  const TemporaryFolder folder;
  write_text(folder / "file", "");
  const auto file = AtomicFile::create(folder / "file/deeper/out.json");
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(file.error().code, ErrorCode::kIo);
  EXPECT_EQ(file.error().message, folder / "file: cannot make the folder: File exists");
}

TEST(AtomicFile, names_the_file_whose_folder_cannot_be_written_to) {
  const auto file = AtomicFile::create("/proc/self/out.json");
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(file.error().code, ErrorCode::kIo);
  EXPECT_THAT(file.error().message, HasSubstr("/proc/self/out.json: "));
}

}  // namespace
}  // namespace osprey::base
