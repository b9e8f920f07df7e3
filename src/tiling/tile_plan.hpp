// SPDX-License-Identifier: Apache-2.0
// Tile plans: how a frame that is too large for a network is cut into parts that are not.
#pragma once

#include <osprey/detection.hpp>
#include <osprey/result.hpp>

#include <optional>
#include <string_view>
#include <vector>

#include "tiling/polygon.hpp"
#include "tiling/tile.hpp"

namespace osprey::tiling {

enum class PlanKind : unsigned char {
  kCover,    ///< the fewest tiles of one size that cover the frame, their overlaps alike
  kSliding,  ///< a fixed step from the top left, the last tile moved back: SAHI's tiles
  kGrid,     ///< rows x columns of tiles of one size, whatever that size is
  kAuto,     ///< kCover, with the tile's size and overlap found from the objects wanted
};

struct PlanOptions {
  PlanKind kind = PlanKind::kCover;
  int tile_width = 640, tile_height = 640;  ///< cover and sliding: frame pixels, 32..16384
  int rows = 2, columns = 2;                ///< grid: 1..31; never more than the frame has pixels
  /// Least share of a tile that its neighbour sees too, 0..0.9, in pixels rounded down. Unset: 0.2
  /// for sliding; nothing for cover and grid, where only what is left over is shared; for auto as
  /// described at TilePlan.
  std::optional<double> overlap;
  int min_object = 16;                        ///< auto: least side of a wanted object, 1..4096
  int input_width = 640, input_height = 640;  ///< auto: the network's input, pixels, 32..16384
  bool with_frame = false;                    ///< the whole frame is one more tile, the last
  std::vector<Polygon> roi;  ///< tiles outside all of these are left out; empty: none is
};

/// The tiles of frames of one size, row by row. Immutable.
///
/// Cover, on each axis: n = ceil((size - overlap) / (tile - overlap)) tiles, of which n = 1 starts
/// at 0; else neighbours share (n * tile - size) / (n - 1) pixels, rounded down, and the last tile
/// ends with the frame. Without a least overlap n is ceil(size / tile). A frame smaller than a tile
/// makes the tile as small.
///
/// Grid: the tiles are as small as covering the frame with the wanted overlap allows, and start at
/// even steps, rounded down.
///
/// Auto. A detector's finest grid has cells of 8 pixels, and it finds objects of two cells, 16
/// pixels, in its input. So a tile is the network's input, enlarged by min_object / 16 if that is
/// more than 1: pixels are never invented by enlarging the picture, so smaller objects stay
/// smaller. An object as long as the overlap less a cell at each end is seen whole, clear of the
/// borders, by one tile at least. With the whole frame that has to be true of objects too small for
/// the frame's own pass (under 16 pixels there), without it of a fifth of a tile; of min_object
/// always. An overlap is at most half a tile.
class TilePlan {
 public:
  /// For frames of width x height pixels, 1..65536 each. Errors: kInvalidArgument, for an option
  /// out of its range, a polygon with fewer than three corners or an infinite one, no tile inside
  /// `roi`, or more than kMaxTiles. Options of other kinds are not looked at. A plan of one tile
  /// that is the frame is not given the frame again. Cost: linear in tiles times the polygons'
  /// corners.
  static Result<TilePlan> create(int width, int height, const PlanOptions& options);

  static constexpr int kMaxTiles = 4096;

  int width() const { return width_; }
  int height() const { return height_; }

  /// At least one. Sides are inner where they are not the frame's, also beside a tile left out.
  const std::vector<Tile>& tiles() const { return tiles_; }

  /// Whether the box's centre is in one of the polygons; always, if there are none.
  bool wants(const Detection& detection) const;

 private:
  TilePlan() = default;

  int width_ = 0, height_ = 0;
  std::vector<Tile> tiles_;
  std::vector<Polygon> roi_;
};

/// "640": cover with square tiles; "640x384": cover with tiles of width x height, if either number
/// is 32 or more; "2x3": a grid of rows x columns; "auto". The other options have their defaults.
/// Errors: kInvalidArgument, for anything else and for numbers out of their option's range.
Result<PlanOptions> parse_plan(std::string_view text);

}  // namespace osprey::tiling
