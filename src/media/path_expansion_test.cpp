// SPDX-License-Identifier: Apache-2.0
#include "media/path_expansion.hpp"

#include <gmock/gmock.h>

#include <filesystem>

#include "media/test_pictures.hpp"

namespace osprey::media {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing_support::TemporaryFolder;
using testing_support::write_text;

class PathExpansion : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(folder_ / "sub/deep");
    std::filesystem::create_directories(folder_ / ".secret");
    for (const char* name : {"b2.jpg", "b10.jpg", "a.png", ".hidden.jpg", "sub/c.jpg",
                             "sub/deep/d.jpg", ".secret/e.jpg"}) {
      write_text(folder_ / name, "x");
    }
  }

  std::vector<std::string> glob(const std::string& pattern) {
    std::vector<std::string> found = expand_glob(folder_ / pattern);
    for (std::string& path : found) path.erase(0, folder_.path().string().size() + 1);
    return found;
  }

  TemporaryFolder folder_;
};

TEST_F(PathExpansion, a_folder_gives_its_own_visible_files_in_natural_order) {
  const auto files = list_folder(folder_.path());
  ASSERT_TRUE(files.ok());
  EXPECT_THAT(*files, ElementsAre(folder_ / "a.png", folder_ / "b2.jpg", folder_ / "b10.jpg"));
}

TEST_F(PathExpansion, a_folder_that_is_not_there_is_an_error_that_names_it) {
  const auto files = list_folder(folder_ / "none");
  ASSERT_FALSE(files.ok());
  EXPECT_THAT(files.error().message, ::testing::HasSubstr("none"));
}

TEST_F(PathExpansion, a_star_matches_within_one_folder) {
  EXPECT_THAT(glob("*.jpg"), ElementsAre("b2.jpg", "b10.jpg"));
  EXPECT_THAT(glob("*/*.jpg"), ElementsAre("sub/c.jpg"));
}

TEST_F(PathExpansion, question_marks_and_brackets_match_one_character) {
  EXPECT_THAT(glob("b?.jpg"), ElementsAre("b2.jpg"));
  EXPECT_THAT(glob("[a-b]*.[jp]*g"), ElementsAre("a.png", "b2.jpg", "b10.jpg"));
}

TEST_F(PathExpansion, two_stars_match_any_number_of_folders) {
  EXPECT_THAT(glob("**/*.jpg"), ElementsAre("b2.jpg", "b10.jpg", "sub/c.jpg", "sub/deep/d.jpg"));
  EXPECT_THAT(glob("**/**/d.jpg"), ElementsAre("sub/deep/d.jpg"));
}

TEST_F(PathExpansion, hidden_files_match_only_what_begins_with_a_dot) {
  EXPECT_THAT(glob(".*.jpg"), ElementsAre(".hidden.jpg"));
}

TEST_F(PathExpansion, two_stars_do_not_follow_links_in_circles) {
  std::filesystem::create_directory_symlink(folder_.path(), folder_ / "sub/loop");
  EXPECT_THAT(glob("**/d.jpg"), ElementsAre("sub/deep/d.jpg"));
}

TEST_F(PathExpansion, nothing_matches_in_a_folder_that_is_not_there) {
  EXPECT_THAT(glob("none/*.jpg"), IsEmpty());
  EXPECT_THAT(glob("b2.jpg/*"), IsEmpty());
}

}  // namespace
}  // namespace osprey::media
