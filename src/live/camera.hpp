// SPDX-License-Identifier: Apache-2.0
// A configured stream while it runs: where its frames come from, and what is made of its results.
#pragma once

#include <osprey/result.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "core/event.hpp"
#include "engine/stream_tracks.hpp"
#include "live/config.hpp"
#include "live/pictures.hpp"
#include "media/event_recorder.hpp"
#include "media/live_output.hpp"
#include "media/live_source.hpp"
#include "media/source.hpp"
#include "tracking/object_events.hpp"

namespace osprey::live {

/// What all cameras of a configuration share.
struct CameraSetting {
  engine::Options options;
  const engine::RunModels& models;
  std::string data;  ///< folder
  media::Retention retention;
};

class Camera {
 public:
  /// Whether its zones name classes that there are, and the like.
  static Status check(const StreamConfig& config, const engine::Options& options,
                      const engine::RunModels& models);

  /// Nothing is opened yet. `setting.models` outlives the last take(). Errors: those of check();
  /// folders that cannot be written to.
  static Result<std::shared_ptr<Camera>> create(const StreamConfig& config,
                                                const CameraSetting& setting, base::Clock& clock);
  ~Camera();

  const std::string& name() const { return name_; }
  const std::vector<std::string>& label_names() const { return label_names_; }
  StreamConfig config() const;

  /// Makes its source ready; cameras are connected to by its first read(). Errors: a file that is
  /// not there or no video.
  Status open();
  /// Where frames come from, after open() and until the end.
  std::shared_ptr<media::Source> source() const;

  /// Whether frames wait for nobody.
  bool is_live() const { return is_live_; }
  /// Whether they come from a file, if it is repeated or not.
  bool is_file() const { return is_file_; }

  // Threads: one at a time.
  /// A result, in order: its objects get track ids, and what they did is told.
  std::vector<Event> take(FrameResult& result);
  /// Now and then: if its source has been away for long, its objects end.
  std::vector<Event> away();
  /// After the last frame.
  std::vector<Event> end();
  /// After end(), from any thread: completes its recording and closes outputs. Waits for disks and
  /// networks. The destructor does it, too.
  void finish();

  /// Another configuration that differs in no more than can be changed in place (see
  /// differs_in_place). Errors: those of create(), and then nothing changes.
  Status change(const StreamConfig& config);

  NewestFrame& newest() { return newest_; }
  media::SourceReading reading() const;
  tracking::ShapeCounts counts() const { return events_->counts(); }
  /// Why the recorder or an output does not work; empty: they do.
  std::string output_problem() const;
  /// Folder of its HLS files; empty: it has none.
  const std::string& hls_folder() const { return hls_folder_; }

 private:
  Camera(StreamConfig config, const CameraSetting& setting, base::Clock& clock);
  Status make_recorder(const media::Retention& retention);
  void make_outputs();
  void put_out(const std::shared_ptr<const FrameResult>& result);
  void follow(const Frame& frame, std::vector<Detection>& detections);
  void record(const std::vector<Event>& events);

  const std::string name_;
  const engine::Options options_;
  const engine::RunModels& models_;
  const std::vector<std::string> label_names_;  // for outputs and viewers, who may stay longer
  const std::string data_;
  // Of what change() leaves as it is.
  const bool is_file_, is_live_;
  const std::string hls_folder_;
  base::Clock& clock_;
  std::optional<engine::StreamTracks> tracks_;  // with the first frame
  std::shared_ptr<media::EventRecorder> recorder_;
  NewestFrame newest_;
  mutable std::mutex mutex_;  // guards:
  StreamConfig config_;
  std::unique_ptr<tracking::ObjectEvents> events_;
  std::shared_ptr<media::Source> source_;  // until it has ended
  media::SourceReading last_reading_;
  base::Instant last_frame_{};
  bool outputs_made_ = false;
  std::vector<std::unique_ptr<media::LiveOutput>> outputs_;  // with the first frame
  std::string output_problem_;
};

/// Whether Camera::change() is enough to go from one to the other.
bool differs_in_place(const StreamConfig& before, const StreamConfig& after);

}  // namespace osprey::live
