// SPDX-License-Identifier: Apache-2.0
#include "serve/server.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
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

// Of clients: an answer that a busy machine makes late is one.
constexpr std::chrono::seconds kPatience{60};

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

  httplib::Client client() const {
    httplib::Client http(server->address());
    http.set_read_timeout(kPatience);
    return http;
  }

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

// A connection as it is, without a library that would keep to the rules.
class RawConnection {
 public:
  explicit RawConnection(int port, int receive_buffer = 0) {
    socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_buffer > 0) {
      setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    const timeval patience{10, 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~RawConnection() { close(socket_); }
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  bool connected() const { return connected_; }
  void send(const std::string& text) const {
    [[maybe_unused]] const auto sent = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
  }
  // What comes until `text` has come, or the end.
  std::string read_until(const std::string& text) const {
    std::string came;
    std::vector<char> part(std::size_t{64} * 1024);
    for (;;) {
      const auto count = recv(socket_, part.data(), part.size(), 0);
      if (count <= 0) break;
      const std::size_t from = came.size() - std::min(came.size(), text.size());
      came.append(part.data(), static_cast<std::size_t>(count));
      if (!text.empty() && came.find(text, from) != std::string::npos) break;
    }
    return came;
  }
  std::string read_all() const { return read_until(""); }
  std::string ask(const std::string& text) const {
    send(text);
    return read_all();
  }

 private:
  int socket_ = -1;
  bool connected_ = false;
};

std::string get_of(const std::string& target, const std::string& more = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + more + "\r\n";
}

std::string first_line(const std::string& answer) {
  return answer.substr(0, answer.find("\r\n"));
}

constexpr char kToken[] = "0123456789abcdef-token";

TEST_F(RunningServerTest, TellsItsStatus) {
  auto http = start();
  const auto answer = http.Get("/api/v1/status");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  const auto status = json_of(answer);
  EXPECT_EQ(status["streams"][0]["name"], "door");
  EXPECT_EQ(status["streams"][0]["dropped"]["too_old"], 2);
  EXPECT_EQ(status["streams"][0]["zones"][0]["entered"]["dog"], 3);
  EXPECT_EQ(status["lanes"][2]["last_fault"], "a run took longer than 2 s");
  EXPECT_EQ(status["sinks"][1]["waiting"], 20);
  EXPECT_EQ(json_of(http.Get("/api/v1/streams/yard%20%22north%22"))["state"], "waiting");
  EXPECT_EQ(http.Get("/api/v1/streams/attic")->status, 404);
  EXPECT_EQ(json_of(http.Get("/healthz"))["alive"], true);
  EXPECT_EQ(http.Get("/readyz")->status, 200);
  service.now.ready = false;
  EXPECT_EQ(http.Get("/readyz")->status, 503);
}

TEST_F(RunningServerTest, SaysWhatIsWrongAsJson) {
  auto http = start();
  EXPECT_EQ(json_of(http.Get("/nowhere"))["error"], "no such path");
  const auto wrong = http.Post("/api/v1/status", "{}", "application/json");
  EXPECT_EQ(wrong->status, 405);
  EXPECT_EQ(wrong->get_header_value("Allow"), "GET, HEAD");
  EXPECT_EQ(http.Get("/api/v1/events?limit=0")->status, 400);
  EXPECT_EQ(json_of(http.Get("/api/v1/events?limit=x"))["error"],
            "limit: expected a whole number from 1 to 1000");
  EXPECT_EQ(json_of(http.Get("/api/v1/events?colour=red"))["error"],
            "query: colour is not known here; expected before, camera, label, limit, type, zone");
  EXPECT_EQ(http.Get("/api/v1/streams/door/snapshot.jpg?width=-1")->status, 400);
}

TEST_F(RunningServerTest, EveryAnswerHasWhatBrowsersMustKnow) {
  auto http = start();
  for (const char* path : {"/", "/api/v1/status", "/nowhere", "/assets/app.js"}) {
    const auto answer = http.Get(path);
    ASSERT_TRUE(answer) << path;
    const std::string policy = answer->get_header_value("Content-Security-Policy");
    EXPECT_NE(policy.find("default-src 'none'"), std::string::npos) << path;
    EXPECT_NE(policy.find("frame-ancestors 'none'"), std::string::npos) << path;
    EXPECT_EQ(policy.find("unsafe"), std::string::npos) << path;
    EXPECT_EQ(answer->get_header_value("X-Content-Type-Options"), "nosniff") << path;
    EXPECT_EQ(answer->get_header_value("Referrer-Policy"), "no-referrer") << path;
    EXPECT_EQ(answer->get_header_value_count("Cache-Control"), 1U) << path;
  }
}

TEST_F(RunningServerTest, PagesAreSentOnce) {
  auto http = start();
  const auto page = http.Get("/");
  ASSERT_EQ(page->status, 200);
  const auto again = http.Get("/", {{"If-None-Match", page->get_header_value("ETag")}});
  EXPECT_EQ(again->status, 304);
  EXPECT_EQ(again->body, "");
}

TEST_F(RunningServerTest, AddressesOthersReachNeedAToken) {
  options.address = "0.0.0.0:0";
  const auto started = Server::start(options, service, clock);
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().message,
            "address: 0.0.0.0:0 can be reached by others: expected token_file, or an address of "
            "this machine alone, as 127.0.0.1:8080");
}

TEST_F(RunningServerTest, WrongOptionsAreNamed) {
  const auto message = [&] {
    const auto started = Server::start(options, service, clock);
    return started.ok() ? "" : started.error().message;
  };
  for (const char* address :
       {"", "8080", "localhost", "::1:8080", "localhost:", "localhost:99999", "[::1]:x"}) {
    options.address = address;
    EXPECT_EQ(message(), std::string("address: ") + address +
                             ": expected HOST:PORT, as 127.0.0.1:8080 or [::1]:8080");
  }
  options.address = "192.0.2.1:0";
  EXPECT_EQ(message(), "address: 192.0.2.1:0: Cannot assign requested address");
  options.address = "127.0.0.1:0";
  options.token_file = file("token", "short\n");
  EXPECT_EQ(message(),
            options.token_file +
                ": expected a token of 16 letters or more, as `openssl rand -hex 32` makes one");
  options.token_file = (folder / "none");
  EXPECT_NE(message().find(options.token_file), std::string::npos);
  options.token_file = "";
  options.certificate_file = file("cert.pem", "nonsense");
  EXPECT_EQ(message(), "certificate_file and key_file: expected both or none");
  options.key_file = file("key.pem", "nonsense");
  EXPECT_EQ(message().find(options.certificate_file + ": expected a certificate chain in PEM"), 0U)
      << message();
  auto http = [&] {
    options.certificate_file = options.key_file = "";
    return start();
  }();
  options.address = "127.0.0.1:" + std::to_string(port());
  EXPECT_EQ(message(), "address: " + options.address + ": Address already in use");
}

TEST_F(RunningServerTest, TheTokenOpensWhatIsGuarded) {
  options.token_file = file("token", std::string(kToken) + "\n");
  auto http = start();
  for (const char* path :
       {"/api/v1/status", "/metrics", "/api/v1/config", "/recordings/a.mp4", "/api/v1/openapi.json",
        "/hls/door/a.m3u8", "/api/v1/streams/door/live.mjpeg"}) {
    const auto refused = http.Get(path);
    EXPECT_EQ(refused->status, 401) << path;
    EXPECT_EQ(refused->get_header_value("WWW-Authenticate"), "Bearer");
  }
  EXPECT_EQ(http.Get("/healthz")->status, 200);
  EXPECT_EQ(http.Get("/")->get_header_value("Location"), "/login");
  EXPECT_EQ(http.Get("/login")->status, 200);
  EXPECT_EQ(
      http.Get("/api/v1/status", {{"Authorization", std::string("Bearer ") + kToken}})->status,
      200);
  EXPECT_EQ(
      http.Get("/api/v1/status", {{"Authorization", std::string("bearer ") + kToken}})->status,
      200);
  for (const std::string& wrong :
       {std::string("Bearer "), std::string("Bearer x"), std::string("Basic ") + kToken,
        std::string("Bearer ") + kToken + "x", std::string(kToken)}) {
    EXPECT_EQ(http.Get("/api/v1/status", {{"Authorization", wrong}})->status, 401) << wrong;
  }
}

TEST_F(RunningServerTest, BrowsersLogInAndOut) {
  options.token_file = file("token", kToken);
  auto http = start();
  EXPECT_EQ(http.Post("/api/v1/login", R"({"token":"wrong"})", "application/json")->status, 401);
  EXPECT_EQ(http.Post("/api/v1/login", R"({"token":7})", "application/json")->status, 400);
  const auto welcome =
      http.Post("/api/v1/login", nlohmann::json{{"token", kToken}}.dump(), "application/json");
  ASSERT_EQ(welcome->status, 200);
  const std::string cookie = welcome->get_header_value("Set-Cookie");
  EXPECT_NE(cookie.find("; HttpOnly; SameSite=Strict"), std::string::npos);
  EXPECT_EQ(cookie.find(kToken), std::string::npos);
  const std::string session = cookie.substr(0, cookie.find(';'));
  EXPECT_EQ(http.Get("/api/v1/status", {{"Cookie", "a=b; " + session}})->status, 200);
  std::string longer = session;
  ++longer[std::string("osprey=").size()];  // a later end, with the signature of the other
  EXPECT_EQ(http.Get("/api/v1/status", {{"Cookie", longer}})->status, 401);
  EXPECT_EQ(http.Get("/login", {{"Cookie", session}})->get_header_value("Location"), "/");
  const auto bye = http.Post("/api/v1/logout", "{}", "application/json");
  EXPECT_EQ(bye->get_header_value("Set-Cookie").find("osprey=; Max-Age=0"), 0U);
}

TEST_F(RunningServerTest, GuessingTokensIsSlow) {
  options.token_file = file("token", kToken);
  auto http = start();
  int refused = 0;
  for (int i = 0; i < 20; ++i) {
    const auto answer =
        http.Get("/metrics", {{"Authorization", "Bearer guess" + std::to_string(i)}});
    refused += answer->status == 429 ? 1 : 0;
  }
  EXPECT_GE(refused, 8);
  EXPECT_EQ(http.Post("/api/v1/login", R"({"token":"wrong"})", "application/json")->status, 429);
}

TEST_F(RunningServerTest, ThePageForTheTokenSaysNothingOfAGuess) {
  options.token_file = file("token", kToken);
  auto http = start();
  const auto right = http.Get("/login", {{"Authorization", std::string("Bearer ") + kToken}});
  const auto wrong = http.Get("/login", {{"Authorization", "Bearer guess"}});
  EXPECT_EQ(right->status, 200);
  EXPECT_EQ(right->body, wrong->body);
}

TEST_F(RunningServerTest, OptionsAreCheckedBeforeAnythingIsStopped) {
  options.token_file = file("token", kToken);
  const auto before = Server::check(options);
  ASSERT_TRUE(before.ok()) << before.error().message;
  EXPECT_EQ(*Server::check(options), *before);
  file("token", std::string(kToken) + "-another");
  EXPECT_NE(*Server::check(options), *before);
  file("token", "short");
  EXPECT_EQ(Server::check(options).error().code, ErrorCode::kInvalidArgument);
  options.token_file.clear();
  EXPECT_TRUE(Server::check(options).ok());
  options.address = "0.0.0.0:0";
  EXPECT_NE(Server::check(options).error().message.find("expected token_file"), std::string::npos);
  options.address = "nonsense";
  EXPECT_EQ(Server::check(options).error().message,
            "address: nonsense: expected HOST:PORT, as 127.0.0.1:8080 or [::1]:8080");
}

TEST_F(RunningServerTest, PagesOfOtherSitesGetNothing) {
  auto http = start();
  const std::string shapes = R"({"shapes":[]})";
  const std::string path = "/api/v1/streams/door/shapes";
  const auto put = [&](const httplib::Headers& headers, const char* type = "application/json") {
    return http.Put(path, headers, shapes, type)->status;
  };
  const std::string own = "http://127.0.0.1:" + std::to_string(port());
  EXPECT_EQ(put({}), 200);  // no browser
  EXPECT_EQ(put({{"Origin", own}}), 200);
  EXPECT_EQ(put({{"Origin", own}, {"Sec-Fetch-Site", "same-origin"}}), 200);
  EXPECT_EQ(put({{"Origin", "http://evil.example"}}), 403);
  EXPECT_EQ(put({{"Origin", "null"}}), 403);
  EXPECT_EQ(put({{"Origin", "http://127.0.0.1:1"}}), 403);
  EXPECT_EQ(put({{"Sec-Fetch-Site", "cross-site"}}), 403);
  EXPECT_EQ(put({{"Sec-Fetch-Site", "same-site"}}), 403);
  EXPECT_EQ(put({{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Mode", "navigate"}}), 403);
  for (const char* type : {"text/plain", "application/x-www-form-urlencoded",
                           "multipart/form-data; boundary=x", "application/jsonp"}) {
    EXPECT_EQ(put({}, type), 415) << type;
  }
  EXPECT_EQ(
      http.Get("/api/v1/status", {{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Mode", "no-cors"}})
          ->status,
      403);
  EXPECT_EQ(
      http.Get("/", {{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Mode", "navigate"}})->status,
      200);
}

TEST_F(RunningServerTest, ANameThatBecameThisMachineIsNotAnswered) {
  options.host_names = {"cameras.example"};
  start();
  const auto asked_as = [&](const std::string& host) {
    return first_line(RawConnection(port()).ask("GET /healthz HTTP/1.1\r\n" + host +
                                                "Connection: close\r\n\r\n"));
  };
  EXPECT_EQ(asked_as("Host: evil.example\r\n"), "HTTP/1.1 403 Forbidden");
  EXPECT_EQ(asked_as("Host: 127.0.0.1.evil.example:80\r\n"), "HTTP/1.1 403 Forbidden");
  EXPECT_EQ(asked_as(""), "HTTP/1.1 403 Forbidden");
  for (const char* host :
       {"localhost", "LOCALHOST:9000", "127.0.0.1:8080", "[::1]:8080", "Cameras.example"}) {
    EXPECT_EQ(asked_as(std::string("Host: ") + host + "\r\n"), "HTTP/1.1 200 OK") << host;
  }
}

TEST_F(RunningServerTest, ShapesAreReadAndKept) {
  auto http = start();
  const std::string path = "/api/v1/streams/door/shapes";
  const std::string text =
      R"({"shapes":[{"name":"steps","kind":"zone","points":[[0,0],[1,0],[0.5,1]],"classes":["person"]},)"
      R"({"name":"gate","kind":"line","points":[[0.1,0.2],[0.3,0.4]]}]})";
  const auto kept = http.Put(path, text, "application/json; charset=utf-8");
  ASSERT_EQ(kept->status, 200) << kept->body;
  ASSERT_EQ(service.kept["door"].size(), 2U);
  EXPECT_EQ(service.kept["door"][0].classes, std::vector<std::string>{"person"});
  EXPECT_EQ(service.kept["door"][0].points[2], (ShapePoint{0.5, 1}));
  EXPECT_TRUE(service.kept["door"][1].line);
  EXPECT_EQ(http.Get(path)->body, kept->body);
  EXPECT_EQ(http.Put("/api/v1/streams/attic/shapes", text, "application/json")->status, 404);
}

TEST_F(RunningServerTest, WrongShapesAreNamed) {
  auto http = start();
  const auto problem = [&](const std::string& body) {
    const auto answer = http.Put("/api/v1/streams/door/shapes", body, "application/json");
    EXPECT_EQ(answer->status, 400) << body;
    return json_of(answer).value("error", "");
  };
  EXPECT_EQ(problem("nonsense"), "body: expected a JSON object");
  EXPECT_EQ(problem("{}"), "body: expected {\"shapes\": [...]} with at most 64 of them");
  EXPECT_EQ(problem(R"({"shapes":[7]})"), "shapes[0]: expected an object");
  EXPECT_EQ(problem(R"({"shapes":[{"name":"a/b","kind":"zone","points":[]}]})"),
            "shapes[0].name: expected 1 to 128 characters without / and \\, and no dot first");
  EXPECT_EQ(problem(R"({"shapes":[{"name":"a","kind":"ring","points":[]}]})"),
            "shapes[0].kind: expected zone or line");
  EXPECT_EQ(problem(R"({"shapes":[{"name":"a","kind":"line","points":[[0,0]]}]})"),
            "shapes[0].points: expected two points");
  EXPECT_EQ(problem(R"({"shapes":[{"name":"a","kind":"zone","points":[[0,0],[1,1],[2,0]]}]})"),
            "shapes[0].points[2]: expected [x, y] within 0..1");
  EXPECT_EQ(
      problem(R"({"shapes":[{"name":"a","kind":"line","points":[[0,0],[1,1]],"classes":[""]}]})"),
      "shapes[0].classes: expected up to 256 labels of 1 to 128 characters");
  const auto twice = http.Put(
      "/api/v1/streams/door/shapes",
      R"({"shapes":[{"name":"a","kind":"line","points":[[0,0],[1,1]]},{"name":"a","kind":"line","points":[[0,0],[1,1]]}]})",
      "application/json");
  EXPECT_EQ(twice->status, 409);
  EXPECT_EQ(json_of(twice)["error"], "two shapes are named a");
  EXPECT_TRUE(service.kept.empty());
}

TEST_F(RunningServerTest, NoPathLeadsOutOfWhatIsServed) {
  file("a.mp4", "0123456789");
  service.folder = folder.path();
  service.recorded = {{"a.mp4", "door", 10, WallTime{}}};
  start();
  service.asked_path = "nothing";
  for (const char* target : {"/recordings/../a.mp4",
                             "/recordings/..%2fa.mp4",
                             "/recordings/..%2f..%2f..%2fetc%2fpasswd",
                             "/recordings/%2e%2e/%2e%2e/etc/passwd",
                             "/recordings/.%2e",
                             "/recordings/.hidden",
                             "/recordings/%2fetc%2fpasswd",
                             "/recordings/..%5c..%5cetc",
                             "/recordings//etc/passwd",
                             "/hls/../recordings/a.mp4",
                             "/hls/..%2f/a.m3u8",
                             "/hls/door/..%2f..%2fetc%2fpasswd",
                             "/assets/..%2findex.html",
                             "/assets/../index.html",
                             "/assets/%2e%2e%2fserver.cpp",
                             "/recordings/",
                             "/recordings/%c0%ae%c0%ae",
                             "/recordings/%ff",
                             "/recordings/a.mp4/..",
                             "/../../etc/passwd"}) {
    EXPECT_EQ(first_line(RawConnection(port()).ask(get_of(target))), "HTTP/1.1 404 Not Found")
        << target;
  }
  for (const char* target :
       {"/recordings/a%00.mp4", "/recordings/a%0d%0ab", "/recordings/%zz", "/recordings/%2",
        "recordings/a.mp4", "http://localhost/recordings/a.mp4", "*"}) {
    EXPECT_EQ(first_line(RawConnection(port()).ask(get_of(target))), "HTTP/1.1 400 Bad Request")
        << target;
  }
  EXPECT_EQ(service.asked_path, "nothing");
  // What links lead to is not ours.
  std::filesystem::create_symlink("/etc/passwd", folder.path() / "link.mp4");
  service.recorded.push_back({"link.mp4", "door", 10, WallTime{}});
  EXPECT_EQ(client().Get("/recordings/link.mp4")->status, 404);
}

TEST_F(RunningServerTest, RecordingsComeInParts) {
  std::string text;
  for (int i = 0; i < 300'000; ++i) text += static_cast<char>('a' + i % 26);
  file("a.mp4", text);
  service.folder = folder.path();
  service.recorded = {
      {"a.mp4", "door", text.size(), WallTime{std::chrono::milliseconds(1'767'225'600'250)}}};
  auto http = start();
  EXPECT_EQ(json_of(http.Get("/api/v1/recordings"))["recordings"][0]["begin"],
            "2026-01-01T00:00:00.250Z");
  const auto whole = http.Get("/recordings/a.mp4");
  EXPECT_EQ(whole->status, 200);
  EXPECT_EQ(whole->body, text);
  EXPECT_EQ(whole->get_header_value("Content-Type"), "video/mp4");
  const auto part = [&](const char* range) {
    return http.Get("/recordings/a.mp4", {{"Range", range}});
  };
  EXPECT_EQ(part("bytes=0-9")->body, text.substr(0, 10));
  EXPECT_EQ(part("bytes=0-9")->get_header_value("Content-Range"), "bytes 0-9/300000");
  EXPECT_EQ(part("bytes=299990-")->body, text.substr(299'990));
  EXPECT_EQ(part("bytes=-5")->body, text.substr(299'995));
  EXPECT_EQ(part("bytes=100000-250000")->body, text.substr(100'000, 150'001));
  EXPECT_EQ(part("bytes=5-999999999")->status, 206);
  EXPECT_EQ(part("bytes=300000-")->status, 416);
  EXPECT_EQ(part("bytes=-0")->status, 416);
  for (const char* nonsense :
       {"bytes=9-0", "bytes=a-b", "bytes=0-1,3-4", "lines=1-2", "bytes=99999999999999999999-"}) {
    EXPECT_EQ(part(nonsense)->status, 200) << nonsense;
  }
  EXPECT_EQ(http.Head("/recordings/a.mp4")->get_header_value("Content-Length"), "300000");
}

TEST_F(RunningServerTest, HeadersThatCanBeReadTwoWaysAreRefused) {
  start();
  const auto refused = [&](const std::string& request) {
    return first_line(RawConnection(port()).ask(request));
  };
  const std::string bad = "HTTP/1.1 400 Bad Request";
  EXPECT_EQ(refused("nonsense\r\n\r\n"), bad);
  EXPECT_EQ(refused("G\"T /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"), bad);
  EXPECT_EQ(refused("QUERY /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
            "HTTP/1.1 405 Method Not Allowed");
  EXPECT_EQ(refused("GET /healthz HTTP/2.0\r\nHost: localhost\r\n\r\n"), bad);
  EXPECT_EQ(refused("GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n"), bad);
  EXPECT_EQ(refused("GET /healthz HTTP/1.1\r\nHost: localhost\r\n folded: x\r\n\r\n"), bad);
  EXPECT_EQ(refused("GET /healthz HTTP/1.1\r\nHost : localhost\r\n\r\n"), bad);
  EXPECT_EQ(refused(std::string("GET /healthz HTTP/1.1\r\nHost: local\0host\r\n\r\n", 43)), bad);
  EXPECT_EQ(
      refused(
          "PUT /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
      bad);
  EXPECT_EQ(refused("PUT /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n"), bad);
  EXPECT_EQ(refused("PUT /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: "
                    "chunked\r\n\r\n"),
            bad);
  EXPECT_EQ(refused(get_of("/" + std::string(5000, 'a'))), "HTTP/1.1 414 URI Too Long");
  EXPECT_EQ(refused(get_of("/healthz", "X: " + std::string(9000, 'a') + "\r\n")),
            "HTTP/1.1 431 Request Header Fields Too Large");
  std::string many;
  for (int i = 0; i < 200; ++i) many += "X-" + std::to_string(i) + ": 1\r\n";
  EXPECT_EQ(refused(get_of("/healthz", many)), "HTTP/1.1 431 Request Header Fields Too Large");
}

TEST_F(RunningServerTest, BodiesAreLimited) {
  options.limits.body_bytes = 1000;
  start();
  const std::string put =
      "PUT /api/v1/streams/door/shapes HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
      "application/json\r\n";
  EXPECT_EQ(first_line(RawConnection(port()).ask(put + "Content-Length: 1001\r\n\r\n" +
                                                 std::string(1001, ' '))),
            "HTTP/1.1 413 Payload Too Large");
  EXPECT_EQ(first_line(RawConnection(port()).ask(put + "Content-Length: 99999999999999\r\n\r\n")),
            "HTTP/1.1 413 Payload Too Large");
  EXPECT_EQ(first_line(RawConnection(port()).ask(
                put + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")),
            "HTTP/1.1 411 Length Required");
  EXPECT_EQ(
      client().Put("/api/v1/streams/door/shapes", R"({"shapes":[]})", "application/json")->status,
      200);
}

TEST_F(RunningServerTest, SlowClientsAreSentAway) {
  options.limits.header_patience = 2s;
  options.limits.body_patience = 2s;
  options.limits.idle = 2s;
  start();
  const auto begun = std::chrono::steady_clock::now();
  RawConnection header(port()), body(port()), silent(port()), after(port());
  header.send("GET /healthz HTTP/1.1\r\nHost: local");
  body.send(
      "PUT /api/v1/streams/door/shapes HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
      "application/json\r\n"
      "Content-Length: 20\r\n\r\n{");
  after.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(first_line(header.read_all()), "HTTP/1.1 408 Request Timeout");
  EXPECT_EQ(first_line(body.read_all()).substr(0, 10), "HTTP/1.1 4");
  EXPECT_EQ(silent.read_all(), "");
  EXPECT_EQ(first_line(after.read_all()), "HTTP/1.1 200 OK");  // and then closed
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s);
}

TEST_F(RunningServerTest, OneClientCannotAskForAll) {
  options.limits.requests_per_second = 0.001;
  options.limits.burst = 5;
  auto http = start();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(http.Get("/healthz")->status, 200);
  const auto refused = http.Get("/healthz");
  EXPECT_EQ(refused->status, 429);
  EXPECT_EQ(refused->get_header_value("Retry-After"), "1");
}

TEST_F(RunningServerTest, ConnectionsAreLimitedAndComeBack) {
  options.limits.connections_per_client = 2;
  start();
  const std::string keep = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
  {
    RawConnection first(port()), second(port());
    first.send(keep);
    second.send(keep);
    first.read_until("alive");
    second.read_until("alive");
    EXPECT_EQ(RawConnection(port()).read_until("}").find("HTTP/1.1 503 Service Unavailable"), 0U);
  }
  std::string answer;
  for (const auto end = std::chrono::steady_clock::now() + 20s;
       answer.find("200 OK") == std::string::npos && std::chrono::steady_clock::now() < end;) {
    answer = RawConnection(port()).ask(get_of("/healthz"));
  }
  EXPECT_EQ(first_line(answer), "HTTP/1.1 200 OK");
}

TEST_F(RunningServerTest, ManyAskAtOnceOverConnectionsThatStay) {
  options.limits.requests_per_second = 1e6;
  options.limits.burst = 1e6;
  start();
  std::atomic<int> good = 0;
  std::vector<std::thread> clients;
  clients.reserve(8);
  for (int c = 0; c < 8; ++c) {
    clients.emplace_back([&] {
      auto http = client();
      http.set_keep_alive(true);
      for (int i = 0; i < 50; ++i) {
        const auto answer = http.Get(i % 2 == 0 ? "/api/v1/status" : "/metrics");
        good += answer && answer->status == 200 ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : clients) thread.join();
  EXPECT_EQ(good, 400);
}

TEST_F(RunningServerTest, ShowsPicturesAsTheyCome) {
  auto http = start();
  service.show("door",
               "\xff\xd8"
               "first");
  const auto snapshot = http.Get("/api/v1/streams/door/snapshot.jpg?width=320&annotated=false");
  EXPECT_EQ(snapshot->body,
            "\xff\xd8"
            "first");
  EXPECT_EQ(snapshot->get_header_value("Content-Type"), "image/jpeg");
  EXPECT_EQ(service.last_width, 320);
  EXPECT_FALSE(service.last_annotated);
  EXPECT_EQ(http.Get("/api/v1/streams/attic/snapshot.jpg")->status, 404);
  EXPECT_EQ(http.Get("/api/v1/streams/attic/live.mjpeg")->status, 404);

  RawConnection viewer(port());
  viewer.send(get_of("/api/v1/streams/door/live.mjpeg"));
  const std::string begin = viewer.read_until("first");
  EXPECT_NE(begin.find("Content-Type: multipart/x-mixed-replace; boundary=osprey-picture\r\n"),
            std::string::npos);
  EXPECT_NE(begin.find("--osprey-picture\r\nContent-Type: image/jpeg\r\nContent-Length: "
                       "7\r\nX-Sequence: 1\r\n\r\n"),
            std::string::npos)
      << begin;
  service.show("door",
               "\xff\xd8"
               "second");
  EXPECT_NE(viewer.read_until("second").find("X-Sequence: 2"), std::string::npos);
}

TEST_F(RunningServerTest, PicturesEndWithTheirStream) {
  start();
  service.show("door", "the last");
  RawConnection viewer(port());
  viewer.send(get_of("/api/v1/streams/door/live.mjpeg"));
  viewer.read_until("the last");
  service.end("door");
  EXPECT_EQ(viewer.read_all().find("Content-Type"), std::string::npos);
  EXPECT_EQ(client().Get("/api/v1/streams/door/snapshot.jpg")->body, "the last");
  service.end("yard \"north\"");
  EXPECT_EQ(client().Get("/api/v1/streams/yard%20%22north%22/snapshot.jpg")->status, 503);
}

TEST_F(RunningServerTest, OneConnectionShowsSeveralStreams) {
  start();
  service.show("door", "first");
  service.show("yard \"north\"", "second");
  RawConnection viewer(port());
  viewer.send(get_of("/api/v1/live?streams=door,yard%20%22north%22&fps=60"));
  const std::string begin = viewer.read_until("second");
  EXPECT_NE(begin.find("X-Stream: door\r\n\r\nfirst"), std::string::npos) << begin;
  EXPECT_NE(begin.find("X-Stream: yard%20%22north%22\r\n\r\nsecond"), std::string::npos) << begin;
  service.show("door", "third");
  EXPECT_NE(viewer.read_until("third").find("X-Stream: door"), std::string::npos);
  EXPECT_EQ(client().Get("/api/v1/live?streams=")->status, 400);
  EXPECT_EQ(client().Get("/api/v1/live?streams=door,attic")->status, 404);
}

TEST_F(RunningServerTest, ASlowViewerSlowsNobody) {
  options.limits.burst = 1e9;
  options.limits.write_patience = 5s;  // a machine that does much else is not a slow viewer
  options.limits.viewers = 2;
  auto http = start();
  service.show("door", std::string(2'000'000, 'x'));
  RawConnection slow(port(), 4096);  // asks, and does not read
  slow.send(get_of("/api/v1/streams/door/live.mjpeg"));
  RawConnection quick(port());
  quick.send(get_of("/api/v1/streams/door/live.mjpeg"));
  quick.read_until("x\r\n");
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(http.Get("/api/v1/status")->status, 200);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 2s);
  // It loses its place; the quick one does not.
  int status = 503;
  for (const auto end = std::chrono::steady_clock::now() + 20s;
       status == 503 && std::chrono::steady_clock::now() < end;) {
    status = http.Head("/api/v1/events/stream")->status;
  }
  EXPECT_EQ(status, 200);
  service.show("door", "the last");
  EXPECT_NE(quick.read_until("the last").find("X-Sequence: 2"), std::string::npos);
}

TEST_F(RunningServerTest, AViewerThatLeavesFreesItsPlace) {
  options.limits.burst = 1e9;
  options.limits.viewers = 1;
  auto http = start();
  service.show("door", "picture");
  {
    RawConnection viewer(port());
    viewer.send(get_of("/api/v1/streams/door/live.mjpeg"));
    viewer.read_until("picture");
    const auto refused = http.Get("/api/v1/streams/door/live.mjpeg");
    EXPECT_EQ(refused->status, 503);
    EXPECT_EQ(json_of(refused)["error"], "no more than 1 viewers at once");
  }
  int status = 503;
  for (const auto end = std::chrono::steady_clock::now() + 20s;
       status == 503 && std::chrono::steady_clock::now() < end;) {
    status = http.Head("/api/v1/streams/door/live.mjpeg")->status;
  }
  EXPECT_EQ(status, 200);
}

TEST_F(RunningServerTest, EventsAreListedAndComeAsTheyHappen) {
  service.happen(1, R"({"type":"new","after":{"id":"a"}})");
  service.happen(2, R"({"type":"end","after":{"id":"a"}})");
  auto http = start();
  const auto events = json_of(http.Get("/api/v1/events?limit=5"))["events"];
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0]["number"], 2);
  EXPECT_EQ(events[1]["event"]["after"]["id"], "a");
  EXPECT_EQ(json_of(http.Get("/api/v1/events?before=2"))["events"].size(), 1U);

  RawConnection now(port());
  now.send(get_of("/api/v1/events/stream"));
  now.read_until("retry");
  RawConnection later(port());
  later.send(get_of("/api/v1/events/stream", "Last-Event-ID: 1\r\n"));
  EXPECT_EQ(later.read_until("id: 2\n").find("id: 1\n"), std::string::npos);
  service.happen(3, "{\n\"type\": \"new\"}");
  EXPECT_NE(later.read_until("id: 3\ndata: {\"number\":3,\"event\":{\"type\":\"new\"}}\n\n")
                .find("id: 3"),
            std::string::npos);
}

TEST_F(RunningServerTest, EventsGoOnWhenTheirNumbersBeginAgain) {
  service.happen(1, R"({"type":"new"})");
  start();
  RawConnection viewer(port());
  viewer.send(get_of("/api/v1/events/stream", "Last-Event-ID: 700\r\n"));
  EXPECT_NE(viewer.read_until("id: 1\n").find("id: 1\n"), std::string::npos);
  service.happen(2, R"({"type":"end"})");
  EXPECT_EQ(viewer.read_until("id: 2\n").find("id: 1\n"), std::string::npos);
}

TEST_F(RunningServerTest, StopsWithinASecondWhoeverIsThere) {
  start();
  service.show("door", std::string(2'000'000, 'x'));
  RawConnection viewer(port(), 4096), events(port()), idle(port()), half(port()), waiting(port());
  viewer.send(get_of("/api/v1/streams/door/live.mjpeg"));
  events.send(get_of("/api/v1/events/stream"));
  events.read_until("retry");
  half.send("GET /");
  waiting.send(get_of("/api/v1/streams/yard%20%22north%22/snapshot.jpg"));
  const auto begun = std::chrono::steady_clock::now();
  server->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 1s);
  EXPECT_FALSE(RawConnection(port()).ask(get_of("/healthz")).starts_with("HTTP"));
}

TEST_F(RunningServerTest, SpeaksTls) {
  options.certificate_file = folder / "cert.pem";
  options.key_file = folder / "key.pem";
  options.token_file = file("token", kToken);
  const std::string command =
      "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext "
      "subjectAltName=IP:127.0.0.1 -keyout " +
      options.key_file + " -out " + options.certificate_file + " 2>/dev/null";
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
  start();
  ASSERT_EQ(server->address().find("https://127.0.0.1:"), 0U);
  httplib::SSLClient http("127.0.0.1", port());
  http.set_ca_cert_path(options.certificate_file.c_str());
  http.enable_server_certificate_verification(true);
  http.set_bearer_token_auth(kToken);
  http.set_read_timeout(kPatience);
  const auto answer = http.Get("/api/v1/status");
  ASSERT_TRUE(answer) << httplib::to_string(answer.error());
  EXPECT_EQ(answer->status, 200);
  const auto welcome =
      http.Post("/api/v1/login", nlohmann::json{{"token", kToken}}.dump(), "application/json");
  EXPECT_EQ(welcome->get_header_value("Set-Cookie").find("__Host-osprey="), 0U);
  EXPECT_NE(welcome->get_header_value("Set-Cookie").find("; Secure"), std::string::npos);
  service.show("door", std::string(1'000'000, 'x'));
  EXPECT_EQ(http.Get("/api/v1/streams/door/snapshot.jpg")->body.size(), 1'000'000U);
  EXPECT_EQ(RawConnection(port()).ask(get_of("/healthz")).find("200 OK"), std::string::npos);
  RawConnection never(port());  // no handshake
  const auto begun = std::chrono::steady_clock::now();
  server->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 1s);
}

}  // namespace
}  // namespace osprey::serve
