// SPDX-License-Identifier: Apache-2.0
// What the server shows, and may ask for: it knows no more of Osprey than this.
#pragma once

#include <osprey/result.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/time.hpp"

namespace osprey::serve {

/// Values in buckets, as Prometheus has them.
struct Distribution {
  std::vector<double> bounds;         ///< upper ends, seconds, rising; the last bucket has none
  std::vector<std::uint64_t> counts;  ///< one more than bounds; not added up
  double sum = 0;                     ///< seconds
};

struct ZoneCount {
  std::string name;
  std::vector<std::pair<std::string, std::uint64_t>> inside;   ///< label, objects now
  std::vector<std::pair<std::string, std::uint64_t>> entered;  ///< label, objects so far
  double longest_dwell = 0;                                    ///< seconds, of those inside
};

struct LineCount {
  std::string name;
  std::vector<std::pair<std::string, std::uint64_t>> in, out;  ///< label, objects so far
};

struct StreamStatus {
  std::string name;
  std::string source;   ///< without user and password
  std::string state;    ///< "connecting", "running", "waiting" (to connect again), "ended"
  std::string problem;  ///< why it does not run; empty: it does
  std::string decoder;  ///< "h264 (software)"
  int width = 0, height = 0;
  double declared_fps = 0, delivered_fps = 0, decoded_fps = 0, results_fps = 0;
  std::uint64_t captured = 0, delivered = 0, failed = 0, in_flight = 0;
  std::vector<std::pair<std::string, std::uint64_t>> dropped;  ///< by reason
  std::uint64_t reconnects = 0, damaged = 0;
  double age_p50 = 0, age_p99 = 0;  ///< seconds from capture to result
  Distribution age;
  std::string limit;      ///< "idle", "source", ...: see the OpenAPI file; empty: not known yet
  std::string diagnosis;  ///< one sentence: what limits it, and what to do
  bool hls = false;       ///< has an HLS folder
  std::vector<ZoneCount> zones;
  std::vector<LineCount> lines;
};

struct LaneStatus {
  std::string name;
  double busy_seconds = 0, resting_seconds = 0;
  double load = 0;  ///< share of the last seconds it was busy, 0..1
  std::uint64_t jobs = 0, failures = 0, faults = 0;
  std::string last_fault;
};

struct SinkStatus {
  std::string name;
  bool connected = false;
  std::string problem;
  std::uint64_t delivered = 0, waiting = 0, discarded = 0;
};

struct ServiceStatus {
  std::string version;
  double uptime = 0;      ///< seconds
  bool ready = false;     ///< models are compiled and streams started
  std::string not_ready;  ///< why
  std::string device;     ///< "AMD EPYC, 2 cores"
  std::vector<std::string> models;
  std::vector<StreamStatus> streams;
  std::vector<LaneStatus> lanes;
  std::vector<SinkStatus> sinks;
  Distribution inference;  ///< seconds a job runs
};

/// A point of a picture as shares of its width and height, 0..1.
using ShapePoint = std::array<double, 2>;

struct Shape {
  std::string name;
  bool line = false;  ///< two points; else a zone's polygon, three or more
  std::vector<ShapePoint> points;
  std::vector<std::string> classes;  ///< labels that count; empty: all
};

struct Picture {
  std::string jpeg;
  std::uint64_t sequence = 0;
};

struct EventQuery {
  std::size_t limit = 100;                ///< 1..1000
  std::optional<std::int64_t> before;     ///< only events with a smaller number
  std::string camera, label, zone, type;  ///< empty: any
};

struct StoredEvent {
  std::int64_t number = 0;
  std::string json;  ///< as sinks send it
};

struct Recording {
  std::string name;  ///< a file's, without a folder
  std::string camera;
  std::uint64_t bytes = 0;
  WallTime begin;
};

/// Threads: any, several at once. Nothing here blocks for long, but picture().
class Service {
 public:
  virtual ~Service() = default;
  virtual ServiceStatus status() const = 0;
  /// The stream's picture newer than `after`, with what was found drawn in if `annotated`, at most
  /// `width` wide (0: as it is); nothing if there is none for `patience`. kNotFound: no such
  /// stream; kUnavailable: it has ended, and has no newer one.
  virtual Result<std::optional<Picture>> picture(const std::string& stream, std::uint64_t after,
                                                 bool annotated, int width,
                                                 std::chrono::milliseconds patience) = 0;
  /// What the newest frame holds, as a line of JSON Lines has it. kNotFound: no such stream, or no
  /// frame yet.
  virtual Result<std::string> objects(const std::string& stream) const = 0;
  /// Newest first.
  virtual Result<std::vector<StoredEvent>> events(const EventQuery& query) const = 0;
  virtual Result<std::vector<Shape>> shapes(const std::string& stream) const = 0;
  /// In place of those it has; kept in the configuration file. kInvalidArgument says what is wrong;
  /// kUnavailable: not now.
  virtual Status set_shapes(const std::string& stream, std::vector<Shape> shapes) = 0;
  /// YAML, without secrets.
  virtual std::string config() const = 0;
  virtual std::vector<Recording> recordings() const = 0;
  /// A recording's path for its name, or that of a file of a stream's HLS folder. kNotFound.
  virtual Result<std::string> recording_path(const std::string& name) const = 0;
  virtual Result<std::string> hls_path(const std::string& stream,
                                       const std::string& file) const = 0;
};

}  // namespace osprey::serve
