// SPDX-License-Identifier: Apache-2.0
#include "serve/exchange.hpp"

#include <nlohmann/json.hpp>

namespace osprey::serve {

std::string reason_of(int status) {
  switch (status) {
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 408:
      return "Request Timeout";
    case 413:
      return "Payload Too Large";
    case 414:
      return "URI Too Long";
    case 416:
      return "Range Not Satisfiable";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    default:
      return "Error";
  }
}

Answer failure(int status, std::string_view message) {
  Answer answer;
  answer.status = status;
  answer.body = nlohmann::json{{"error", message}}.dump(-1, ' ', false,
                                                        nlohmann::json::error_handler_t::replace);
  return answer;
}

}  // namespace osprey::serve
