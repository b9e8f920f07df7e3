// SPDX-License-Identifier: Apache-2.0
#include "sinks/json_text.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

namespace osprey::sinks {
namespace {

using Json = nlohmann::json;

std::string as_json(const std::string& text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

std::string as_json(float value) {
  std::string out;
  append_json_number(out, value);
  return out;
}

TEST(JsonString, every_byte_below_128_reads_back_as_itself) {
  std::string all;
  for (char c = 0; c < 127; ++c) all += c;
  EXPECT_EQ(Json::parse(as_json(all)).get<std::string>(), all);
}

TEST(JsonString, keeps_valid_utf8_and_replaces_each_part_that_is_not) {
  const std::string r = "\xef\xbf\xbd";
  const std::pair<std::string, std::string> cases[] = {
      {"Stra\xc3\x9f"
       "e \xe2\x82\xac \xf0\x9f\x9a\x8c",
       "Stra\xc3\x9f"
       "e \xe2\x82\xac \xf0\x9f\x9a\x8c"},
      {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},  // the last character there is
      {"\x80", r},                               // a continuation that continues nothing
      {"a\xff"
       "b",
       "a" + r + "b"},
      {"\xc3", r},  // cut off
      {"\xe2\x82", r},
      {"\xe2\x82"
       "a",
       r + "a"},
      {"\xc0\xaf", r + r},  // an overlong '/'
      {"\xe0\x80\xaf", r + r + r},
      {"\xed\xa0\x80", r + r + r},          // a surrogate
      {"\xf4\x90\x80\x80", r + r + r + r},  // above U+10FFFF
      {"\xf0\x9f\x9a"
       "x",
       r + "x"},
  };
  for (const auto& [bytes, expected] : cases) {
    EXPECT_EQ(Json::parse(as_json(bytes)).get<std::string>(), expected) << Json(expected).dump();
  }
}

TEST(JsonString, any_bytes_become_valid_json) {
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(random() % 12, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    ASSERT_TRUE(Json::accept(as_json(bytes))) << "round " << round;
    const std::string reference = Json(bytes).dump(-1, ' ', false, Json::error_handler_t::replace);
    ASSERT_EQ(Json::parse(as_json(bytes)), Json::parse(reference)) << "round " << round;
  }
}

TEST(JsonNumber, any_finite_float_reads_back_as_itself) {
  std::mt19937 random(1);
  for (int round = 0; round < 20000; ++round) {
    const float value = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
    if (!std::isfinite(value)) continue;
    ASSERT_EQ(Json::parse(as_json(value)).get<float>(), value) << as_json(value);
  }
}

TEST(JsonNumber, is_as_short_as_it_can_be) {
  EXPECT_EQ(as_json(0.1F), "0.1");
  EXPECT_EQ(as_json(41.0F), "41");
  EXPECT_EQ(as_json(123.45F), "123.45");
}

TEST(JsonNumber, is_null_where_json_has_no_number) {
  EXPECT_EQ(as_json(std::numeric_limits<float>::infinity()), "null");
  EXPECT_EQ(as_json(std::nanf("")), "null");
}

}  // namespace
}  // namespace osprey::sinks
