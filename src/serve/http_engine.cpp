// SPDX-License-Identifier: Apache-2.0
#include "serve/http_engine.hpp"

#include <httplib.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <exception>
#include <utility>

#include "serve/exchange.hpp"
#include "serve/header_block.hpp"

namespace osprey::serve {
namespace {

constexpr int kMostRequests = 10'000;  // of one connection
constexpr std::size_t kFilePart = std::size_t{64} * 1024;

SteadyTime after(std::chrono::milliseconds time) {
  return std::chrono::steady_clock::now() + time;
}

// Nothing of a page's comes from, or goes to, elsewhere; nobody shows it within a page of theirs.
constexpr char kPolicy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "media-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri "
    "'none'; "
    "frame-ancestors 'none'";

// What cpp-httplib reads a request from: a header that was looked at, then the body.
class RequestStream final : public httplib::Stream {
 public:
  RequestStream(Channel& channel, const ServerLimits& limits, std::string client)
      : channel_(channel), limits_(limits), client_(std::move(client)) {}

  // Waits for the next request's header. False: there is none; what is to be said of it is said.
  bool next(bool first) {
    header_ = {};
    header_read_ = body_read_ = 0;
    std::size_t end = header_end(bytes_);
    SteadyTime deadline = after(first || !bytes_.empty() ? limits_.header_patience : limits_.idle);
    while (end == std::string::npos) {
      if (bytes_.size() > limits_.header_bytes) return refuse(431, "header: too large");
      const bool fresh = bytes_.empty();
      std::array<char, 4096> part{};
      const std::size_t count = channel_.read(part.data(), part.size(), deadline);
      if (count == 0) {
        const bool late = std::chrono::steady_clock::now() >= deadline;
        return late && !bytes_.empty() ? refuse(408, "header: it takes too long") : false;
      }
      if (fresh && !first) deadline = after(limits_.header_patience);
      const std::size_t from = bytes_.size() < 3 ? 0 : bytes_.size() - 3;
      bytes_.append(part.data(), count);
      end = header_end(std::string_view(bytes_).substr(from));
      if (end != std::string::npos) end += from;
    }
    if (end > limits_.header_bytes) return refuse(431, "header: too large");
    header_ = check_header(std::string_view(bytes_).substr(0, end));
    if (header_.refused != 0) return refuse(header_.refused, "header: malformed or too large");
    bytes_.erase(0, end);
    body_deadline_ = after(limits_.body_patience);
    return true;
  }

  const HeaderBlock& header() const { return header_; }
  const std::string& client() const { return client_; }
  bool body_unread() const { return header_.chunked || body_read_ < header_.content_length; }
  bool left_unread() const { return unread_ || body_unread() || !bytes_.empty(); }
  void close_afterwards() { close_ = true; }
  bool closes() const { return close_ || body_unread(); }
  bool peer_left() const { return channel_.peer_left(); }

  // httplib::Stream
  bool is_readable() const override { return true; }
  bool is_writable() const override { return !channel_.peer_left(); }

  ssize_t read(char* to, std::size_t most) override {
    if (header_read_ < header_.text.size()) {
      const std::size_t count = std::min(most, header_.text.size() - header_read_);
      std::copy_n(header_.text.data() + header_read_, count, to);
      header_read_ += count;
      return static_cast<ssize_t>(count);
    }
    most = static_cast<std::size_t>(
        std::min<std::uint64_t>(most, header_.content_length - body_read_));
    if (most == 0) return 0;
    std::size_t count = std::min(most, bytes_.size());
    if (count > 0) {
      std::copy_n(bytes_.data(), count, to);
      bytes_.erase(0, count);
    } else {
      count = channel_.read(to, most, body_deadline_);
      if (count == 0) return -1;
    }
    body_read_ += count;
    return static_cast<ssize_t>(count);
  }

  ssize_t write(const char* from, std::size_t size) override {
    for (std::size_t done = 0; done < size; done += kFilePart) {
      const std::string_view part(from + done, std::min(kFilePart, size - done));
      if (!channel_.write(part, after(limits_.write_patience))) return -1;
    }
    return static_cast<ssize_t>(size);
  }

  // All of it, a picture, in the time of one part.
  bool write_whole(std::string_view bytes) {
    return channel_.write(bytes, after(limits_.write_patience));
  }

  void get_remote_ip_and_port(std::string& ip, int& port) const override {
    ip = client_;
    port = 0;
  }
  void get_local_ip_and_port(std::string& ip, int& port) const override {
    ip.clear();
    port = 0;
  }
  socket_t socket() const override { return 0; }  // only compared with FD_SETSIZE

 private:
  bool refuse(int status, const char* message) {
    unread_ = true;
    channel_.write(raw_failure(status, message), after(std::chrono::seconds(1)));
    return false;
  }

  Channel& channel_;
  const ServerLimits& limits_;
  const std::string client_;
  HeaderBlock header_;
  std::string bytes_;  // that came, and nobody has read
  std::size_t header_read_ = 0;
  std::uint64_t body_read_ = 0;
  SteadyTime body_deadline_{};
  bool close_ = false, unread_ = false;
};

class StreamViewer final : public Viewer {
 public:
  StreamViewer(RequestStream& stream, const Site& site) : stream_(stream), site_(site) {}
  bool send(std::string_view bytes) override {
    good_ = good_ && !site_.stopping() && stream_.write_whole(bytes);
    return good_;
  }
  bool gone() const override { return !good_ || site_.stopping() || stream_.peer_left(); }

