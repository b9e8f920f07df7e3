// SPDX-License-Identifier: Apache-2.0
#include "base/run_program.hpp"

#include <gmock/gmock.h>

#include <chrono>

#include "base/file_testing.hpp"
#include "base/scratch_folder.hpp"

namespace osprey::base {
namespace {

using ::testing::HasSubstr;

class RunProgram : public ::testing::Test {
 protected:
  Result<int> shell(const std::string& script, const std::function<bool()>& go_on) {
    return run_program({"sh", "-c", script}, scratch_->path().string(), log(), go_on);
  }
  std::string log() const { return *scratch_ / "log"; }
  Result<ScratchFolder> scratch_ = ScratchFolder::create();
};

TEST_F(RunProgram, gives_the_exit_code_and_keeps_what_was_said) {
  const auto code = shell("echo said; echo wrong >&2; pwd; exit 7", [] { return true; });
  ASSERT_TRUE(code.ok());
  EXPECT_EQ(*code, 7);
  EXPECT_EQ(read_text(log()), "said\nwrong\n" + scratch_->path().string() + "\n");
}

TEST_F(RunProgram, tells_which_signal_ended_it) {
  const auto code = shell("kill -TERM $$", [] { return true; });
  ASSERT_TRUE(code.ok());
  EXPECT_EQ(*code, 128 + 15);
}

TEST_F(RunProgram, ends_the_program_and_its_children_when_told) {
  const auto start = std::chrono::steady_clock::now();
  int asked = 0;
  const auto code = shell("sleep 60 & sleep 60", [&] { return ++asked < 3; });
  ASSERT_FALSE(code.ok());
  EXPECT_EQ(code.error().code, ErrorCode::kCancelled);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

TEST_F(RunProgram, names_a_program_that_is_not_there) {
  const auto code =
      run_program({"no-such-program"}, scratch_->path().string(), log(), [] { return true; });
  ASSERT_FALSE(code.ok());
  EXPECT_THAT(code.error().message, HasSubstr("no-such-program"));
}

}  // namespace
}  // namespace osprey::base
