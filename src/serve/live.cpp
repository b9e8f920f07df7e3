// SPDX-License-Identifier: Apache-2.0
#include "serve/live.hpp"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "serve/target.hpp"

namespace osprey::serve {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPatience{200};    // between two looks at whether the viewer has left
constexpr milliseconds kLook{15};         // between two looks for a new picture of any stream
constexpr milliseconds kEventLook{300};   // between two looks for new events
constexpr milliseconds kEndedLook{1000};  // between two looks whether what ended begins anew
constexpr milliseconds kKeepAlive{10'000};

bool send_part(Viewer& viewer, const Picture& picture, const std::string& fields) {
  const std::string head =
      std::string("--") + kBoundary +
      "\r\nContent-Type: image/jpeg\r\nContent-Length: " + std::to_string(picture.jpeg.size()) +
      "\r\n" + fields + "\r\n";
  return viewer.send(head + picture.jpeg + "\r\n");
}

std::string sequence_field(const Picture& picture) {
  return "X-Sequence: " + std::to_string(picture.sequence) + "\r\n";
}

// Oldest first, those after `last`, or none if that is negative; `last` is the newest then.
std::vector<StoredEvent> events_after(const Service& service, std::int64_t& last) {
  std::vector<StoredEvent> fresh;
  EventQuery query;
  query.limit = last < 0 ? 1 : 100;
  for (bool more = true; more && fresh.size() < 1000;) {
    auto page = service.events(query);
    if (!page.ok()) return {};  // all of it again the next time
    // The numbers began again, in a new outbox: all of it is new.
    if (!query.before && last > (page->empty() ? 0 : page->front().number)) last = 0;
    more = page->size() == query.limit && last >= 0;
    for (StoredEvent& event : *page) {
      if (last >= 0 && event.number <= last) {
        more = false;
        break;
      }
      query.before = event.number;
      fresh.push_back(std::move(event));
    }
  }
  if (last < 0) {
    last = fresh.empty() ? 0 : fresh.front().number;
    return {};
  }
  if (!fresh.empty()) last = fresh.front().number;
  std::reverse(fresh.begin(), fresh.end());
  return fresh;
}

}  // namespace

void send_mjpeg(Viewer& viewer, Service& service, const std::string& stream,
                const PictureQuery& query) {
  std::uint64_t after = 0;
  while (!viewer.gone()) {
    auto picture = service.picture(stream, after, query.annotated, query.width, kPatience);
    if (!picture.ok()) return;  // the stream has ended, or was taken out of the configuration
    if (!picture->has_value()) continue;
    after = (*picture)->sequence;
    if (!send_part(viewer, **picture, sequence_field(**picture))) return;
  }
}

void send_live(Viewer& viewer, Service& service, base::Clock& clock, const LiveQuery& query) {
  struct Seen {
    std::string name;
    std::uint64_t after = 0;
    base::Instant next{};
  };
  std::vector<Seen> streams;
  for (const std::string& name : query.streams) streams.push_back({name, 0, clock.now()});
  const auto pause = std::chrono::nanoseconds(1'000'000'000 / query.fps);
  while (!viewer.gone() && !streams.empty()) {
    bool sent = false;
    for (auto stream = streams.begin(); stream != streams.end();) {
      if (clock.now() < stream->next) {
        ++stream;
        continue;
      }
      auto picture = service.picture(stream->name, stream->after, query.picture.annotated,
                                     query.picture.width, milliseconds(0));
      if (!picture.ok() && picture.error().code != ErrorCode::kUnavailable) {
        stream = streams.erase(stream);
        continue;
      }
      if (!picture.ok()) {
        stream->next = clock.now() + kEndedLook;
      } else if (picture->has_value()) {
        const std::string fields =
            sequence_field(**picture) + "X-Stream: " + percent_encoded(stream->name) + "\r\n";
        if (!send_part(viewer, **picture, fields)) return;
        stream->after = (*picture)->sequence;
        stream->next = clock.now() + pause;
        sent = true;
      }
      ++stream;
    }
    if (!sent) clock.sleep_for(kLook);
  }
}

void send_events(Viewer& viewer, Service& service, base::Clock& clock, std::int64_t last) {
  if (!viewer.send("retry: 2000\n\n")) return;
  base::Instant spoke = clock.now();
  while (!viewer.gone()) {
    std::string text;
    for (const StoredEvent& event : events_after(service, last)) {
      // A line each: JSON as sinks send it may be written over several.
      const auto json = nlohmann::json::parse(event.json, nullptr, false);
      if (json.is_discarded()) continue;
      text += "id: " + std::to_string(event.number) +
              "\ndata: {\"number\":" + std::to_string(event.number) +
              ",\"event\":" + json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) +
              "}\n\n";
    }
    if (text.empty() && clock.now() - spoke >= kKeepAlive) text = ":\n\n";
    if (!text.empty()) {
      if (!viewer.send(text)) return;
      spoke = clock.now();
    }
    clock.sleep_for(kEventLook);
  }
}

}  // namespace osprey::serve
