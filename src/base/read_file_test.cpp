// SPDX-License-Identifier: Apache-2.0
#include "base/read_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <thread>

#include "base/file_testing.hpp"

namespace osprey::base {
namespace {

Error error_of(const std::string& path, std::uint64_t most = 10) {
  const auto bytes = read_file(path, "a letter", most);
  if (!bytes.ok()) return bytes.error();
  ADD_FAILURE() << path << " could be read";
  return {};
}

TEST(ReadFile, gives_every_byte) {
  const TemporaryFolder folder;
  for (const std::size_t size : {0U, 1U, 65'536U, 300'001U}) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 7);
    write_text(folder / "f", bytes);
    const auto read = read_file(folder / "f", "a letter");
    ASSERT_TRUE(read.ok()) << read.error().message;
    EXPECT_EQ(*read, bytes);
  }
}

TEST(ReadFile, reads_a_pipe_to_its_end_and_files_that_do_not_know_their_size) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  const std::string sent(300'001, 'x');
  std::thread writing([&] { write_text(folder / "pipe", sent); });
  const auto read = read_file(folder / "pipe", "a letter");
  writing.join();
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(*read, sent);
  const auto status = read_file("/proc/self/status", "a letter");
  ASSERT_TRUE(status.ok()) << status.error().message;
  EXPECT_NE(status->find("Pid:"), std::string::npos);
}

TEST(ReadFile, takes_as_much_as_was_allowed_and_no_more) {
  const TemporaryFolder folder;
  write_text(folder / "f", "0123456789");
  EXPECT_EQ(*read_file(folder / "f", "a letter", 10), "0123456789");
  const std::string expected = ": is too large; expected a letter of at most 9 bytes";
  EXPECT_EQ(error_of(folder / "f", 9).code, ErrorCode::kUnsupported);
  EXPECT_EQ(error_of(folder / "f", 9).message, folder / "f" + expected);
  EXPECT_EQ(error_of("/proc/self/status", 9).message, "/proc/self/status" + expected);
}

TEST(ReadFile, refuses_more_than_two_gibibytes_without_reading_them) {
  const TemporaryFolder folder;
  write_text(folder / "f", "");
  std::filesystem::resize_file(folder / "f", std::uintmax_t{1} << 31);
  const auto read = read_file(folder / "f", "a letter");
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().code, ErrorCode::kUnsupported);
}

TEST(ReadFile, says_what_is_there_instead_of_what_was_expected) {
  const TemporaryFolder folder;
  write_text(folder / "f", "");
  EXPECT_EQ(error_of(folder / "none").code, ErrorCode::kNotFound);
  EXPECT_EQ(error_of(folder / "none").message, folder / "none: no such file; expected a letter");
  EXPECT_EQ(error_of(folder / "f/deeper").code, ErrorCode::kNotFound);
  EXPECT_EQ(error_of("").code, ErrorCode::kNotFound);
  EXPECT_EQ(error_of(folder.path()).code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(error_of(folder.path()).message,
            folder.path().string() + ": is a folder; expected a letter");
  EXPECT_EQ(error_of("/dev/null").code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(error_of("/dev/null").message,
            "/dev/null: is neither a file nor a pipe; expected a letter");
}

TEST(ReadFile, says_why_the_system_refuses) {
  const TemporaryFolder folder;
  std::filesystem::create_symlink("loop", folder / "loop");
  EXPECT_EQ(error_of(folder / "loop").code, ErrorCode::kIo);
  EXPECT_EQ(error_of(folder / "loop").message, folder / "loop: Too many levels of symbolic links");
}

TEST(ReadFile, names_a_file_that_may_not_be_read) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  const TemporaryFolder folder;
  write_text(folder / "secret", "x");
  ASSERT_EQ(::chmod((folder / "secret").c_str(), 0), 0);
  EXPECT_EQ(error_of(folder / "secret").message, folder / "secret: Permission denied");
}

}  // namespace
}  // namespace osprey::base
