// SPDX-License-Identifier: Apache-2.0
#include "serve/site.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <set>
#include <utility>

#include "serve/assets.hpp"
#include "serve/file_answer.hpp"
#include "serve/json_answers.hpp"
#include "serve/live.hpp"
#include "serve/metrics.hpp"
#include "serve/query.hpp"

namespace osprey::serve {

// What is asked for without a token, what sends a browser to the page for it, and the rest.
enum class Guard { kOpen, kPage, kToken };

struct Route {
  const char* method;
  std::vector<std::string> path;  ///< a part in {} is any name
  Guard guard;
  Answer (Site::*handler)(const Site::Call&);

  bool matches(const std::vector<std::string>& parts) const {
    if (parts.size() != path.size()) return false;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (path[i].starts_with('{') ? !is_name(parts[i]) : path[i] != parts[i]) return false;
    }
    return true;
  }
};

namespace {

constexpr std::chrono::milliseconds kSnapshotPatience{3000};

std::int64_t unix_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

Answer failure_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kCorrupt:
      return failure(400, error.message);
    case ErrorCode::kNotFound:
      return failure(404, error.message);
    case ErrorCode::kUnavailable:
    case ErrorCode::kTimeout:
    case ErrorCode::kCancelled:
      return failure(503, error.message);
    default:
      return failure(500, error.message);
  }
}

Answer text_answer(std::string type, std::string body) {
  Answer answer;
  answer.type = std::move(type);
  answer.body = std::move(body);
  return answer;
}

Answer json_answer(std::string body) {
  return text_answer("application/json", std::move(body));
}

bool is_json(std::string_view type) {
  static constexpr std::string_view kJson = "application/json";
  return type.substr(0, type.find(';')) == kJson;
}

// One of the viewers that are there at once.
class Seat {
 public:
  Seat(std::shared_ptr<std::atomic<int>> taken, int most) : taken_(std::move(taken)) {
    good_ = taken_->fetch_add(1) < most;
  }
  ~Seat() { taken_->fetch_sub(1); }
  Seat(const Seat&) = delete;
  Seat& operator=(const Seat&) = delete;
  bool good() const { return good_; }

 private:
  std::shared_ptr<std::atomic<int>> taken_;
  bool good_ = false;
};

std::string etag_of(std::string_view text) {
  return '"' + std::to_string(text.size()) + "-" +
         std::to_string(std::hash<std::string_view>{}(text)) + '"';
}

Answer asset_answer(const std::string& name, const Request& request) {
  const Asset* const found = find_asset(name);
  if (found == nullptr) return failure(404, "no such file");
  Answer answer = text_answer(content_type_of(name), "");
  const std::string tag = etag_of(found->text);
  answer.headers.emplace_back("ETag", tag);
  answer.headers.emplace_back("Cache-Control", "no-cache");
  if (request.if_none_match == tag) {
    answer.status = 304;
  } else {
    answer.body = found->text;
  }
  return answer;
}

std::vector<std::string> parts_of(std::string_view path) {
  std::vector<std::string> parts;
  for (bool more = true; more;) {
    path.remove_prefix(1);
    const std::size_t end = std::min(path.find('/'), path.size());
    parts.emplace_back(path.substr(0, end));
    path.remove_prefix(end);
    more = !path.empty();
  }
  return parts;
}

Answer moved_to(const char* path) {
  Answer answer = text_answer("text/plain; charset=utf-8", "");
  answer.status = 303;
  answer.headers.emplace_back("Location", path);
  return answer;
}

}  // namespace

