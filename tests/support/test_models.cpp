// SPDX-License-Identifier: Apache-2.0
#include "tests/support/test_models.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <limits>
#include <utility>

#include "base/try.hpp"
#include "onnx/model.hpp"

namespace osprey::support {
namespace {

using Floats = std::vector<float>;
using Ints = std::vector<std::int64_t>;

constexpr int kClasses = 3;
constexpr int kCell = 8;  // pixels
constexpr float kHalfCell = kCell / 2.f;
constexpr int kReach = 3;    // cells of the window on each side of its middle one
constexpr int kMoments = 5;  // mass, x, y, xx, yy
constexpr int kMostRows = 100;

/// Builds a graph whose tensors are named by what they hold.
class Graph {
 public:
  explicit Graph(const std::string& name) : model_(onnx::Model::create(name)) {}

  onnx::Model& model() { return model_; }

  std::string constant(const Shape& shape, const Floats& values) {
    std::string name = fresh("constant");
    model_.add_constant(name, shape, values);
    return name;
  }
  std::string number(float value) { return constant({}, {value}); }
  std::string ints(const Ints& values) {
    std::string name = fresh("ints");
    model_.add_constant(name, {static_cast<std::int64_t>(values.size())}, values);
    return name;
  }
  std::string integer(std::int64_t value) {
    std::string name = fresh("integer");
    model_.add_constant(name, {}, Ints{value});
    return name;
  }

  std::string node(const std::string& op, std::vector<std::string> inputs,
                   std::map<std::string, onnx::Attribute> attributes = {}) {
    std::string output = fresh(op);
    named_node(op, std::move(inputs), {output}, std::move(attributes));
    return output;
  }
  void named_node(const std::string& op, std::vector<std::string> inputs,
                  std::vector<std::string> outputs,
                  std::map<std::string, onnx::Attribute> attributes = {}) {
    model_.add_node({op, std::move(inputs), outputs, std::move(attributes), outputs[0]});
  }

 private:
  std::string fresh(const std::string& what) { return what + "_" + std::to_string(count_++); }

