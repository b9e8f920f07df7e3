// SPDX-License-Identifier: Apache-2.0
#include <osprey/detector.hpp>

#include <future>

#include "base/try.hpp"
#include "engine/detect_step.hpp"
#include "engine/public_options.hpp"
#include "media/source.hpp"

namespace osprey {

struct Detector::State {
  State(engine::PreparedModel prepared, std::unique_ptr<runtime::Lane> first_lane)
      : model(std::move(prepared)), lane(std::move(first_lane)), step(model, *lane) {}

  engine::PreparedModel model;
  std::unique_ptr<runtime::Lane> lane;
  engine::DetectStep step;
};

Detector::Detector(std::unique_ptr<State> state) : state_(std::move(state)) {}
Detector::Detector(Detector&&) noexcept = default;
Detector& Detector::operator=(Detector&&) noexcept = default;
Detector::~Detector() = default;

Result<Detector> Detector::create(const DetectorOptions& options) {
  auto settings = OSPREY_TRY(engine::from_public(options));
  settings.lanes = 1;
  auto file = OSPREY_TRY(engine::read_model(settings));
  auto spec = OSPREY_TRY(engine::understand(file, settings));
  auto model = OSPREY_TRY(engine::compile(std::move(file), std::move(spec), settings));
  auto lane = OSPREY_TRY(model.session->create_lane());
  return Detector(std::make_unique<State>(std::move(model), std::move(lane)));
}

Result<std::vector<Detection>> Detector::detect(const Image& image) {
  if (image.empty()) {
    return Error{ErrorCode::kInvalidArgument, "image: empty; expected width, height and samples"};
  }
  constexpr std::size_t kSlot = 0;
  state_->step.prepare(kSlot, image, {0, 0, image.width, image.height});
  // Shared: the runtime's thread may still be inside set_value() when this one goes on.
  const auto done = std::make_shared<std::promise<Status>>();
  state_->lane->start(kSlot, [done](Status status) { done->set_value(std::move(status)); });
  OSPREY_TRY(done->get_future().get());
  return state_->step.finish(kSlot);
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