const std::vector<Route>& Site::table() {
  static const std::vector<Route> kRoutes{
      {"GET", parts_of("/"), Guard::kPage, &Site::page},
      {"GET", parts_of("/login"), Guard::kOpen, &Site::login_page},
      {"GET", parts_of("/assets/{file}"), Guard::kOpen, &Site::asset},
      {"GET", parts_of("/healthz"), Guard::kOpen, &Site::health},
      {"GET", parts_of("/readyz"), Guard::kOpen, &Site::readiness},
      {"GET", parts_of("/metrics"), Guard::kToken, &Site::metrics},
      {"GET", parts_of("/recordings/{file}"), Guard::kToken, &Site::recording},
      {"GET", parts_of("/hls/{stream}/{file}"), Guard::kToken, &Site::hls},
      {"POST", parts_of("/api/v1/login"), Guard::kOpen, &Site::login},
      {"POST", parts_of("/api/v1/logout"), Guard::kOpen, &Site::logout},
      {"GET", parts_of("/api/v1/openapi.json"), Guard::kToken, &Site::openapi},
      {"GET", parts_of("/api/v1/session"), Guard::kToken, &Site::session},
      {"GET", parts_of("/api/v1/status"), Guard::kToken, &Site::status},
      {"GET", parts_of("/api/v1/config"), Guard::kToken, &Site::config},
      {"GET", parts_of("/api/v1/live"), Guard::kToken, &Site::live},
      {"GET", parts_of("/api/v1/streams"), Guard::kToken, &Site::streams},
      {"GET", parts_of("/api/v1/streams/{stream}"), Guard::kToken, &Site::stream},
      {"GET", parts_of("/api/v1/streams/{stream}/snapshot.jpg"), Guard::kToken, &Site::snapshot},
      {"GET", parts_of("/api/v1/streams/{stream}/live.mjpeg"), Guard::kToken, &Site::mjpeg},
      {"GET", parts_of("/api/v1/streams/{stream}/objects"), Guard::kToken, &Site::objects},
      {"GET", parts_of("/api/v1/streams/{stream}/shapes"), Guard::kToken, &Site::shapes},
      {"PUT", parts_of("/api/v1/streams/{stream}/shapes"), Guard::kToken, &Site::put_shapes},
      {"GET", parts_of("/api/v1/events"), Guard::kToken, &Site::events},
      {"GET", parts_of("/api/v1/events/stream"), Guard::kToken, &Site::event_stream},
      {"GET", parts_of("/api/v1/recordings"), Guard::kToken, &Site::recordings},
  };
  return kRoutes;
}

std::vector<std::string> Site::routes() {
  std::vector<std::string> routes;
  for (const Route& route : table()) {
    std::string path;
    for (const std::string& part : route.path) path += "/" + part;
    routes.push_back(std::string(route.method) + " " + path);
  }
  return routes;
}

Site::Site(Service& service, Access access, const ServerLimits& limits, base::Clock& clock)
    : service_(service),
      access_(std::move(access)),
      limits_(limits),
      clock_(clock),
      requests_(limits.requests_per_second, limits.burst),
      wrong_tokens_(limits.wrong_tokens_per_second, limits.wrong_tokens_burst) {}

std::optional<Answer> Site::refusal(const Request& request) {
  const std::string client = client_of(request.client);
  if (!requests_.take(client, clock_.now())) {
    Answer answer = failure(429, "too many requests from " + client);
    answer.headers.emplace_back("Retry-After", "1");
    return answer;
  }
  if (!access_.knows_host(request.host)) {
    return failure(403, "Host: not a name of this server; server.host_names may hold more of them");
  }
  const auto target = parse_target(request.target);
  if (!target.ok()) return failure_of(target.error());

  const std::string method = request.method == "HEAD" ? "GET" : request.method;
  const Route* route = nullptr;
  std::string allowed;
  for (const Route& candidate : table()) {
    if (!candidate.matches(target->path)) continue;
    if (method == candidate.method) route = &candidate;
    allowed += (allowed.empty() ? "" : ", ") + std::string(candidate.method) +
               (std::string_view(candidate.method) == "GET" ? ", HEAD" : "");
  }
  if (allowed.empty()) return failure(404, "no such path");
  if (route == nullptr) {
    Answer answer = failure(405, "expected " + allowed);
    answer.headers.emplace_back("Allow", allowed);
    return answer;
  }

  const bool writes = method != "GET";
  if (Access::is_cross_site(request, writes))
    return failure(403, "a page of another site asked for this");
  if (route->guard != Guard::kOpen) {
    const bool bearer = !request.authorization.empty();
    if (bearer && !wrong_tokens_.has(client, clock_.now())) {
      return failure(429, "too many wrong tokens from " + client);
    }
    if (!access_.admits(request, unix_seconds())) {
      if (bearer) wrong_tokens_.take(client, clock_.now());
      if (route->guard == Guard::kPage) return moved_to("/login");
      Answer answer = failure(
          401, "expected Authorization: Bearer with the server's token, or to be logged in");
      answer.headers.emplace_back("WWW-Authenticate", "Bearer");
      return answer;
    }
  }
  if (writes && !is_json(request.content_type))
    return failure(415, "Content-Type: expected application/json");
  if (request.chunked) return failure(411, "expected Content-Length");
  if (request.content_length > limits_.body_bytes) {
    return failure(413, "body: expected at most " + std::to_string(limits_.body_bytes) + " bytes");
  }
  return std::nullopt;
}

