// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tflite_model.hpp"

#include <flatbuffers/flatbuffers.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <vector>

namespace osprey::support {
namespace {

using Bytes = std::vector<std::uint8_t>;
using Floats = std::vector<float>;
using Ints = std::vector<std::int32_t>;
using Object = flatbuffers::Offset<void>;

// Numbers of the public schema of TFLite files, version 3: the places of the fields that are
// written here in each table, then the values of its enumerations.
constexpr char kFileIdentifier[] = "TFL3";
constexpr std::uint32_t kSchemaVersion = 3;
namespace model {
enum Field { kVersion = 0, kOperatorCodes = 1, kSubgraphs = 2, kBuffers = 4 };
}
namespace buffer {
enum Field { kData = 0 };
}
namespace operator_code {  // a byte at first, so that there are two fields for it
enum Field { kByteCode = 0, kVersion = 2, kCode = 3 };
}
namespace subgraph {
enum Field { kTensors = 0, kInputs = 1, kOutputs = 2, kOperators = 3 };
}
namespace tensor {
enum Field { kShape = 0, kType = 1, kBuffer = 2, kName = 3, kQuantization = 4 };
}
namespace quantization {
enum Field { kScale = 2, kZeroPoint = 3 };
}
namespace operation {
enum Field { kCode = 0, kInputs = 1, kOutputs = 2, kOptionsType = 3, kOptions = 4 };
}
namespace conv_options {
enum Field { kPadding = 0, kStrideX = 1, kStrideY = 2, kActivation = 3 };
}
enum class Type : std::int8_t { kFloat32 = 0, kInt32 = 2, kUint8 = 3, kInt8 = 9 };
enum class Operator : std::int8_t { kAdd = 0, kConv2d = 3, kReshape = 22, kTranspose = 39 };
enum class Options : std::uint8_t { kNone = 0, kConv2d = 1, kAdd = 11 };
constexpr std::int8_t kPaddingSame = 0;
constexpr std::int8_t kActivationRelu = 1;

/// A table, field by field. What its fields refer to must be written before.
class Table {
 public:
  explicit Table(flatbuffers::FlatBufferBuilder& builder)
      : builder_(builder), start_(builder.StartTable()) {}

  template <typename T>
  Table& number(int field, T value) {
    builder_.AddElement(place(field), value);
    return *this;
  }
  template <typename T>
  Table& object(int field, flatbuffers::Offset<T> value) {
    builder_.AddOffset(place(field), value);
    return *this;
  }
  Object end() { return builder_.EndTable(start_); }

 private:
  static flatbuffers::voffset_t place(int field) {
    return flatbuffers::FieldIndexToOffset(static_cast<flatbuffers::voffset_t>(field));
  }

  flatbuffers::FlatBufferBuilder& builder_;
  flatbuffers::uoffset_t start_;
};

/// How a tensor's numbers are kept: as scale * (q - zero_point) unless the scale is 0.
struct Format {
  Type type = Type::kFloat32;
  float scale = 0;
  std::int64_t zero_point = 0;

  Bytes pack(const Floats& values) const {
    if (type == Type::kFloat32) return bytes_of(values);
    Bytes bytes;
    const int lowest = type == Type::kInt8 ? -128 : 0;
    for (const float value : values) {
      const auto q = std::lround(value / scale) + zero_point;
      bytes.push_back(static_cast<std::uint8_t>(std::clamp<std::int64_t>(q, lowest, lowest + 255)));
    }
    return bytes;
  }

  template <typename T>
  static Bytes bytes_of(const std::vector<T>& values) {
    Bytes bytes(values.size() * sizeof(T));
    std::memcpy(bytes.data(), values.data(), bytes.size());
    return bytes;
  }
};

/// A network of one subgraph. Tensors are known by their number.
class Network {
 public:
  Network() { buffers_.push_back(Table(builder_).end()); }  // the empty one, for what is computed

