// SPDX-License-Identifier: Apache-2.0
// A detection run: sources, models and sinks, joined by the pipeline.
#pragma once

#include <osprey/result.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "engine/frame_rounds.hpp"
#include "engine/options.hpp"
#include "engine/run_models.hpp"
#include "media/source.hpp"
#include "pipeline/pipeline.hpp"
#include "sinks/sink_set.hpp"

namespace osprey::engine {

/// One source's part in a report.
struct SourceReport {
  StreamInfo info;
  media::SourceHealth health;
  media::SourceReading reading;  ///< what it delivers, measured
  std::string limited_by;        ///< what limits it, in a sentence
};

/// What a run did so far, or in all.
struct RunReport {
  pipeline::Stats stats;
  std::vector<SourceReport> sources;
  std::vector<ModelReport> models;     ///< in the order in which they were given
  std::vector<std::uint64_t> objects;  ///< count of detections by label_id
  std::vector<std::uint64_t>
      tracks;                        ///< objects that were followed, by label_id; empty: none asked
  std::string first_failure;         ///< of a frame's inference; empty if none failed
  std::vector<std::string> outputs;  ///< files and folders made
  std::vector<std::string> notes;    ///< what a sink passed over

  /// Whether frames came, and none of them has a result.
  bool all_failed() const;
};

/// What a run is made of, checked before anything is computed.
struct RunParts {
  std::vector<std::unique_ptr<media::Source>> sources;  ///< at least one
  RunModels models;                                     ///< compiled
  std::unique_ptr<sinks::SinkSet> sinks;                ///< may be empty, not null
};

/// Threads: one owner; interrupt() and stop_now() from any.
class DetectRun {
 public:
  /// Starts at once. `options`: in_flight and policy are used here. `clock` outlives the run.
  static Result<std::unique_ptr<DetectRun>> start(RunParts parts, const Options& options,
                                                  base::Clock& clock);
  virtual ~DetectRun() = default;

  /// Ends the sources; what is in flight is still delivered.
  virtual void interrupt() = 0;
  /// Drops what is in flight.
  virtual void stop_now() = 0;
  /// Blocks until the last frame has left, then completes the sinks' files: also after an
  /// interrupt, which is no error, and after a source's failure, which is returned then. Other
  /// errors: a sink's, and then no file is completed. Threads: one caller, once.
  virtual Status wait() = 0;

  /// Whether wait() has completed the sinks' files.
  virtual bool completed() const = 0;

  /// Whether interrupt() or stop_now() cut the run short.
  virtual bool interrupted() const = 0;

  /// Threads: any; from before wait() on, sources' `health`, `outputs` and `notes` are only filled
  /// after it.
  virtual RunReport report() const = 0;

  virtual const RunModels& models() const = 0;
};

/// Checks `options` and opens their sources. May block for as long as a network does. `clock`
/// outlives the sources.
Result<std::vector<std::unique_ptr<media::Source>>> open_sources(const Options& options,
                                                                 base::Clock& clock);

/// The parts that `options` name: models compiled, sinks ready to write. The cheapest checks come
/// first, so that a wrong flag is not found after a long compilation.
Result<RunParts> make_parts(std::vector<std::unique_ptr<media::Source>> sources,
                            const Options& options);

/// The sinks that `options` name, for what these models find.
Result<std::unique_ptr<sinks::SinkSet>> make_sinks(const Options& options, const RunModels& models);

}  // namespace osprey::engine