Answer Site::answer(const Request& request) {
  const auto target = parse_target(request.target);
  if (!target.ok()) return failure_of(target.error());
  const std::string method = request.method == "HEAD" ? "GET" : request.method;
  for (const Route& route : table()) {
    if (method != route.method || !route.matches(target->path)) continue;
    Call call{request, *target, {}};
    for (std::size_t i = 0; i < route.path.size(); ++i) {
      if (route.path[i].starts_with('{')) call.names[route.path[i]] = target->path[i];
    }
    return (this->*route.handler)(call);
  }
  return failure(404, "no such path");
}

Answer Site::page(const Call& call) {
  return asset_answer("index.html", call.request);
}

Answer Site::login_page(const Call& call) {
  if (!access_.asks_for_token() || access_.has_session(call.request, unix_seconds())) {
    return moved_to("/");
  }
  return asset_answer("login.html", call.request);
}

Answer Site::asset(const Call& call) {
  return asset_answer(call.names.at("{file}"), call.request);
}

Answer Site::openapi(const Call& call) {
  return asset_answer("openapi.json", call.request);
}

Answer Site::health(const Call&) {
  return json_answer(R"({"alive":true})");
}

Answer Site::readiness(const Call&) {
  const ServiceStatus status = service_.status();
  if (status.ready) return json_answer(R"({"ready":true})");
  return failure(503, "not ready");
}

Answer Site::metrics(const Call&) {
  return text_answer("text/plain; version=0.0.4; charset=utf-8", metrics_text(service_.status()));
}

Answer Site::login(const Call& call) {
  const std::string client = client_of(call.request.client);
  const auto token = parse_login(call.request.body);
  if (!token.ok()) return failure_of(token.error());
  if (!access_.asks_for_token()) return failure(400, "this server has no token");
  if (!wrong_tokens_.has(client, clock_.now()))
    return failure(429, "too many wrong tokens from " + client);
  const auto cookie = access_.open_session(*token, unix_seconds());
  if (!cookie) {
    wrong_tokens_.take(client, clock_.now());
    return failure(401, "that is not the server's token");
  }
  Answer answer = json_answer(R"({"welcome":true})");
  answer.headers.emplace_back("Set-Cookie", *cookie);
  return answer;
}

Answer Site::logout(const Call&) {
  Answer answer = json_answer(R"({"bye":true})");
  answer.headers.emplace_back("Set-Cookie", access_.close_session());
  return answer;
}

Answer Site::session(const Call&) {
  return json_answer(access_.asks_for_token() ? R"({"token":true})" : R"({"token":false})");
}

Answer Site::status(const Call&) {
  return json_answer(to_json(service_.status()));
}

Answer Site::streams(const Call&) {
  return json_answer(streams_json(service_.status()));
}

Answer Site::stream(const Call& call) {
  const ServiceStatus status = service_.status();
  for (const StreamStatus& stream : status.streams) {
    if (stream.name == call.names.at("{stream}")) return json_answer(to_json(stream));
  }
  return failure(404, "no such stream");
}

bool Site::has_stream(const std::string& name) const {
  const ServiceStatus status = service_.status();
  return std::any_of(status.streams.begin(), status.streams.end(),
                     [&](const StreamStatus& stream) { return stream.name == name; });
}

