// SPDX-License-Identifier: Apache-2.0
#include "serve/channel.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace osprey::serve {
namespace {

// False once `deadline` has passed.
bool wait_for(int socket, short events, SteadyTime deadline) {
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    pollfd entry{socket, events, 0};
    const int ready =
        poll(&entry, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 60'000)));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

bool has_left(int socket) {
  pollfd entry{socket, POLLRDHUP, 0};
  return poll(&entry, 1, 0) > 0 && (entry.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

class PlainChannel final : public Channel {
 public:
  explicit PlainChannel(int socket) : socket_(socket) {}

  std::size_t read(char* bytes, std::size_t most, SteadyTime deadline) override {
    for (;;) {
      const ssize_t count = recv(socket_, bytes, most, 0);
      if (count >= 0) return static_cast<std::size_t>(count);
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) return 0;
      if (!wait_for(socket_, POLLIN, deadline)) return 0;
    }
  }

  bool write(std::string_view bytes, SteadyTime deadline) override {
    while (!bytes.empty()) {
      const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count >= 0) {
        bytes.remove_prefix(static_cast<std::size_t>(count));
        continue;
      }
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) return false;
      if (!wait_for(socket_, POLLOUT, deadline)) return false;
    }
    return true;
  }

  bool peer_left() const override { return has_left(socket_); }

 private:
  int socket_;
};

struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
struct FreeSslContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

// Goes on until `step` has done something, or false.
template <typename Step>
int tls_step(SSL* ssl, int socket, SteadyTime deadline, Step step) {
  for (;;) {
    ERR_clear_error();
    const int done = step();
    if (done > 0) return done;
    const int reason = SSL_get_error(ssl, done);
    const short events = reason == SSL_ERROR_WANT_READ    ? POLLIN
                         : reason == SSL_ERROR_WANT_WRITE ? POLLOUT
                                                          : 0;
    if (events == 0 || !wait_for(socket, events, deadline)) return 0;
  }
}

class TlsChannel final : public Channel {
 public:
  TlsChannel(std::unique_ptr<SSL, FreeSsl> ssl, int socket)
      : ssl_(std::move(ssl)), socket_(socket) {}
  ~TlsChannel() override { SSL_shutdown(ssl_.get()); }
  TlsChannel(const TlsChannel&) = delete;
  TlsChannel& operator=(const TlsChannel&) = delete;

  std::size_t read(char* bytes, std::size_t most, SteadyTime deadline) override {
    const int size = static_cast<int>(std::min<std::size_t>(most, 1 << 20));
    return static_cast<std::size_t>(
        tls_step(ssl_.get(), socket_, deadline, [&] { return SSL_read(ssl_.get(), bytes, size); }));
  }

  bool write(std::string_view bytes, SteadyTime deadline) override {
    while (!bytes.empty()) {
      const int size = static_cast<int>(std::min<std::size_t>(bytes.size(), 1 << 20));
      const int count = tls_step(ssl_.get(), socket_, deadline,
                                 [&] { return SSL_write(ssl_.get(), bytes.data(), size); });
      if (count <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }

  bool peer_left() const override { return has_left(socket_); }

 private:
  std::unique_ptr<SSL, FreeSsl> ssl_;
  int socket_;
};

// The server has no terminal to ask at.
int no_password(char*, int, int, void*) {
  return 0;
}

class OpenSslContext final : public TlsContext {
 public:
  explicit OpenSslContext(std::unique_ptr<SSL_CTX, FreeSslContext> context)
      : context_(std::move(context)) {}

  std::unique_ptr<Channel> accept(int socket, SteadyTime deadline) override {
    std::unique_ptr<SSL, FreeSsl> ssl(SSL_new(context_.get()));
    if (!ssl || SSL_set_fd(ssl.get(), socket) != 1) return nullptr;
    SSL* const raw = ssl.get();
    if (tls_step(raw, socket, deadline, [&] { return SSL_accept(raw); }) <= 0) return nullptr;
    return std::make_unique<TlsChannel>(std::move(ssl), socket);
  }

 private:
  std::unique_ptr<SSL_CTX, FreeSslContext> context_;
};

std::string openssl_reason() {
  const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return reason != nullptr ? reason : "unknown to OpenSSL";
}

}  // namespace

Result<std::unique_ptr<TlsContext>> TlsContext::load(const std::string& certificate_file,
                                                     const std::string& key_file) {
  ERR_clear_error();
  std::unique_ptr<SSL_CTX, FreeSslContext> context(SSL_CTX_new(TLS_server_method()));
  if (!context) return Error{ErrorCode::kInternal, "TLS: " + openssl_reason()};
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                         SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_default_passwd_cb(context.get(), no_password);
  if (SSL_CTX_use_certificate_chain_file(context.get(), certificate_file.c_str()) != 1) {
    return Error{
        ErrorCode::kInvalidArgument,
        certificate_file + ": expected a certificate chain in PEM (" + openssl_reason() + ")"};
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), key_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context.get()) != 1) {
    return Error{ErrorCode::kInvalidArgument,
                 key_file + ": expected the key of " + certificate_file +
                     " in PEM, without a password (" + openssl_reason() + ")"};
  }
  std::unique_ptr<TlsContext> result = std::make_unique<OpenSslContext>(std::move(context));
  return result;
}

std::unique_ptr<Channel> plain_channel(int socket) {
  return std::make_unique<PlainChannel>(socket);
}

}  // namespace osprey::serve
