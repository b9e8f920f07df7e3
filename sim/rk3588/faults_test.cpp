// SPDX-License-Identifier: Apache-2.0
#include "sim/rk3588/faults.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

namespace osprey::sim {
namespace {

using testing::HasSubstr;

std::string refusal_of(const std::string& text) {
  try {
    parse_faults(text);
  } catch (const std::runtime_error& e) {
    return e.what();
  }
  return {};
}

/// The events, of the first 20, at which `text` strikes a run asked for core 1.
std::vector<int> runs_struck(const std::string& text) {
  setenv("OSPREY_SIM_FAULTS", text.c_str(), 1);
  Faults faults;
  std::vector<int> struck;
  for (int i = 1; i <= 20; ++i) {
    if (!faults.at_run(2).empty()) struck.push_back(i);
  }
  return struck;
}

TEST(Faults, are_read_as_written) {
  const auto faults =
      parse_faults("timeout every=100 ms=500; hang core=1 from=3 # why\n\nwrong item=2");
  ASSERT_EQ(faults.size(), 3u);
  EXPECT_EQ(faults[0].kind, FaultKind::kTimeout);
  EXPECT_EQ(faults[0].every, 100u);
  EXPECT_EQ(faults[0].ms, std::chrono::milliseconds(500));
  EXPECT_EQ(faults[1].kind, FaultKind::kHang);
  EXPECT_EQ(faults[1].core, 1);
  EXPECT_EQ(faults[1].from, 3u);
  EXPECT_EQ(faults[2].item, 2);
}

TEST(Faults, that_make_no_sense_are_named) {
  EXPECT_THAT(refusal_of("explode"), HasSubstr("'explode' is not known; expected fail, hang"));
  EXPECT_THAT(refusal_of("fail every=0"), HasSubstr("'every=0' is not valid"));
  EXPECT_THAT(refusal_of("fail every"), HasSubstr("needs a whole number"));
  EXPECT_THAT(refusal_of("fail every=-1"), HasSubstr("needs a whole number"));
  EXPECT_THAT(refusal_of("hang"), HasSubstr("hang needs core"));
  EXPECT_EQ(refusal_of("  ;\n# nothing\n"), "");
}

TEST(Faults, strike_at_the_events_they_name) {
  EXPECT_EQ(runs_struck("fail every=7"), (std::vector{7, 14}));
  EXPECT_EQ(runs_struck("timeout from=3 to=5"), (std::vector{3, 4, 5}));
  EXPECT_EQ(runs_struck("fail core=0"), std::vector<int>());
  EXPECT_EQ(runs_struck("fail core=1 from=20"), std::vector{20});
  EXPECT_EQ(runs_struck("memory; init"), std::vector<int>());
  EXPECT_EQ(runs_struck(""), std::vector<int>());
}

TEST(Faults, of_a_file_change_with_it) {
  const std::string path = testing::TempDir() + "osprey_faults_" + std::to_string(getpid());
  setenv("OSPREY_SIM_FAULTS", ("@" + path).c_str(), 1);
  Faults faults;
  EXPECT_TRUE(faults.at_run(1).empty());
  std::ofstream(path) << "fail";
  EXPECT_EQ(faults.at_run(1).size(), 1u);
  std::filesystem::remove(path);
  EXPECT_TRUE(faults.at_run(1).empty());
  unsetenv("OSPREY_SIM_FAULTS");
}

}  // namespace
}  // namespace osprey::sim
