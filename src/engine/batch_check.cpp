// SPDX-License-Identifier: Apache-2.0
#include "engine/batch_check.hpp"

#include <algorithm>
#include <future>
#include <memory>
#include <random>
#include <span>

#include "base/try.hpp"

namespace osprey::engine {

namespace {

/// As it lies in memory.
std::span<const std::byte> bytes_of(const TensorView& tensor) {
  if (tensor.steps == nullptr) return std::as_bytes(std::span(tensor.data, tensor.size()));
  const auto block = static_cast<std::size_t>(tensor.block);
  const auto channels = static_cast<std::size_t>(tensor.shape[1]);
  const auto held = (channels + block - 1) / block * block;
  return std::as_bytes(std::span(tensor.steps, tensor.size() / channels * held));
}

std::vector<std::byte> answers(runtime::Lane& lane, std::size_t place) {
  std::vector<std::byte> all;
  for (const auto& output : lane.outputs(0, place)) {
    const auto bytes = bytes_of(output);
    all.insert(all.end(), bytes.begin(), bytes.end());
  }
  return all;
}

Status run(runtime::Session& session, runtime::Lane& lane) {
  auto ended = std::make_shared<std::promise<Status>>();
  auto status = ended->get_future();
  lane.start(0, [ended](Status of) { ended->set_value(std::move(of)); });
  const auto patience = session.run_timeout();
  if (patience.count() > 0 && status.wait_for(patience) != std::future_status::ready) {
    return Error{ErrorCode::kUnavailable, "a run of several pictures does not end"};
  }
  return status.get();
}

}  // namespace

Result<std::vector<std::size_t>> places_that_differ(runtime::Session& session) {
  const auto lane = OSPREY_TRY(session.create_lane());
  const auto batch = static_cast<std::size_t>(session.batch());
  for (std::size_t place = 0; place < batch; ++place) {
    const auto input = lane->input(0, place);
    const std::size_t bytes =
        static_cast<std::size_t>(input.width) * static_cast<std::size_t>(input.height) * 3;
    std::minstd_rand random(1);
    std::generate_n(input.data, bytes, [&] { return static_cast<std::uint8_t>(random() >> 8); });
  }
  OSPREY_TRY(run(session, *lane));
  const auto first = answers(*lane, 0);
  std::vector<std::size_t> differ;
  for (std::size_t place = 1; place < batch; ++place) {
    if (answers(*lane, place) != first) differ.push_back(place);
  }
  return differ;
}

}  // namespace osprey::engine
