// SPDX-License-Identifier: Apache-2.0
#include "serve/server.hpp"

#include <gtest/gtest.h>
#include <httplib.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/scratch_folder.hpp"
#include "serve/serve_testing.hpp"

namespace osprey::serve {
namespace {

using namespace std::chrono_literals;

class RunningServerTest : public testing::Test {
 protected:
  RunningServerTest() {
    service.now = sample_status();
    options.address = "127.0.0.1:0";
  }
  ~RunningServerTest() override {
    if (server) server->stop();
  }

  httplib::Client start() {
    auto started = Server::start(options, service, clock);
    if (!started.ok()) throw std::runtime_error(started.error().message);
    server = std::move(*started);
    return client();
  }

  httplib::Client client() const { return httplib::Client(server->address()); }

  std::string file(const std::string& name, const std::string& text) const {
    std::ofstream(folder.path() / name) << text;
    return (folder.path() / name).string();
  }

  int port() const { return std::stoi(server->address().substr(server->address().rfind(':') + 1)); }

  base::RealClock clock;
  base::ScratchFolder folder = *base::ScratchFolder::create();
  FakeService service;
  ServerOptions options;
  std::unique_ptr<Server> server;
};

nlohmann::json json_of(const httplib::Result& result) {
  return result ? nlohmann::json::parse(result->body, nullptr, false) : nlohmann::json();
}

TEST_F(RunningServerTest, TellsItsStatus) {
  auto http = start();
  const auto answer = http.Get("/api/v1/status");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(json_of(answer)["streams"][0]["name"], "door");
}

}  // namespace
}  // namespace osprey::serve
