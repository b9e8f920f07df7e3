// SPDX-License-Identifier: Apache-2.0
#include <osprey/detector.hpp>

#include <array>
#include <future>

#include "base/try.hpp"
#include "engine/detect_step.hpp"
#include "engine/frame_cutter.hpp"
#include "engine/public_options.hpp"
#include "media/source.hpp"

namespace osprey {

struct Detector::State {
  State(engine::PreparedModel prepared, std::unique_ptr<runtime::Lane> first_lane,
        engine::FrameCutter frame_cutter)
      : model(std::move(prepared)),
        lane(std::move(first_lane)),
        step(model, *lane),
        cutter(std::move(frame_cutter)) {}

  Result<std::vector<Detection>> finish(std::size_t slot) {
    OSPREY_TRY(running[slot].get());
    return step.finish(slot, 0);
  }

  engine::PreparedModel model;
  std::unique_ptr<runtime::Lane> lane;
  engine::DetectStep step;
  engine::FrameCutter cutter;
  std::array<std::future<Status>, runtime::Lane::kSlots> running;
};

Detector::Detector(std::unique_ptr<State> state) : state_(std::move(state)) {}
Detector::Detector(Detector&&) noexcept = default;
Detector& Detector::operator=(Detector&&) noexcept = default;
Detector::~Detector() = default;

Result<Detector> Detector::create(const DetectorOptions& options) {
  auto settings = OSPREY_TRY(engine::from_public(options));
  settings.lanes = 1;
  auto file = OSPREY_TRY(engine::read_model(settings));
  engine::PreparedModel model;
  model.spec = OSPREY_TRY(engine::understand(file, settings));
  auto cutter = OSPREY_TRY(engine::FrameCutter::create(settings, model.spec.input));
  OSPREY_TRY(engine::compile(file, model, settings));
  auto lane = OSPREY_TRY(model.session->create_lane());
  return Detector(std::make_unique<State>(std::move(model), std::move(lane), std::move(cutter)));
}

Result<std::vector<Detection>> Detector::detect(const Image& image) {
  if (image.empty()) {
    return Error{ErrorCode::kInvalidArgument, "image: empty; expected width, height and samples"};
  }
  auto& state = *state_;
  const auto cut = OSPREY_TRY(state.cutter.cut(image.width, image.height));
  const auto& tiles = cut->plan().tiles();
  std::vector<std::vector<Detection>> by_tile(tiles.size());
  Status failed;
  const auto finish = [&](std::size_t tile) {
    auto found = state.finish(tile % state.running.size());
    if (found) {
      by_tile[tile] = *std::move(found);
    } else {
      failed = std::move(found).error();
    }
  };
  // While the network is at one tile, the next one is prepared, and the last one's boxes are read.
  for (std::size_t tile = 0; tile < tiles.size(); ++tile) {
    const auto slot = tile % state.running.size();
    state.step.prepare(slot, 0, image, engine::region_of(tiles[tile]));
    // Shared: the runtime's thread may still be inside set_value() when this one goes on.
    const auto done = std::make_shared<std::promise<Status>>();
    state.running[slot] = done->get_future();
    state.lane->start(slot, [done](Status status) { done->set_value(std::move(status)); });
    if (tile > 0) finish(tile - 1);
  }
  finish(tiles.size() - 1);
  OSPREY_TRY(failed);
  return cut->put_together(by_tile);
}

const std::vector<std::string>& Detector::names() const {
  return state_->model.spec.names;
}

Result<Image> read_image(const std::string& path) {
  auto source = OSPREY_TRY(media::Source::open(path, 0, {}));
  auto frame = OSPREY_TRY(source->read());
  if (!frame) return Error{ErrorCode::kCorrupt, path + ": holds no picture"};
  return std::move(frame->image);
}

}  // namespace osprey
