// SPDX-License-Identifier: Apache-2.0
// A receiver of events over MQTT, as docs/results.md has it: prints each event's JSON, a line each,
// then acknowledges its key. Argument: the broker's port on this machine; comes back to a broker
// that was killed.
#include <mosquitto.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>

namespace {

constexpr const char* kEvents = "osprey/events";

void on_connect(mosquitto* client, void*, int reason) {
  if (reason == 0) mosquitto_subscribe(client, nullptr, kEvents, 1);
}

void on_message(mosquitto* client, void*, const mosquitto_message* message) {
  const std::string line = std::string(static_cast<const char*>(message->payload),
                                       static_cast<std::size_t>(message->payloadlen)) +
                           "\n";
  if (::write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    std::exit(1);
  }
  constexpr std::string_view kBeforeKey = R"({"key":")";
  const std::string key =
      line.substr(kBeforeKey.size(), line.find('"', kBeforeKey.size()) - kBeforeKey.size());
  mosquitto_publish(client, nullptr, "osprey/events/received", static_cast<int>(key.size()),
                    key.data(), 1, false);
}

}  // namespace

int main(int, char** arguments) {
  mosquitto_lib_init();
  while (true) {
    // Each time a new one: what another was about to acknowledge comes again anyway.
    mosquitto* client = mosquitto_new(nullptr, true, nullptr);
    mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1);
    mosquitto_connect_callback_set(client, on_connect);
    mosquitto_message_callback_set(client, on_message);
    int connected = mosquitto_connect(client, "127.0.0.1", std::atoi(arguments[1]), 30);
    while (connected == MOSQ_ERR_SUCCESS) connected = mosquitto_loop(client, 100, 1);
    mosquitto_destroy(client);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}
