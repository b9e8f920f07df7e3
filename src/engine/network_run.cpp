// SPDX-License-Identifier: Apache-2.0
#include "engine/network_run.hpp"

#include <algorithm>

#include "base/try.hpp"
#include "engine/detect_step.hpp"
#include "engine/run_once.hpp"
#include "runtime/openvino/openvino_backend.hpp"

namespace osprey::engine {

Result<NetworkRun> NetworkRun::open(const std::string& path, const model::InputSpec& input) {
  const auto backend = OSPREY_TRY(runtime::create_openvino_backend());
  const auto loaded = OSPREY_TRY(backend->load(path));
  runtime::SessionOptions options;
  options.lanes = 1;
  NetworkRun network;
  network.outputs_ = loaded->description().outputs;
  network.session_ = OSPREY_TRY(loaded->compile(input, options));
  network.lane_ = OSPREY_TRY(network.session_->create_lane());
  return network;
}

Result<std::vector<Answer>> NetworkRun::run(std::span<const std::uint8_t> seen) {
  const auto buffer = lane_->input(0, 0);
  const auto wanted =
      3 * static_cast<std::size_t>(buffer.width) * static_cast<std::size_t>(buffer.height);
  if (seen.size() != wanted) {
    return Error{ErrorCode::kInvalidArgument, "a picture of " + std::to_string(seen.size()) +
                                                  " bytes; expected " + std::to_string(wanted)};
  }
  std::copy(seen.begin(), seen.end(), buffer.data);
  OSPREY_TRY(run_once(*lane_));
  std::vector<Answer> answers;
  for (const auto& view : lane_->outputs(0, 0)) {
    answers.push_back({{view.data, view.data + view.size()}, view.shape});
  }
  return answers;
}

std::vector<std::uint8_t> as_seen(const Image& image, const model::InputSpec& input) {
  std::vector<std::uint8_t> seen(3 * static_cast<std::size_t>(input.width) *
                                 static_cast<std::size_t>(input.height));
  vision::LetterboxScratch scratch;
  put_in(image, Region{0, 0, image.width, image.height}, input,
         {seen.data(), input.width, input.height}, scratch);
  return seen;
}

}  // namespace osprey::engine
