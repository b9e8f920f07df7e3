// SPDX-License-Identifier: Apache-2.0
// Any bytes as what a broker says: an event is its, or there is a reason why not.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "loopback_peer.hpp"
#include "sinks/mqtt_sender.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace osprey;
  static auto& peer = *new fuzz::LoopbackPeer;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  // With a welcome the rest is heard by a client that is connected.
  const std::string welcome("\x20\x02\x00\x00", size > 0 && data[0] % 2 == 0 ? 4 : 0);
  peer.say(welcome + std::string(bytes.substr(size > 0 ? 1 : 0)));

  sinks::MqttOptions options;
  options.host = "127.0.0.1";
  options.port = peer.port();
  options.timeout = std::chrono::milliseconds(300);
  const auto sender = sinks::MqttSender::create(options).value();
  sender->set_count("door", "", "person", 1);
  const Status kept = sender->keep();
  if (!kept.ok() && kept.error().message.find("mqtt 127.0.0.1:") != 0) std::abort();
  outbox::StoredEvent event;
  event.number = 1;
  event.key = "key-1";
  event.json = "{}";
  const sinks::SendOutcome outcome = sender->send({&event, 1});
  if (outcome.status.ok() != (outcome.acknowledged == 1)) std::abort();
  if (!kept.ok() && outcome.status.ok()) std::abort();
  return 0;
}
