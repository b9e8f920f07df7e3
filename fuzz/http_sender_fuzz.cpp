// SPDX-License-Identifier: Apache-2.0
// Any bytes as a web server's answer to an event: it is the receiver's, or there is a reason why
// not.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "loopback_peer.hpp"
#include "sinks/http_sender.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace osprey;
  static auto& peer = *new fuzz::LoopbackPeer;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  // Most beginnings are no status line, and there curl stops.
  const bool begun = size > 0 && data[0] % 2 == 0;
  peer.say((begun ? "HTTP/1.1 200 OK\r\n" : "") + std::string(bytes.substr(size > 0 ? 1 : 0)));

  sinks::HttpOptions options;
  options.url = "http://127.0.0.1:" + std::to_string(peer.port()) + "/";
  options.timeout = std::chrono::milliseconds(1000);
  const auto sender = sinks::create_http_sender(options).value();
  outbox::StoredEvent event;
  event.number = 1;
  event.key = "key-1";
  event.json = "{}";
  const sinks::SendOutcome outcome = sender->send({&event, 1});
  if (outcome.status.ok() != (outcome.acknowledged == 1)) std::abort();
  if (!outcome.status.ok() && outcome.status.error().message.find(options.url) != 0) std::abort();
  return 0;
}