  std::int32_t tensor(const std::string& name, const Ints& shape, const Format& format,
                      const Bytes& values = {}) {
    std::uint32_t buffer_number = 0;
    if (!values.empty()) {
      builder_.ForceVectorAlignment(values.size(), 1, 16);
      const auto data = builder_.CreateVector(values);
      buffer_number = static_cast<std::uint32_t>(buffers_.size());
      buffers_.push_back(Table(builder_).object(buffer::kData, data).end());
    }
    Object quantization_table;
    if (format.scale != 0) {
      const auto scale = builder_.CreateVector(Floats{format.scale});
      const auto zero = builder_.CreateVector(std::vector<std::int64_t>{format.zero_point});
      quantization_table = Table(builder_)
                               .object(quantization::kScale, scale)
                               .object(quantization::kZeroPoint, zero)
                               .end();
    }
    const auto name_text = builder_.CreateString(name);
    const auto dimensions = builder_.CreateVector(shape);
    tensors_.push_back(Table(builder_)
                           .object(tensor::kShape, dimensions)
                           .number(tensor::kType, static_cast<std::int8_t>(format.type))
                           .number(tensor::kBuffer, buffer_number)
                           .object(tensor::kName, name_text)
                           .object(tensor::kQuantization, quantization_table)
                           .end());
    return static_cast<std::int32_t>(tensors_.size()) - 1;
  }

  std::int32_t ints(const std::string& name, const Ints& values) {
    return tensor(name, {static_cast<std::int32_t>(values.size())}, {Type::kInt32},
                  Format::bytes_of(values));
  }

  void add(Operator code, const Ints& inputs, std::int32_t output, Options options_type,
           Object options) {
    const auto from = builder_.CreateVector(inputs);
    const auto to = builder_.CreateVector(Ints{output});
    const auto number = static_cast<std::int8_t>(code);
    operators_.push_back(
        Table(builder_)
            .number(operation::kCode, static_cast<std::uint32_t>(codes_.size()))
            .object(operation::kInputs, from)
            .object(operation::kOutputs, to)
            .number(operation::kOptionsType, static_cast<std::uint8_t>(options_type))
            .object(operation::kOptions, options)
            .end());
    codes_.push_back(Table(builder_)
                         .number(operator_code::kByteCode, number)
                         .number(operator_code::kVersion, std::int32_t{1})
                         .number(operator_code::kCode, std::int32_t{number})
                         .end());
  }

  Table table() { return Table(builder_); }

  Bytes finish(std::int32_t input, std::int32_t output) {
    const auto tensors = builder_.CreateVector(tensors_);
    const auto inputs = builder_.CreateVector(Ints{input});
    const auto outputs = builder_.CreateVector(Ints{output});
    const auto operators = builder_.CreateVector(operators_);
    const auto graph = Table(builder_)
                           .object(subgraph::kTensors, tensors)
                           .object(subgraph::kInputs, inputs)
                           .object(subgraph::kOutputs, outputs)
                           .object(subgraph::kOperators, operators)
                           .end();
    const auto graphs = builder_.CreateVector(std::vector{graph});
    const auto codes = builder_.CreateVector(codes_);
    const auto buffers = builder_.CreateVector(buffers_);
    builder_.Finish(Table(builder_)
                        .number(model::kVersion, kSchemaVersion)
                        .object(model::kOperatorCodes, codes)
                        .object(model::kSubgraphs, graphs)
                        .object(model::kBuffers, buffers)
                        .end(),
                    kFileIdentifier);
    return {builder_.GetBufferPointer(), builder_.GetBufferPointer() + builder_.GetSize()};
  }

