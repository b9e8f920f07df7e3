// SPDX-License-Identifier: Apache-2.0
#include "live/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstdlib>

namespace osprey::live {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr auto kWhole = R"(# The door.
data: kept
detect:
  model: yolov8n.onnx   # found beside this file
  conf: 0.4
streams:
  - name: door
    source: rtsp://user:secret@10.0.0.7/stream
    transport: udp
    zones:
      - name: yard
        points: [[0.1, 0.2], [0.9, 0.2], [0.5, 1]]
        classes: [person]
    # who comes and goes
    lines:
    - name: gate
      points: [[0, 0.5], [1, 0.5]]
    record:
      pre_roll: 3
      zones: yard
  - name: clip
    source: clip.mp4
    loop: true
sinks:
  mqtt: {host: localhost, port: 1884}
  http:
    - url: http://127.0.0.1:9/events
    - url: http://127.0.0.1:9/more
server:
  address: 127.0.0.1:0
)";

constexpr auto kSmall = "detect: {model: m.onnx}\nstreams:\n  - name: a\n    source: b.mp4\n";

std::string problem_of(const std::string& text) {
  const auto config = parse_config("/etc/osprey.yaml", text);
  return config ? "none" : config.error().message;
}

/// kSmall with more lines for its stream.
std::string with(const std::string& lines) {
  return std::string(kSmall) + lines;
}

TEST(Config, ReadsAllItsSections) {
  const auto config = parse_config("/etc/osprey/osprey.yaml", kWhole);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->data, "/etc/osprey/kept");
  EXPECT_EQ(config->detect.model, "/etc/osprey/yolov8n.onnx");
  EXPECT_FLOAT_EQ(config->detect.conf, 0.4f);
  ASSERT_EQ(config->streams.size(), 2u);
  const auto& door = config->streams[0];
  EXPECT_EQ(door.source, "rtsp://user:secret@10.0.0.7/stream");
  EXPECT_EQ(door.transport, "udp");
  ASSERT_EQ(door.zones.size(), 1u);
  EXPECT_EQ(door.zones[0].points.size(), 3u);
  EXPECT_THAT(door.zones[0].classes, ElementsAre("person"));
  ASSERT_EQ(door.lines.size(), 1u);
  ASSERT_TRUE(door.record);
  EXPECT_EQ(door.record->pre_roll, 3);
  EXPECT_THAT(door.record->zones, ElementsAre("yard"));
  EXPECT_EQ(config->streams[1].source, "/etc/osprey/clip.mp4");
  EXPECT_TRUE(config->streams[1].loop);
  ASSERT_TRUE(config->sinks.mqtt);
  EXPECT_EQ(config->sinks.mqtt->port, 1884);
  ASSERT_EQ(config->sinks.http.size(), 2u);
}

std::string sinks(const std::string& http) {
  return with("sinks:\n  http:\n" + http);
}

TEST(Config, NamesSinksByTheirAddresses) {
  const std::string one = "    - url: http://me:word@example.org/events?token=a\n";
  const std::string other = "    - url: http://example.org/other\n";
  const auto both = parse_config("/etc/osprey.yaml", sinks(other + one));
  ASSERT_TRUE(both) << both.error().message;
  const auto& name = both->sinks.http[1].name;
  EXPECT_THAT(name, testing::MatchesRegex("http-example\\.org-[0-9a-f]{4}"));
  EXPECT_NE(name, both->sinks.http[0].name);
  // Another place in the list, another password and token.
  const auto alone = parse_config("/etc/osprey.yaml",
                                  sinks("    - url: http://me:w2@example.org/events?token=b\n"));
  ASSERT_TRUE(alone);
  EXPECT_EQ(alone->sinks.http[0].name, name);
}

TEST(Config, RefusesTwoSinksOfAName) {
  const std::string a = "    - {url: 'http://h/1', name: a}\n";
  const std::string same = "    - url: http://h/2\n";
  EXPECT_EQ(problem_of(sinks(a + a)),
            "/etc/osprey.yaml: sinks.http[1].name: 'a' is another sink's; expected one of its own");
  EXPECT_THAT(problem_of(sinks(same + same)), HasSubstr("sinks.http[1].name: 'http-h-"));
  EXPECT_THAT(problem_of(sinks("    - {url: 'http://h/1', name: mqtt}\n")),
              HasSubstr("sinks.http[0].name: 'mqtt' is another sink's"));
}

TEST(Config, RefusesAnOutboxThatWouldNotOpen) {
  EXPECT_EQ(problem_of(with("storage:\n  outbox_megabytes: 3.9\n")),
            "/etc/osprey.yaml:6: storage.outbox_megabytes: expected a number from 4 to 1000000");
  EXPECT_EQ(problem_of(with("storage:\n  outbox_megabytes: 4\n")), "none");
}