  onnx::Model model_;
  int count_ = 0;
};

/// Red minus the other two, and so on: 1 for a pure colour, 0 for anything gray or mixed.
std::string saliency(Graph& graph, const std::string& images) {
  Floats weights(std::size_t{kClasses} * 3, -1.25f);
  for (std::size_t c = 0; c < kClasses; ++c) weights[c * 3 + c] = 1.25f;
  return graph.node("Relu",
                    {graph.node("Conv", {images, graph.constant({kClasses, 3, 1, 1}, weights),
                                         graph.constant({kClasses}, Floats(kClasses, -0.25f))})});
}

/// Moments of each colour within each cell about the cell's middle:
/// [1, 15, height/8, width/8], channel moment * 3 + class, divided by the cell's 64 pixels.
std::string cell_moments(Graph& graph, const std::string& colours) {
  Floats weights(std::size_t{kMoments} * kClasses * kClasses * kCell * kCell, 0.f);
  std::size_t at = 0;
  for (int moment = 0; moment < kMoments; ++moment) {
    for (int out = 0; out < kClasses; ++out) {
      for (int in = 0; in < kClasses; ++in) {
        for (int row = 0; row < kCell; ++row) {
          for (int column = 0; column < kCell; ++column, ++at) {
            const float x = static_cast<float>(column) + 0.5f - kHalfCell;
            const float y = static_cast<float>(row) + 0.5f - kHalfCell;
            const float value[kMoments] = {1, x, y, x * x, y * y};
            if (in == out) weights[at] = value[moment] / (kCell * kCell);
          }
        }
      }
    }
  }
  return graph.node(
      "Conv",
      {colours,
       graph.constant({std::int64_t{kMoments} * kClasses, kClasses, kCell, kCell}, weights)},
      {{"strides", Ints{kCell, kCell}}});
}

/// The same over the window of 7x7 cells around each cell, about that cell's middle. A moment about
/// another point is a sum of lower ones, so this is a convolution again.
std::string window_moments(Graph& graph, const std::string& cells) {
  constexpr int kSide = 2 * kReach + 1;
  constexpr int kChannels = kMoments * kClasses;
  Floats weights(std::size_t{kChannels} * kChannels * kSide * kSide, 0.f);
  std::size_t at = 0;
  for (int out = 0; out < kChannels; ++out) {
    for (int in = 0; in < kChannels; ++in) {
      for (int row = -kReach; row <= kReach; ++row) {
        for (int column = -kReach; column <= kReach; ++column, ++at) {
          if (out % kClasses != in % kClasses) continue;
          const auto x = static_cast<float>(column * kCell), y = static_cast<float>(row * kCell);
          const float shifted[kMoments][kMoments] = {{1, 0, 0, 0, 0},
                                                     {x, 1, 0, 0, 0},
                                                     {y, 0, 1, 0, 0},
                                                     {x * x, 2 * x, 0, 1, 0},
                                                     {y * y, 0, 2 * y, 0, 1}};
          weights[at] = shifted[out / kClasses][in / kClasses];
        }
      }
    }
  }
  return graph.node("Conv", {cells, graph.constant({kChannels, kChannels, kSide, kSide}, weights)},
                    {{"pads", Ints{kReach, kReach, kReach, kReach}}});
}

/// Of each class and cell, all [1, 3, height/8, width/8]: offset of the mass's centre from the
/// cell's middle and size of the rectangle with these moments, in pixels; how likely it is one.
struct Spots {
  std::string dx, dy, width, height, score;
};

/// The side of a rectangle of whole pixels whose samples have this variance.
std::string side(Graph& graph, const std::string& variance) {
  const auto twelvefold = graph.node("Mul", {variance, graph.number(12)});
  const auto square = graph.node("Add", {graph.node("Relu", {twelvefold}), graph.number(1)});
  return graph.node("Sqrt", {square});
}

/// sigmoid(slope * (x - threshold))
std::string gate(Graph& graph, const std::string& x, float slope, float threshold) {
  const auto above = graph.node("Sub", {x, graph.number(threshold)});
  return graph.node("Sigmoid", {graph.node("Mul", {above, graph.number(slope)})});
}

Spots spots(Graph& graph, const std::string& moments) {
  graph.named_node("Split", {moments}, {"mass", "sum_x", "sum_y", "sum_xx", "sum_yy"},
                   {{"axis", std::int64_t{1}}});
  const auto mass = graph.node("Add", {"mass", graph.number(1e-6f)});
  const auto mean = [&](const std::string& sum) { return graph.node("Div", {sum, mass}); };
  const auto variance = [&](const std::string& sum_of_squares, const std::string& mean_value) {
    return graph.node("Sub", {mean(sum_of_squares), graph.node("Mul", {mean_value, mean_value})});
  };
  Spots spots;
  spots.dx = mean("sum_x");
  spots.dy = mean("sum_y");
  spots.width = side(graph, variance("sum_xx", spots.dx));
  spots.height = side(graph, variance("sum_yy", spots.dy));

  const auto area = graph.node("Mul", {mass, graph.number(kCell * kCell)});
  const auto filled = graph.node("Div", {area, graph.node("Mul", {spots.width, spots.height})});
  const auto inside = [&](const std::string& offset) {
    return gate(graph, graph.node("Abs", {offset}), -8, kHalfCell + 0.25f);
  };
  spots.score = gate(graph, area, 0.5f, 20);
  for (const auto& factor : {gate(graph, filled, 20, 0.7f), inside(spots.dx), inside(spots.dy)}) {
    spots.score = graph.node("Mul", {spots.score, factor});
  }
  return spots;
}

/// The middle of each column (or row) of cells, in pixels: [1, 1, 1, width/8] (or height/8, 1).
std::string middles(Graph& graph, const SpotDetector& options, bool rows) {
  const Shape shape = rows ? Shape{1, 1, -1, 1} : Shape{1, 1, 1, -1};
  if (options.dynamic) {
    const auto sizes = graph.node("Shape", {"mass"});
    const auto count = graph.node("Gather", {sizes, graph.integer(rows ? 2 : 3)});
    const auto range = graph.node("Range", {graph.integer(0), count, graph.integer(1)});
    const auto index = graph.node("Cast", {range}, {{"to", std::int64_t{1}}});  // to float
    const auto start = graph.node("Mul", {index, graph.number(kCell)});
    const auto middle = graph.node("Add", {start, graph.number(kHalfCell)});
    return graph.node("Reshape", {middle, graph.ints(shape)});
  }
  const int count = (rows ? options.height : options.width) / kCell;
  Floats values;
  for (int i = 0; i < count; ++i) values.push_back(static_cast<float>(i * kCell) + kHalfCell);
  return graph.constant(rows ? Shape{1, 1, count, 1} : Shape{1, 1, 1, count}, values);
}

/// cx, cy, w, h of each cell's likeliest class, [1, 1, height/8, width/8] each.
std::vector<std::string> boxes(Graph& graph, const SpotDetector& options, const Spots& spots) {
  // An average over the classes in which all but the likeliest weigh next to nothing.
  const auto weight = graph.node("Mul", {spots.score, spots.score});
  const auto classes = graph.ints({1});
  const auto total =
      graph.node("Add", {graph.node("ReduceSum", {weight, classes}), graph.number(1e-12f)});
  const auto average = [&](const std::string& of) {
    const auto sum = graph.node("ReduceSum", {graph.node("Mul", {of, weight}), classes});
    return graph.node("Div", {sum, total});
  };
  return {graph.node("Add", {average(spots.dx), middles(graph, options, false)}),
          graph.node("Add", {average(spots.dy), middles(graph, options, true)}),
          average(spots.width), average(spots.height)};
}

/// Maps [1, ., height/8, width/8] one after the other as [1, channels, N].
std::string columns(Graph& graph, const std::vector<std::string>& maps, std::int64_t channels) {
  const auto together = graph.node("Concat", maps, {{"axis", std::int64_t{1}}});
  return graph.node("Reshape", {together, graph.ints({0, channels, -1})});
}

std::string best_score(Graph& graph, const std::string& scores) {
  return graph.node("ReduceMax", {scores}, {{"axes", Ints{1}}});
}

std::string as_rows(Graph& graph, const std::string& columns) {
  return graph.node("Transpose", {columns}, {{"perm", Ints{0, 2, 1}}});
}

std::string rows_head(Graph& graph, std::vector<std::string> maps, const std::string& scores) {
  const auto objectness = best_score(graph, scores);
  const auto divisor = graph.node("Add", {objectness, graph.number(1e-9f)});
  maps.push_back(objectness);
  maps.push_back(graph.node("Div", {scores, divisor}));
  return as_rows(graph, columns(graph, maps, 5 + kClasses));
}

std::string end_to_end_head(Graph& graph, const SpotDetector& options,
                            const std::vector<std::string>& box, const std::string& scores) {
  // Only the best of neighbouring cells keeps its score, as these models do without suppression.
  const auto best = best_score(graph, scores);
  const auto around =
      graph.node("MaxPool", {best}, {{"kernel_shape", Ints{3, 3}}, {"pads", Ints{1, 1, 1, 1}}});
  const auto is_peak = graph.node("Cast", {graph.node("GreaterOrEqual", {best, around})},
                                  {{"to", std::int64_t{1}}});  // to float
  const auto peaks = graph.node("Mul", {best, is_peak});
  const auto label =
      graph.node("Cast", {graph.node("ArgMax", {scores}, {{"axis", std::int64_t{1}}})},
                 {{"to", std::int64_t{1}}});

  const auto half_width = graph.node("Mul", {box[2], graph.number(0.5f)});
  const auto half_height = graph.node("Mul", {box[3], graph.number(0.5f)});
  const auto all =
      columns(graph,
              {graph.node("Sub", {box[0], half_width}), graph.node("Sub", {box[1], half_height}),
               graph.node("Add", {box[0], half_width}), graph.node("Add", {box[1], half_height}),
               peaks, label},
              6);
  const int cells = options.width / kCell * (options.height / kCell);
  const int count = options.dynamic ? kMostRows : std::min(cells, kMostRows);
  const auto flat = graph.node("Reshape", {peaks, graph.ints({-1})});
  graph.named_node("TopK", {flat, graph.ints({count})}, {"top_scores", "top_cells"});
  return as_rows(graph, graph.node("Gather", {all, "top_cells"}, {{"axis", std::int64_t{2}}}));
}

Shape output_shape(const SpotDetector& options) {
  const std::int64_t batch = options.dynamic ? -1 : 1;
  const std::int64_t cells =
      options.dynamic ? -1 : options.width / kCell * (options.height / kCell);
  switch (options.head) {
    case SpotHead::kChannelsFirst:
      return {batch, 4 + kClasses, cells};
    case SpotHead::kRows:
      return {batch, cells, 5 + kClasses};
    case SpotHead::kEndToEnd:
      break;
  }
  return {batch, options.dynamic ? kMostRows : std::min<std::int64_t>(cells, kMostRows), 6};
}

/// "{0: 'red', 1: 'green'}", as Ultralytics writes names.
std::string python_dict(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    text += (i == 0 ? "{" : ", ") + std::to_string(i) + ": '" + names[i] + "'";
  }
  return text + "}";
}

Status write_checked(const onnx::Model& model, const std::string& path) {
  OSPREY_TRY(model.check());
  return model.write(path);
}

}  // namespace

