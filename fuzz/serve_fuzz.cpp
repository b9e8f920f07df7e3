// SPDX-License-Identifier: Apache-2.0
// What of a request is anyone's text: its header, path, query, cookies, ranges, shapes and token.
// Whatever it says, it is read or refused, and what is read keeps to its limits.
#include <fuzzer/FuzzedDataProvider.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "serve/access.hpp"
#include "serve/file_answer.hpp"
#include "serve/header_block.hpp"
#include "serve/json_answers.hpp"
#include "serve/query.hpp"
#include "serve/rate_limit.hpp"
#include "serve/target.hpp"

namespace {

using namespace osprey::serve;

void require(bool holds) {
  if (!holds) std::abort();
}

void read_target(const std::string& text) {
  const auto target = parse_target(text);
  if (!target.ok()) return;
  for (const std::string& part : target->path) {
    require(part != "." && part != ".." &&
            part.find_first_of(std::string("/\\\0\r\n", 5)) == std::string::npos);
    if (is_name(part)) require(!part.empty() && part[0] != '.');
    const auto again = parse_target("/" + percent_encoded(part));
    require(again.ok() && again->path[0] == part);
  }
  if (const auto query = event_query(target->query); query.ok())
    require(query->limit >= 1 && query->limit <= 1000);
  if (const auto query = picture_query(target->query); query.ok())
    require(query->width >= 0 && query->width <= 7680);
  if (const auto query = live_query(target->query); query.ok())
    require(!query->streams.empty() && query->fps >= 1);
}

void read_header(const std::string& text) {
  const std::size_t end = header_end(text);
  const HeaderBlock block = check_header(text.substr(0, end));
  if (block.refused != 0) return;
  require(block.text.find('\0') == std::string::npos);
  require(block.text.size() <= text.size() + 7);
}

void read_shapes(const std::string& text) {
  const auto shapes = parse_shapes(text);
  if (!shapes.ok()) return;
  for (const Shape& shape : *shapes) {
    require(is_name(shape.name) && shape.points.size() >= (shape.line ? 2U : 3U));
    for (const ShapePoint& point : shape.points)
      require(point[0] >= 0 && point[0] <= 1 && point[1] >= 0 && point[1] <= 1);
  }
  const auto again = parse_shapes(to_json(*shapes));
  require(again.ok() && again->size() == shapes->size());
}

void read_access(FuzzedDataProvider& bytes) {
  static const Access access({"the token that nobody knows", false, {"cameras.example"}, false});
  Request request;
  request.authorization = bytes.ConsumeRandomLengthString();
  request.cookie = bytes.ConsumeRandomLengthString();
  request.origin = bytes.ConsumeRandomLengthString();
  request.host = bytes.ConsumeRandomLengthString();
  require(!access.admits(request, 1'000'000) ||
          request.authorization.find("nobody knows") != std::string::npos);
  access.knows_host(request.host);
  Access::is_cross_site(request, true);
  client_of(bytes.ConsumeRandomLengthString());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider bytes(data, size);
  const int what = bytes.ConsumeIntegralInRange<int>(0, 5);
  if (what == 0) read_access(bytes);
  const std::string text = bytes.ConsumeRemainingBytesAsString();
  if (what == 1) read_target(text);
  if (what == 2) read_header(text);
  if (what == 3) read_shapes(text);
  if (what == 4) (void)parse_login(text);
  if (what == 5) {
    const auto range = range_of(text, 1000);
    if (range) require(range->begin + range->length <= 1000);
  }
  return 0;
}
