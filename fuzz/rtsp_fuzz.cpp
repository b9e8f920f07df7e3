// SPDX-License-Identifier: Apache-2.0
// Any bytes as a camera's answers: the source gives frames or says why not, and soon. A server of
// this program sends a piece of the input for each thing that the RTSP client says; pieces end with
// a line of two tildes, the last is what it sends unasked. FFmpeg does most of the work:
// -max_len=8192 -timeout=20 -rss_limit_mb=4096 -close_fd_mask=2.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>

#include "media/source.hpp"

namespace {

using namespace std::chrono_literals;

constexpr int kFrames = 3;
constexpr std::string_view kEndOfPiece = "\n~~\n";

void require(bool condition) {
  if (!condition) std::abort();
}

bool is_readable(int descriptor, int milliseconds) {
  pollfd waiting{descriptor, POLLIN, 0};
  return poll(&waiting, 1, milliseconds) == 1;
}

class Camera {
 public:
  Camera() : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    require(bind(socket_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    require(listen(socket_, 8) == 0);
    require(getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    url_ = "rtsp://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/";
  }

  const std::string& url() const { return url_; }

  /// Serves whoever comes, until `done`.
  void serve(std::string_view answers, const std::atomic<bool>& done) const {
    while (!done) {
      if (!is_readable(socket_, 1)) continue;
      const int client = accept(socket_, nullptr, nullptr);
      if (client < 0) continue;
      answer(client, answers, done);
      close(client);
    }
  }

 private:
  static void answer(int client, std::string_view answers, const std::atomic<bool>& done) {
    std::array<char, 4096> heard{};
    while (!done && !answers.empty()) {
      if (!is_readable(client, 1)) continue;
      if (recv(client, heard.data(), heard.size(), 0) <= 0) return;
      const std::size_t end = std::min(answers.find(kEndOfPiece), answers.size());
      if (send(client, answers.data(), end, MSG_NOSIGNAL) < 0) return;
      answers.remove_prefix(std::min(end + kEndOfPiece.size(), answers.size()));
    }
  }

  int socket_;
  std::string url_;
};

/// A redirection could lead anywhere.
bool leads_elsewhere(std::string text) {
  for (auto end = text.find(kEndOfPiece); end != text.npos; end = text.find(kEndOfPiece)) {
    text.erase(end, kEndOfPiece.size());
  }
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text.find("location") != std::string::npos || text.find("c=in") != std::string::npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Camera camera;
  const std::string answers(reinterpret_cast<const char*>(data), size);
  if (leads_elsewhere(answers)) return 0;
  std::atomic<bool> done = false;
  std::thread server([&] { camera.serve(answers, done); });

  osprey::media::SourceOptions options;
  options.timeout = 30ms;
  options.max_pixels = 1 << 18;
  options.decoder = "software";
  options.max_age = 100ms;
  if (auto source = osprey::media::Source::open(camera.url(), 0, options); source.ok()) {
    for (int n = 0; n < kFrames; ++n) {
      const auto frame = (*source)->read();
      if (!frame.ok() || !frame->has_value()) break;
      require(!(*frame)->image.empty());
    }
    require((*source)->meter().packets > 0);
  } else {
    require(source.error().message.find(camera.url()) != std::string::npos);
  }
  done = true;
  server.join();
  return 0;
}
