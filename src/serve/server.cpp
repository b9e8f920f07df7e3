// SPDX-License-Identifier: Apache-2.0
#include "serve/server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <set>
#include <system_error>
#include <utility>

#include "base/read_file.hpp"
#include "base/try.hpp"
#include "serve/access.hpp"
#include "serve/channel.hpp"
#include "serve/http_engine.hpp"
#include "serve/listener.hpp"
#include "serve/rate_limit.hpp"
#include "serve/site.hpp"

namespace osprey::serve {
namespace {

constexpr std::size_t kShortestToken = 16;
// What a slow viewer may have on its way: its pictures are no older than that.
constexpr int kSendBuffer = 192 * 1024;

Result<std::string> read_token(const std::string& path) {
  if (path.empty()) return std::string();
  std::string token = OSPREY_TRY(base::read_file(path, "a token", 4096));
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r' || token.back() == ' '))
    token.pop_back();
  for (const char c : token) {
    if (c <= ' ' || c > '~') {
      return Error{ErrorCode::kInvalidArgument,
                   path + ": expected one line of ASCII letters, without spaces"};
    }
  }
  if (token.size() < kShortestToken) {
    return Error{
        ErrorCode::kInvalidArgument,
        path + ": expected a token of 16 letters or more, as `openssl rand -hex 32` makes one"};
  }
  return token;
}

std::string text_of_address(const sockaddr_storage& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET6) {
    inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr, text.data(),
              text.size());
  } else {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(address).sin_addr, text.data(),
              text.size());
  }
  return text.data();
}

// Writing to a TLS connection that is gone is told by an error, not a signal.
void block_broken_pipes() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

// Takes what the peer still sends, for a moment: closing over it would take back the answer.
void drain(int socket) {
  ::shutdown(socket, SHUT_WR);
  const SteadyTime end = std::chrono::steady_clock::now() + std::chrono::milliseconds(500);
  std::array<char, std::size_t{16} * 1024> part{};
  const auto channel = plain_channel(socket);
  for (int parts = 0; parts < 256; ++parts) {
    if (channel->read(part.data(), part.size(), end) == 0) break;
  }
}

struct WakeUp {
  int descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  WakeUp() = default;
  ~WakeUp() { close(descriptor); }
  WakeUp(const WakeUp&) = delete;
  WakeUp& operator=(const WakeUp&) = delete;
};

class RunningServer final : public Server {
 public:
  RunningServer(Listener listener, std::unique_ptr<TlsContext> tls, const ServerLimits& limits,
                Service& service, Access access, base::Clock& clock)
      : listener_(std::move(listener)),
        tls_(std::move(tls)),
        limits_(limits),
        clock_(clock),
        site_(service, std::move(access), limits, clock),
        engine_(HttpEngine::create(site_, limits)),
        work_there_(clock.make_condition()) {}

  ~RunningServer() override { RunningServer::stop(); }

  void run() {
    acceptor_ = clock_.start_thread("serve", [this] { accept_connections(); });
  }

  std::string address() const override {
    return std::string(tls_ ? "https://" : "http://") + listener_.host() + ":" +
           std::to_string(listener_.port());
  }

  void stop() override {
    site_.stop();
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(wake_up_.descriptor, &one, sizeof one);
    if (acceptor_) acceptor_->join();
    listener_.close();
    {
      const std::lock_guard lock(mutex_);
      for (const auto& [socket, client] : open_) ::shutdown(socket, SHUT_RDWR);
    }
    work_there_->notify_all();
    for (const auto& worker : workers_) worker->join();
    for (const auto& [socket, client] : waiting_) close(socket);
    waiting_.clear();
    open_.clear();
  }

 private:
  void accept_connections() {
    while (!site_.stopping()) {
      std::array<pollfd, 2> entries{
          {{listener_.descriptor(), POLLIN, 0}, {wake_up_.descriptor, POLLIN, 0}}};
      poll(entries.data(), entries.size(), -1);
      sockaddr_storage peer{};
      socklen_t size = sizeof peer;
      const int socket = accept4(listener_.descriptor(), reinterpret_cast<sockaddr*>(&peer), &size,
                                 SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (socket >= 0) {
        take(socket, text_of_address(peer));
      } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        poll(&entries[1], 1, 50);  // until others have closed some
      }
    }
  }