TEST(Config, ErrorsNameFileLineAndKey) {
  EXPECT_EQ(problem_of("detect: {model: m.onnx}\nstreams:\n  - name: a\n    sorce: b\n"),
            "/etc/osprey.yaml:4: streams[0].sorce: unknown key; did you mean source?");
  EXPECT_EQ(problem_of("detect: {model: m.onnx}\nstreams:\n  - name: a\n"),
            "/etc/osprey.yaml:3: streams[0]: expected a key 'source'");
  EXPECT_EQ(problem_of("streams: []\n"), "/etc/osprey.yaml:1: expected a key 'detect'");
  EXPECT_EQ(problem_of(with("    transport: tpc\n")),
            "/etc/osprey.yaml:5: streams[0].transport: expected tcp or udp");
  EXPECT_EQ(problem_of(with("    max_age: soon\n")),
            "/etc/osprey.yaml:5: streams[0].max_age: expected a number from 0.05 to 60");
  EXPECT_EQ(problem_of(with("    loop: 3\n")),
            "/etc/osprey.yaml:5: streams[0].loop: expected true or false");
  EXPECT_EQ(problem_of(with("    loop:\n")),
            "/etc/osprey.yaml:5: streams[0].loop: expected a value");
  EXPECT_EQ(problem_of(with("    loop: true\n    loop: true\n")),
            "/etc/osprey.yaml:6: streams[0].loop: is there twice");
  EXPECT_EQ(problem_of(with("    zones:\n      - {name: z, points: [[0, 0], [1, 1]]}\n")),
            "/etc/osprey.yaml:6: streams[0].zones[0].points: expected 3 to 64 points");
  EXPECT_EQ(problem_of(with("    zones:\n      - {name: z, points: [[0, 0], [1, 1], [0, 1.5]]}\n")),
            "/etc/osprey.yaml:6: streams[0].zones[0].points[2][1]: expected a number from 0 to 1");
  EXPECT_EQ(problem_of("detect:\n  conff: 1\nstreams: []\n"),
            "/etc/osprey.yaml:2: unknown key 'conff'; did you mean conf?");
  EXPECT_THAT(problem_of("detect:\n  model: m.onnx\n  json: a\nstreams: []\n"),
              HasSubstr("/etc/osprey.yaml:3: detect.json: results go where `sinks:` says"));
  EXPECT_THAT(problem_of("detect: ["), HasSubstr("/etc/osprey.yaml:1: "));
}

TEST(Config, RefusesWhatNoSingleKeyShows) {
  EXPECT_THAT(problem_of(with("  - name: a\n    source: c.mp4\n")),
              HasSubstr("stream 'a' is there twice"));
  EXPECT_THAT(problem_of("detect: {model: m.onnx}\nstreams: [{name: a/b, source: c}]\n"),
              HasSubstr("stream 'a/b': expected a name of letters, digits, - and _"));
  EXPECT_THAT(problem_of("detect: {conf: 0.5}\nstreams: [{name: a, source: c}]\n"),
              HasSubstr("detect: no model given"));
  EXPECT_THAT(problem_of(with("server: {certificate_file: a.pem}\n")),
              HasSubstr("server: expected both certificate_file and key_file, or none"));
  EXPECT_THAT(problem_of(with("    record: {zones: [x]}\n")), HasSubstr("no zone 'x'"));
  EXPECT_THAT(problem_of(with("    lines: [{name: l, points: [[0, 0], [0, 0]]}]\n")),
              HasSubstr("expected a line between two points"));
}

TEST(Config, TakesSecretsFromTheEnvironment) {
  setenv("OSPREY_TEST_PASSWORD", "hush", 1);
  const std::string text =
      "detect: {model: m.onnx}\nstreams: [{name: a, source: "
      "'rtsp://me:${OSPREY_TEST_PASSWORD}@c/1'}]\n";
  const auto config = parse_config("osprey.yaml", text);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->streams[0].source, "rtsp://me:hush@c/1");
  unsetenv("OSPREY_TEST_PASSWORD");
  EXPECT_THAT(problem_of(text), HasSubstr("the environment has no variable OSPREY_TEST_PASSWORD"));
}

TEST(Config, IsShownWithoutSecrets) {
  const auto shown = without_secrets(kWhole);
  EXPECT_THAT(shown, HasSubstr("source: rtsp://10.0.0.7/stream\n"));
  EXPECT_THAT(shown, Not(HasSubstr("secret")));
  EXPECT_THAT(shown, HasSubstr("# who comes and goes"));
}

