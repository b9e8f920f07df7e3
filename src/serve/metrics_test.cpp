// SPDX-License-Identifier: Apache-2.0
#include "serve/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>

#include "serve/assets.hpp"
#include "serve/serve_testing.hpp"
#include "serve/site.hpp"

namespace osprey::serve {
namespace {

struct Exposition {
  std::map<std::string, std::string> types, helps;
  std::map<std::string, double> samples;  // with labels, as written
  std::vector<std::string> problems;
};

// By the rules of the text format 0.0.4, and no more lenient.
Exposition parsed(const std::string& text) {
  static const std::regex kSample(
      R"(^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*\})? (\S+)$)");
  static const std::regex kMeta(R"(^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$)");
  Exposition found;
  std::istringstream lines(text);
  std::string family;
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (std::regex_match(line, match, kMeta)) {
      auto& kept = match[1] == "HELP" ? found.helps : found.types;
      if (!kept.emplace(match[2], match[3]).second) found.problems.push_back("twice: " + line);
      family = match[2];
    } else if (std::regex_match(line, match, kSample)) {
      const std::string name = match[1];
      const bool histogram = found.types[family] == "histogram";
      const bool of_family =
          name == family || (histogram && (name == family + "_bucket" || name == family + "_sum" ||
                                           name == family + "_count"));
      if (!of_family) found.problems.push_back("outside its family: " + line);
      if (found.types[family] == "counter" && !name.ends_with("_total"))
        found.problems.push_back("no _total: " + line);
      const std::string value = match[3];
      char* end = nullptr;
      const double number = std::strtod(value.c_str(), &end);
      if (*end != '\0') found.problems.push_back("no number: " + line);
      if (!found.samples.emplace(name + match[2].str(), number).second)
        found.problems.push_back("twice: " + line);
    } else {
      found.problems.push_back("malformed: " + line);
    }
  }
  if (!text.ends_with('\n')) found.problems.emplace_back("no line feed at the end");
  return found;
}

TEST(Metrics, AreWrittenAsPrometheusReadsThem) {
  const auto metrics = parsed(metrics_text(sample_status()));
  EXPECT_THAT(metrics.problems, testing::IsEmpty());
  const auto& samples = metrics.samples;
  const auto value = [&](const std::string& name) {
    const auto sample = samples.find(name);
    return sample == samples.end() ? -1 : sample->second;
  };
  EXPECT_EQ(value("osprey_build_info{version=\"1.2.3\"}"), 1);
  EXPECT_EQ(value("osprey_frames_captured_total{stream=\"door\"}"), 1270);
  EXPECT_EQ(value("osprey_frames_dropped_total{stream=\"door\",reason=\"too_old\"}"), 2);
  EXPECT_EQ(value("osprey_frames_captured_total{stream=\"yard \\\"north\\\"\"}"), 1270);
  EXPECT_EQ(value("osprey_stream_up{stream=\"yard \\\"north\\\"\"}"), 0);
  EXPECT_EQ(value("osprey_lane_busy_seconds_total{lane=\"npu 0\"}"), 400.5);
  EXPECT_EQ(value("osprey_sink_waiting{sink=\"http\"}"), 20);
  EXPECT_EQ(value("osprey_line_crossings_total{stream=\"door\",line=\"gate\",label=\"person\","
                  "direction=\"out\"}"),
            18);
  for (const auto& [name, type] : metrics.types) EXPECT_TRUE(metrics.helps.contains(name)) << name;
}

TEST(Metrics, HistogramsAddUp) {
  const auto samples = parsed(metrics_text(sample_status())).samples;
  EXPECT_EQ(samples.at("osprey_frame_age_seconds_bucket{stream=\"door\",le=\"0.02\"}"), 40);
  EXPECT_EQ(samples.at("osprey_frame_age_seconds_bucket{stream=\"door\",le=\"0.05\"}"), 940);
  EXPECT_EQ(samples.at("osprey_frame_age_seconds_bucket{stream=\"door\",le=\"+Inf\"}"), 1264);
  EXPECT_EQ(samples.at("osprey_frame_age_seconds_count{stream=\"door\"}"), 1264);
  EXPECT_EQ(samples.at("osprey_frame_age_seconds_sum{stream=\"door\"}"), 80.5);
  EXPECT_EQ(samples.at("osprey_inference_seconds_count"), 1255);
}

TEST(Metrics, OfAServiceThatHasNothingYetAreSound) {
  EXPECT_THAT(parsed(metrics_text({})).problems, testing::IsEmpty());
}

TEST(Metrics, GrafanaAsksForNoneThatIsNotThere) {
  const auto metrics = parsed(metrics_text(sample_status()));
  std::ifstream file(OSPREY_GRAFANA);
  const auto dashboard = nlohmann::json::parse(file);
  std::set<std::string> unknown, asked;
  static const std::regex kName("osprey_[a-z_]+");
  for (const auto& panel : dashboard["panels"]) {
    for (const auto& target : panel.value("targets", nlohmann::json::array())) {
      const std::string expression = target["expr"];
      for (std::sregex_iterator name(expression.begin(), expression.end(), kName), end; name != end;
           ++name) {
        std::string family = name->str();
        for (const char* part : {"_bucket", "_sum", "_count"}) {
          if (family.ends_with(part)) family.resize(family.size() - std::string_view(part).size());
        }
        asked.insert(family);
        if (!metrics.types.contains(family)) unknown.insert(family);
      }
    }
  }
  EXPECT_THAT(unknown, testing::IsEmpty());
  EXPECT_GE(asked.size(), 15U);
}

TEST(OpenApi, DescribesWhatIsServedAndNothingElse) {
  const auto description = nlohmann::json::parse(find_asset("openapi.json")->text);
  std::set<std::string> described;
  for (const auto& [path, methods] : description["paths"].items()) {
    for (const auto& [method, operation] : methods.items()) {
      std::string upper = method;
      for (char& c : upper) c = static_cast<char>(std::toupper(c));
      described.insert(upper + " " + path);
    }
  }
  const auto served = Site::routes();
  EXPECT_EQ(described, std::set<std::string>(served.begin(), served.end()));
}

}  // namespace
}  // namespace osprey::serve
