// SPDX-License-Identifier: Apache-2.0
#include "sinks/http_sender.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <atomic>
#include <string_view>
#include <utility>

#include "base/try.hpp"
#include "sinks/secret_file.hpp"

namespace osprey::sinks {

namespace {

constexpr std::size_t kLongestNote = 0xffff;
constexpr std::size_t kQuoted = 200;             ///< bytes of an answer that go into a message
constexpr std::size_t kLongestAnswer = 1 << 20;  ///< bytes; a longer one is no answer

struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

class Headers {
 public:
  Headers() = default;
  Headers(const Headers&) = delete;
  Headers& operator=(const Headers&) = delete;
  ~Headers() { curl_slist_free_all(list_); }
  void add(const std::string& line) {
    if (curl_slist* longer = curl_slist_append(list_, line.c_str())) list_ = longer;
  }
  curl_slist* get() const { return list_; }

 private:
  curl_slist* list_ = nullptr;
};

Error wrong_url(const std::string& expected) {
  // Not the URL itself, as there may be a password in it.
  return {ErrorCode::kInvalidArgument, "url: expected " + expected};
}

Status check_url(const std::string& text) {
  const std::unique_ptr<CURLU, FreeUrl> url(curl_url());
  if (curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) {
    return wrong_url("an address as https://host/path");
  }
  const auto part = [&](CURLUPart which) {
    char* value = nullptr;
    std::string copy;
    if (curl_url_get(url.get(), which, &value, 0) == CURLUE_OK) copy = value;
    curl_free(value);
    return copy;
  };
  const std::string scheme = part(CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") return wrong_url("http or https, not " + scheme);
  if (part(CURLUPART_HOST).empty()) return wrong_url("a host");
  if (!part(CURLUPART_USER).empty() || !part(CURLUPART_PASSWORD).empty()) {
    return wrong_url("no user and password in it; a token is read from a file");
  }
  return {};
}

/// What an answer is to the event.
ErrorCode kind_of(long code) {
  switch (code) {
    case 401:
    case 403:
    case 404:
    case 407:
    case 408:
    case 425:
    case 429:
      return ErrorCode::kUnavailable;
    case 500:
    case 501:
    case 505:
      return ErrorCode::kInternal;
    default:
      return code >= 300 && code < 500 ? ErrorCode::kInvalidArgument : ErrorCode::kUnavailable;
  }
}

struct Answer {
  std::string beginning;
  std::size_t bytes = 0;
};

std::size_t take_answer(char* bytes, std::size_t size, std::size_t count, void* answer_pointer) {
  auto& answer = *static_cast<Answer*>(answer_pointer);
  const std::size_t length = size * count;
  answer.bytes += length;
  if (answer.bytes > kLongestAnswer) return 0;
  if (answer.beginning.size() < kQuoted) {
    answer.beginning.append(bytes, std::min(length, kQuoted - answer.beginning.size()));
  }
  return length;
}

/// What can be printed of an answer, without the token, which an echo would have in it.
std::string quoted(std::string text, const std::string& token) {
  for (std::size_t at = 0; !token.empty() && (at = text.find(token, at)) != std::string::npos;) {
    text.replace(at, token.size(), "***");
  }
  for (char& c : text) {
    if (c < 0x20 || c > 0x7e) c = ' ';
  }
  const std::size_t end = text.find_last_not_of(' ');
  text.resize(end == std::string::npos ? 0 : end + 1);
  return text.empty() ? "" : " (" + text + ")";
}

class HttpSender final : public EventSender {
 public:
  HttpSender(HttpOptions options, std::unique_ptr<CURL, FreeEasy> easy)
      : options_(std::move(options)),
        called_(options_.url.substr(0, options_.url.find('?'))),
        easy_(std::move(easy)) {}

  Status prepare() {
    set(CURLOPT_URL, options_.url.c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_PROXY, "");
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.connect_timeout.count()));
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(options_.timeout.count()));
    set(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
    set(CURLOPT_USERAGENT, "osprey");
    set(CURLOPT_WRITEFUNCTION, take_answer);
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, stop_if_cancelled);
    set(CURLOPT_XFERINFODATA, &cancelled_);
    if (!options_.ca_file.empty()) set(CURLOPT_CAINFO, options_.ca_file.c_str());
    if (failed_ != CURLE_OK) return Error{ErrorCode::kInternal, curl_easy_strerror(failed_)};
    return {};
  }