 private:
  RequestStream& stream_;
  const Site& site_;
  bool good_ = true;
};

// cpp-httplib hands handlers no more than the request; this is the connection it came from.
thread_local RequestStream* current_stream = nullptr;

bool send_part_of(const FileSlice& file, std::size_t offset, std::size_t length,
                  httplib::DataSink& sink) {
  std::array<char, kFilePart> part;
  const ssize_t count = pread(*file.descriptor, part.data(), std::min(length, part.size()),
                              static_cast<off_t>(file.begin + offset));
  return count > 0 && sink.write(part.data(), static_cast<std::size_t>(count));
}

class HttplibEngine final : public HttpEngine, private httplib::Server {
 public:
  HttplibEngine(Site& site, const ServerLimits& limits) : site_(site), limits_(limits) {
    svr_sock_ = 0;  // it takes a server without socket for one that stops
    set_keep_alive_max_count(kMostRequests);
    set_keep_alive_timeout(std::chrono::duration_cast<std::chrono::seconds>(limits.idle).count());
    set_payload_max_length(limits.body_bytes);
    set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
      return begin(request, response);
    });
    const auto with_body = [this](const httplib::Request& request, httplib::Response& response) {
      put(site_.answer(request_of(request)), response);
    };
    Put("/.*", with_body);
    Post("/.*", with_body);
    set_error_handler([](const httplib::Request&, httplib::Response& response) {
      if (!response.body.empty()) return;
      response.set_content(failure(response.status, reason_of(response.status)).body,
                           "application/json");
    });
    set_exception_handler(
        [this](const httplib::Request&, httplib::Response& response, const std::exception_ptr&) {
          put(failure(500, "internal error"), response);
        });
    set_post_routing_handler([](const httplib::Request&, httplib::Response& response) {
      response.set_header("Content-Security-Policy", kPolicy);
      response.set_header("X-Content-Type-Options", "nosniff");
      response.set_header("X-Frame-Options", "DENY");
      response.set_header("Referrer-Policy", "no-referrer");
      response.set_header("Cross-Origin-Resource-Policy", "same-origin");
      response.set_header("Cross-Origin-Opener-Policy", "same-origin");
      if (!response.has_header("Cache-Control")) response.set_header("Cache-Control", "no-store");
    });
  }

  bool serve(Channel& channel, const std::string& client) override {
    RequestStream stream(channel, limits_, client);
    current_stream = &stream;
    for (int number = 1; number <= kMostRequests && !site_.stopping(); ++number) {
      if (!stream.next(number == 1)) break;
      bool closed = false;
      const bool good =
          process_request(stream, number == kMostRequests, closed, [](httplib::Request& request) {
            request.headers.erase(
                "Accept-Encoding");  // compressing costs more than a local network
          });
      if (!good || closed || stream.closes()) break;
    }
    current_stream = nullptr;
    return stream.left_unread();
  }

 private:
  HandlerResponse begin(const httplib::Request& http, httplib::Response& response) {
    const Request request = request_of(http);
    if (auto refusal = site_.refusal(request)) {
      put(std::move(*refusal), response);
    } else if (http.method != "GET" && http.method != "HEAD") {
      return HandlerResponse::Unhandled;  // the body is read first
    } else {
      put(site_.answer(request), response);
    }
    if (current_stream->body_unread()) response.set_header("Connection", "close");
    return HandlerResponse::Handled;
  }

  static Request request_of(const httplib::Request& http) {
    const HeaderBlock& header = current_stream->header();
    Request request;
    request.method = http.method;
    request.target = http.target;
    request.body = http.body;
    request.client = current_stream->client();
    request.host = http.get_header_value("Host");
    request.origin = http.get_header_value("Origin");
    request.fetch_site = http.get_header_value("Sec-Fetch-Site");
    request.fetch_mode = http.get_header_value("Sec-Fetch-Mode");
    request.authorization = http.get_header_value("Authorization");
    request.cookie = http.get_header_value("Cookie");
    request.content_type = http.get_header_value("Content-Type");
    request.if_none_match = http.get_header_value("If-None-Match");
    request.last_event_id = http.get_header_value("Last-Event-ID");
    request.range = header.range;
    request.content_length = header.content_length;
    request.chunked = header.chunked;
    return request;
  }

  static void put_headers(const Answer& answer, httplib::Response& response) {
    response.status = answer.status;
    for (const auto& [name, value] : answer.headers) response.set_header(name, value);
  }

  void put(Answer&& answer, httplib::Response& response) {
    put_headers(answer, response);
    if (answer.stream) {
      response.set_header("Connection", "close");  // that is where it ends
      current_stream->close_afterwards();
      response.set_content_provider(answer.type, [this, stream = std::move(answer.stream)](
                                                     std::size_t, httplib::DataSink& sink) {
        StreamViewer viewer(*current_stream, site_);
        stream(viewer);
        sink.done();
        return true;
      });
    } else if (answer.file && answer.file->length > 0) {
      response.set_content_provider(
          static_cast<std::size_t>(answer.file->length), answer.type,
          [file = *answer.file](std::size_t offset, std::size_t length, httplib::DataSink& sink) {
            return send_part_of(file, offset, length, sink);
          });
    } else {
      response.set_content(answer.body, answer.type);
    }
  }

  Site& site_;
  const ServerLimits limits_;
};

}  // namespace

std::unique_ptr<HttpEngine> HttpEngine::create(Site& site, const ServerLimits& limits) {
  return std::make_unique<HttplibEngine>(site, limits);
}

std::string raw_failure(int status, const std::string& message) {
  const std::string body = failure(status, message).body;
  return "HTTP/1.1 " + std::to_string(status) + " " + reason_of(status) +
         "\r\nContent-Type: application/json\r\nConnection: close\r\nX-Content-Type-Options: "
         "nosniff\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace osprey::serve