Status write_spot_detector(const std::string& path, const SpotDetector& options) {
  if (options.width < kCell || options.height < kCell || options.width % kCell != 0 ||
      options.height % kCell != 0) {
    return Error{ErrorCode::kInvalidArgument, "expected a width and height in multiples of 8"};
  }
  Graph graph("spot_detector");
  graph.model().add_input({"images", options.dynamic ? Shape{-1, 3, -1, -1}
                                                     : Shape{1, 3, options.height, options.width}});
  const Spots found =
      spots(graph, window_moments(graph, cell_moments(graph, saliency(graph, "images"))));
  std::vector<std::string> maps = boxes(graph, options, found);
  std::string result;
  switch (options.head) {
    case SpotHead::kChannelsFirst:
      maps.push_back(found.score);
      result = columns(graph, maps, 4 + kClasses);
      break;
    case SpotHead::kRows:
      result = rows_head(graph, maps, found.score);
      break;
    case SpotHead::kEndToEnd:
      result = end_to_end_head(graph, options, maps, found.score);
      break;
  }
  if (options.broken) {
    result =
        graph.node("Mul", {result, graph.constant({1}, {std::numeric_limits<float>::quiet_NaN()})});
  }
  graph.named_node("Identity", {result}, {"output0"});
  graph.model().add_output({"output0", output_shape(options)});
  graph.model().set_metadata("task", "detect");
  if (!options.names.empty()) graph.model().set_metadata("names", python_dict(options.names));
  return write_checked(graph.model(), path);
}

