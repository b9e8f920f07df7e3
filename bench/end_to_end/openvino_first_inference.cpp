// SPDX-License-Identifier: Apache-2.0
// The least any program over OpenVINO does before its first result: load, compile, infer once.
#include <iostream>
#include <openvino/openvino.hpp>

int main(int argc, char** argv) try {
  if (argc < 3) {
    std::cerr << "usage: openvino_first_inference MODEL f32|auto\n";
    return 2;
  }
  ov::Core core;
  ov::AnyMap settings{ov::hint::performance_mode(ov::hint::PerformanceMode::THROUGHPUT)};
  if (std::string(argv[2]) == "f32")
    settings.insert(ov::hint::inference_precision(ov::element::f32));
  auto model = core.compile_model(argv[1], "CPU", settings);
  model.create_infer_request().infer();
  return 0;
} catch (const std::exception& e) {
  std::cerr << e.what() << '\n';
  return 2;
}
