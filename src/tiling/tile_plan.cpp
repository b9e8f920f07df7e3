// SPDX-License-Identifier: Apache-2.0
#include "tiling/tile_plan.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "base/try.hpp"

namespace osprey::tiling {

namespace {

constexpr int kMinTile = 32, kMaxTile = 16384, kMaxGrid = 31, kMaxObject = 4096, kMaxFrame = 65536;
constexpr double kMaxOverlap = 0.9;
constexpr double kCell = 8;              // of a detector's finest grid, input pixels
constexpr double kFindable = 2 * kCell;  // least side of an object, input pixels
constexpr double kDefaultOverlap = 0.2;  // of a tile; SAHI's

Error invalid(std::string message) {
  return {ErrorCode::kInvalidArgument, std::move(message)};
}

Status check_range(const char* option, int value, int low, int high) {
  if (value >= low && value <= high) return {};
  return invalid(std::string(option) + ": expected " + std::to_string(low) + ".." +
                 std::to_string(high) + ", got " + std::to_string(value));
}

Status check_sizes(const PlanOptions& options) {
  switch (options.kind) {
    case PlanKind::kCover:
    case PlanKind::kSliding:
      OSPREY_TRY(check_range("tile_width", options.tile_width, kMinTile, kMaxTile));
      OSPREY_TRY(check_range("tile_height", options.tile_height, kMinTile, kMaxTile));
      return {};
    case PlanKind::kGrid:
      OSPREY_TRY(check_range("rows", options.rows, 1, kMaxGrid));
      OSPREY_TRY(check_range("columns", options.columns, 1, kMaxGrid));
      return {};
    case PlanKind::kAuto:
      OSPREY_TRY(check_range("min_object", options.min_object, 1, kMaxObject));
      OSPREY_TRY(check_range("input_width", options.input_width, kMinTile, kMaxTile));
      OSPREY_TRY(check_range("input_height", options.input_height, kMinTile, kMaxTile));
      return {};
  }
  return invalid("kind: expected cover, sliding, grid or auto");
}

Status check_roi(const std::vector<Polygon>& roi) {
  for (const auto& polygon : roi) {
    if (polygon.size() < 3) {
      return invalid("roi: expected polygons of three points or more, got " +
                     std::to_string(polygon.size()));
    }
    for (const auto& point : polygon) {
      if (!std::isfinite(point.x) || !std::isfinite(point.y)) {
        return invalid("roi: expected finite coordinates");
      }
    }
  }
  return {};
}

Status check(int width, int height, const PlanOptions& options) {
  OSPREY_TRY(check_range("frame width", width, 1, kMaxFrame));
  OSPREY_TRY(check_range("frame height", height, 1, kMaxFrame));
  OSPREY_TRY(check_sizes(options));
  const double overlap = options.overlap.value_or(0);
  if (!(overlap >= 0 && overlap <= kMaxOverlap)) {
    return invalid("overlap: expected 0..0.9, got " + std::to_string(overlap));
  }
  return check_roi(options.roi);
}

// The tiles' places on one axis.
struct Axis {
  int tile = 0;
  std::vector<int> starts;
};

// `count` tiles at multiples of `step`, the last one moved back into the frame.
Axis stepped(int size, int tile, int count, int step) {
  Axis axis{tile, {}};
  for (int i = 0; i < count; ++i) axis.starts.push_back(std::min(i * step, size - tile));
  return axis;
}

int ceil_div(int a, int b) {
  return (a + b - 1) / b;
}

// How many tiles of at least this overlap reach the frame's end.
int count_of(int size, int tile, int overlap) {
  return size <= tile ? 1 : 1 + ceil_div(size - tile, tile - overlap);
}

int share_of(int tile, double ratio) {
  return static_cast<int>(ratio * tile);
}

Axis cover(int size, int tile, int overlap) {
  const int count = count_of(size, tile, overlap);
  if (count == 1) return {std::min(size, tile), {0}};
  const int shared = static_cast<int>((std::int64_t{count} * tile - size) / (count - 1));
  return stepped(size, tile, count, tile - shared);
}

Axis slide(int size, int tile, int overlap) {
  return stepped(size, std::min(size, tile), count_of(size, tile, overlap), tile - overlap);
}

Axis grid(int size, int wanted, double ratio) {
  const int count = std::min(size, wanted);
  int tile = static_cast<int>(size / (count - (count - 1) * ratio));
  while (count * tile - (count - 1) * share_of(tile, ratio) < size) ++tile;
  Axis axis{tile, {0}};
  for (int i = 1; i < count; ++i) {
    const int start = i * (size - tile) / (count - 1);
    if (start > axis.starts.back()) axis.starts.push_back(start);
  }
  return axis;
}

int auto_tile(int input, const PlanOptions& options) {
  return static_cast<int>(std::lround(input * std::max(1.0, options.min_object / kFindable)));
}

int auto_overlap(int tile, int width, int height, const PlanOptions& options) {
  if (options.overlap) return share_of(tile, *options.overlap);
  const double frame_shrinks = std::max({1.0, static_cast<double>(width) / options.input_width,
                                         static_cast<double>(height) / options.input_height});
  const double tile_shrinks = std::max(1.0, options.min_object / kFindable);
  const double whole = std::max<double>(
      options.min_object, options.with_frame ? kFindable * frame_shrinks : kDefaultOverlap * tile);
  return std::min(static_cast<int>(std::ceil(whole + 2 * kCell * tile_shrinks)), tile / 2);
}

std::pair<Axis, Axis> axes_of(int width, int height, const PlanOptions& options) {
  switch (options.kind) {
    case PlanKind::kSliding: {
      const double ratio = options.overlap.value_or(kDefaultOverlap);
      return {slide(width, options.tile_width, share_of(options.tile_width, ratio)),
              slide(height, options.tile_height, share_of(options.tile_height, ratio))};
    }
    case PlanKind::kGrid: {
      const double ratio = options.overlap.value_or(0);
      return {grid(width, options.columns, ratio), grid(height, options.rows, ratio)};
    }
    case PlanKind::kAuto: {
      const int across = auto_tile(options.input_width, options);
      const int down = auto_tile(options.input_height, options);
      return {cover(width, across, auto_overlap(across, width, height, options)),
              cover(height, down, auto_overlap(down, width, height, options))};
    }
    case PlanKind::kCover:
      break;
  }
  const double ratio = options.overlap.value_or(0);
  return {cover(width, options.tile_width, share_of(options.tile_width, ratio)),
          cover(height, options.tile_height, share_of(options.tile_height, ratio))};
}

bool is_reached(const Tile& tile, const std::vector<Polygon>& roi) {
  return roi.empty() || std::any_of(roi.begin(), roi.end(),
                                    [&](const Polygon& polygon) { return touches(polygon, tile); });
}

std::vector<Tile> tiles_of(int width, int height, const Axis& across, const Axis& down) {
  std::vector<Tile> tiles;
  for (const int y : down.starts) {
    for (const int x : across.starts) {
      tiles.push_back({x, y, across.tile, down.tile, x > 0, y > 0, x + across.tile < width,
                       y + down.tile < height});
    }
  }
  return tiles;
}

}  // namespace

Result<TilePlan> TilePlan::create(int width, int height, const PlanOptions& options) {
  OSPREY_TRY(check(width, height, options));
  const auto [across, down] = axes_of(width, height, options);
  const std::size_t count = across.starts.size() * down.starts.size();
  if (count > kMaxTiles) {
    return invalid("tiles: expected at most " + std::to_string(kMaxTiles) + " a frame, got " +
                   std::to_string(count) + ": larger tiles or less overlap make fewer");
  }
  TilePlan plan;
  plan.width_ = width;
  plan.height_ = height;
  plan.roi_ = options.roi;
  plan.tiles_ = tiles_of(width, height, across, down);
  std::erase_if(plan.tiles_, [&](const Tile& tile) { return !is_reached(tile, options.roi); });
  if (plan.tiles_.empty())
    return invalid("roi: expected a polygon with pixels of the frame inside");
  if (options.with_frame && count > 1) plan.tiles_.push_back({0, 0, width, height});
  return plan;
}

bool TilePlan::wants(const Detection& detection) const {
  const auto& box = detection.box;
  const Point centre{(double{box.x1} + box.x2) / 2, (double{box.y1} + box.y2) / 2};
  return roi_.empty() || std::any_of(roi_.begin(), roi_.end(), [&](const Polygon& polygon) {
           return contains(polygon, centre);
         });
}

namespace {

// Takes a number off the front of `text`; nothing if there is none or it is too large for an int.
std::optional<int> take_number(std::string_view& text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || text.front() == '-') return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

}  // namespace

Result<PlanOptions> parse_plan(std::string_view text) {
  PlanOptions options;
  if (text == "auto") {
    options.kind = PlanKind::kAuto;
    return options;
  }
  auto rest = text;
  const auto first = take_number(rest);
  const bool lone = rest.empty();
  if (!lone && rest.front() == 'x') rest.remove_prefix(1);
  const auto second = lone ? first : take_number(rest);
  if (!first || !second || !rest.empty()) {
    return invalid("tiles: expected \"640\", \"640x384\", \"2x3\" or \"auto\", got \"" +
                   std::string(text) + "\"");
  }
  if (!lone && *first < kMinTile && *second < kMinTile) {
    options.kind = PlanKind::kGrid;
    options.rows = *first;
    options.columns = *second;
  } else {
    options.tile_width = *first;
    options.tile_height = *second;
  }
  OSPREY_TRY(check_sizes(options));
  return options;
}

}  // namespace osprey::tiling