Status write_quantized_differences(const std::string& path, int width, int height) {
  constexpr std::int64_t kUint8 = 2, kInt8 = 3;  // ONNX's numbers for types
  constexpr float kWeightSteps = 127;
  Graph graph("quantized_differences");
  graph.model().add_input({"images", {1, 3, height, width}});
  const auto as = [&](std::int64_t type, const std::string& values) {
    return graph.node("Cast", {values}, {{"to", type}});
  };
  const auto rounded = [&](const std::string& values, float step, float zero_point) {
    const auto scale = graph.number(step), zero = as(kUint8, graph.number(zero_point));
    return graph.node("DequantizeLinear",
                      {graph.node("QuantizeLinear", {values, scale, zero}), scale, zero});
  };
  Floats weights;
  for (const float weight : {1, -1, 0, 0, 1, -1, -1, 0, 1})
    weights.push_back(weight * kWeightSteps);
  const auto differences =
      graph.node("DequantizeLinear", {as(kInt8, graph.constant({3, 3, 1, 1}, weights)),
                                      graph.number(1 / kWeightSteps), as(kInt8, graph.number(0))});
  const auto conv = graph.node("Conv", {rounded("images", 1.f / 255, 0), differences});
  graph.named_node("Identity", {rounded(conv, kDifferenceStep, 128)}, {"output0"});
  graph.model().add_output({"output0", {1, 3, height, width}});
  return write_checked(graph.model(), path);
}

Status write_classifier(const std::string& path, const std::string& task) {
  constexpr int kFeatures = 8;
  constexpr int kLabels = 1000;
  const auto wave = [](int count) {  // any numbers will do, the same in each run
    Floats values;
    for (int i = 0; i < count; ++i) values.push_back(std::sin(static_cast<float>(i)));
    return values;
  };
  Graph graph("classifier");
  graph.model().add_input({"images", {1, 3, 64, 64}});
  const auto conv = graph.node(
      "Conv", {"images", graph.constant({kFeatures, 3, 4, 4}, wave(kFeatures * 3 * 4 * 4))},
      {{"strides", Ints{4, 4}}});
  const auto pooled = graph.node("GlobalAveragePool", {graph.node("Relu", {conv})});
  graph.named_node("Gemm",
                   {graph.node("Flatten", {pooled}),
                    graph.constant({kFeatures, kLabels}, wave(kFeatures * kLabels))},
                   {"output0"});
  graph.model().add_output({"output0", {1, kLabels}});
  if (!task.empty()) graph.model().set_metadata("task", task);
  return write_checked(graph.model(), path);
}

Status write_metadata_file(const std::string& path, const std::vector<std::string>& names) {
  std::ofstream file(path);
  file << "description: a small model\ntask: detect\nbatch: 1\nimgsz:\n- 128\n- 128\nnames:\n";
  for (std::size_t i = 0; i < names.size(); ++i) file << "  " << i << ": " << names[i] << '\n';
  file.close();
  if (!file) return Error{ErrorCode::kIo, path + ": cannot be written"};
  return {};
}

}  // namespace osprey::support
