// SPDX-License-Identifier: Apache-2.0
#include "sim/rk3588/container.hpp"

#include <cstring>
#include <nlohmann/json.hpp>

namespace osprey::sim {

namespace {

using nlohmann::json;

constexpr char kMagic[] = "OSPREY VIRTUAL RK3588 1\n";
constexpr std::size_t kMagicSize = sizeof kMagic - 1;

const char* name_of(Type type) {
  return type == Type::kInt8 ? "int8" : "float32";
}

Type type_of(const std::string& name) {
  for (const auto type : {Type::kFloat32, Type::kInt8}) {
    if (name == name_of(type)) return type;
  }
  throw std::runtime_error("unknown type '" + name + "'");
}

json to_json(const Tensor& tensor) {
  return {{"name", tensor.name},   {"dims", tensor.dims},
          {"nhwc", tensor.nhwc},   {"type", name_of(tensor.type)},
          {"scale", tensor.scale}, {"zero_point", tensor.zero_point}};
}

Tensor tensor_from(const json& from) {
  Tensor tensor;
  tensor.name = from.at("name");
  tensor.dims = from.at("dims").get<std::vector<std::uint32_t>>();
  tensor.nhwc = from.at("nhwc");
  tensor.type = type_of(from.at("type"));
  tensor.scale = from.at("scale");
  tensor.zero_point = from.at("zero_point");
  if (tensor.dims.empty() || tensor.dims.size() > 16) {
    throw std::runtime_error("a tensor has " + std::to_string(tensor.dims.size()) + " dimensions");
  }
  return tensor;
}

Model model_from(const json& from) {
  Model model;
  model.platform = from.at("platform");
  model.name = from.at("name");
  model.core_ms = from.at("core_ms");
  model.parallel = from.at("parallel");
  model.mean = from.at("mean").get<std::vector<float>>();
  model.std = from.at("std").get<std::vector<float>>();
  model.bgr = from.at("bgr");
  model.custom_string = from.at("custom_string");
  model.input = tensor_from(from.at("input"));
  for (const auto& output : from.at("outputs")) model.outputs.push_back(tensor_from(output));
  if (model.mean.size() != 3 || model.std.size() != 3) throw std::runtime_error("no mean and std");
  if (model.input.dims.size() != 4) throw std::runtime_error("the input takes no pictures");
  for (const auto& output : model.outputs) {
    if (output.dims[0] != model.input.dims[0]) {
      throw std::runtime_error("output " + output.name + " is not of the input's batch");
    }
  }
  if (!(model.core_ms >= 0) || !(model.parallel >= 0 && model.parallel <= 1)) {
    throw std::runtime_error("the cost is out of its range");
  }
  return model;
}

}  // namespace

std::string to_bytes(const Model& model) {
  json head = {{"platform", model.platform},
               {"name", model.name},
               {"core_ms", model.core_ms},
               {"parallel", model.parallel},
               {"mean", model.mean},
               {"std", model.std},
               {"bgr", model.bgr},
               {"custom_string", model.custom_string},
               {"input", to_json(model.input)}};
  for (const auto& output : model.outputs) head["outputs"].push_back(to_json(output));
  // Names may hold any bytes; JSON holds UTF-8.
  const auto text = head.dump(-1, ' ', false, json::error_handler_t::replace);
  std::string bytes = kMagic + std::to_string(text.size()) + "\n" + text;
  return bytes + model.onnx;
}

Model from_bytes(const std::string& bytes) {
  if (bytes.compare(0, kMagicSize, kMagic) != 0) {
    throw std::runtime_error("not a model of the virtual RK3588; make one with osprey sim-model");
  }
  const auto line_end = bytes.find('\n', kMagicSize);
  if (line_end == std::string::npos) throw std::runtime_error("the file is cut short");
  std::size_t size = 0;
  try {
    size = std::stoul(bytes.substr(kMagicSize, line_end - kMagicSize));
  } catch (const std::exception&) {
    throw std::runtime_error("the file is damaged");
  }
  if (size > bytes.size() - line_end - 1) throw std::runtime_error("the file is cut short");
  try {
    auto model = model_from(json::parse(bytes.substr(line_end + 1, size)));
    model.onnx = bytes.substr(line_end + 1 + size);
    return model;
  } catch (const json::exception& e) {
    throw std::runtime_error(std::string("the file is damaged: ") + e.what());
  }
}

}  // namespace osprey::sim
