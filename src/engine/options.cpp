// SPDX-License-Identifier: Apache-2.0
#include "engine/options.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>
#include <string>

#include "base/try.hpp"
#include "model/head.hpp"
#include "tiling/tile_plan.hpp"

namespace osprey::engine {

namespace {

Error bad_value(std::string_view key, std::string_view text, const std::string& expected) {
  return {ErrorCode::kInvalidArgument, "--" + std::string(key) + ": '" + std::string(text) +
                                           "' is not valid; expected " + expected};
}

template <typename Number>
Result<Number> parse(std::string_view key, std::string_view text, Number low, Number high) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  // Written so that a NaN is out of range.
  if (!whole || !(value >= low && value <= high)) {
    std::ostringstream expected;
    expected << (std::is_integral_v<Number> ? "a whole number" : "a number") << " from " << low
             << " to " << high;
    return bad_value(key, text, expected.str());
  }
  return value;
}

Result<bool> parse_flag(std::string_view key, std::string_view text) {
  if (text != "true" && text != "false") return bad_value(key, text, "true or false");
  return text == "true";
}

// What stands between the commas, without the spaces around it.
std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  for (;;) {
    const auto comma = text.find(',');
    auto part = text.substr(0, comma);
    part.remove_prefix(std::min(part.find_first_not_of(' '), part.size()));
    part.remove_suffix(part.size() - (part.find_last_not_of(' ') + 1));
    parts.emplace_back(part);
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

std::string join(const std::vector<std::string>& parts) {
  std::string text;
  for (const auto& part : parts) text += (text.empty() ? "" : ",") + part;
  return text;
}

OptionSpec text(OptionGroup group, std::string_view key, std::string_view value,
                std::string Options::*member, std::string_view help) {
  return {key,
          value,
          group,
          help,
          [=](Options& o, std::string_view v) -> Status {
            if (v.empty()) return bad_value(key, v, std::string(value) + ", not an empty text");
            o.*member = v;
            return {};
          },
          [=](const Options& o) { return o.*member; }};
}

OptionSpec flag(OptionGroup group, std::string_view key, bool Options::*member,
                std::string_view help) {
  return {key,
          "",
          group,
          help,
          [=](Options& o, std::string_view v) -> Status {
            o.*member = OSPREY_TRY(parse_flag(key, v));
            return {};
          },
          [=](const Options& o) -> std::string { return o.*member ? "true" : "false"; }};
}

template <typename Number>
OptionSpec number(OptionGroup group, std::string_view key, std::string_view value,
                  Number Options::*member, Number low, Number high, std::string_view help) {
  return {key,
          value,
          group,
          help,
          [=](Options& o, std::string_view v) -> Status {
            o.*member = OSPREY_TRY(parse<Number>(key, v, low, high));
            return {};
          },
          [=](const Options& o) {
            std::ostringstream shown;
            shown << o.*member;
            return shown.str();
          }};
}

OptionSpec choice(OptionGroup group, std::string_view key, std::string_view value,
                  std::string Options::*member, std::vector<std::string> allowed,
                  std::string_view help) {
  auto spec = text(group, key, value, member, help);
  spec.set = [=](Options& o, std::string_view v) -> Status {
    if (std::find(allowed.begin(), allowed.end(), v) == allowed.end()) {
      return bad_value(key, v, "one of " + join(allowed));
    }
    o.*member = v;
    return {};
  };
  return spec;
}

Status set_imgsz(Options& o, std::string_view text) {
  std::vector<int> sides;
  for (const auto& part : split(text)) {
    const auto side = parse<int>("imgsz", part, 32, 8192);
    if (!side || sides.size() == 2) {
      return bad_value("imgsz", text, "N or HEIGHT,WIDTH, each from 32 to 8192");
    }
    sides.push_back(*side);
  }
  o.imgsz = sides;
  return {};
}

std::string get_imgsz(const Options& o) {
  std::vector<std::string> parts;
  for (const int side : o.imgsz) parts.push_back(std::to_string(side));
  return join(parts);
}

template <typename Value>
using NamedValues = std::vector<std::pair<std::string_view, Value>>;

template <typename Value>
OptionSpec named(OptionGroup group, std::string_view key, Value Options::*member,
                 const NamedValues<Value>& values, std::string_view help) {
  return {key,
          "NAME",
          group,
          help,
          [=](Options& o, std::string_view text) -> Status {
            std::vector<std::string> names;
            for (const auto& [name, value] : values) {
              if (name == text) {
                o.*member = value;
                return {};
              }
              names.emplace_back(name);
            }
            return bad_value(key, text, "one of " + join(names));
          },
          [=](const Options& o) {
            for (const auto& [name, value] : values) {
              if (value == o.*member) return std::string(name);
            }
            return std::string();
          }};
}

Status set_tiles(Options& o, std::string_view text) {
  if (!tiling::parse_plan(text)) {
    return bad_value(
        "tiles", text,
        "N or WxH pixels from 32 to 16384, RxC rows and columns from 1 to 31, or auto");
  }
  o.tiles = text;
  return {};
}

Status set_overlap(Options& o, std::string_view text) {
  o.overlap = OSPREY_TRY(parse<double>("overlap", text, 0, 0.9));
  return {};
}

std::string get_overlap(const Options& o) {
  std::ostringstream shown;
  if (o.overlap) shown << *o.overlap;
  return shown.str();
}

constexpr auto kExpectedRoi = "polygons as in \"0,0 640,0 640,480; 700,10 900,10 800,90\"";

Result<tiling::Polygon> parse_polygon(std::string_view roi, const std::string& text) {
  tiling::Polygon polygon;
  std::istringstream points(text);
  for (std::string point; points >> point;) {
    const auto coordinates = split(point);
    if (coordinates.size() != 2) return bad_value("roi", roi, kExpectedRoi);
    const auto x = parse<double>("roi", coordinates[0], -1e6, 1e6);
    const auto y = parse<double>("roi", coordinates[1], -1e6, 1e6);
    if (!x || !y) return bad_value("roi", roi, kExpectedRoi);
    polygon.push_back({*x, *y});
  }
  if (polygon.size() < 3) return bad_value("roi", roi, kExpectedRoi);
  return polygon;
}

Status set_roi(Options& o, std::string_view text) {
  std::vector<tiling::Polygon> polygons;
  std::istringstream rest{std::string(text)};
  for (std::string polygon; std::getline(rest, polygon, ';');) {
    polygons.push_back(OSPREY_TRY(parse_polygon(text, polygon)));
  }
  if (polygons.empty()) return bad_value("roi", text, kExpectedRoi);
  o.roi = std::move(polygons);
  return {};
}

std::string get_roi(const Options& o) {
  std::ostringstream shown;
  for (const auto& polygon : o.roi) {
    shown << (shown.tellp() > 0 ? ";" : "");
    const char* separator = "";
    for (const auto& point : polygon) {
      shown << std::exchange(separator, " ") << point.x << ',' << point.y;
    }
  }
  return shown.str();
}

// "car:vehicle,truck:vehicle".
Status set_map(Options& o, std::string_view text) {
  std::vector<std::pair<std::string, std::string>> map;
  for (const auto& entry : split(text)) {
    const auto colon = entry.find(':');
    if (colon == 0 || colon == std::string::npos || colon + 1 == entry.size()) {
      return bad_value("map", text, "classes and labels, as in car:vehicle,truck:vehicle");
    }
    map.emplace_back(entry.substr(0, colon), entry.substr(colon + 1));
  }
  o.map = std::move(map);
  return {};
}

std::string get_map(const Options& o) {
  std::vector<std::string> entries;
  for (const auto& [from, to] : o.map) entries.push_back(from + ":" + to);
  return join(entries);
}

constexpr int kMostCores = 3;

// "0_1": cores 0 and 1, 3; "auto": 0.
std::optional<std::uint32_t> core_mask(const std::string& text) {
  if (text == "auto") return 0;
  std::uint32_t mask = 0;
  std::istringstream cores(text);
  for (std::string core; std::getline(cores, core, '_');) {
    const auto number = parse<int>("cores", core, 0, kMostCores - 1);
    if (!number) return std::nullopt;
    mask |= 1u << *number;
  }
  return mask == 0 ? std::nullopt : std::optional(mask);
}

Status set_cores(Options& o, std::string_view text) {
  std::vector<std::uint32_t> masks;
  for (const auto& lane : split(text)) {
    const auto mask = core_mask(lane);
    if (!mask || *mask == 5) {
      return bad_value("cores", text, "lanes as in 0,1,2 or 0_1_2 or auto,auto; cores 0 to 2");
    }
    masks.push_back(*mask);
  }
  o.cores = std::move(masks);
  return {};
}

std::string get_cores(const Options& o) {
  std::vector<std::string> lanes;
  for (const auto mask : o.cores) {
    std::string cores = mask == 0 ? "auto" : "";
    for (int core = 0; core < kMostCores; ++core) {
      if (mask >> core & 1) cores += (cores.empty() ? "" : "_") + std::to_string(core);
    }
    lanes.push_back(cores);
  }
  return join(lanes);
}

Status set_batch(Options& o, std::string_view text) {
  if (text == "auto") {
    o.batch = Options::kAutoBatch;
    return {};
  }
  const auto batch = parse<int>("batch", text, 1, 64);
  if (!batch) return bad_value("batch", text, "auto or a whole number from 1 to 64");
  o.batch = *batch;
  return {};
}

std::string get_batch(const Options& o) {
  return o.batch == Options::kAutoBatch ? "auto" : std::to_string(o.batch);
}

template <typename Number>
OptionSpec crop_number(std::string_view key, std::string_view value,
                       Number ensemble::CropOptions::*member, Number low, Number high,
                       std::string_view help) {
  return {key,
          value,
          OptionGroup::kPlan,
          help,
          [=](Options& o, std::string_view v) -> Status {
            o.crops.*member = OSPREY_TRY(parse<Number>(key, v, low, high));
            return {};
          },
          [=](const Options& o) {
            std::ostringstream shown;
            shown << o.crops.*member;
            return shown.str();
          }};
}

std::vector<OptionSpec> make_table() {
  using enum OptionGroup;
  using O = Options;
  return {
      text(
          kModel, "model", "FILE", &O::model,
          "model: .onnx, .xml (OpenVINO IR), .tflite or .rknn; given again: several, side by side"),
      number<float>(kModel, "conf", "X", &O::conf, 0, 1, "least confidence of a detection, 0..1"),
      number<float>(kModel, "iou", "X", &O::iou, 0, 1,
                    "boxes of a class that overlap a better one by more are dropped, 0..1"),
      {"imgsz", "N|H,W", kModel,
       "input size of a model that leaves it open: a side, or height and width, 32..8192",
       set_imgsz, get_imgsz},
      {"classes", "LIST", kModel, "only these classes: names or numbers, separated by commas",
       [](Options& o, std::string_view v) -> Status {
         const auto classes = split(v);
         if (std::find(classes.begin(), classes.end(), "") != classes.end()) {
           return bad_value("classes", v, "names or numbers, separated by commas");
         }
         o.classes = classes;
         return {};
       },
       [](const Options& o) { return join(o.classes); }},
      number<int>(kModel, "max-det", "N", &O::max_det, 1, 100000,
                  "most detections a frame, 1..100000"),
      flag(kModel, "agnostic-nms", &O::agnostic_nms, "let boxes suppress those of other classes"),
      {"multi-label", "", kModel,
       "let a box have several classes, as evaluations do; default: only with --coco",
       [](Options& o, std::string_view v) -> Status {
         o.multi_label = OSPREY_TRY(parse_flag("multi-label", v));
         return {};
       },
       [](const Options& o) -> std::string {
         return o.multi_label ? (*o.multi_label ? "true" : "false") : "";
       }},
      text(kModel, "names", "FILE", &O::names,
           "class names: a line each, or a data.yaml; default: the model's own, else COCO's"),
      text(kModel, "rknn-library", "FILE", &O::rknn_library,
           "Rockchip's runtime, for .rknn models"),
      choice(kModel, "head", "NAME", &O::head, model::head_names(),
             "how to read the outputs, if they are not recognised (see `osprey info`)"),

      {"tiles", "PLAN", kTiles,
       "cut frames for the network: N or WxH (tiles of so many pixels), RxC (rows and columns "
       "below 32), or auto",
       set_tiles, [](const Options& o) { return o.tiles; }},
      {"overlap", "X", kTiles,
       "what neighbouring tiles share at least, 0..0.9 of a tile; with tiles of N or WxH: SAHI's "
       "tiles",
       set_overlap, get_overlap},
      number<int>(kTiles, "min-object", "N", &O::min_object, 1, 4096,
                  "with --tiles auto: least side of an object that is to be found, 1..4096 pixels"),
      flag(kTiles, "with-frame", &O::with_frame, "look at the whole frame too, for large objects"),
      {"roi", "POLYGONS", kTiles,
       "look and report only inside: corners \"x,y x,y x,y\" in frame pixels, polygons separated "
       "by ;",
       set_roi, get_roi},
      named<tiling::MergeMethod>(
          kTiles, "merge", &O::merge,
          {{"fragments", tiling::MergeMethod::kFragments},
           {"nms", tiling::MergeMethod::kNms},
           {"greedy_nmm", tiling::MergeMethod::kGreedyNmm},
           {"nmm", tiling::MergeMethod::kNmm},
           {"wbf", tiling::MergeMethod::kWbf}},
          "how boxes of several tiles become one: fragments (knows what tiles cut), nms, "
          "greedy_nmm, nmm or wbf"),
      named<tiling::OverlapMetric>(
          kTiles, "merge-metric", &O::merge_metric,
          {{"iou", tiling::OverlapMetric::kIou}, {"ios", tiling::OverlapMetric::kIos}},
          "what overlap is for nms, greedy_nmm and nmm: iou, or ios (over the smaller box)"),
      number<float>(kTiles, "merge-threshold", "X", &O::merge_threshold, 0.01f, 1,
                    "boxes of several tiles that overlap by as much are one, 0.01..1"),

      named<ensemble::FusionMethod>(
          kModels, "fuse", &O::fuse,
          {{"nms", ensemble::FusionMethod::kNms},
           {"wbf", ensemble::FusionMethod::kWbf},
           {"none", ensemble::FusionMethod::kNone}},
          "how boxes of several models become one: nms (the surest stays), wbf (their weighted "
          "mean) or none"),
      number<float>(kModels, "fuse-iou", "X", &O::fuse_iou, 0.01f, 1,
                    "boxes of several models that overlap by more show one object, 0.01..1"),

      text(kPlan, "name", "TEXT", &O::name,
           "what results call the model; default: its file's name"),
      {"map", "CLASS: LABEL", kPlan, "labels in place of some of the model's classes", set_map,
       get_map},
      number<float>(kPlan, "weight", "X", &O::weight, 0.001f, 1000,
                    "how much the model counts in --fuse, 0.001..1000"),
      flag(kPlan, "optional", &O::optional,
           "if the model cannot be loaded, or fails, the run goes on without it"),
      text(kPlan, "after", "NAME", &O::after,
           "run on the boxes of the model of that name; default: on the frame"),
      {"on", "LIST", kPlan, "with after: on boxes with these labels only",
       [](Options& o, std::string_view v) -> Status {
         const auto labels = split(v);
         if (std::find(labels.begin(), labels.end(), "") != labels.end()) {
           return bad_value("on", v, "labels, separated by commas");
         }
         o.on = labels;
         return {};
       },
       [](const Options& o) { return join(o.on); }},
      crop_number<float>("margin", "X", &ensemble::CropOptions::margin, 0, 4,
                         "with after: look so much farther at each side, 0..4 of the box's"),
      crop_number<int>("min-size", "N", &ensemble::CropOptions::min_size, 1, 4096,
                       "with after: least width and height of a box, 1..4096 pixels"),
      crop_number<int>("max-crops", "N", &ensemble::CropOptions::max_crops, 1, 4096,
                       "with after: most boxes a frame, the surest first, 1..4096"),
      named<bool>(kPlan, "results", &O::merge_results, {{"attach", false}, {"merge", true}},
                  "with after: attach what is found to the box, or merge it among the objects"),

      flag(kTracks, "track", &O::track,
           "number objects through all frames (ByteTrack), and report those alone"),
      number<int>(kTracks, "track-buffer", "N", &O::track_buffer, 0, 100000,
                  "frames for which an object that is not seen keeps its number, 0..100000"),

      number<int>(kRun, "lanes", "N", &O::lanes, 0, 64,
                  "inferences at once, 0..64; 0: as many as the runtime finds best"),
      number<int>(kRun, "threads", "N", &O::threads, 0, 1024,
                  "CPU threads for inference, 0..1024; 0: every core"),
      named<runtime::Precision>(
          kRun, "precision", &O::precision,
          {{"auto", runtime::Precision::kAuto},
           {"f32", runtime::Precision::kFp32},
           {"bf16", runtime::Precision::kBf16}},
          "numbers to compute with: f32 (exact), bf16, or auto (the fastest here)"),
      {"batch", "N|auto", kRun,
       "pictures that one inference takes, 1..64; auto: the fastest of 1, 2, 4 and 8, measured at "
       "the start",
       set_batch, get_batch},
      number<int>(kRun, "batch-wait", "MS", &O::batch_wait, 0, 1000,
                  "how long a lane with nothing to do waits for a batch to fill, 0..1000 ms"),
      number<int>(kRun, "max-latency", "MS", &O::max_latency, 0, 60000,
                  "with --batch auto: longest an inference may take, 0..60000 ms; 0: any"),
      text(kRun, "cache-dir", "DIR", &O::cache_dir, "keep compiled models here for faster starts"),
      {"cores", "LIST", kRun,
       "NPU cores of each lane: 0,1,2 (a lane a core), 0_1_2 (one lane over three), auto; default: "
       "a lane a core",
       set_cores, get_cores},
      choice(kRun, "npu-io", "NAME", &O::npu_io, {"auto", "plain"},
             "pictures and outputs of an NPU: auto (in memory that it shares, where its runtime "
             "can), plain (the runtime copies)"),
      number<int>(
          kRun, "run-timeout", "MS", &O::run_timeout, 100, 600000,
          "an NPU core that does not answer for so long, 100..600000 ms, has hung: its work "
          "goes to others, and it is tried again later"),
      number<int>(kRun, "in-flight", "N", &O::in_flight, 0, 4096,
                  "most frames of a stream on their way, 0..4096; 0: enough to keep lanes busy"),
      choice(kRun, "policy", "NAME", &O::policy, {"wait", "drop_oldest", "drop_newest"},
             "when frames come too fast: wait, drop_oldest or drop_newest; default: wait for "
             "files, drop_oldest for live sources"),

      number<int>(kSource, "vid-stride", "N", &O::vid_stride, 1, 100000,
                  "take every N-th frame, 1..100000"),
      text(kSource, "decoder", "NAME", &O::decoder,
           "auto (in hardware where there is some), software, or a hardware decoder by FFmpeg's "
           "name: rkmpp, vaapi, v4l2m2m, cuda"),
      choice(kSource, "transport", "NAME", &O::transport, {"tcp", "udp"},
             "how RTSP cameras send: tcp or udp"),
      named<bool>(kSource, "reconnect", &O::reconnect, {{"yes", true}, {"no", false}},
                  "connect again to cameras that go away: yes or no"),
      number<int>(kSource, "stall", "MS", &O::stall, 100, 600000,
                  "a camera that is silent for so long, 100..600000 ms, counts as gone"),
      number<int>(kSource, "max-lag", "MS", &O::max_lag, 0, 60000,
                  "pictures of cameras are left out if decoding is later, 0..60000 ms; 0, and with "
                  "--policy wait: none"),
      flag(kSource, "loop", &O::loop,
           "play files again and again, at their own pace, like cameras"),
      flag(kSource, "realtime", &O::realtime, "play files at their own pace"),

      text(kOutput, "output", "DIR", &O::output, "folder for --save and --save-txt"),
      flag(kOutput, "save", &O::save, "write annotated videos and pictures"),
      flag(kOutput, "draw-tiles", &O::draw_tiles, "draw the tiles' borders, with --save"),
      number<int>(kOutput, "line-width", "N", &O::line_width, 0, 100,
                  "width of the boxes' lines, 0..100 pixels; letters follow it; 0: from the "
                  "picture's size"),
      flag(kOutput, "hide-labels", &O::hide_labels, "draw boxes without names"),
      flag(kOutput, "hide-conf", &O::hide_conf, "draw names without confidences"),
      flag(kOutput, "save-txt", &O::save_txt, "write YOLO text files to DIR/labels"),
      flag(kOutput, "save-conf", &O::save_conf, "with confidences in the text files"),
      text(kOutput, "save-mot", "DIR", &O::save_mot,
           "write MOTChallenge text files to this folder, with --track"),
      text(kOutput, "json", "FILE", &O::json, "write JSON Lines; - is standard output"),
      text(kOutput, "coco", "FILE", &O::coco, "write COCO results JSON; - is standard output"),
      text(kOutput, "coco-gt", "FILE", &O::coco_gt,
           "take image and category ids from this COCO ground truth, by name"),
      flag(kOutput, "quiet", &O::quiet, "no progress, no summary"),
  };
}

std::string normal(std::string_view key) {
  std::string text(key);
  std::replace(text.begin(), text.end(), '_', '-');
  return text;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

std::string_view title_of(OptionGroup group) {
  switch (group) {
    case OptionGroup::kModel:
      return "Model";
    case OptionGroup::kTiles:
      return "Large pictures";
    case OptionGroup::kModels:
      return "Several models";
    case OptionGroup::kPlan:
      return "One of several models";
    case OptionGroup::kTracks:
      return "Following objects";
    case OptionGroup::kRun:
      return "Running";
    case OptionGroup::kSource:
      return "Sources";
    case OptionGroup::kOutput:
      return "Results";
  }
  return {};
}

const std::vector<OptionSpec>& option_table() {
  static const std::vector<OptionSpec> table = make_table();
  return table;
}

const OptionSpec* find_option(std::string_view key) {
  const auto wanted = normal(key);
  for (const auto& spec : option_table()) {
    if (spec.key == wanted) return &spec;
  }
  return nullptr;
}

std::string suggestion(std::string_view key, const std::vector<std::string_view>& known) {
  const auto wanted = normal(key);
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(2, wanted.size() / 3) + 1;
  for (const auto candidate : known) {
    const auto distance = edit_distance(wanted, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best.empty() ? std::string() : "; did you mean " + std::string(best) + "?";
}

std::string options_as_markdown() {
  const Options defaults;
  std::ostringstream page;
  page << "# Options\n\n"
          "Flags of `osprey detect`; the same keys, without the dashes, make a YAML file for\n"
          "`--config FILE` (flags win over the file). Dashes and underscores are the same.\n";
  using enum OptionGroup;
  for (const auto group : {kModel, kTiles, kModels, kPlan, kTracks, kRun, kSource, kOutput}) {
    page << "\n## " << title_of(group) << "\n\n";
    if (group == kPlan) {
      page << "Keys under `models:` in a YAML file, beside those above (but `roi`), `batch` and\n"
              "`precision`; what is said outside is said for all models. No flags.\n\n";
    }
    page << "| option | default | meaning |\n|---|---|---|\n";
    for (const auto& spec : option_table()) {
      if (spec.group != group) continue;
      page << "| `" << (group == kPlan ? "" : "--") << spec.key;
      if (!spec.value.empty()) {
        std::string value(spec.value);
        for (auto at = value.find('|'); at != std::string::npos; at = value.find('|', at + 2)) {
          value.replace(at, 1, "\\|");
        }
        page << ' ' << value;
      }
      page << "` | " << spec.get(defaults) << " | " << spec.help << " |\n";
    }
  }
  return page.str();
}

}  // namespace osprey::engine
