// SPDX-License-Identifier: Apache-2.0
// Every setting of a run, and the one table that flags, YAML files and the documentation share.
#pragma once

#include <osprey/result.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ensemble/crops.hpp"
#include "ensemble/fusion.hpp"
#include "runtime/backend.hpp"
#include "tiling/polygon.hpp"
#include "tiling/tile_merge.hpp"

namespace osprey::engine {

struct OptionSpec;

/// What one of several models is told, in place of what is said for all: settings and their texts.
using ModelSettings = std::vector<std::pair<const OptionSpec*, std::string>>;

struct Options {
  std::vector<std::string> sources;

  // The model and what counts as a detection.
  std::string model;
  std::vector<ModelSettings> models;  ///< several, in place of `model`; see each_model()
  std::string names;
  std::string head;
  std::vector<int> imgsz;            ///< empty, {side}, or {height, width}
  float conf = 0.25f;                ///< 0..1
  float iou = 0.45f;                 ///< 0..1
  int max_det = 300;                 ///< 1..100000
  std::vector<std::string> classes;  ///< names or ids; empty: all
  bool agnostic_nms = false;
  std::optional<bool> multi_label;  ///< unset: only with `coco`

  // How large frames are cut.
  std::string tiles;              ///< as tiling::parse_plan takes it; empty: the whole frame only
  std::optional<double> overlap;  ///< 0..0.9 of a tile; unset: the plan's own
  int min_object = 16;            ///< 1..4096 pixels
  bool with_frame = false;
  std::vector<tiling::Polygon> roi;  ///< frame pixels; empty: everywhere
  tiling::MergeMethod merge = tiling::MergeMethod::kFragments;
  tiling::OverlapMetric merge_metric = tiling::OverlapMetric::kIou;
  float merge_threshold = 0.5f;  ///< 0.01..1

  // Several models.
  ensemble::FusionMethod fuse = ensemble::FusionMethod::kNms;
  float fuse_iou = 0.55f;  ///< 0.01..1

  // One of several models, in a plan.
  std::string name;                                      ///< empty: its file's name
  std::vector<std::pair<std::string, std::string>> map;  ///< from its classes to labels
  float weight = 1;                                      ///< 0.001..1000, in fusion
  std::string after;            ///< the model whose boxes it runs on; empty: it runs on the frame
  std::vector<std::string> on;  ///< labels of those boxes; empty: all
  ensemble::CropOptions crops;  ///< but for its labels
  bool merge_results = false;   ///< into the list of objects; else they are attached to the boxes
  bool optional = false;        ///< the run goes on without it
  bool beside_others = false;   ///< set by each_model(), if there are several

  // Following objects.
  bool track = false;
  int track_buffer = 30;  ///< 0..100000 frames
  /// A model's boxes down to this confidence go on with tracks, as Ultralytics' track_low_thresh.
  static constexpr float kTrackLow = 0.1f;

  // How it runs.
  int lanes = 0;      ///< 0..64; 0: as many as the runtime reports optimal
  int threads = 0;    ///< 0..1024; 0: every core
  int in_flight = 0;  ///< 0..4096 frames a stream; 0: enough to keep the lanes busy
  runtime::Precision precision = runtime::Precision::kFp32;
  int batch = 1;        ///< 1..64; kAutoBatch: whichever of 1, 2, 4, 8 is fastest
  int batch_wait = 5;   ///< 0..1000 ms
  int max_latency = 0;  ///< 0..60000 ms, for kAutoBatch; 0: none asked for
  static constexpr int kAutoBatch = 0;
  std::string cache_dir;
  std::vector<std::uint32_t> cores;  ///< NPU cores of each lane, bit 0 for core 0; empty: one each
  std::string rknn_library = "librknnrt.so";
  std::string npu_io = "auto";  ///< or "plain"
  int run_timeout = 5000;       ///< 100..600000 ms
  std::string policy;           ///< "", "wait", "drop_oldest", "drop_newest"; "": wait for files

  // What is read.
  int vid_stride = 1;             ///< 1..100000
  std::string decoder = "auto";   ///< as media::SourceOptions has it
  std::string transport = "tcp";  ///< or "udp"; of RTSP
  bool reconnect = true;          ///< to cameras that go away
  int stall = 5000;               ///< 100..600000 ms a camera may be silent
  int max_lag = 1000;             ///< 0..60000 ms decoding may be behind a camera; 0: any
  bool loop = false;
  bool realtime = false;

  // What is written.
  std::string output = "runs/detect";
  bool save = false;
  bool draw_tiles = false;
  int line_width = 0;  ///< 0..100 pixels; 0: from the picture's size
  bool hide_labels = false;
  bool hide_conf = false;
  bool save_txt = false;
  bool save_conf = false;
  std::string save_mot;
  std::string json;
  std::string coco;
  std::string coco_gt;
  bool quiet = false;
};

/// What a setting is about; the help and the documentation are grouped by it, and subcommands pick.
enum class OptionGroup {
  kModel,
  kTiles,
  kModels,
  kPlan,  ///< only where a plan speaks of one model: no flags
  kTracks,
  kRun,
  kSource,
  kOutput
};

/// "Large pictures".
std::string_view title_of(OptionGroup group);

struct OptionSpec {
  std::string_view key;    ///< as in --key and in YAML
  std::string_view value;  ///< placeholder for people; empty: a flag that takes none
  OptionGroup group;
  std::string_view help;  ///< one line, with the range
  /// Sets from text, as a flag's value or a YAML scalar gives it. Errors name key and range.
  std::function<Status(Options&, std::string_view text)> set;
  /// The value in `options` as text; for the default in the documentation.
  std::function<std::string(const Options&)> get;
};

/// All settings but the sources, in the order they are documented.
const std::vector<OptionSpec>& option_table();

/// The setting called `key` (dashes and underscores are the same), or null.
const OptionSpec* find_option(std::string_view key);

/// Whether a plan may say it of one model.
bool is_of_a_model(const OptionSpec& spec);

/// The options of each model: what is said for all, and its own in place of that; `models` is empty
/// in them, `name` is not. Errors: contradictions in one model's.
Result<std::vector<Options>> each_model(const Options& options);

/// "; did you mean --save-txt?" for a near miss among `known`, else "".
std::string suggestion(std::string_view key, const std::vector<std::string_view>& known);

/// Reads settings from a YAML file into `options`. Keys are those of the table, plus `source`: one
/// or a list; `model` may be a list too; and `models`: a list of keys and values, one for each
/// model. Errors name file, line and key.
Status read_yaml(const std::string& path, Options& options);

/// Contradictions that no single setting shows (save_conf without save_txt, no model, ...).
Status check(const Options& options);

/// Keys of outputs and the files that they name ("" for none) are not those of others, nor of
/// `inputs`. Errors name the keys and the file.
Status check_files(const std::vector<std::string>& inputs,
                   const std::vector<std::pair<std::string_view, std::string>>& outputs);

/// The table as Markdown, for docs/options.md.
std::string options_as_markdown();

}  // namespace osprey::engine
