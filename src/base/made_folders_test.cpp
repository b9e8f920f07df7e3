// SPDX-License-Identifier: Apache-2.0
#include "base/made_folders.hpp"

#include <gtest/gtest.h>

#include "base/file_testing.hpp"

namespace osprey::base {
namespace {

TEST(MadeFolders, stay_when_they_are_kept_though_nothing_is_in_them) {
  const TemporaryFolder folder;
  {
    auto made = MadeFolders::make(folder / "a/b");
    ASSERT_TRUE(made.ok());
    made->keep();
  }
  EXPECT_TRUE(std::filesystem::is_directory(folder / "a/b"));
}

TEST(MadeFolders, go_away_empty_else) {
  const TemporaryFolder folder;
  ASSERT_TRUE(MadeFolders::make(folder / "a/b").ok());
  EXPECT_TRUE(folder.entries().empty());
}

}  // namespace
}  // namespace osprey::base
