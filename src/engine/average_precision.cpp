// SPDX-License-Identifier: Apache-2.0
#include "engine/average_precision.hpp"

#include <osprey/evaluate.hpp>

#include <atomic>
#include <chrono>
#include <thread>

#include "base/clock.hpp"
#include "base/scratch_folder.hpp"
#include "base/try.hpp"
#include "engine/detect_run.hpp"
#include "engine/evaluation.hpp"

namespace osprey::engine {

Result<double> average_precision(const std::string& model, const LabelledData& data) {
  const auto scratch = OSPREY_TRY(base::ScratchFolder::create());
  const auto pictures =
      OSPREY_TRY(write_coco_labels(data.labels, "val", data.images, scratch / "labels.json"));
  if (pictures.absent == pictures.all) {
    return Error{ErrorCode::kNotFound,
                 data.images + ": has none of the pictures that " + data.labels + " is about"};
  }
  Options options;
  options.model = model;
  options.imgsz = data.imgsz;
  options.sources = {data.images};
  options.conf = 0.001f;
  options.iou = 0.7f;
  options.quiet = true;
  options.coco = scratch / "found.json";
  options.coco_gt = scratch / "labels.json";
  base::RealClock clock;
  auto sources = OSPREY_TRY(open_sources(options, clock));
  auto parts = OSPREY_TRY(make_parts(std::move(sources), options));
  const auto run = OSPREY_TRY(DetectRun::start(std::move(parts), options, clock));
  std::atomic<bool> ended = false;
  std::thread watch([&] {
    while (!ended) {
      if (data.go_on && !data.go_on()) return run->stop_now();
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  });
  const auto status = run->wait();
  ended = true;
  watch.join();
  OSPREY_TRY(status);
  if (run->interrupted()) return Error{ErrorCode::kCancelled, "interrupted"};
  if (const auto report = run->report(); report.all_failed()) {
    return Error{ErrorCode::kInternal, model + ": every picture failed: " + report.first_failure};
  }
  EvaluationOptions asked;
  asked.data = data.labels;
  asked.detections = options.coco;
  asked.only_coco = true;
  return OSPREY_TRY(evaluate(asked)).coco.ap;
}

}  // namespace osprey::engine
