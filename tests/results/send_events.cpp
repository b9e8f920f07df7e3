// SPDX-License-Identifier: Apache-2.0
// Puts numbered events into an outbox and sends them, as a server does; to be killed and started
// again. One argument, JSON:
//
//   {"outbox": PATH, "events": N, "stop": a file that ends them earlier once it is there,
//    "pause_ms": between two, "resend": N,
//    "http": {"url", "note", "token_file", "ca_file", "timeout_ms"}, or
//    "mqtt": {"host", "port", "tls", "ca_file", "username", "password_file", "require_subscriber",
//             "receiver_acknowledges", "streams": whether Home Assistant is told of one},
//    "picture": a text in a JPEG's place, "refusals": N, "patience_s": how long to wait in the end}
//
// The outbox's events are 1..N in the end, whoever put them there: {"n": n, ...}. Prints the
// courier's status when it changes, a JSON object a line. Exit code: 0: all were delivered.
#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "base/try.hpp"
#include "outbox/outbox.hpp"
#include "sinks/courier.hpp"
#include "sinks/http_sender.hpp"
#include "sinks/mqtt_sender.hpp"

namespace {

using namespace osprey;
using Json = nlohmann::json;
using std::chrono::milliseconds;

Result<std::shared_ptr<sinks::EventSender>> make_http(const Json& json) {
  sinks::HttpOptions options;
  options.url = json.at("url");
  if (json.value("note", false)) options.format = sinks::HttpOptions::Format::kNote;
  options.token_file = json.value("token_file", "");
  options.ca_file = json.value("ca_file", "");
  options.timeout = milliseconds(json.value("timeout_ms", 3000));
  return sinks::create_http_sender(options);
}

Result<std::shared_ptr<sinks::EventSender>> make_mqtt(const Json& json) {
  sinks::MqttOptions options;
  options.host = json.value("host", "127.0.0.1");
  options.port = json.at("port");
  options.tls = json.value("tls", false);
  options.ca_file = json.value("ca_file", "");
  options.username = json.value("username", "");
  options.password_file = json.value("password_file", "");
  options.require_subscriber = json.value("require_subscriber", false);
  options.receiver_acknowledges = json.value("receiver_acknowledges", false);
  options.timeout = milliseconds(json.value("timeout_ms", 3000));
  auto sender = OSPREY_TRY(sinks::MqttSender::create(options));
  if (json.value("streams", false)) {
    sender->set_streams({{"door/1", {"person", "car"}, {"drive"}}});
    sender->set_count("door/1", "", "person", 2);
    sender->set_count("door/1", "drive", "person", 1);
    sender->set_stats(12.5, {{.name = "door/1", .state = "running", .diagnosis = "", .fps = 15}});
  }
  return std::shared_ptr<sinks::EventSender>(std::move(sender));
}

std::string line_of(const sinks::CourierStatus& status) {
  return Json{{"connected", status.connected},        {"problem", status.problem},
              {"delivered", status.events.delivered}, {"waiting", status.events.waiting},
              {"discarded", status.events.discarded}, {"refused", status.events.refused}}
      .dump();
}

Status run(const Json& json) {
  base::RealClock clock;
  outbox::OutboxOptions outbox_options;
  outbox_options.path = json.at("outbox");
  const auto outbox = OSPREY_TRY(outbox::Outbox::open(outbox_options, clock));
  std::shared_ptr<sinks::EventSender> sender = json.contains("mqtt")
                                                   ? OSPREY_TRY(make_mqtt(json["mqtt"]))
                                                   : OSPREY_TRY(make_http(json["http"]));
  sinks::CourierOptions options;
  options.consumer = {"peer", outbox::Begin::kAtBeginning, json.contains("picture")};
  options.first_pause = milliseconds(20);
  options.longest_pause = milliseconds(200);
  options.resend = json.value("resend", 0);
  options.refusals = json.value("refusals", 5);
  const auto courier =
      OSPREY_TRY(sinks::Courier::start(*outbox, std::move(sender), options, clock));

  std::string last;
  const auto report = [&] {
    // Counts change all the time: only with what else there is to say.
    const auto status = courier->status();
    const std::string said = std::to_string(status.connected) + status.problem;
    if (said != last) std::cout << line_of(status) << std::endl;
    last = said;
  };
  const std::int64_t events = json.at("events");
  const auto pause = milliseconds(json.value("pause_ms", 0));
  const std::filesystem::path stop = json.value("stop", "");
  while (outbox->status().newest < events && (stop.empty() || !std::filesystem::exists(stop))) {
    outbox::NewEvent event;
    const auto n = outbox->status().newest + 1;
    event.json = Json{{"n", n}, {"filler", std::string(800, 'x')}}.dump();
    event.picture = json.value("picture", "");
    OSPREY_TRY(outbox->append(event));
    report();
    clock.sleep_for(pause);
  }
  const auto until = clock.now() + std::chrono::seconds(json.value("patience_s", 60));
  bool delivered = false;
  while (!delivered && clock.now() < until) {
    delivered = courier->wait_until_delivered(clock.now() + milliseconds(50));
    report();
  }
  courier->stop();
  std::cout << line_of(courier->status()) << std::endl;
  if (!delivered) return Error{ErrorCode::kTimeout, "not everything was delivered"};
  return {};
}

}  // namespace

int main(int, char** arguments) {
  std::signal(SIGPIPE, SIG_IGN);
  const Status done = run(Json::parse(arguments[1]));
  if (done.ok()) return 0;
  std::cerr << done.error().message << '\n';
  return 1;
}