TEST(Config, IsShownWithoutSecretsHoweverTheyAreWritten) {
  const auto shown = [](const std::string& line) { return without_secrets("a:\n" + line + "\n"); };
  EXPECT_EQ(shown("  source: rtsp://u:p@ss@host/a  # me@home"),
            "a:\n  source: rtsp://host/a  # me@home\n");
  EXPECT_EQ(shown("  source: rtsp://u:p ss, too}@host/a"), "a:\n  source: rtsp://host/a\n");
  EXPECT_EQ(shown("  - 'rtsp://u:p''s#s@host/a' # b"), "a:\n  - 'rtsp://host/a' # b\n");
  EXPECT_EQ(shown(R"(  - "rtsp://u:p\"ss@host/a")"), "a:\n  - \"rtsp://host/a\"\n");
  EXPECT_EQ(shown("  # source: rtsp://u:p@host"), "a:\n  # source: rtsp://host\n");
  EXPECT_EQ(shown("  url: http://host/a?pwd=x&size=3&token=y"),
            "a:\n  url: http://host/a?pwd=***&size=3&token=***\n");
  EXPECT_EQ(shown("  http: [{url: http://u:p@h/?token=x}, {url: \"http://v:q@i\", timeout: 3}]"),
            "a:\n  http: [{url: http://h/?token=***}, {url: \"http://i\", timeout: 3}]\n");
  EXPECT_EQ(without_secrets("http://u:p@h"), "http://h");
  EXPECT_EQ(without_secrets("://"), "://");
}

TEST(Config, HasASchemaThatKnowsEachKey) {
  const auto schema = nlohmann::json::parse(config_schema());
  EXPECT_EQ(schema["additionalProperties"], false);
  const auto& stream = schema["properties"]["streams"]["items"];
  EXPECT_EQ(stream["properties"]["transport"]["enum"], (nlohmann::json{"tcp", "udp"}));
  EXPECT_EQ(stream["required"], (nlohmann::json{"name", "source"}));
  EXPECT_EQ(stream["properties"]["zones"]["items"]["properties"]["points"]["minItems"], 3);
}

TEST(ConfigShapes, AreSavedAndAllElseStays) {
  const auto config = parse_config("/etc/osprey.yaml", kWhole);
  ASSERT_TRUE(config);
  const std::vector<ShapeConfig> zones = {{"yard", {{0, 0}, {0.5, 0}, {0.25, 0.12345}}, {"dog"}}};
  const auto text = with_shapes(*config, "door", zones, {});
  ASSERT_TRUE(text) << text.error().message;
  const auto again = parse_config("/etc/osprey.yaml", *text);
  ASSERT_TRUE(again);
  ASSERT_EQ(again->streams[0].zones.size(), 1u);
  EXPECT_EQ(again->streams[0].zones[0].name, "yard");
  EXPECT_NEAR(again->streams[0].zones[0].points[2][1], 0.12345, 5e-5);
  EXPECT_TRUE(again->streams[0].lines.empty());
  EXPECT_THAT(*text, HasSubstr("# who comes and goes"));
  EXPECT_THAT(*text, HasSubstr("yolov8n.onnx   # found beside this file"));
  EXPECT_THAT(*text, Not(HasSubstr("gate")));
}

TEST(ConfigShapes, AreSavedForAStreamThatHadNone) {
  const auto config = parse_config("/etc/osprey.yaml", kWhole);
  ASSERT_TRUE(config);
  const std::vector<ShapeConfig> lines = {{"way", {{0, 0}, {1, 1}}, {}}};
  const auto text = with_shapes(*config, "clip", {}, lines);
  ASSERT_TRUE(text) << text.error().message;
  const auto again = parse_config("/etc/osprey.yaml", *text);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->streams[1].lines, lines);
  EXPECT_EQ(again->streams[0], config->streams[0]);
}

TEST(ConfigShapes, AreNotSavedIfSomethingNeedsTheOldOnes) {
  const auto config = parse_config("/etc/osprey.yaml", kWhole);
  ASSERT_TRUE(config);
  const auto text = with_shapes(*config, "door", {}, {});
  ASSERT_FALSE(text);
  EXPECT_THAT(text.error().message, HasSubstr("record.zones: no zone 'yard'"));
}

TEST(ConfigShapes, TellNothingOfTheEnvironment) {
  setenv("OSPREY_TEST_PASSWORD", "hush", 1);
  const auto config = parse_config("/etc/osprey.yaml", kWhole);
  ASSERT_TRUE(config);
  const auto problem = [&](const std::string& name, const std::string& label) {
    const ShapeConfig zone{"yard", {{0, 0}, {1, 0}, {1, 1}}, {}};
    const auto text = with_shapes(*config, "door", {zone}, {{name, {{0, 0}, {1, 1}}, {label}}});
    return text ? "none" : text.error().message;
  };
  EXPECT_EQ(problem("gate", "person"), "none");
  EXPECT_EQ(
      problem("${OSPREY_TEST_PASSWORD}", "person"),
      "/etc/osprey.yaml: '${OSPREY_TEST_PASSWORD}': expected a name of letters, digits, - and "
      "_, at most 64");
  EXPECT_EQ(problem("gate", "${OSPREY_TEST_PASSWORD}"),
            "/etc/osprey.yaml: 'gate': expected classes without $");
  unsetenv("OSPREY_TEST_PASSWORD");
}

TEST(ConfigShapes, AreNotSavedWhereTheFileCannotBeKept) {
  const auto config =
      parse_config("/etc/o.yaml", "detect: {model: m.onnx}\nstreams: [{name: a, source: b}]\n");
  ASSERT_TRUE(config);
  const auto text = with_shapes(*config, "a", {}, {{"way", {{0, 0}, {1, 1}}, {}}});
  ASSERT_FALSE(text);
  EXPECT_THAT(text.error().message, HasSubstr("block style"));
  EXPECT_EQ(with_shapes(*config, "b", {}, {}).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace osprey::live
