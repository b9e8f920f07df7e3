// SPDX-License-Identifier: Apache-2.0
#include "base/file_writer.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>

#include "base/file_testing.hpp"

namespace osprey::base {
namespace {

TEST(FileWriter, keeps_the_order_of_short_and_long_pieces) {
  const TemporaryFolder folder;
  auto writer = FileWriter::open(folder / "f", O_WRONLY | O_CREAT, "f");
  ASSERT_TRUE(writer.ok()) << writer.error().message;
  std::string all;
  for (const std::size_t size : {3U, 100'000U, 5U, 0U, 65'535U, 1U, 65'536U, 40'000U, 40'000U}) {
    const std::string piece(size, static_cast<char>('a' + all.size() % 26));
    ASSERT_TRUE(writer->write(piece).ok());
    all += piece;
  }
  ASSERT_TRUE(writer->close().ok());
  EXPECT_EQ(read_text(folder / "f"), all);
}

TEST(FileWriter, fails_for_good_once_bytes_were_lost) {
  const TemporaryFolder folder;
  auto writer = FileWriter::open(folder / "f", O_WRONLY | O_CREAT, "f");
  ASSERT_TRUE(writer.ok()) << writer.error().message;
  {
    const FileSizeLimit limit(1000);
    EXPECT_FALSE(writer->write(std::string(100'000, 'x')).ok());
  }
  for (const Status& status : {writer->write("y"), writer->flush(), writer->close()}) {
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().message, "f: File too large");
  }
}

TEST(FileWriter, waits_for_a_pipe_that_does_not_block) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  ASSERT_EQ(::fcntl(pipe[1], F_SETFL, O_NONBLOCK), 0);
  const std::string sent(1'000'000, 'x');  // more than a pipe holds
  std::thread writing([&] {
    FileWriter writer(pipe[1], "pipe");
    EXPECT_TRUE(writer.write(sent).ok());
    EXPECT_TRUE(writer.close().ok());
    ::close(pipe[1]);
  });
  std::string received;
  std::array<char, 4096> some{};
  for (ssize_t n = 0; (n = ::read(pipe[0], some.data(), some.size())) > 0;) {
    received.append(some.data(), static_cast<std::size_t>(n));
  }
  writing.join();
  ::close(pipe[0]);
  EXPECT_EQ(received, sent);
}

TEST(FileWriter, says_which_file_cannot_be_opened) {
  const auto writer = FileWriter::open("/nowhere/f", O_WRONLY, "the file");
  ASSERT_FALSE(writer.ok());
  EXPECT_EQ(writer.error().code, ErrorCode::kIo);
  EXPECT_EQ(writer.error().message, "the file: No such file or directory");
}

}  // namespace
}  // namespace osprey::base
