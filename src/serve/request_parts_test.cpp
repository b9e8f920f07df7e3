// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "serve/access.hpp"
#include "serve/file_answer.hpp"
#include "serve/header_block.hpp"
#include "serve/query.hpp"
#include "serve/rate_limit.hpp"
#include "serve/target.hpp"

namespace osprey::serve {
namespace {

using namespace std::chrono_literals;

TEST(Targets, AreTakenApart) {
  const auto target = parse_target("/a/b%20c/?x=1%2B1&y=a+b&z");
  ASSERT_TRUE(target.ok());
  EXPECT_EQ(target->path, (std::vector<std::string>{"a", "b c", ""}));
  EXPECT_EQ(target->query,
            (std::map<std::string, std::string>{{"x", "1+1"}, {"y", "a b"}, {"z", ""}}));
  EXPECT_EQ(parse_target("/?a=1&a=2").error().message, "query: a key is given twice");
  EXPECT_EQ(parse_target("/..%2f").error().code, ErrorCode::kNotFound);
}

TEST(Names, AreUtf8WithoutWhatLeadsElsewhere) {
  for (const char* good : {"door", "Tür 2", "a.b", "\xf0\x9f\x90\xa6"})
    EXPECT_TRUE(is_name(good)) << good;
  for (const char* bad : {"", ".", "..", ".a", "a/b", "a\\b", "a\nb", "\xff", "\xc0\xae",
                          "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82"}) {
    EXPECT_FALSE(is_name(bad)) << bad;
  }
  EXPECT_TRUE(is_name(std::string(128, 'a')));
  EXPECT_FALSE(is_name(std::string(129, 'a')));
}

TEST(Rates, AreOfEachClientAndComeBack) {
  RateLimit rate(10, 3);
  base::Instant now{};
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(rate.take("a", now));
  EXPECT_FALSE(rate.take("a", now));
  EXPECT_TRUE(rate.take("b", now));
  now += 100ms;
  EXPECT_TRUE(rate.has("a", now));
  EXPECT_TRUE(rate.take("a", now));
  EXPECT_FALSE(rate.take("a", now));
  now += 1h;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(rate.take("a", now));
  EXPECT_FALSE(rate.take("a", now));
}

TEST(Rates, ForgetClientsButNotThoseThatAreLimited) {
  RateLimit rate(0.001, 1);
  base::Instant now{};
  EXPECT_TRUE(rate.take("greedy", now));
  for (int i = 0; i < 4095; ++i) rate.has("client " + std::to_string(i), now);
  now += 1s;
  EXPECT_TRUE(rate.take("one more", now));
  EXPECT_FALSE(rate.take("greedy", now));
}

TEST(Clients, AreAnAddressOrANetwork) {
  EXPECT_EQ(client_of("192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(client_of("::ffff:192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(client_of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
}

TEST(Sessions, EndAfterThirtyDaysAndWithTheToken) {
  const Access access({"the token of a test", false, {}, false}),
      other({"another token, of it", false, {}, false});
  const auto cookie = access.open_session("the token of a test", 1000);
  ASSERT_TRUE(cookie);
  EXPECT_FALSE(access.open_session("the token of a tesT", 1000));
  Request request;
  request.cookie = cookie->substr(0, cookie->find(';'));
  EXPECT_TRUE(access.admits(request, 1001));
  EXPECT_TRUE(access.admits(request, 1000 + 30LL * 24 * 3600 - 1));
  EXPECT_FALSE(access.admits(request, 1000 + 30LL * 24 * 3600));
  EXPECT_FALSE(other.admits(request, 1001));
  for (const char* cookie_field :
       {"osprey=", "osprey=1", "osprey=.", "osprey=99999999999.", "xosprey=1.2", ";;;"}) {
    request.cookie = cookie_field;
    EXPECT_FALSE(access.admits(request, 1001)) << cookie_field;
  }
}

TEST(Headers, LoseTheirRangeAndKeepTheRest) {
  const std::string text = "GET / HTTP/1.1\r\nHost: a\r\nRANGE:  bytes=0-1 \r\nX: y\r\n\r\n";
  ASSERT_EQ(header_end(text + "rest"), text.size());
  const auto block = check_header(text);
  EXPECT_EQ(block.refused, 0);
  EXPECT_EQ(block.range, "bytes=0-1");
  EXPECT_EQ(block.text, "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n");
}

TEST(Ranges, AreWithinTheFile) {
  EXPECT_FALSE(range_of("", 10));
  EXPECT_EQ(range_of("bytes=2-3", 10)->begin, 2U);
  EXPECT_EQ(range_of("bytes=-20", 10)->length, 10U);
  EXPECT_EQ(range_of("bytes=0-", 0)->length, 0U);
  EXPECT_EQ(range_of("bytes=18446744073709551615-18446744073709551615", 10)->length, 0U);
}

TEST(Queries, KeepToTheirLimits) {
  EXPECT_EQ(event_query({})->limit, 100U);
  EXPECT_EQ(event_query({{"type", "gone"}}).error().message, "type: expected new, update or end");
  EXPECT_EQ(live_query({{"streams", "a,b"}})->streams, (std::vector<std::string>{"a", "b"}));
  EXPECT_FALSE(live_query({{"streams", "a,"}}).ok());
  EXPECT_FALSE(live_query({{"streams", "a"}, {"fps", "61"}}).ok());
}

}  // namespace
}  // namespace osprey::serve
