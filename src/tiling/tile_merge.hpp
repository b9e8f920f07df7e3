// SPDX-License-Identifier: Apache-2.0
// Tile merge: the boxes of all tiles of a frame become one list with each object in it once.
#pragma once

#include <osprey/detection.hpp>
#include <osprey/result.hpp>

#include <cstdint>
#include <span>
#include <vector>

#include "tiling/overlap.hpp"
#include "tiling/tile.hpp"
#include "tiling/tile_view.hpp"

namespace osprey::tiling {

enum class MergeMethod : unsigned char {
  /// Knows what tiles are; see TileMerger.
  kFragments,
  /// A box that overlaps a better one is dropped.
  kNms,
  /// The best box left takes in all that overlap it, in turn, as long as they overlap what it has
  /// grown to; then it is the smallest box around them. Those that no longer do are dropped.
  kGreedyNmm,
  /// The same, but boxes taken in take in others too.
  kNmm,
  /// Weighted boxes fusion: a box joins the fused box it overlaps most, whose corners are its
  /// members' means, weighted by confidence, and whose confidence is their mean. All tiles are one
  /// model: a tile that cannot see an object does not vote against it.
  kWbf,
};

struct MergeOptions {
  MergeMethod method = MergeMethod::kFragments;
  /// What overlap is, for nms, greedy_nmm and nmm; the others have their own.
  OverlapMetric metric = OverlapMetric::kIou;
  float threshold = 0.5f;  ///< boxes overlap from here on (wbf: above it), 0.01..1
  bool agnostic = false;   ///< boxes of different classes are merged too; the best gives the class
  int input_width = 640, input_height = 640;  ///< fragments: the network's input, 1..16384 pixels
};

/// A box in frame pixels, and the tile it was found in.
struct TileDetection {
  Detection detection;
  std::uint32_t tile = 0;
};

/// Merges the frames of one tile plan. Immutable: threads may share it.
///
/// Nms, greedy_nmm and nmm are SAHI's of the same names, with its IOU and IOS; wbf is that of
/// Solovyev et al., as ensemble-boxes has it for one model. Where SAHI goes by the order of its
/// input, this goes by confidence, then corners; and nmm merges boxes of equal confidence too.
///
/// Fragments rests on two questions, to both of which the tiles give the answer.
///
/// Is a box cut? It is if it ends within 4 pixels of an inner side, in pixels of the network's
/// input: half a cell of a detector's finest grid (stride 8), which is what a box's side can be
/// known to. Anything from 2 to 16 does about as well: boxes of cut objects end at the border.
///
/// Do two boxes show one object? Only boxes of different tiles can: those of one tile went through
/// that tile's own NMS. They do if they overlap, IoU >= threshold, within what both tiles saw. So a
/// part is compared with that part of the whole, not with the whole, which it hardly overlaps; and
/// neighbours in a crowd are not taken for parts, as they are by intersection over smaller.
///
/// Then: whole boxes drop worse ones of the same object, as in NMS, and all cut ones, also those
/// of which they hold 0.7: a tile sees less of a part the less there is of it. Cut boxes that are
/// left, of objects that no tile saw whole, are joined with those of the same object, and theirs,
/// to the smallest box around them. A box keeps its confidence, a joined one has the best of its
/// parts: that a part was found easily says little of the whole.
class TileMerger {
 public:
  /// `tiles`: the plan's. Errors: kInvalidArgument, for an option out of its range.
  static Result<TileMerger> create(std::span<const Tile> tiles, const MergeOptions& options);

  /// Boxes of one frame in any order -> the merged ones by falling confidence; ties: lower label,
  /// then corners from left to bottom. The same for every order of `boxes`, for as long as no two
  /// are alike in everything but the tile. Values are finite, `tile` is one of the plan's.
  /// Cost: a sort, and for each box a look at the boxes of its class that are near it.
  std::vector<Detection> merge(std::span<const TileDetection> boxes) const;

 private:
  TileMerger(std::span<const Tile> tiles, const MergeOptions& options);

  MergeOptions options_;
  std::vector<TileView> views_;  // by tile
};

}  // namespace osprey::tiling