 private:
  flatbuffers::FlatBufferBuilder builder_;
  std::vector<Object> buffers_, tensors_, operators_, codes_;
};

constexpr int kCell = 8, kSide = 24;
constexpr int kClasses = 3;
constexpr int kChannels = 4 + kClasses;

/// [7, 24, 24, 3]: nothing for the box, then each colour minus the other two.
Floats colour_means() {
  constexpr float kWeight = 1.f / (kSide * kSide);
  Floats weights;
  for (int out = 0; out < kChannels; ++out) {
    for (int pixel = 0; pixel < kSide * kSide; ++pixel) {
      for (int in = 0; in < 3; ++in) {
        weights.push_back(out < 4 ? 0 : in == out - 4 ? kWeight : -kWeight);
      }
    }
  }
  return weights;
}

/// [1, rows, columns, 7]: the square about each cell, then nothing for the classes.
Floats squares(int rows, int columns) {
  Floats values;
  for (int row = 0; row < rows; ++row) {
    for (int column = 0; column < columns; ++column) {
      const float x = (static_cast<float>(column) + 0.5f) * kCell;
      const float y = (static_cast<float>(row) + 0.5f) * kCell;
      values.insert(values.end(), {x, y, kSide, kSide, 0, 0, 0});
    }
  }
  return values;
}

Bytes build(const TfliteSquareDetector& options) {
  const int rows = options.height / kCell, columns = options.width / kCell;
  constexpr float kByte = 1.f / 255;
  constexpr float kSmallest = 1.f / (kSide * kSide * 127);
  Format image, weight, score, output;
  if (options.numbers == TfliteNumbers::kInt8) {
    image = score = {Type::kInt8, kByte, -128};
    weight = {Type::kInt8, kSmallest, 0};
    output = {Type::kInt8, kTfliteOutputStep, -128};
  } else if (options.numbers == TfliteNumbers::kUint8) {
    image = score = {Type::kUint8, kByte, 0};
    weight = {Type::kUint8, kSmallest, 128};
    output = {Type::kUint8, kTfliteOutputStep, 0};
  }

  Network network;
  const auto images = network.tensor("images", {1, options.height, options.width, 3}, image);
  const auto means =
      network.tensor("means", {kChannels, kSide, kSide, 3}, weight, weight.pack(colour_means()));
  const Ints grid = {1, rows, columns, kChannels};
  const auto scores = network.tensor("scores", grid, score);
  network.add(Operator::kConv2d, {images, means}, scores, Options::kConv2d,
              network.table()
                  .number(conv_options::kPadding, kPaddingSame)
                  .number(conv_options::kStrideX, std::int32_t{kCell})
                  .number(conv_options::kStrideY, std::int32_t{kCell})
                  .number(conv_options::kActivation, kActivationRelu)
                  .end());
  const auto boxes = network.tensor("boxes", grid, output, output.pack(squares(rows, columns)));
  const auto candidates = network.tensor("candidates", grid, output);
  network.add(Operator::kAdd, {scores, boxes}, candidates, Options::kAdd, network.table().end());
  const auto shape = network.ints("shape", {1, rows * columns, kChannels});
  const auto list = network.tensor("list", {1, rows * columns, kChannels}, output);
  network.add(Operator::kReshape, {candidates, shape}, list, Options::kNone, {});
  const auto order = network.ints("order", {0, 2, 1});
  const auto output0 = network.tensor("output0", {1, kChannels, rows * columns}, output);
  network.add(Operator::kTranspose, {list, order}, output0, Options::kNone, {});
  return network.finish(images, output0);
}

}  // namespace

Status write_tflite_square_detector(const std::string& path, const TfliteSquareDetector& options) {
  if (options.width < kCell || options.height < kCell || options.width % kCell != 0 ||
      options.height % kCell != 0) {
    return Error{ErrorCode::kInvalidArgument, "expected a width and height in multiples of 8"};
  }
  if (options.numbers != TfliteNumbers::kFloat32 && std::max(options.width, options.height) > 128) {
    return Error{ErrorCode::kInvalidArgument, "expected at most 128 pixels a side if quantised"};
  }
  const auto bytes = build(options);
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) return Error{ErrorCode::kIo, path + ": cannot be written"};
  return {};
}

}  // namespace osprey::support