  void take(int socket, std::string client) {
    const int on = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &kSendBuffer, sizeof kSendBuffer);
    if (!admit(socket, client)) {
      const std::string answer = tls_ ? "" : raw_failure(503, "too many connections");
      [[maybe_unused]] const ssize_t sent =
          send(socket, answer.data(), answer.size(), MSG_NOSIGNAL);
      close(socket);
    }
  }

  // False: there are too many connections.
  bool admit(int socket, const std::string& client) {
    const std::lock_guard lock(mutex_);
    const std::string key = client_of(client);
    const auto of_client = clients_.find(key);
    if (open_.size() >= static_cast<std::size_t>(limits_.connections) ||
        (of_client != clients_.end() && of_client->second >= limits_.connections_per_client)) {
      return false;
    }
    if (idle_ <= waiting_.size()) {
      try {
        workers_.push_back(clock_.start_thread("serve-" + std::to_string(workers_.size() + 1),
                                               [this] { work(); }));
      } catch (const std::system_error&) {
        if (workers_.empty()) return false;
      }
    }
    ++clients_[key];
    open_.emplace(socket, key);
    waiting_.emplace_back(socket, client);
    work_there_->notify_one();
    return true;
  }

  void work() {
    block_broken_pipes();
    std::unique_lock lock(mutex_);
    while (!site_.stopping()) {
      if (waiting_.empty()) {
        ++idle_;
        work_there_->wait(lock);
        --idle_;
        continue;
      }
      const auto [socket, client] = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      attend(socket, client);
      lock.lock();
      const auto entry = open_.find(socket);
      const auto of_client = clients_.find(entry->second);
      if (--of_client->second == 0) clients_.erase(of_client);
      open_.erase(entry);
      close(socket);
    }
  }

  void attend(int socket, const std::string& client) {
    try {
      const SteadyTime deadline = std::chrono::steady_clock::now() + limits_.header_patience;
      const std::unique_ptr<Channel> channel =
          tls_ ? tls_->accept(socket, deadline) : plain_channel(socket);
      if (channel && engine_->serve(*channel, client) && !tls_ && !site_.stopping()) drain(socket);
    } catch (const std::exception&) {  // out of memory; the connection is closed, others go on
    }
  }

  Listener listener_;
  const std::unique_ptr<TlsContext> tls_;
  const ServerLimits limits_;
  base::Clock& clock_;
  Site site_;
  const std::unique_ptr<HttpEngine> engine_;
  WakeUp wake_up_;
  std::unique_ptr<base::Thread> acceptor_;

  std::mutex mutex_;
  std::unique_ptr<base::Condition> work_there_;
  std::deque<std::pair<int, std::string>> waiting_;  // accepted, until a worker has time
  std::map<int, std::string> open_;                  // socket, client
  std::map<std::string, int> clients_;               // how many each has open
  std::size_t idle_ = 0;
  std::vector<std::unique_ptr<base::Thread>> workers_;
};

struct Secrets {
  std::string token;
  std::unique_ptr<TlsContext> tls;
};

Result<Secrets> read_secrets(const ServerOptions& options) {
  if (options.certificate_file.empty() != options.key_file.empty()) {
    return Error{ErrorCode::kInvalidArgument,
                 "certificate_file and key_file: expected both or none"};
  }
  Secrets secrets;
  secrets.token = OSPREY_TRY(read_token(options.token_file));
  if (!options.certificate_file.empty()) {
    secrets.tls = OSPREY_TRY(TlsContext::load(options.certificate_file, options.key_file));
  }
  return secrets;
}

Status check_token(const ServerOptions& options, bool has_token, bool loopback) {
  if (has_token || loopback) return {};
  return Error{ErrorCode::kInvalidArgument,
               "address: " + options.address +
                   " can be reached by others: expected token_file, or an address of this "
                   "machine alone, as 127.0.0.1:8080"};
}

Result<std::string> hash_of_file(const std::string& path) {
  if (path.empty()) return std::string();
  std::string text = OSPREY_TRY(base::read_file(path, "a token, certificate or key"));
  std::string hash(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         reinterpret_cast<unsigned char*>(hash.data()));
  OPENSSL_cleanse(text.data(), text.size());
  return hash;
}

}  // namespace

Result<std::string> Server::check(const ServerOptions& options) {
  auto secrets = OSPREY_TRY(read_secrets(options));
  const bool has_token = !secrets.token.empty();
  OPENSSL_cleanse(secrets.token.data(), secrets.token.size());
  const bool loopback = OSPREY_TRY(Listener::is_loopback(options.address));
  OSPREY_TRY(check_token(options, has_token, loopback));
  std::string hashes;
  for (const auto* path : {&options.token_file, &options.certificate_file, &options.key_file}) {
    hashes += OSPREY_TRY(hash_of_file(*path));
  }
  return hashes;
}

Result<std::unique_ptr<Server>> Server::start(const ServerOptions& options, Service& service,
                                              base::Clock& clock) {
  auto secrets = OSPREY_TRY(read_secrets(options));
  Listener listener = OSPREY_TRY(Listener::open(options.address));
  OSPREY_TRY(check_token(options, !secrets.token.empty(), listener.loopback()));
  Access access(
      {std::move(secrets.token), !listener.loopback(), options.host_names, secrets.tls != nullptr});
  auto server = std::make_unique<RunningServer>(std::move(listener), std::move(secrets.tls),
                                                options.limits, service, std::move(access), clock);
  try {
    server->run();
  } catch (const std::system_error& error) {
    return Error{ErrorCode::kUnavailable,
                 std::string("server: no thread to be had: ") + error.what()};
  }
  std::unique_ptr<Server> result = std::move(server);
  return result;
}

}  // namespace osprey::serve
