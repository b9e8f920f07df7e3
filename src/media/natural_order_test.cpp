// SPDX-License-Identifier: Apache-2.0
#include "media/natural_order.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <vector>

namespace osprey::media {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> sorted(std::vector<std::string> names) {
  std::sort(names.begin(), names.end(), natural_less);
  return names;
}

TEST(NaturalOrder, numbers_count_as_numbers) {
  EXPECT_THAT(sorted({"img10.jpg", "img2.jpg", "img1.jpg"}),
              ElementsAre("img1.jpg", "img2.jpg", "img10.jpg"));
}

TEST(NaturalOrder, numbers_too_long_for_any_integer_still_compare) {
  EXPECT_TRUE(natural_less("a99999999999999999999999999998", "a99999999999999999999999999999"));
  EXPECT_TRUE(natural_less("a9", "a10000000000000000000000000000"));
}

TEST(NaturalOrder, leading_zeros_do_not_matter_but_decide_a_tie) {
  EXPECT_THAT(sorted({"f010", "f9", "f10", "f0010"}), ElementsAre("f9", "f0010", "f010", "f10"));
}

TEST(NaturalOrder, a_name_goes_before_the_longer_one_it_begins) {
  EXPECT_TRUE(natural_less("img", "img1"));
  EXPECT_FALSE(natural_less("img1", "img"));
  EXPECT_FALSE(natural_less("img1", "img1"));
}

TEST(NaturalOrder, a_folders_files_stay_together) {
  EXPECT_THAT(sorted({"a-b/1", "a/2", "a/1", "a-b/0"}),
              ElementsAre("a/1", "a/2", "a-b/0", "a-b/1"));
}

TEST(NaturalOrder, bytes_above_127_come_after_ascii) {
  EXPECT_TRUE(natural_less("z", "\xC3\xA4"));
}

}  // namespace
}  // namespace osprey::media