  SendOutcome send(std::span<const outbox::StoredEvent> events) override {
    SendOutcome outcome;
    for (const auto& event : events) {
      outcome.status = post(event, outcome.retry_after);
      if (!outcome.status.ok()) break;
      ++outcome.acknowledged;
    }
    return outcome;
  }

  void cancel() override { cancelled_.store(true); }

 private:
  template <typename Value>
  void set(CURLoption option, Value value) {
    const CURLcode done = curl_easy_setopt(easy_.get(), option, value);
    if (done != CURLE_OK && failed_ == CURLE_OK) failed_ = done;
  }

  static int stop_if_cancelled(void* cancelled, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<std::atomic<bool>*>(cancelled)->load() ? 1 : 0;
  }

  Status post(const outbox::StoredEvent& event, std::optional<std::chrono::seconds>& retry_after) {
    if (cancelled_.load()) return Error{ErrorCode::kCancelled, "cancelled"};
    std::string token;
    if (!options_.token_file.empty()) {
      auto read = read_secret(options_.token_file, "a token");
      // Somebody may be about to write it.
      if (!read.ok()) return Error{ErrorCode::kUnavailable, read.error().message};
      token = *std::move(read);
    }
    const bool note = options_.format == HttpOptions::Format::kNote;
    if (note && event.json.size() > kLongestNote) {
      return Error{ErrorCode::kInvalidArgument, called_ +
                                                    ": expected JSON of at most 65535 bytes, not " +
                                                    std::to_string(event.json.size())};
    }
    std::string packed;
    if (note) {
      packed += static_cast<char>(event.json.size() & 0xff);
      packed += static_cast<char>(event.json.size() >> 8);
      (packed += event.json) += event.picture;
    }
    const std::string& body = note ? packed : event.json;

    Headers headers;
    headers.add(note ? "Content-Type: application/octet-stream" : "Content-Type: application/json");
    headers.add("Idempotency-Key: " + event.key);
    headers.add("Expect:");
    if (!token.empty()) headers.add("Authorization: Bearer " + token);
    Answer answer;
    set(CURLOPT_HTTPHEADER, headers.get());
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    set(CURLOPT_POSTFIELDS, body.data());
    set(CURLOPT_WRITEDATA, &answer);
    const CURLcode done = curl_easy_perform(easy_.get());
    set(CURLOPT_HTTPHEADER, nullptr);
    set(CURLOPT_POSTFIELDS, nullptr);
    if (done == CURLE_ABORTED_BY_CALLBACK) return Error{ErrorCode::kCancelled, "cancelled"};
    if (done != CURLE_OK) {
      return Error{ErrorCode::kUnavailable, called_ + ": " + curl_easy_strerror(done)};
    }
    long code = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &code);
    if (code >= 200 && code < 300) return {};
    curl_off_t seconds = 0;
    if (curl_easy_getinfo(easy_.get(), CURLINFO_RETRY_AFTER, &seconds) == CURLE_OK && seconds > 0) {
      retry_after = std::chrono::seconds(seconds);
    }
    return Error{kind_of(code), called_ + ": answered " + std::to_string(code) +
                                    quoted(std::move(answer.beginning), token)};
  }

  const HttpOptions options_;
  const std::string called_;  ///< the URL without a query, which may have secrets in it
  std::atomic<bool> cancelled_ = false;
  CURLcode failed_ = CURLE_OK;
  std::unique_ptr<CURL, FreeEasy> easy_;
};

}  // namespace

Result<std::shared_ptr<EventSender>> create_http_sender(const HttpOptions& options) {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (ready != CURLE_OK) return Error{ErrorCode::kInternal, curl_easy_strerror(ready)};
  OSPREY_TRY(check_url(options.url));
  if (!options.token_file.empty()) (void)OSPREY_TRY(read_secret(options.token_file, "a token"));
  if (!options.ca_file.empty()) {
    (void)OSPREY_TRY(base::read_file(options.ca_file, "certificates in PEM"));
  }
  std::unique_ptr<CURL, FreeEasy> easy(curl_easy_init());
  if (!easy) return Error{ErrorCode::kInternal, "libcurl: out of memory"};
  auto sender = std::make_shared<HttpSender>(options, std::move(easy));
  OSPREY_TRY(sender->prepare());
  return std::shared_ptr<EventSender>(std::move(sender));
}

}  // namespace osprey::sinks
