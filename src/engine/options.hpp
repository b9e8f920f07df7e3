// SPDX-License-Identifier: Apache-2.0
// Every setting of a run, and the one table that flags, YAML files and the documentation share.
#pragma once

#include <osprey/result.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/backend.hpp"
#include "tiling/polygon.hpp"
#include "tiling/tile_merge.hpp"

namespace osprey::engine {

struct Options {
  std::vector<std::string> sources;

  // The model and what counts as a detection.
  std::string model;
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

  // How it runs.
  int lanes = 0;      ///< 0..64; 0: as many as the runtime reports optimal
  int threads = 0;    ///< 0..1024; 0: every core
  int in_flight = 0;  ///< 0..4096 frames a stream; 0: enough to keep the lanes busy
  runtime::Precision precision = runtime::Precision::kFp32;
  std::string cache_dir;
  std::string policy;  ///< "", "wait", "drop_oldest", "drop_newest"; "": wait for files

  // What is read.
  int vid_stride = 1;  ///< 1..100000

  // What is written.
  std::string output = "runs/detect";
  bool save = false;
  bool draw_tiles = false;
  bool save_txt = false;
  bool save_conf = false;
  std::string json;
  std::string coco;
  std::string coco_gt;
  bool quiet = false;
};

/// What a setting is about; the help and the documentation are grouped by it, and subcommands pick.
enum class OptionGroup { kModel, kTiles, kRun, kSource, kOutput };

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

/// "; did you mean --save-txt?" for a near miss among `known`, else "".
std::string suggestion(std::string_view key, const std::vector<std::string_view>& known);

/// Reads settings from a YAML file into `options`. Keys are those of the table, plus `source`: one
/// or a list. Errors name file, line and key.
Status read_yaml(const std::string& path, Options& options);

/// Contradictions that no single setting shows (save_conf without save_txt, no model, ...).
Status check(const Options& options);

/// The table as Markdown, for docs/options.md.
std::string options_as_markdown();

}  // namespace osprey::engine