Answer Site::snapshot(const Call& call) {
  const auto query = picture_query(call.target.query);
  if (!query.ok()) return failure_of(query.error());
  const base::Instant end = clock_.now() + kSnapshotPatience;
  while (!stopping_) {
    auto picture = service_.picture(call.names.at("{stream}"), 0, query->annotated, query->width,
                                    std::chrono::milliseconds(200));
    if (!picture.ok()) return failure_of(picture.error());
    if (picture->has_value()) {
      Answer answer = text_answer("image/jpeg", std::move((*picture)->jpeg));
      answer.headers.emplace_back("X-Sequence", std::to_string((*picture)->sequence));
      return answer;
    }
    if (clock_.now() >= end) break;
  }
  return failure(503, "the stream has no picture");
}

Answer Site::viewed(std::string type, std::function<void(Viewer&)> stream) {
  const auto seat = std::make_shared<Seat>(viewers_, limits_.viewers);
  if (!seat->good()) {
    return failure(503, "no more than " + std::to_string(limits_.viewers) + " viewers at once");
  }
  Answer answer = text_answer(std::move(type), "");
  answer.stream = [seat, stream = std::move(stream)](Viewer& viewer) { stream(viewer); };
  return answer;
}

Answer Site::mjpeg(const Call& call) {
  const auto query = picture_query(call.target.query);
  if (!query.ok()) return failure_of(query.error());
  const std::string name = call.names.at("{stream}");
  if (!has_stream(name)) return failure(404, "no such stream");
  return viewed(std::string("multipart/x-mixed-replace; boundary=") + kBoundary,
                [this, name, picture = *query](Viewer& viewer) {
                  send_mjpeg(viewer, service_, name, picture);
                });
}

Answer Site::live(const Call& call) {
  const auto query = live_query(call.target.query);
  if (!query.ok()) return failure_of(query.error());
  for (const std::string& name : query->streams) {
    if (!has_stream(name)) return failure(404, "streams: no such stream");
  }
  return viewed(
      std::string("multipart/mixed; boundary=") + kBoundary,
      [this, live = *query](Viewer& viewer) { send_live(viewer, service_, clock_, live); });
}

Answer Site::objects(const Call& call) {
  auto objects = service_.objects(call.names.at("{stream}"));
  return objects.ok() ? json_answer(std::move(*objects)) : failure_of(objects.error());
}

Answer Site::shapes(const Call& call) {
  const auto shapes = service_.shapes(call.names.at("{stream}"));
  return shapes.ok() ? json_answer(to_json(*shapes)) : failure_of(shapes.error());
}

Answer Site::put_shapes(const Call& call) {
  auto shapes = parse_shapes(call.request.body);
  if (!shapes.ok()) return failure_of(shapes.error());
  std::set<std::string> names;
  for (const Shape& shape : *shapes) {
    if (!names.insert(shape.name).second) return failure(409, "two shapes are named " + shape.name);
  }
  const Status done = service_.set_shapes(call.names.at("{stream}"), std::move(*shapes));
  return done.ok() ? Site::shapes(call) : failure_of(done.error());
}

Answer Site::events(const Call& call) {
  const auto query = event_query(call.target.query);
  if (!query.ok()) return failure_of(query.error());
  const auto events = service_.events(*query);
  return events.ok() ? json_answer(to_json(*events)) : failure_of(events.error());
}

Answer Site::event_stream(const Call& call) {
  QueryReader reader(call.target.query);
  if (const Status known = reader.finish(); !known.ok()) return failure_of(known.error());
  std::int64_t last = -1;
  const std::string& field = call.request.last_event_id;
  const auto read = std::from_chars(field.data(), field.data() + field.size(), last);
  if (read.ec != std::errc{} || last < 0) last = -1;
  return viewed("text/event-stream",
                [this, last](Viewer& viewer) { send_events(viewer, service_, clock_, last); });
}

Answer Site::recordings(const Call&) {
  return json_answer(to_json(service_.recordings()));
}

Answer Site::recording(const Call& call) {
  const std::string& name = call.names.at("{file}");
  const auto path = service_.recording_path(name);
  return path.ok() ? file_answer(*path, name, call.request.range) : failure_of(path.error());
}

Answer Site::hls(const Call& call) {
  const std::string& name = call.names.at("{file}");
  const auto path = service_.hls_path(call.names.at("{stream}"), name);
  return path.ok() ? file_answer(*path, name, call.request.range) : failure_of(path.error());
}

Answer Site::config(const Call&) {
  return text_answer("application/yaml", service_.config());
}

}  // namespace osprey::serve
