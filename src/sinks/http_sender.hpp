// SPDX-License-Identifier: Apache-2.0
// Events to a web address.
#pragma once

#include <osprey/result.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "sinks/event_sender.hpp"

namespace osprey::sinks {

struct HttpOptions {
  enum class Format : std::uint8_t {
    kJson,  ///< the event's JSON (application/json)
    /// Two bytes, the JSON's length, little-endian; the JSON; a JPEG, or nothing if there is none
    /// (application/octet-stream). JSON of more than 65535 bytes cannot be sent.
    kNote,
  };

  std::string url;  ///< http or https, without user and password
  Format format = Format::kJson;
  std::string token_file;  ///< its first line is the bearer token, read anew for each event; or ""
  std::string ca_file;     ///< PEM, in place of the system's authorities; or ""
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds timeout{30'000};  ///< of a whole request
};

/// POST, an event a request, with its key in the header Idempotency-Key. What is answered:
///
///   2xx                                      the event is the receiver's
///   401, 403, 404, 407, 408, 425, 429        later (Retry-After is heeded), as for all events
///   other 4xx, 3xx                           refused
///   500, 501, 505                            the receiver fails over it
///   else; no answer                          later
///
/// Redirections are not followed: a token would go with them. No proxy is used. Errors: a wrong URL
/// (kInvalidArgument), a file that is not there.
Result<std::shared_ptr<EventSender>> create_http_sender(const HttpOptions& options);

}  // namespace osprey::sinks
