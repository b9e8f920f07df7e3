// SPDX-License-Identifier: Apache-2.0
// The shapes of a model's tensors, as they follow from its operators.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "core/tensor.hpp"

namespace onnx {
class ModelProto;
class TensorProto;
class TensorShapeProto;
}  // namespace onnx

namespace osprey::onnx {

/// -1 for a dimension that is open, symbolic or nonsense.
Shape shape_of(const ::onnx::TensorShapeProto& proto);

/// See Model::opset.
int opset_of(const ::onnx::ModelProto& model);

/// As its shape says; -1 where it says nonsense.
std::int64_t element_count(const ::onnx::TensorProto& tensor);

/// See Model::infer_shapes.
std::map<std::string, Shape> infer_shapes(const ::onnx::ModelProto& model, std::int64_t open_batch);

}  // namespace osprey::onnx
