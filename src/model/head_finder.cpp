// SPDX-License-Identifier: Apache-2.0
#include "model/head_finder.hpp"

#include <algorithm>
#include <utility>

#include "base/try.hpp"
#include "model/known_anchors.hpp"

namespace osprey::model {

namespace {

constexpr std::int64_t kMostChannels = 1 << 20;
constexpr std::int64_t kUsualClasses = 80;
const std::vector<int>& usual_strides() {
  static const std::vector<int> strides = {8, 16, 32};
  return strides;
}

constexpr const char* kKnownLayouts =
    "[1, 4+C, N] or [1, N, 4+C] (channels-first: v8, v9, 11, 12); "
    "[1, N, 5+C] (rows: v5, v6, v7; or yolox-grid); "
    "[1, N, 6] (end-to-end: v10, 26); "
    "three raw outputs [1, 3*(5+C), H, W] at strides 8, 16, 32 (v5; others with a head named "
    "anchors-... or metadata osprey.head); "
    "boxes [1, 4*R, H, W] and scores [1, C, H, W] a stride (split)";

std::string join(const std::vector<int>& values) {
  std::string text;
  for (const int value : values) text += (text.empty() ? "" : ", ") + std::to_string(value);
  return text;
}

std::string prefix(const std::string& source) {
  return source.empty() ? "" : source + ": ";
}

bool is_fixed(const Shape& shape) {
  return std::all_of(shape.begin(), shape.end(), [](auto d) { return d > 0; });
}

bool mentions_sigmoid(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return name.find("sigmoid") != std::string::npos;
}

}  // namespace

Result<HeadLayout> HeadFinder::by_shape() const {
  if (const auto matrix = find_matrix()) {
    if (is_end_to_end(*matrix)) return matrix_head(HeadKind::kEndToEnd, *matrix, false, "");
    if (columns_are_locations(*matrix)) {
      return matrix_head(HeadKind::kChannelsFirst, *matrix, false, "");
    }
    if (matrix->columns >= 5 && may_be_locations(matrix->rows, matrix->columns)) {
      return matrix_head(kind_of_rows(*matrix), *matrix, true, "");
    }
  } else {
    const auto& sets = known_anchors();
    const auto v5 =
        std::find_if(sets.begin(), sets.end(), [](const auto& set) { return set.name == "v5"; });
    auto head = by_anchors(v5->rule, v5->scales, true, "");
    if (!head.ok()) head = split_head(std::nullopt, "");
    if (head.ok()) return head;
  }
  auto error = misfit("no detector known here", kKnownLayouts);
  error.code = ErrorCode::kUnsupported;
  return error;
}

Result<HeadLayout> HeadFinder::by_kind(HeadKind kind, std::optional<bool> logits,
                                       const std::string& source) const {
  if (kind == HeadKind::kSplitDfl) return split_head(logits, source);
  const auto matrix = find_matrix();
  if (!matrix) return misfit(source, "one output of three dimensions");
  // Either order may be meant: the names tell, else there are fewer channels than locations.
  bool transposed = matrix->rows < 0 || (matrix->columns >= 0 && matrix->rows > matrix->columns);
  if (named_ && matrix->rows == *named_ + 4)
    transposed = false;
  else if (named_ && matrix->columns == *named_ + 4)
    transposed = true;
  auto head = OSPREY_TRY(matrix_head(kind, *matrix, transposed, source));
  head.scores_are_logits = logits.value_or(false);
  return head;
}

Result<HeadLayout> HeadFinder::by_anchors(AnchorRule rule, std::vector<AnchorScale> scales,
                                          bool logits, const std::string& source) const {
  std::string wanted;
  for (const auto& scale : scales) {
    const auto [height, width] = size_at(scale.stride);
    const auto anchors = static_cast<std::int64_t>(scale.anchors.size());
    wanted += (wanted.empty() ? "" : ", ") +
              ("[1, " + std::to_string(anchors) + "*(5+C), " + std::to_string(height) + ", " +
               std::to_string(width) + "]");
  }
  const auto holds = [&](const TensorInfo& tensor, GridOrder order, const AnchorScale& scale) {
    const auto anchors = static_cast<std::int64_t>(scale.anchors.size());
    // Without a fixed size nothing tells one stride's output from another's.
    return is_fixed(tensor.shape) &&
           grid_channels(tensor.shape, order, size_at(scale.stride), anchors).value_or(0) >=
               6 * anchors;
  };
  const auto& outputs = model_.outputs;
  for (const auto order : kGridOrders) {
    if (outputs.size() != scales.size()) break;
    const bool all = std::all_of(scales.begin(), scales.end(), [&](AnchorScale& scale) {
      const auto found = std::find_if(outputs.begin(), outputs.end(), [&](const auto& tensor) {
        return holds(tensor, order, scale);
      });
      scale.output = static_cast<int>(found - outputs.begin());
      return found != outputs.end();
    });
    if (all) return by_scales(rule, std::move(scales), logits, source);
  }
  return misfit(source, wanted + " or these with the channels behind");
}

Result<HeadLayout> HeadFinder::by_scales(AnchorRule rule, std::vector<AnchorScale> scales,
                                         bool logits, const std::string& source) const {
  std::sort(scales.begin(), scales.end(),
            [](const auto& a, const auto& b) { return a.stride < b.stride; });
  const auto values_of = [&](const AnchorScale& scale, GridOrder order) {
    const auto anchors = static_cast<std::int64_t>(scale.anchors.size());
    return grid_channels(output(scale.output).shape, order, size_at(scale.stride), anchors)
               .value_or(0) /
           anchors;
  };
  for (const auto order : kGridOrders) {
    const auto values = values_of(scales.front(), order);
    const bool agree = std::all_of(scales.begin(), scales.end(), [&](const auto& scale) {
      return values_of(scale, order) == values;
    });
    if (!agree || values < 6 || values > kMostChannels) continue;
    HeadLayout head;
    head.kind = HeadKind::kAnchorGrid;
    head.classes = static_cast<int>(values) - 5;
    head.rule = rule;
    head.scores_are_logits = logits;
    for (const auto& scale : scales) head.strides.push_back(scale.stride);
    head.reason = prefix(source) + std::to_string(scales.size()) +
                  " outputs are grids of cells at strides " + join(head.strides) + ", with " +
                  std::to_string(scales.front().anchors.size()) +
                  " anchors a cell, each with a box, objectness and " +
                  std::to_string(head.classes) + " class scores";
    head.scales = std::move(scales);
    return head;
  }
  return misfit(source, "for each stride an output of anchors * (5 + classes) values a cell");
}

// Training exports of v5 list the decoded rows first and the raw grids, of five dimensions, behind.
std::optional<HeadFinder::Matrix> HeadFinder::find_matrix() const {
  std::optional<Matrix> found;
  for (std::size_t i = 0; i < model_.outputs.size(); ++i) {
    const auto& shape = model_.outputs[i].shape;
    if (shape.size() == 5) continue;
    const bool fits = shape.size() == 3 && (shape[0] == 1 || shape[0] == -1);
    if (!fits || found) return std::nullopt;
    found = Matrix{static_cast<int>(i), shape[1], shape[2]};
  }
  return found;
}

std::optional<HeadFinder::Density> HeadFinder::density(std::int64_t locations) const {
  // All but the smallest networks, those for large inputs, for small objects, the smallest.
  static const std::vector<std::vector<int>> kPyramids = {
      usual_strides(), {8, 16, 32, 64}, {4, 8, 16, 32}, {16, 32}};
  for (const auto& strides : kPyramids) {
    const auto cells = count_cells(width_, height_, strides);
    if (locations == cells) return Density{1, strides};
    if (locations == 3 * cells) return Density{3, strides};
  }
  return std::nullopt;
}

// Locations outnumber the values of each by far, but for very small inputs and very many classes.
bool HeadFinder::may_be_locations(std::int64_t count, std::int64_t row_length) const {
  return count == -1 || count / 8 >= row_length || density(count);
}

bool HeadFinder::is_end_to_end(const Matrix& matrix) const {
  if (matrix.columns != 6) return false;
  if (const auto said = model_.metadata.find("end2end"); said != model_.metadata.end()) {
    return said->second == "True";
  }
  if (matrix.rows == -1) return named_ != 1 && named_ != 2;
  const auto cells = count_cells(width_, height_, usual_strides());
  return matrix.rows != cells && matrix.rows != 3 * cells;
}

bool HeadFinder::columns_are_locations(const Matrix& matrix) const {
  const bool columns = matrix.rows >= 5 && may_be_locations(matrix.columns, matrix.rows);
  const bool rows = matrix.columns >= 5 && may_be_locations(matrix.rows, matrix.columns);
  if (columns && rows && named_) return matrix.rows == *named_ + 4;
  return columns;
}

HeadKind HeadFinder::kind_of_rows(const Matrix& matrix) const {
  const auto classes = named_ ? std::int64_t{*named_} : kUsualClasses;
  const auto per_cell = density(matrix.rows);
  const bool anchors = per_cell && per_cell->per_cell == 3;
  if (matrix.columns == 5 || (matrix.columns == 4 + classes && !anchors)) {
    return HeadKind::kChannelsFirst;
  }
  const bool one_a_cell = matrix.rows == count_cells(width_, height_, usual_strides());
  return one_a_cell && output(matrix.output).name != "outputs" ? HeadKind::kYoloxGrid
                                                               : HeadKind::kRows;
}

Result<HeadLayout> HeadFinder::matrix_head(HeadKind kind, const Matrix& matrix, bool transposed,
                                           const std::string& source) const {
  const bool by_columns = kind == HeadKind::kChannelsFirst && !transposed;
  const auto locations = by_columns ? matrix.columns : matrix.rows;
  const auto values = by_columns ? matrix.rows : matrix.columns;
  const auto cells = count_cells(width_, height_, usual_strides());
  HeadLayout head;
  head.kind = kind;
  head.output = matrix.output;

  const int others = kind == HeadKind::kChannelsFirst ? 4 : 5;
  std::string what;
  if (kind == HeadKind::kEndToEnd) {
    if (values != 6) return misfit(source, "[1, N, 6]");
    head.classes = named_.value_or(static_cast<int>(kUsualClasses));
    what = "corners, score and class each, duplicates already removed";
  } else if (values <= others || values > kMostChannels) {
    return misfit(source,
                  kind == HeadKind::kChannelsFirst ? "[1, 4+C, N] or [1, N, 4+C]" : "[1, N, 5+C]");
  } else {
    head.classes = static_cast<int>(values) - others;
    what = (others == 4 ? "a box and " : "a box, objectness and ") + std::to_string(head.classes) +
           " class scores each";
  }
  if (kind == HeadKind::kChannelsFirst) head.transposed = transposed;
  if (kind == HeadKind::kYoloxGrid) {
    if (locations != -1 && locations != cells) {
      return misfit(source, "[1, " + std::to_string(cells) + ", 5+C], one row a cell");
    }
    head.strides = usual_strides();
    what += ", boxes taken as undecoded";
  }

  head.reason = prefix(source) + "output " + to_text(output(matrix.output)) + " is " +
                (locations < 0 ? "any number of" : std::to_string(locations)) + " locations";
  if (const auto per_cell = density(locations); per_cell && kind != HeadKind::kEndToEnd) {
    head.reason += per_cell->per_cell == 1 ? ", one a cell" : ", three a cell";
    head.reason += " at strides " + join(per_cell->strides);
  }
  head.reason += ", with " + what;
  return head;
}

Result<HeadLayout> HeadFinder::split_head(std::optional<bool> logits,
                                          const std::string& source) const {
  for (const auto order : {GridOrder::kChannels, GridOrder::kCells}) {
    const auto groups = group_by_stride(order);
    if (!groups) continue;
    auto head = split_of(*groups);
    if (!head) continue;
    const auto& first = head->splits.front();
    const bool sums = first.sum_output >= 0;
    const bool sigmoid = mentions_sigmoid(output(first.score_output).name);
    head->scores_are_logits = logits.value_or(!sums && !sigmoid);
    const char* why = logits    ? ""
                      : sums    ? " (there are sums of them)"
                      : sigmoid ? " (their name says so)"
                                : " (there are no sums of them and their name is silent)";
    head->reason = prefix(source) + "each of the strides " + join(head->strides) +
                   " has boxes, as " + to_text(output(first.box_output)) + ", and " +
                   std::to_string(head->classes) + " class scores, as " +
                   to_text(output(first.score_output)) +
                   (head->scores_are_logits ? ", before sigmoid" : ", after sigmoid") + why;
    return std::move(*head);
  }
  return misfit(source, "boxes [1, 4*R, H, W] and scores [1, C, H, W] for each stride");
}

std::optional<HeadFinder::Groups> HeadFinder::group_by_stride(GridOrder order) const {
  Groups groups;
  for (std::size_t i = 0; i < model_.outputs.size(); ++i) {
    const auto& shape = model_.outputs[i].shape;
    bool found = false;
    for (const int stride : {4, 8, 16, 32, 64, 128}) {
      const auto channels = grid_channels(shape, order, size_at(stride), 1);
      if (shape.size() != 4 || !is_fixed(shape) || !channels) continue;
      groups[stride].push_back({static_cast<int>(i), *channels});
      found = true;
      break;
    }
    if (!found) return std::nullopt;
  }
  return groups;
}

std::optional<HeadLayout> HeadFinder::split_of(const Groups& groups) const {
  HeadLayout head;
  head.kind = HeadKind::kSplitDfl;
  std::int64_t box_channels = 0, score_channels = 0;
  for (const auto& [stride, all] : groups) {
    auto members = all;
    SplitScale split;
    split.stride = stride;
    if (members.size() == 3) {
      const auto sum = std::find_if(members.rbegin(), members.rend(),
                                    [](const auto& member) { return member.channels == 1; });
      if (sum == members.rend()) return std::nullopt;
      split.sum_output = sum->output;
      members.erase(std::next(sum).base());
    }
    if (members.size() != 2) return std::nullopt;
    if (head.splits.empty()) {
      if (!first_is_box(members[0], members[1])) std::swap(members[0], members[1]);
      box_channels = members[0].channels;
      score_channels = members[1].channels;
    } else if (members[0].channels != box_channels) {
      std::swap(members[0], members[1]);
    }
    const bool same_sums =
        head.splits.empty() || (head.splits[0].sum_output < 0) == (split.sum_output < 0);
    if (!same_sums || members[0].channels != box_channels || box_channels % 4 != 0 ||
        members[1].channels != score_channels || score_channels > kMostChannels) {
      return std::nullopt;
    }
    split.box_output = members[0].output;
    split.score_output = members[1].output;
    head.strides.push_back(stride);
    head.splits.push_back(split);
  }
  if (head.splits.empty()) return std::nullopt;
  head.classes = static_cast<int>(score_channels);
  return head;
}

// Eighty classes could be taken for 20 bins a side: the count of names decides, then how usual the
// box's channels are, then the order in the file.
bool HeadFinder::first_is_box(const Member& first, const Member& second) const {
  const auto doubt = [&](const Member& box, const Member& scores) {
    if (box.channels % 4 != 0) return 100;
    const int by_name = named_ && scores.channels != *named_ ? 10 : 0;
    const int by_use = box.channels == 64   ? 0  // v6, v8 and their successors
                       : box.channels == 68 ? 1  // ppyoloe
                       : box.channels == 4  ? 2  // plain distances
                                            : 3;
    return by_name + by_use;
  };
  return doubt(first, second) <= doubt(second, first);
}

GridSize HeadFinder::size_at(int stride) const {
  return {cells_along(height_, stride), cells_along(width_, stride)};
}

const TensorInfo& HeadFinder::output(int index) const {
  return model_.outputs[static_cast<std::size_t>(index)];
}

Error HeadFinder::misfit(const std::string& source, const std::string& wanted) const {
  std::string seen;
  for (const auto& tensor : model_.outputs) seen += (seen.empty() ? "" : ", ") + to_text(tensor);
  return {ErrorCode::kInvalidArgument, model_.path + ": " + prefix(source) + "expected " + wanted +
                                           "; got " + (seen.empty() ? "no outputs" : seen)};
}

}  // namespace osprey::model
